// How long this very page took, as the browser counted it.
addEventListener("load", () => setTimeout(() => {
  const [page] = performance.getEntriesByType("navigation");
  if (!page || !page.nextHopProtocol) return;
  const ms = Math.round(page.loadEventStart), count = performance.getEntriesByType("resource").length + 1;
  document.getElementById("time").textContent =
    `Served by Sakigake over ${page.nextHopProtocol}: ${count} files in ${ms} ms.`;
}));
