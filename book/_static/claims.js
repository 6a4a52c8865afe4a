// Filters for the page of claims. Without this module the page is the whole list.

const claims = [...document.querySelectorAll(".claim")];
const lists = [...document.querySelectorAll("ul.claims")];
const place = document.getElementById("claim-filters");

if (place && claims.length) start();

function start() {
  const form = document.createElement("form");
  form.setAttribute("role", "search");
  form.setAttribute("aria-label", "Filter the sentences");
  form.append(
    field("verdict", "Verdict", choices(claims.map((claim) => claim.dataset.outcome))),
    field("section", "Section", lists.map((list) => [list.dataset.section, `${list.dataset.section} ${list.dataset.about}`])),
    field("page", "Page", pages()),
    word(),
    button(),
  );
  const told = document.createElement("p");
  told.setAttribute("role", "status");
  told.className = "claim-told";
  place.append(form, told);
  restore(form);
  form.addEventListener("input", () => show(form, told));
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(() => show(form, told)));
  show(form, told);
  if (location.hash) document.querySelector(location.hash)?.scrollIntoView();
}

function choices(values) {
  const counts = new Map();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort().map(([value, count]) => [value, `${capital(value)} (${count})`]);
}

function pages() {
  const titles = new Map();
  for (const link of document.querySelectorAll(".claim-tested a[href^='../notebooks/']")) {
    const name = link.getAttribute("href").split("/").pop().replace(".html", "");
    if (link.closest(".claim").dataset.pages.split(" ").includes(name)) titles.set(name, link.textContent);
  }
  return [...titles].sort((a, b) => a[1].localeCompare(b[1]));
}

function field(name, label, options) {
  const select = document.createElement("select");
  select.name = name;
  select.add(new Option("all", ""));
  for (const [value, text] of options) select.add(new Option(text, value));
  return labelled(label, select);
}

function word() {
  const input = document.createElement("input");
  input.type = "search";
  input.name = "word";
  input.autocomplete = "off";
  return labelled("Word", input);
}

function button() {
  const reset = document.createElement("button");
  reset.type = "reset";
  reset.textContent = "Show all";
  return reset;
}

function labelled(text, control) {
  const label = document.createElement("label");
  const words = document.createElement("span");
  words.textContent = text;
  label.append(words, control);
  return label;
}

function restore(form) {
  for (const [name, value] of new URLSearchParams(location.search)) {
    if (form.elements[name]) form.elements[name].value = value;
  }
}

function show(form, told) {
  const asked = Object.fromEntries(new FormData(form));
  const words = asked.word.split(/\s+/).filter(Boolean).map(beginning);
  for (const claim of claims) claim.hidden = !matches(claim, asked, words);
  for (const list of lists) {
    const section = list.closest("section") ?? list;
    section.hidden = [...list.children].every((claim) => claim.hidden);
  }
  const count = claims.filter((claim) => !claim.hidden).length;
  told.textContent = `${count} of ${claims.length} sentences`;
  remember(asked);
}

function matches(claim, asked, words) {
  const { outcome, pages: tested } = claim.dataset;
  const list = claim.parentElement.dataset;
  const text = [...claim.querySelectorAll(".claim-says, .claim-tested")].map((part) => part.textContent).join(" ");
  return (
    (!asked.verdict || outcome === asked.verdict) &&
    (!asked.section || list.section === asked.section) &&
    (!asked.page || tested.split(" ").includes(asked.page)) &&
    words.every((each) => each.test(`${list.about} ${text}`))
  );
}

// "vit" finds "ViTs" and not "expressivity".
function beginning(word) {
  const literal = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])${literal}`, "iu");
}

function remember(asked) {
  const state = new URLSearchParams(Object.entries(asked).filter(([, value]) => value));
  const query = state.size ? `?${state}` : "";
  history.replaceState(null, "", `${location.pathname}${query}${location.hash}`);
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
