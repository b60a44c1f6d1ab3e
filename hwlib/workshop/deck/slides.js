// The stage: 1280 x 720 on a screen or projector, upright on a phone. Texts are as large as the stage lets them be.
const LARGEST = 1.3;
const SMALLEST = 0.6;
const stage = () => (innerWidth * 4 < innerHeight * 3 ? { width: 720, height: 1280 } : { width: 1280, height: 720 });
const full = (box) => box.scrollHeight > box.clientHeight + 1 || box.scrollWidth > box.clientWidth + 1;

function fit(box) {
  for (let size = box.querySelector("figure, table") ? 1 : LARGEST; size >= SMALLEST; size -= 0.05) {
    box.style.fontSize = `${size}em`;
    if (!full(box)) return;
  }
}
const fitAll = () => Reveal.getSlidesElement().querySelectorAll(".stage").forEach(fit);
const fitCurrent = () => Reveal.getCurrentSlide()?.querySelectorAll(".stage").forEach(fit);

Reveal.initialize({
  ...stage(),
  margin: 0.02,
  center: false,
  hash: true,
  help: true,
  navigationMode: "linear",
  pdfMaxPagesPerSlide: 1,
  pdfSeparateFragments: false,
  plugins: [RevealNotes],
  scrollActivationWidth: 0,
  slideNumber: "c/t",
  transition: "none",
});
Reveal.on("ready", fitCurrent);
Reveal.on("slidechanged", fitCurrent);
Reveal.on("pdf-ready", fitAll);
addEventListener("resize", () => {
  Reveal.configure(stage());
  fitCurrent();
});
