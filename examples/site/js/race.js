// Two loads side by side, half a second a round trip.
const run = () => {
  for (const track of document.querySelectorAll(".track"))
    track.firstChild.animate(
      [{ transform: "scaleX(0)" }, { transform: "none" }],
      { duration: 500 * track.dataset.trips },
    );
};
document.getElementById("again").onclick = run;
