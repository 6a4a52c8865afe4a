// Below every figure a link to save it as SVG, beside that of the PDF; below every table one to save it as CSV.

function link(label, name, content, type) {
  const anchor = document.createElement("a");
  anchor.className = "download";
  anchor.textContent = label;
  anchor.download = name;
  anchor.href = URL.createObjectURL(new Blob([content], { type }));
  anchor.setAttribute("aria-label", `${label}: save ${name}`);
  return anchor;
}

function csv(table) {
  const cell = (one) => `"${one.innerText.trim().replaceAll('"', '""')}"`;
  return [...table.rows].map((row) => [...row.cells].map(cell).join(",")).join("\n");
}

function drawing(svg) {
  const copy = svg.cloneNode(true);
  copy.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  return new XMLSerializer().serializeToString(copy);
}

const article = document.querySelector("article");
for (const figure of article?.querySelectorAll("figure[id]") ?? []) {
  const drawings = [...figure.querySelectorAll("svg[role=img]")];
  const place = figure.querySelector(".downloads") ?? figure.querySelector("figcaption");
  place?.prepend(...drawings.map((svg, k) => {
    const name = drawings.length > 1 ? `${figure.id}-${k + 1}.svg` : `${figure.id}.svg`;
    return link("SVG", name, drawing(svg), "image/svg+xml");
  }));
}
for (const table of article?.querySelectorAll("table[id]") ?? []) {
  table.caption?.append(link("CSV", `${table.id}.csv`, csv(table), "text/csv"));
}
