// What scrolls sideways can be reached and scrolled with the keyboard, and a button is called what it says.

const BOXES = "article :is(.cell_output, .pst-scrollable-table-container, div.math, pre, mjx-container)";

function mark() {
  for (const box of document.querySelectorAll(BOXES)) {
    if (box.scrollWidth > box.clientWidth && !box.hasAttribute("tabindex")) box.tabIndex = 0;
  }
}

mark();
addEventListener("resize", mark);
addEventListener("load", mark);
document.querySelector(".search-button-field")?.removeAttribute("aria-label");
