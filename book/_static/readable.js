// On a phone, a drawing is as wide as its smallest letters need, and scrolls sideways in its own box.

const LETTERS = 11; // pixels
const narrow = matchMedia("(max-width: 600px)");

function widen(drawing) {
  drawing.style.minWidth = "";
  const sizes = [...drawing.querySelectorAll("text")].map((text) => parseFloat(getComputedStyle(text).fontSize));
  const scale = drawing.getBoundingClientRect().width / drawing.viewBox.baseVal.width;
  if (!narrow.matches || !sizes.length || !scale) return;
  const smallest = Math.min(...sizes);
  if (smallest * scale < LETTERS) drawing.style.minWidth = `${Math.ceil((LETTERS / smallest) * drawing.viewBox.baseVal.width)}px`;
}

const drawings = document.querySelectorAll(".bd-article .output > svg[role=img]");
drawings.forEach(widen);
narrow.addEventListener("change", () => drawings.forEach(widen));
