// Draws a Pareto front that answers to a budget. The element around this script holds the data as JSON. A
// network is a position in `networks`, whose entries are [name, cost, accuracy], where the name of a cell is six
// digits into `operations`; `candidates`, `front` and the `picks` of each proxy are lists of networks by
// increasing cost, and `ties` belongs to `picks`.
"use strict";
((root) => {
  const data = JSON.parse(root.querySelector(".data").textContent);
  const [chooser, slider, answer, named, svg] = ["select", "input", ".answer", ".named", "svg"].map((part) => root.querySelector(part));
  const cost = (network) => data.networks[network][1];
  const accuracy = (network) => data.networks[network][2];
  const name = (network) => {
    const written = data.networks[network][0];
    if (!data.operations.length) return written;
    const [a, b, c, d, e, f] = [...written].map((digit) => data.operations[digit]);
    return `|${a}~0|+|${b}~0|${c}~1|+|${d}~0|${e}~1|${f}~2|`;
  };
  const described = (network) => `${name(network)}: ${accuracy(network).toFixed(2)} %, ${cost(network).toFixed(2)} ${data.unit}`;

  // The plane of the drawing, in units of its view box.
  const [left, right, top, bottom] = [52, 588, 12, 322];
  const highest = data.highest;
  const x = (value) => left + ((right - left) * value) / data.dearest;
  const y = (value) => bottom - ((bottom - top) * (Math.max(value, data.floor) - data.floor)) / (highest - data.floor);
  const make = (tag, attributes, text) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    if (text !== undefined) element.textContent = text;
    svg.append(element);
    return element;
  };
  const staircase = (networks) => {
    const steps = networks.map((network) => `H${x(cost(network)).toFixed(1)}V${y(accuracy(network)).toFixed(1)}`);
    return `M${x(cost(networks[0])).toFixed(1)} ${bottom}${steps.join("")}H${x(data.dearest)}`;
  };
  const lastWithin = (networks, budget) => networks.findLastIndex((network) => cost(network) <= budget);

  data.xTicks.forEach((value) => {
    make("line", { class: "grid", x1: x(value), x2: x(value), y1: top, y2: bottom });
    make("text", { x: x(value), y: bottom + 18, "text-anchor": "middle" }, value);
  });
  data.yTicks.forEach((value) => {
    make("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) });
    make("text", { x: left - 8, y: y(value) + 4, "text-anchor": "end" }, value);
  });
  make("text", { x: (left + right) / 2, y: bottom + 38, "text-anchor": "middle" }, data.xLabel);
  make("text", { transform: `translate(14 ${(top + bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }, data.yLabel);
  const dots = data.candidates.map((network) => `M${x(cost(network)).toFixed(1)} ${y(accuracy(network)).toFixed(1)}h0`);
  make("path", { class: "candidates", d: dots.join("") });
  make("path", { class: "front", d: staircase(data.front) });
  const line = make("path", { class: "picks" });
  const limit = make("line", { class: "limit", y1: top, y2: bottom });
  const rings = ["best", "picked", "hovered"].map((kind) => make("circle", { class: kind, r: 6 }));
  const place = (ring, network) => {
    ring.style.display = network === undefined ? "none" : "";
    if (network === undefined) return;
    ring.setAttribute("cx", x(cost(network)));
    ring.setAttribute("cy", y(accuracy(network)));
  };

  const show = () => {
    const proxy = data.proxies[chooser.value];
    const budget = Number(slider.value);
    const step = lastWithin(proxy.picks, budget);
    const best = data.front[lastWithin(data.front, budget)];
    const pick = proxy.picks[step];
    line.setAttribute("d", staircase(proxy.picks));
    limit.setAttribute("x1", x(budget));
    limit.setAttribute("x2", x(budget));
    place(rings[0], best);
    place(rings[1], pick);
    const words = `${budget.toFixed(data.dearest < 10 ? 2 : 1)} ${data.unit}`;
    slider.setAttribute("aria-valuetext", words);
    if (pick === undefined) {
      answer.textContent = `Budget ${words}: no candidate with a score is that cheap.`;
      return;
    }
    const others = proxy.ties[step] - 1;
    const lost = (accuracy(best) - accuracy(pick)).toFixed(2);
    answer.textContent =
      `Budget ${words}: ${proxy.label} picks ${described(pick)}` +
      `${others ? ` (cheapest of ${others + 1} with the same score)` : ""}. ` +
      `The best is ${described(best)}. Lost: ${lost} points.`;
  };

  const shown = () => [...new Set([...data.candidates, ...data.front, ...data.proxies[chooser.value].picks])];
  svg.addEventListener("pointermove", (event) => {
    const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
    const distance = (network) => Math.hypot(x(cost(network)) - at.x, y(accuracy(network)) - at.y);
    const nearest = shown().reduce((one, other) => (distance(other) < distance(one) ? other : one));
    const isNear = distance(nearest) < 12;
    place(rings[2], isNear ? nearest : undefined);
    named.textContent = isNear ? described(nearest) : "Point at a network to see its name.";
  });

  data.proxies.forEach((proxy, number) => chooser.append(new Option(proxy.label, number)));
  place(rings[2], undefined);
  [chooser, slider].forEach((control) => control.addEventListener("input", show));
  show();
})(document.getElementById("pareto-explorer"));
