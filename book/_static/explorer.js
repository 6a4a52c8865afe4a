// Draws the networks of a benchmark as points: accuracy against the percentile by a proxy, and against a cost.
// A share kept at the top changes the rank correlations, a budget what a proxy picks; a drag marks the same networks
// in both. The element holds its data as JSON, an element a benchmark, see zsnas/book/figures/explorer.py.
"use strict";
(() => {
  const UNDEFINED = 65535;
  const UNMEASURED = 65534;
  const LISTED = 12; // marked networks that are drawn one by one
  const REACH = 16; // pixels around the pointer in which a network is found
  const SVG = "http://www.w3.org/2000/svg";
  const EDGES = [[0, 1], [0, 2], [1, 2], [0, 3], [1, 3], [2, 3]];
  const OPERATIONS = {
    none: "none",
    skip_connect: "skip connection",
    nor_conv_1x1: "1×1 convolution",
    nor_conv_3x3: "3×3 convolution",
    avg_pool_3x3: "3×3 average pooling",
  };

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const shape = (tag, attributes, ...children) => {
    const element = document.createElementNS(SVG, tag);
    Object.entries(attributes).forEach(([key, value]) => element.setAttribute(key, value));
    element.append(...children);
    return element;
  };
  const unpacked = (text) => {
    const bytes = atob(text);
    const numbers = new Uint16Array(bytes.length / 2);
    for (let k = 0; k < numbers.length; k++) numbers[k] = bytes.charCodeAt(2 * k) | (bytes.charCodeAt(2 * k + 1) << 8);
    return numbers;
  };
  // Networks by increasing keys of 16 bits, or by two of them; of equal ones in the order they come.
  const sorted = (networks, first, second) => {
    const keys = new Float64Array(networks.length); // what is sorted without a function is sorted fast
    for (let k = 0; k < keys.length; k++) keys[k] = (first[networks[k]] * 65536 + (second?.[networks[k]] ?? 0)) * 65536 + networks[k];
    return Uint16Array.from(keys.sort(), (key) => key % 65536);
  };
  const written = (value, decimals = 2) =>
    Number.isFinite(value) ? value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1").replace("-", "−") : "–";
  const short = (value) => String(Number(value.toPrecision(3)));

  // Kendall's τ_b and Spearman's ρ of levels with weights, as zsnas.statistics computes them. Both are whole numbers
  // from 0; observations with equal y stand together, in the order of y.
  const rankCorrelations = (x, y, weights) => {
    const count = x.length;
    let most = -1;
    for (let k = 0; k < count; k++) if (x[k] > most) most = x[k];
    const sumsX = new Float64Array(most + 1);
    const tree = new Float64Array(most + 2); // Fenwick: weights by x of what came before
    const ranksY = new Float64Array(count);
    let [total, untiedX, untiedY, tiedBoth, discordant] = [0, 0, 0, 0, 0];
    for (let k = 0; k < count; k++) {
      sumsX[x[k]] += weights[k];
      total += weights[k];
    }
    for (let start = 0, below = 0; start < count; ) {
      let [stop, sum] = [start, 0];
      const together = y[start + 1] === y[start] ? new Map() : undefined;
      for (; stop < count && y[stop] === y[start]; stop++) {
        let before = 0;
        for (let k = x[stop] + 1; k > 0; k -= k & -k) before += tree[k];
        discordant += weights[stop] * (below - before);
        sum += weights[stop];
        together?.set(x[stop], (together.get(x[stop]) ?? 0) + weights[stop]);
      }
      untiedY += sum * (total - sum);
      if (together) together.forEach((weight) => (tiedBoth += weight * (total - weight)));
      else tiedBoth += sum * (total - sum);
      for (; start < stop; start++) {
        ranksY[start] = below + sum / 2 - total / 2;
        for (let k = x[start] + 1; k < tree.length; k += k & -k) tree[k] += weights[start];
      }
      below += sum;
    }
    const ranksX = new Float64Array(most + 1);
    let before = 0;
    sumsX.forEach((sum, level) => {
      untiedX += sum * (total - sum);
      ranksX[level] = before + sum / 2 - total / 2;
      before += sum;
    });
    let [covariance, spreadX, spreadY] = [0, 0, 0];
    for (let k = 0; k < count; k++) {
      covariance += weights[k] * ranksX[x[k]] * ranksY[k];
      spreadX += weights[k] * ranksX[x[k]] ** 2;
      spreadY += weights[k] * ranksY[k] ** 2;
    }
    const isDefined = untiedX > 0 && untiedY > 0;
    const untiedBoth = untiedX + untiedY - tiedBoth;
    return {
      n: count,
      kt: isDefined ? (untiedBoth - 4 * discordant) / Math.sqrt(untiedX * untiedY) : NaN,
      spr: isDefined ? covariance / Math.sqrt(spreadX * spreadY) : NaN,
    };
  };

  // A benchmark with its arrays unpacked.
  class Networks {
    constructor(block) {
      Object.assign(this, block);
      const steps = unpacked(block.accuracy);
      this.accuracy = Float64Array.from(steps, (step) => (step + block.lowest) / 10 ** block.decimals);
      this.better = unpacked(block.better);
      this.isCandidate = new Uint8Array(block.n);
      unpacked(block.candidates).forEach((k) => (this.isCandidate[k] = 1));
      this.costs = block.costs.map((cost) => ({ ...cost, steps: unpacked(cost.values) }));
      this.everyone = Uint16Array.from({ length: block.n }, (_, k) => k);
    }

    // Where each network stands by a proxy, UNMEASURED where this seed has none.
    ranks(seed, proxy) {
      const found = this.seeds.find((one) => one.seed === seed);
      const of_seed = unpacked(found.ranks[proxy]);
      const ranks = new Uint16Array(this.n).fill(UNMEASURED);
      (found.networks ? unpacked(found.networks) : this.everyone).forEach((network, k) => (ranks[network] = of_seed[k]));
      return ranks;
    }

    // How many networks each one stands for: the top and the rest are sampled apart.
    weights(ranks) {
      const inTop = this.kept(this.sampledTop); // they are in order of accuracy
      const drawn = [0, 0];
      for (let k = 0; k < this.n; k++) if (ranks[k] !== UNMEASURED) drawn[Number(k < inTop)]++;
      const weights = new Float64Array(this.n).fill((this.size - this.top) / drawn[0]);
      return weights.fill(this.top / drawn[1], 0, inTop);
    }

    // How many networks, from the best, are among this share of the whole benchmark.
    kept(share) {
      const places = Math.ceil(Number((share * this.size).toFixed(9)));
      let [low, high] = [0, this.n]; // they are in order of accuracy
      while (low < high) {
        const middle = (low + high) >> 1;
        if (this.better[middle] < places) low = middle + 1;
        else high = middle;
      }
      return low;
    }

    correlations(ranks, share) {
      const [kept, weights] = [this.kept(share), this.weights(ranks)];
      const [x, y, w] = [new Uint16Array(kept), new Int32Array(kept), new Float64Array(kept)];
      let count = 0;
      for (let k = kept - 1; k >= 0; k--) {
        if (ranks[k] >= UNMEASURED) continue;
        [x[count], y[count], w[count]] = [ranks[k], -this.better[k], weights[k]];
        count++;
      }
      return rankCorrelations(x.subarray(0, count), y.subarray(0, count), w.subarray(0, count));
    }

    arch(k) {
      const length = { cell: 6, widths: 5, stages: 28 }[this.drawing];
      return length ? this.archs.slice(length * k, length * (k + 1)) : this.archs[k];
    }

    described(k) {
      const arch = this.arch(k);
      if (this.drawing === "cell")
        return [...arch].map((digit, edge) => `${EDGES[edge].join("→")} ${OPERATIONS[this.operations[digit]]}`).join(", ");
      if (this.drawing === "stages")
        return stagesOf(arch).map(([expansion, kernel, layers, excited]) => `e${expansion}k${kernel}l${layers}${excited ? "s" : ""}`).join("-");
      return this.drawing === "widths" ? `channels ${[...arch].map((digit) => 8 * (Number(digit) + 1)).join(", ")}` : arch;
    }

    picture(k) {
      const arch = this.arch(k);
      const draw = { cell: drawCell, widths: drawWidths, stages: drawStages }[this.drawing];
      return draw ? draw(arch, this.operations, this.described(k)) : make("p", { className: "name", textContent: arch });
    }
  }

  const drawCell = (arch, operations, words) => {
    const x = [16, 82, 148, 214];
    const paths = ["M28 60H70", "M24 50C50 8 114 8 140 50", "M94 60H136", "M18 47C40 -22 190 -22 212 47", "M90 70C116 112 180 112 206 70", "M160 60H202"];
    const lines = paths.map((d, edge) => shape("path", { d, class: operations[arch[edge]] }));
    const nodes = x.map((cx, node) => [shape("circle", { cx, cy: 60, r: 11 }), shape("text", { x: cx, y: 64.5 }, String(node))]);
    return shape("svg", { viewBox: "0 -14 230 124", role: "img", "aria-label": words }, ...lines, ...nodes.flat());
  };

  const drawWidths = (arch, _, words) => {
    const bars = [...arch].flatMap((digit, k) => {
      const height = 10 * (Number(digit) + 1);
      return [
        shape("rect", { x: 12 + 44 * k, y: 84 - height, width: 28, height }),
        shape("text", { x: 26 + 44 * k, y: 100 }, String(8 * (Number(digit) + 1))),
      ];
    });
    return shape("svg", { viewBox: "0 0 230 106", role: "img", "aria-label": words }, ...bars);
  };

  const stagesOf = (arch) => arch.match(/.{4}/g).map((stage) => [...stage].map(Number));

  const drawStages = (arch, _, words) => {
    const stages = stagesOf(arch).flatMap(([expansion, kernel, layers, excited], k) => {
      const height = 10 * expansion;
      const blocks = Array.from({ length: layers }, (_, layer) =>
        shape("rect", { x: 6 + 32 * k + 7 * layer, y: 66 - height, width: 6, height, class: excited ? "excited" : "" }),
      );
      return [...blocks, shape("text", { x: 17 + 32 * k, y: 82 }, `${kernel}×${kernel}`)];
    });
    const label = `seven stages, ${words}; a bar a layer, as high as the expansion, outlined with squeeze and excitation; below, the kernel`;
    return shape("svg", { viewBox: "0 0 230 90", role: "img", "aria-label": label }, ...stages);
  };

  // One plot: a canvas of points, and one above it for what moves.
  class Plane {
    constructor(title, keys) {
      this.points = make("canvas");
      this.over = make("canvas", { tabIndex: 0 });
      this.over.setAttribute("role", "application");
      this.title = make("figcaption");
      this.keys = keys;
      this.element = make("figure", { className: "plane" }, this.title, make("div", {}, this.points, this.over));
      this.name(title);
    }

    name(title) {
      this.title.textContent = title;
      this.over.setAttribute("aria-label", `${title}, ${(this.drawn ?? 0).toLocaleString("en")} networks. ${this.keys}`);
    }

    resize() {
      const { width } = this.element.querySelector("div").getBoundingClientRect();
      const ratio = devicePixelRatio || 1;
      [this.width, this.height] = [Math.max(width, 200), Math.max(Math.min(0.72 * width, 360), 220)];
      [this.points, this.over].forEach((canvas) => {
        [canvas.width, canvas.height] = [this.width * ratio, this.height * ratio];
        canvas.style.height = `${this.height}px`;
        canvas.getContext("2d").setTransform(ratio, 0, 0, ratio, 0, 0);
      });
      this.image = this.layer = undefined;
      this.frame = { left: 46, right: this.width - 16, top: 8, bottom: this.height - 40 };
    }

    // Fractions of the frame become pixels, and what is beyond it stands at its edge.
    place(fractionX, fractionY) {
      const { left, right, top, bottom } = this.frame;
      const [x, y] = [fractionX, fractionY].map((fraction) => Math.min(Math.max(fraction, 0), 1));
      return [left + (right - left) * x, bottom - (bottom - top) * y];
    }

    fraction(event) {
      const box = this.over.getBoundingClientRect();
      const { left, right, top, bottom } = this.frame;
      return [(event.clientX - box.left - left) / (right - left), (bottom - (event.clientY - box.top)) / (bottom - top)];
    }

    // Draw points as squares: those of each kind above the kind before, in its colour, size and opacity.
    scatter([x, y], kinds, styles) {
      const ratio = this.points.width / this.width;
      const { width, height } = this.points;
      const image = (this.image ??= new ImageData(width, height));
      const pixels = new Uint32Array(image.data.buffer).fill(0);
      this.drawn = 0;
      styles.forEach(([colour, size, opacity], kind) => {
        const hits = new Uint8Array(width * height);
        const side = Math.round(size * ratio);
        const ink = Number.parseInt(colour.slice(1), 16);
        const opaque = Array.from({ length: 256 }, (_, count) => Math.round(255 * (1 - (1 - opacity) ** count)));
        const shades = Uint32Array.from(opaque, (alpha) => ((alpha << 24) | ((ink & 255) << 16) | (ink & 65280) | (ink >> 16)) >>> 0);
        for (let k = 0; k < x.length; k++) {
          if (kinds[k] !== kind || x[k] !== x[k]) continue;
          this.drawn++;
          const [column, row] = [Math.round(x[k] * ratio - side / 2), Math.round(y[k] * ratio - side / 2)];
          for (let at = row * width + column, last = at + side * width; at < last; at += width)
            for (let step = 0; step < side; step++) {
              const hit = at + step;
              if (hits[hit] < 255) pixels[hit] = shades[++hits[hit]];
            }
        }
      });
      // An image replaces what is below it, so it goes by way of a canvas of its own.
      const layer = (this.layer ??= make("canvas", { width, height }));
      layer.getContext("2d").putImageData(image, 0, 0);
      const brush = this.points.getContext("2d");
      brush.save();
      brush.setTransform(1, 0, 0, 1, 0, 0);
      brush.drawImage(layer, 0, 0);
      brush.restore();
      [this.spots, this.cells] = [[x, y], undefined];
    }

    // The point that is nearest to a place, within so many pixels; undefined when there is none.
    nearest(x, y) {
      const across = Math.ceil(this.width / REACH) + 1;
      const cell = (one, other) => Math.floor(other / REACH) * across + Math.floor(one / REACH);
      const [xs, ys] = this.spots ?? [[], []];
      if (!this.cells) {
        this.cells = new Map();
        for (let k = 0; k < xs.length; k++) {
          if (xs[k] !== xs[k]) continue;
          const at = cell(xs[k], ys[k]);
          if (this.cells.has(at)) this.cells.get(at).push(k);
          else this.cells.set(at, [k]);
        }
      }
      let [found, least] = [undefined, REACH ** 2];
      for (const down of [-REACH, 0, REACH])
        for (const right of [-REACH, 0, REACH])
          for (const k of this.cells.get(cell(x + right, y + down)) ?? []) {
            const distance = (xs[k] - x) ** 2 + (ys[k] - y) ** 2;
            if (distance < least || (distance === least && k < found)) [found, least] = [k, distance];
          }
      return found;
    }

    axes(ticksX, ticksY, label, colours) {
      const brush = this.points.getContext("2d");
      const { left, right, top, bottom } = this.frame;
      brush.clearRect(0, 0, this.width, this.height);
      [brush.font, brush.fillStyle, brush.strokeStyle, brush.lineWidth] = ["12px system-ui, sans-serif", colours.ink, colours.grid, 1];
      brush.textAlign = "center";
      ticksX.forEach(([fraction, text]) => {
        const [x] = this.place(fraction, 0);
        brush.strokeRect(x, top, 0, bottom - top);
        brush.fillText(text, x, bottom + 15);
      });
      brush.fillText(label, (left + right) / 2, bottom + 33);
      brush.textAlign = "right";
      ticksY.forEach(([fraction, text]) => {
        const [, y] = this.place(0, fraction);
        brush.strokeRect(left, y, right - left, 0);
        brush.fillText(text, left - 6, y + 4);
      });
    }
  }

  const evenTicks = (low, high) => {
    const step = [1, 2, 5, 10].map((part) => part * 10 ** Math.floor(Math.log10((high - low) / 4))).find((part) => (high - low) / part <= 6);
    const first = Math.ceil(low / step - 1e-9);
    return Array.from({ length: Math.floor(high / step + 1e-9) - first + 1 }, (_, k) => (first + k) * step).map((value) => [
      (value - low) / (high - low),
      String(Number(value.toPrecision(6))).replace("-", "−"),
    ]);
  };

  const ratioTicks = (low, high) => {
    const ticks = [];
    const parts = high - low > Math.log(300) ? [1] : high - low > Math.log(8) ? [1, 2, 5] : [1, 1.5, 2, 3, 4, 5, 6, 8];
    for (let power = Math.floor(low / Math.LN10); power <= high / Math.LN10; power++)
      parts.forEach((part) => ticks.push(part * 10 ** power));
    return ticks.map((value) => [(Math.log(value) - low) / (high - low), short(value)]).filter(([at]) => at >= 0 && at <= 1);
  };

  class Explorer {
    constructor(root) {
      this.root = root;
      this.sources = [...root.querySelectorAll("script[type='application/json']")];
      this.keepsAddress = root.dataset.address !== undefined;
      this.state = { benchmark: "", proxy: "", seed: "", cost: "", keep: "100", budget: "", wrong: "", brush: "", at: "" };
      const query = new URLSearchParams(this.keepsAddress ? location.search : "");
      Object.keys(this.state).forEach((key) => query.has(key) && (this.state[key] = query.get(key)));
      this.build();
      this.choose();
      new ResizeObserver(() => this.later("resize")).observe(this.planes[0].element);
      new MutationObserver(() => this.later("points")).observe(document.documentElement, { attributeFilter: ["data-theme", "data-mode"] });
    }

    build() {
      const select = (title, key) => {
        const element = make("select");
        element.addEventListener("change", () => this.set(key, element.value));
        this.choosers[key] = element;
        return make("label", {}, make("span", { textContent: title }), element);
      };
      const slider = (title, key, attributes) => {
        const element = make("input", { type: "range", ...attributes });
        element.addEventListener("input", () => this.set(key, element.value));
        this.choosers[key] = element;
        const output = (this.told[key] = make("p", { className: "told" }));
        output.setAttribute("role", "status");
        return make("div", { className: "slider" }, make("label", {}, make("span", { textContent: title }), element), output);
      };
      const button = (text, act) => {
        const element = make("button", { type: "button", textContent: text });
        element.addEventListener("click", act);
        return element;
      };
      [this.choosers, this.told] = [{}, {}];
      const keys = "Arrow keys go from network to network, with shift they mark; Enter marks, Escape unmarks.";
      this.planes = [new Plane("", keys), new Plane("", keys)];
      this.planes.forEach((plane, side) => this.listen(plane, side));
      this.card = make("div", { className: "network" });
      this.card.setAttribute("aria-live", "polite");
      this.marks = make("div", { className: "marks" });
      this.legend = make("p", { className: "legend" });
      const benchmark = select("Benchmark", "benchmark");
      this.sources.forEach((source) => {
        const title = source.textContent.match(/"title":"([^"]*)"/)[1];
        this.choosers.benchmark.append(new Option(title, source.dataset.benchmark));
      });
      benchmark.hidden = this.sources.length < 2;
      const controls = make("div", { className: "controls" }, benchmark, select("Proxy", "proxy"), select("Seed", "seed"), select("Cost", "cost"));
      const wrong = make(
        "div",
        { className: "controls" },
        button("Rated too high", () => this.set("wrong", "over")),
        button("Rated too low", () => this.set("wrong", "under")),
        button("Unmark", () => this.unmark()),
      );
      this.marked = make("p", { className: "told" });
      this.marked.setAttribute("role", "status");
      const columns = this.planes.map((plane, side) =>
        make(
          "div",
          {},
          plane.element,
          side
            ? slider("Budget", "budget", { min: 0, max: 1000, step: 1 })
            : slider("Kept at the top", "keep", { min: 1, max: 100, step: 1 }),
        ),
      );
      const body = make("div", { className: "drawn" }, controls, wrong, this.marked, make("div", { className: "planes" }, ...columns), this.legend, this.card, this.marks);
      this.root.querySelector(".static")?.remove();
      this.root.append(body);
    }

    // Take what the state names, or else the first there is.
    choose() {
      const fill = (key, options) => {
        const element = this.choosers[key];
        element.replaceChildren(...options.map(([value, text]) => new Option(text, value)));
        if (!options.some(([value]) => String(value) === String(this.state[key]))) this.state[key] = String(options[0]?.[0] ?? "");
        element.value = this.state[key];
        element.parentElement.hidden = options.length < 2;
      };
      const names = this.sources.map((source) => source.dataset.benchmark);
      if (!names.includes(this.state.benchmark)) this.state.benchmark = names[0];
      this.choosers.benchmark.value = this.state.benchmark;
      if (this.networks?.name !== this.state.benchmark) {
        const source = this.sources.find((one) => one.dataset.benchmark === this.state.benchmark);
        this.networks = new Networks(JSON.parse(source.textContent));
      }
      const { networks } = this;
      fill("proxy", networks.proxies.map(({ name, label }) => [name, label]));
      const { proxy } = this.state;
      fill("seed", networks.seeds.filter((one) => one.ranks[proxy]).map(({ seed }) => [seed, `${seed}`]));
      fill("cost", networks.costs.map(({ name, label }) => [name, label.split(",")[0]]));
      this.proxy = networks.proxies.find(({ name }) => name === proxy);
      this.cost = networks.costs.find(({ name }) => name === this.state.cost);
      this.ranks = networks.ranks(Number(this.state.seed), proxy);
      this.percentiles = this.percentile();
      this.places = [this.percentiles, Float64Array.from(this.cost?.steps ?? [], (step) => (step === UNDEFINED ? NaN : step / (UNMEASURED - 1)))];
      [this.correlated, this.purchase] = [{}, {}];
      this.walks = [];
      this.costFront = this.stairs(networks.better, () => true);
      this.picks = this.stairs(this.ranks.map((rank) => UNMEASURED - rank), (k) => networks.isCandidate[k] && this.ranks[k] < UNMEASURED);
      if (this.state.budget === "") this.state.budget = "500";
      ["keep", "budget"].forEach((key) => (this.choosers[key].value = this.state[key]));
      const about = networks.drawing === "cell" ? Object.entries(OPERATIONS).filter(([name]) => networks.operations.includes(name)) : [];
      this.legend.replaceChildren(
        ...about.map(([name, words]) => make("span", {}, shape("svg", { viewBox: "0 0 36 8", "aria-hidden": "true" }, shape("path", { d: "M1 4H35", class: name })), words)),
      );
      this.remark();
      this.later("resize");
    }

    set(key, value) {
      this.state[key] = value;
      if (["benchmark", "proxy", "seed", "cost"].includes(key)) {
        if (key === "benchmark") this.state.at = this.state.brush = "";
        if (key === "benchmark" || key === "cost") this.state.budget = "";
        this.choose();
        return;
      }
      if (key === "wrong") this.state.brush = "";
      if (key === "brush") this.state.wrong = "";
      if (key === "keep") this.isStale = true; // a slider asks more often than is drawn
      else if (key !== "budget" && key !== "at") this.remark();
      this.later(key === "budget" || key === "at" ? "over" : "points");
    }

    unmark() {
      this.state.wrong = this.state.brush = "";
      this.remark();
      this.later("points");
    }

    // Percentiles by the proxy of what it has a score of; equal scores share the middle.
    percentile() {
      const counts = new Float64Array(65536);
      let total = 0;
      this.ranks.forEach((rank) => rank < UNMEASURED && (counts[rank]++, total++));
      const middle = new Float64Array(65536);
      for (let rank = 0, below = 0; rank < UNMEASURED; rank++) {
        middle[rank] = (below + counts[rank] / 2) / total;
        below += counts[rank];
      }
      return Float64Array.from(this.ranks, (rank) => (rank < UNMEASURED ? middle[rank] : NaN));
    }

    // What is the best under some budget, by increasing cost; of equal values the cheapest. A lower value is better.
    stairs(value, isIn) {
      if (!this.cost) return [];
      const { steps } = this.cost;
      const stairs = [];
      let best = Infinity;
      for (const k of sorted(this.networks.everyone.filter((k) => isIn(k) && steps[k] !== UNDEFINED), steps, value))
        if (value[k] < best) {
          stairs.push(k);
          best = value[k];
        }
      return stairs;
    }

    // Where a network is in a plot, in fractions; NaN when it is in none.
    at(side, k) {
      const [low, high] = this.range;
      return [this.places[side][k], (this.networks.accuracy[k] - low) / (high - low)];
    }

    get kept() {
      return this.networks.kept(Number(this.state.keep) / 100);
    }

    // Marks: those of a drag, or those that the proxy gets most wrong among what is kept.
    remark(isMoving = false) {
      const { networks, kept } = this;
      const { wrong, brush } = this.state;
      this.isMarked = new Uint8Array(networks.n);
      [this.order, this.isStale] = [[], false];
      if (wrong) this.order = this.mostWrong(wrong === "over" ? 1 : -1);
      else if (brush) {
        const [side, x0, x1, y0, y1] = brush.split(",").map(Number);
        const x = this.places[side ? 1 : 0];
        for (let k = 0; k < kept; k++)
          if (x[k] >= x0 && x[k] <= x1 && networks.accuracy[k] >= y0 && networks.accuracy[k] <= y1) this.order.push(k);
      }
      this.order.forEach((k) => (this.isMarked[k] = 1));
      const listed = [this.state.benchmark, this.state.proxy, this.state.seed, wrong, this.order.length, this.order.slice(0, LISTED), this.order.at(-1)].join();
      if (listed === this.listed) return;
      this.listed = listed;
      if (isMoving) this.listing ??= setTimeout(() => this.list(), 100);
      else this.list();
    }

    // The networks of which the places by proxy and by accuracy are furthest apart, the furthest first.
    mostWrong(sign) {
      const { networks, kept, ranks } = this;
      const known = networks.everyone.subarray(0, kept).filter((k) => ranks[k] < UNMEASURED);
      const middles = (order, value) => {
        const middle = new Float64Array(networks.n);
        for (let start = 0, stop = 0; start < order.length; start = stop) {
          while (stop < order.length && value[order[stop]] === value[order[start]]) stop++;
          for (let k = start; k < stop; k++) middle[order[k]] = (start + stop - 1) / 2;
        }
        return middle;
      };
      const byProxy = middles(sorted(known, ranks), ranks);
      const byTruth = middles(known, networks.better); // the best first
      const most = [];
      for (const k of known) {
        const gap = sign * (byProxy[k] + byTruth[k]); // less what all have
        if (most.length === LISTED && gap <= most[LISTED - 1].gap) continue;
        let place = most.length;
        while (place && most[place - 1].gap < gap) place--;
        most.splice(place, 0, { k, gap });
        most.length = Math.min(most.length, LISTED);
      }
      return most.map(({ k }) => k);
    }

    mark(k, isOn = !this.isMarked[k]) {
      if (Boolean(this.isMarked[k]) === isOn) return;
      this.isMarked[k] = Number(isOn);
      this.order = isOn ? [...this.order, k] : this.order.filter((other) => other !== k);
      this.listed = undefined;
      this.list();
      this.later("points");
    }

    list() {
      clearTimeout(this.listing);
      this.listing = undefined;
      const { order, networks, proxy } = this;
      const range = order.map((k) => networks.accuracy[k]);
      const words = {
        over: `The ${order.length} networks that ${proxy.label} rates too high by most, among those that are kept, are drawn below the plots.`,
        under: `The ${order.length} networks that ${proxy.label} rates too low by most, among those that are kept, are drawn below the plots.`,
      }[this.state.wrong];
      const span = order.length ? ` ${networks.truth}: ${written(Math.min(...range), networks.decimals)} to ${written(Math.max(...range), networks.decimals)}.` : "";
      this.marked.textContent = words ? words + span : order.length ? `${order.length.toLocaleString("en")} networks are marked.${span}` : "Drag over points to mark networks in both plots.";
      this.marks.replaceChildren(...order.slice(0, LISTED).map((k) => make("div", { className: "network" }, ...this.about(k))));
      this.isListed = true;
    }

    about(k) {
      const { networks, proxy } = this;
      const known = this.ranks[k] < UNMEASURED;
      const rows = [
        [networks.truth, `${written(networks.accuracy[k], networks.decimals)}, place ${(networks.better[k] + 1).toLocaleString("en")} of ${networks.size.toLocaleString("en")}`],
        [`percentile by ${proxy.label}`, known ? written(100 * this.percentiles[k], 0) : "no score"],
        ...networks.costs.filter((cost) => cost.steps[k] !== UNDEFINED).map((cost) => [cost.label.replace(/, [^,]*$/, ""), `${short(Math.exp(cost.low + ((cost.high - cost.low) * cost.steps[k]) / (UNMEASURED - 1)))} ${cost.unit.split(" ")[0]}`]),
      ];
      return [networks.picture(k), make("dl", {}, ...rows.flatMap(([term, text]) => [make("dt", { textContent: term }), make("dd", { textContent: text })]))];
    }

    // Draw once a frame: everything anew, the points, or what is above them.
    later(what) {
      const order = ["over", "points", "resize"];
      this.wanted = order[Math.max(order.indexOf(what), order.indexOf(this.wanted ?? "over"))];
      this.asked ??= requestAnimationFrame(() => {
        const wanted = this.wanted;
        [this.asked, this.wanted] = [undefined, undefined];
        this.draw(wanted);
      });
    }

    draw(what) {
      if (what === "resize") this.planes.forEach((plane) => plane.resize());
      if (this.isStale) this.remark(true);
      if (what !== "over") this.drawPoints();
      this.drawOver();
      this.tell();
      if (this.keepsAddress) this.address ??= setTimeout(() => this.writeAddress(), 200);
    }

    // Browsers refuse more than some hundred changes of the address in half a minute.
    writeAddress() {
      this.address = undefined;
      const usual = { keep: "100", budget: "500" };
      const query = new URLSearchParams(Object.entries(this.state).filter(([key, value]) => value !== "" && value !== usual[key]));
      history.replaceState(null, "", `${location.pathname}?${query}${location.hash}`);
    }

    get colours() {
      const isDark = document.documentElement.dataset.theme === "dark";
      if (this.palette?.isDark === isDark) return this.palette;
      const style = getComputedStyle(this.root);
      this.palette = {
        isDark,
        ink: style.getPropertyValue("--pst-color-text-base").trim() || "#222",
        grid: isDark ? "#3a3f45" : "#dddddd",
        point: isDark ? "#56b4e9" : "#0072b2",
        mark: isDark ? "#ff9a52" : "#c14e00",
      };
      return this.palette;
    }

    drawPoints() {
      const { networks, kept, colours } = this;
      const low = networks.accuracy[kept - 1];
      const floor = this.state.keep === "100" ? networks.accuracy[Math.floor(0.95 * (networks.n - 1))] : low;
      const high = networks.accuracy[0];
      const pad = (high - floor || 1) * 0.03;
      this.range = [floor - pad, high + pad];
      const ticksY = evenTicks(...this.range);
      const percents = [0, 25, 50, 75, 100].map((percent) => [percent / 100, String(percent)]);
      this.planes[0].axes(percents, ticksY, `percentile by ${this.proxy.label} (better →)`, colours);
      this.planes[1].element.parentElement.hidden = !this.cost;
      if (this.cost) this.planes[1].axes(ratioTicks(this.cost.low, this.cost.high), ticksY, this.cost.label, colours);
      this.planes.slice(0, this.cost ? 2 : 1).forEach((plane, side) => {
        const size = networks.n > 4000 ? 2 : networks.n > 400 ? 3 : 5;
        const opacity = networks.n > 400 ? 0.45 : 0.8;
        const places = this.pixels(side, plane, kept);
        const brush = plane.points.getContext("2d");
        plane.scatter(places, this.isMarked, [
          [colours.point, size, opacity],
          [colours.mark, size + 2, 1],
        ]);
        plane.name(`${networks.truth} by ${side ? "cost" : this.proxy.label}`);
        if (side === 1) {
          this.drawStairs(brush, plane, this.costFront, colours.ink);
          this.drawStairs(brush, plane, this.picks, colours.mark);
        }
      });
    }

    // Where the networks of a plot are, in pixels: [x of each, y of each], NaN for those that are in none.
    pixels(side, plane, kept) {
      const { left, right, top, bottom } = plane.frame;
      const [lowest, ratio] = [this.range[0], (bottom - top) / (this.range[1] - this.range[0])];
      const [x, y] = [new Float32Array(kept), new Float32Array(kept)];
      for (let k = 0; k < kept; k++) {
        x[k] = left + (right - left) * this.places[side][k];
        y[k] = Math.min(bottom, bottom - (this.networks.accuracy[k] - lowest) * ratio);
      }
      return [x, y];
    }

    drawStairs(brush, plane, stairs, colour) {
      [brush.strokeStyle, brush.lineWidth] = [colour, 1.5];
      brush.beginPath();
      stairs.forEach((k, step) => {
        const [x, y] = plane.place(...this.at(1, k));
        if (step) brush.lineTo(x, this.last);
        else brush.moveTo(x, plane.frame.bottom);
        brush.lineTo(x, y);
        this.last = y;
      });
      if (stairs.length) brush.lineTo(plane.frame.right, this.last);
      brush.stroke();
    }

    drawOver() {
      const { colours } = this;
      this.planes.slice(0, this.cost ? 2 : 1).forEach((plane, side) => {
        const brush = plane.over.getContext("2d");
        brush.clearRect(0, 0, plane.width, plane.height);
        const ring = (k, colour, radius) => {
          const [x, y] = this.at(side, k);
          if (Number.isNaN(x)) return;
          [brush.strokeStyle, brush.lineWidth] = [colour, 2.5];
          brush.beginPath();
          brush.arc(...plane.place(x, y), radius, 0, 2 * Math.PI);
          brush.stroke();
        };
        const { best, pick } = this.bought();
        if (side === 1) {
          const [x] = plane.place(Number(this.state.budget) / 1000, 0);
          [brush.strokeStyle, brush.lineWidth] = [colours.ink, 1];
          brush.setLineDash([4, 3]);
          brush.strokeRect(x, plane.frame.top, 0, plane.frame.bottom - plane.frame.top);
          brush.setLineDash([]);
        }
        if (best !== undefined) ring(best, colours.ink, 7);
        if (pick !== undefined) ring(pick, colours.mark, 5);
        if (this.state.at !== "") ring(Number(this.state.at), colours.point, 9);
        if (this.drag?.side === side) {
          const [from, to] = [this.drag.from, this.drag.to].map((point) => plane.place(...point));
          [brush.strokeStyle, brush.lineWidth] = [colours.mark, 1.5];
          brush.strokeRect(from[0], from[1], to[0] - from[0], to[1] - from[1]);
        }
      });
    }

    get budget() {
      const { low, high } = this.cost;
      return Math.exp(low + ((high - low) * Number(this.state.budget)) / 1000);
    }

    // The best network within the budget, what the proxy picks, and how many candidates share the pick's score.
    bought() {
      if (!this.cost) return {};
      if (this.purchase.budget === this.state.budget) return this.purchase;
      const most = (Number(this.state.budget) / 1000) * (UNMEASURED - 1) + 1e-6;
      const within = (stairs) => stairs.findLast((k) => this.cost.steps[k] <= most);
      const [best, pick] = [within(this.costFront), within(this.picks)];
      let ties = 0;
      for (let k = 0; pick !== undefined && k < this.networks.n; k++)
        ties += this.networks.isCandidate[k] && this.ranks[k] === this.ranks[pick] && this.cost.steps[k] <= most;
      this.purchase = { budget: this.state.budget, best, pick, ties };
      return this.purchase;
    }

    tell() {
      const { networks, proxy, state } = this;
      const keep = Number(state.keep);
      if (this.correlated.keep !== keep) this.correlated = { keep, ...networks.correlations(this.ranks, keep / 100) };
      const { n, kt, spr } = this.correlated;
      const words = keep < 100 ? `Best ${keep} %` : "All";
      this.told.keep.textContent = `${words}: τ = ${written(kt)}, ρ = ${written(spr)}, n = ${n.toLocaleString("en")}.`;
      this.choosers.keep.setAttribute("aria-valuetext", `${keep} %`);
      if (this.cost) {
        const { best, pick, ties } = this.bought();
        const limit = `${short(this.budget)} ${this.cost.unit}`;
        this.choosers.budget.setAttribute("aria-valuetext", limit);
        const decimals = networks.decimals;
        const lost = best !== undefined && pick !== undefined ? networks.accuracy[best] - networks.accuracy[pick] : NaN;
        this.told.budget.textContent =
          pick === undefined
            ? `${limit}: no candidate with a score is that cheap.`
            : `${limit}: ${proxy.label} picks ${written(networks.accuracy[pick], decimals)}${ties > 1 ? `, the cheapest of ${ties} with the same score` : ""}; the best has ${written(networks.accuracy[best], decimals)}. Lost: ${written(lost, decimals)}.`;
      }
      const shown = state.at === "" ? this.bought().pick : Number(state.at);
      if (shown !== this.shown || this.isListed) {
        const title = make("p", { className: "heading", textContent: state.at === "" ? `The pick of ${proxy.label} within the budget:` : "This network:" });
        this.card.replaceChildren(...(shown === undefined ? [make("p", { textContent: "Point at a network." })] : [title, ...this.about(shown)]));
        [this.shown, this.isListed] = [shown, false];
      }
    }

    nearest(plane, event) {
      const box = plane.over.getBoundingClientRect();
      return plane.nearest(event.clientX - box.left, event.clientY - box.top);
    }

    listen(plane, side) {
      const { over } = plane;
      over.addEventListener("pointermove", (event) => {
        if (this.drag) {
          this.drag.to = plane.fraction(event);
          this.later("over");
          return;
        }
        const found = this.nearest(plane, event);
        if (found !== undefined && String(found) !== this.state.at) this.set("at", String(found));
      });
      over.addEventListener("pointerdown", (event) => {
        const from = plane.fraction(event);
        this.drag = { side, from, to: from };
        over.setPointerCapture(event.pointerId);
      });
      over.addEventListener("pointercancel", () => (this.drag = undefined));
      over.addEventListener("pointerup", (event) => {
        if (!this.drag) return;
        const { from } = this.drag;
        const to = plane.fraction(event);
        this.drag = undefined;
        const isClick = Math.hypot((to[0] - from[0]) * plane.width, (to[1] - from[1]) * plane.height) < 6;
        if (isClick) {
          const found = this.nearest(plane, event);
          if (found !== undefined) this.set("at", String(found));
          return;
        }
        const [low, high] = this.range;
        const [x0, x1] = [from[0], to[0]].sort((a, b) => a - b);
        const [y0, y1] = [from[1], to[1]].map((fraction) => low + (high - low) * fraction).sort((a, b) => a - b);
        this.set("brush", [side, ...[x0, x1, y0, y1].map((value) => Number(value.toFixed(4)))].join(","));
        this.later("points");
      });
      over.addEventListener("keydown", (event) => this.key(side, event));
    }

    // The networks of a plot that are kept, from left to right or from below.
    walk(side, isAcross) {
      const { kept } = this;
      if (this.walks.kept !== kept) this.walks = Object.assign([], { kept });
      return (this.walks[2 * side + Number(isAcross)] ??= (() => {
        const known = this.networks.everyone.subarray(0, kept).filter((k) => !Number.isNaN(this.places[side][k]));
        return isAcross ? sorted(known, side ? this.cost.steps : this.ranks) : known.reverse(); // they are in order of accuracy
      })());
    }

    key(side, event) {
      const step = { ArrowLeft: -1, ArrowRight: 1, ArrowDown: -1, ArrowUp: 1 }[event.key];
      const current = this.state.at === "" ? undefined : Number(this.state.at);
      if (step || event.key === "Home" || event.key === "End") {
        const known = this.walk(side, event.key === "ArrowLeft" || event.key === "ArrowRight");
        const place = event.key === "Home" ? 0 : event.key === "End" ? known.length - 1 : known.indexOf(current) + step;
        const found = known[current === undefined ? known.length - 1 : Math.min(Math.max(place, 0), known.length - 1)];
        this.set("at", String(found));
        if (event.shiftKey) this.mark(found, true);
      } else if ((event.key === "Enter" || event.key === " ") && current !== undefined) this.mark(current);
      else if (event.key === "Escape") this.unmark();
      else return;
      event.preventDefault();
    }
  }

  document.querySelectorAll(".explorer").forEach((root) => (root.explorer ??= new Explorer(root)));
})();
