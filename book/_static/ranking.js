// Ten networks to put in order: the page counts the pairs that you have right and works out Kendall's τ.

const list = document.querySelector("ol.ranking");

/** Count pairs of items in the order of falling accuracy, and in the opposite order. */
export function pairs(accuracies) {
  let concordant = 0;
  let discordant = 0;
  accuracies.forEach((one, place) => {
    for (const other of accuracies.slice(place + 1)) {
      if (one > other) concordant += 1;
      if (one < other) discordant += 1;
    }
  });
  return { concordant, discordant, tau: (concordant - discordant) / (concordant + discordant) };
}

function write() {
  const accuracies = [...list.children].map((item) => Number(item.dataset.accuracy));
  const { concordant, discordant, tau } = pairs(accuracies);
  const top = pairs([...list.children].map((item) => Number(item.dataset.accuracy)).filter((one) => one >= Number(list.dataset.top)));
  const written = (value) => value.toFixed(2).replace("-", "−");
  document.querySelector("#ranking-answer").textContent =
    `${concordant} pairs are in the right order, ${discordant} in the wrong one: τ = ${written(tau)}. Among the five best alone: τ = ${written(top.tau)}.`;
}

function move(item, step) {
  const other = step < 0 ? item.previousElementSibling : item.nextElementSibling;
  if (!other) return;
  if (step < 0) other.before(item);
  else other.after(item);
  write();
}

function button(label, name, step, item) {
  const element = document.createElement("button");
  element.type = "button";
  element.textContent = label;
  element.setAttribute("aria-label", `${label} Move ${name} ${step < 0 ? "up" : "down"}`);
  element.addEventListener("click", () => {
    move(item, step);
    element.focus();
  });
  return element;
}

function orders() {
  const box = document.createElement("p");
  const start = [...list.children];
  const by = {
    "Right order": (items) => items.toSorted((a, b) => b.dataset.accuracy - a.dataset.accuracy),
    Reverse: (items) => items.toSorted((a, b) => a.dataset.accuracy - b.dataset.accuracy),
    "As it was": () => start,
  };
  for (const [label, sorted] of Object.entries(by)) {
    const element = document.createElement("button");
    element.type = "button";
    element.textContent = label;
    element.addEventListener("click", () => {
      list.append(...sorted([...list.children]));
      write();
    });
    box.append(element);
  }
  return box;
}

if (list) {
  for (const item of list.children) {
    const name = item.querySelector("strong").textContent;
    item.prepend(button("↑", name, -1, item), button("↓", name, 1, item));
  }
  list.after(orders());
  document.querySelector("#ranking-answer").setAttribute("aria-live", "polite");
  write();
}
