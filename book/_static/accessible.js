// What scrolls sideways can be reached and scrolled with the keyboard, and a button is called what it says.

const BOXES = "article :is(.cell_output, .output, .pst-scrollable-table-container, div.math, pre, mjx-container)";

function mark(box) {
  if (box.scrollWidth > box.clientWidth && box.tabIndex < 0) box.tabIndex = 0;
}

// A box tells when it is first laid out, folded open or made narrower; the fonts, when its text has grown.
const sizes = new ResizeObserver((entries) => entries.forEach((entry) => mark(entry.target)));
function watch() {
  for (const box of document.querySelectorAll(BOXES)) {
    mark(box);
    sizes.observe(box);
  }
}

watch();
addEventListener("load", watch);
document.fonts.ready.then(watch);
document.querySelector(".search-button-field")?.removeAttribute("aria-label");
for (const summary of document.querySelectorAll(".has-children > details > summary")) {
  summary.ariaLabel = `Pages below ${summary.closest("li").querySelector("a").textContent.trim()}`;
}
