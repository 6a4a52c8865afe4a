// A table that is wider than the column: on a phone each row becomes a card, on a desktop it takes the right margin,
// where the list of contents makes room for as long as it is in sight.

const PHONE = matchMedia("(max-width: 600px)");
const DESKTOP = matchMedia("(min-width: 1200px)");
const GAP = 16; // pixels to the edge of the window
const BOXES = "article :is(.cell_output, .pst-scrollable-table-container, .leaderboard)";
const SCROLLERS = "article :is(.pst-scrollable-table-container, .leaderboard .area)";

const boxes = [...document.querySelectorAll(BOXES)].filter((box) => !box.parentElement.closest(BOXES) && box.querySelector("table"));
const tables = [...document.querySelectorAll("article table")].filter((table) => table.tHead && !table.closest(".leaderboard, .explorer, .claims"));

function deal(table) {
  if (!table.parentElement.clientWidth) return; // in a section that is folded by now
  table.classList.remove("cards");
  if (!PHONE.matches || table.scrollWidth <= table.parentElement.clientWidth) return;
  const titles = [...table.tHead.rows[table.tHead.rows.length - 1].cells].map((cell) => cell.innerText.trim());
  for (const row of [...table.tBodies].flatMap((body) => [...body.rows])) {
    [...row.cells].forEach((cell, k) => (cell.dataset.title = titles[k] ?? ""));
  }
  table.classList.add("cards");
}

function widen(box) {
  box.classList.remove("wide");
  box.style.removeProperty("width");
  if (!DESKTOP.matches) return;
  const column = box.parentElement.clientWidth;
  const needed = Math.max(...[...box.querySelectorAll("table")].map((table) => table.scrollWidth));
  const room = innerWidth - box.getBoundingClientRect().left - GAP;
  if (needed <= column || room <= column) return;
  box.style.setProperty("--column", `${column}px`);
  box.style.width = `${Math.min(needed, room)}px`;
  box.classList.add("wide");
}

const contents = document.querySelector(".bd-sidebar-secondary");
const wideInSight = new Set();
const sight = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) wideInSight[isIntersecting && target.classList.contains("wide") ? "add" : "delete"](target);
  contents?.classList.toggle("hide", wideInSight.size > 0); // as the theme folds it
});

// What still scrolls fades out where it goes on.
function fade(scroller) {
  scroller.classList.toggle("goes-on", scroller.scrollLeft + scroller.clientWidth < scroller.scrollWidth - 1);
}

function arrange() {
  tables.forEach(deal);
  for (const box of boxes) {
    widen(box);
    sight.unobserve(box);
    sight.observe(box); // tells anew whether it is in sight
  }
  document.querySelectorAll(SCROLLERS).forEach(fade);
}

const article = document.querySelector("article"); // which the page of the search has not
if (article) new ResizeObserver(arrange).observe(article); // at first, and for another window, or another leaderboard
addEventListener("scroll", ({ target }) => target.matches?.(SCROLLERS) && fade(target), { capture: true, passive: true });
