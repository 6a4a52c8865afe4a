// On a phone, the sections of a long page are folded below their headings, as its list of contents would show them.
// What a link, a search in the page or a filter leads to unfolds.

const NARROW = matchMedia("(max-width: 600px)");
const SCREENS = 8; // which a page may have before it is folded
const article = document.querySelector(".bd-article");
const sections = [...(article?.querySelectorAll(":scope > section > section") ?? [])].filter((one) => one.querySelector("h2"));

const isFront = /(^|\/)index$/.test(DOCUMENTATION_OPTIONS.pagename);

if (NARROW.matches && sections.length > 1 && article.scrollHeight > SCREENS * innerHeight) fold();

function fold() {
  for (const section of sections) {
    const heading = section.querySelector("h2");
    const rest = document.createElement("div");
    rest.className = "folded";
    rest.append(...[...section.childNodes].slice([...section.childNodes].indexOf(heading) + 1));
    section.append(rest);
    const button = document.createElement("button");
    button.type = "button";
    button.append(...[...heading.childNodes].filter((node) => !node.classList?.contains("headerlink")));
    button.addEventListener("click", () => show(section, rest.hasAttribute("hidden")));
    heading.classList.add("folds");
    heading.prepend(button);
    rest.addEventListener("beforematch", () => show(section, true));
    show(section, isFront && section === sections[0]); // the ways in stay in sight
  }
  addEventListener("hashchange", reach);
  addEventListener("click", (event) => event.target.closest?.("a[href*='#']") && setTimeout(reach)); // the same place again
  addEventListener("beforeprint", unfold);
  const filters = document.querySelector(".claim-filters");
  filters?.addEventListener("input", unfold);
  if (filters && location.search) unfold();
  reach();
}

function unfold() {
  for (const section of sections) show(section, true);
}

function show(section, isShown) {
  const rest = section.querySelector(":scope > .folded");
  if (isShown) rest.removeAttribute("hidden");
  else rest.setAttribute("hidden", "until-found");
  section.querySelector("h2 > button").setAttribute("aria-expanded", isShown);
}

// Unfolds what the address names.
function reach() {
  const target = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
  const section = target && sections.find((one) => one.contains(target));
  if (!section) return;
  show(section, true);
  target.scrollIntoView();
}
