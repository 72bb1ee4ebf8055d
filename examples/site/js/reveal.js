// What comes into view arrives softly, unless the reader asked for stillness.
if (!matchMedia("(prefers-reduced-motion: reduce)").matches && "IntersectionObserver" in window) {
  const watch = new IntersectionObserver(seen => {
    for (const { target, isIntersecting } of seen) if (isIntersecting) {
      target.classList.add("come");
      target.classList.remove("late");
      watch.unobserve(target);
    }
  });
  for (const part of document.querySelectorAll("article, .words figure")) {
    if (part.getBoundingClientRect().top > innerHeight) part.classList.add("late");
    watch.observe(part);
  }
}
