// Lays a leaderboard out anew: all benchmarks beside each other in one statistic, or all statistics of one
// benchmark; sorts, filters, downloads, and ranks a visitor's own result. The table in the page holds the data, a
// row a proxy and benchmark, and stays what a reader without scripts sees.
"use strict";
(() => {
  const COLUMNS = {
    rank: { title: "rank", words: "places that the interval of τ over all leaves open" },
    kt: { title: "τ, all", words: "Kendall’s τ over all" },
    kt_top: { title: "τ, top", words: "Kendall’s τ over the top" },
    spr: { title: "ρ, all", words: "Spearman’s ρ over all" },
    spr_top: { title: "ρ, top", words: "Spearman’s ρ over the top" },
    regret: { title: "regret", words: "how far the pick is from the best", lowIsBetter: true },
    seed_sd: { title: "τ, seeds ±", words: "standard deviation of τ over seeds", lowIsBetter: true },
    n: { title: "n", words: "networks" },
    missing: { title: "undefined", words: "networks without a score", lowIsBetter: true },
    cost: { title: "cost", words: "bare passes", lowIsBetter: true },
  };
  const STATISTICS = ["kt", "kt_top", "spr", "spr_top", "regret"]; // which have intervals
  const ENOUGH = 30; // networks, as in zsnas/leaderboard.py
  const NARROW = matchMedia("(max-width: 640px)");

  const number = (text) => (text === undefined || text === null || text === "" ? NaN : Number(text));
  const written = (value, decimals = 2) =>
    Number.isNaN(value) ? "–" : value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1").replace("-", "−");
  const make = (tag, properties = {}, ...children) => {
    const { dataset, ...plain } = properties;
    const element = Object.assign(document.createElement(tag), plain);
    Object.assign(element.dataset, dataset);
    element.append(...children);
    return element;
  };

  // A row as data: what it is about, and its cells by column.
  const read = (row) => ({
    ...row.dataset,
    cells: Object.fromEntries(
      [...row.cells].slice(2).map((cell) => [
        cell.dataset.column,
        {
          text: cell.textContent,
          href: cell.querySelector("a")?.getAttribute("href"),
          value: number(cell.dataset.value),
          low: number(cell.dataset.low),
          high: number(cell.dataset.high),
        },
      ]),
    ),
  });

  // The places that intervals leave open: one is behind another when its interval lies beyond it as a whole.
  const places = (cells, lowIsBetter = false) => {
    const sign = lowIsBetter ? -1 : 1;
    const ends = cells.map(({ low, high }) => (sign > 0 ? [low, high] : [-high, -low]));
    return ends.map(([low, high]) =>
      Number.isNaN(low)
        ? [NaN, NaN]
        : [1 + ends.filter((other) => other[0] > high).length, ends.filter((other) => !(other[1] < low)).length - ends.filter((other) => Number.isNaN(other[0])).length],
    );
  };

  const rankAgain = (rows) => {
    const ranked = rows.filter((row) => row.cells.n.value >= ENOUGH && !Number.isNaN(row.cells.kt.low));
    const found = places(ranked.map((row) => row.cells.kt));
    ranked.forEach((row, k) => {
      const [first, last] = found[k];
      const text = `${first === last ? first : `${first}–${last}`} of ${ranked.length}`;
      row.cells.rank = { ...row.cells.rank, value: first, last, text };
    });
  };

  // What `zsnas evaluate --output my.json` wrote, as rows like the others; a text when it is something else.
  const ownRows = (written_, known) => {
    const found = Array.isArray(written_?.rows) ? written_.rows.filter((row) => row.proxy && row.benchmark) : [];
    if (!found.length) return "This file is not what `zsnas evaluate FILE --output my.json` writes.";
    const rows = [];
    for (const row of found) {
      const other = known.find((one) => one.benchmark === row.benchmark);
      if (!other) continue;
      const cells = Object.fromEntries(Object.keys(COLUMNS).map((name) => [name, cellOf(name, row, other)]));
      rows.push({ ...other, proxy: `own:${row.proxy}`, label: row.label ?? row.proxy, kind: row.kind ?? "", own: true, cells });
    }
    return rows.length ? rows : "None of the benchmarks in this file is on the leaderboard.";
  };

  const cellOf = (name, row, other) => {
    const hasOtherTop = name.endsWith("_top") && Number(row.top) !== Number(other.top);
    const [value, low, high] = ["", "_low", "_high"].map((end) => (hasOtherTop ? NaN : number(row[name + end])));
    const decimals = name === "n" || name === "missing" ? 0 : name === "seed_sd" ? 3 : 2;
    const ends = Number.isNaN(low) ? "" : ` [${written(low)}, ${written(high)}]`;
    return { value, low, high, text: written(value, decimals) + ends };
  };

  const csv = (rows) => {
    const fields = Object.keys(COLUMNS).flatMap((name) =>
      STATISTICS.includes(name) ? [name, `${name}_low`, `${name}_high`] : [name],
    );
    const lines = rows.map((row) => {
      const about = [row.benchmark, row.proxy, row.label, row.kind, row.space, row.set, row.task];
      const values = Object.keys(COLUMNS).flatMap((name) => {
        const cell = row.cells[name];
        if (name === "rank") return [cell.text === "–" ? "" : cell.text];
        return (STATISTICS.includes(name) ? [cell.value, cell.low, cell.high] : [cell.value]).map((v) => (Number.isNaN(v) ? "" : v));
      });
      return [...about, ...values];
    });
    const quoted = (field) => (/[",\n]/.test(field) ? `"${String(field).replaceAll('"', '""')}"` : field);
    const head = ["benchmark", "proxy", "label", "kind", "space", "data", "task", ...fields];
    return [head, ...lines].map((line) => line.map(quoted).join(",")).join("\n") + "\n";
  };

  class Leaderboard {
    constructor(root) {
      this.root = root;
      this.plain = root.querySelector("table");
      this.rows = [...this.plain.tBodies[0].rows].map(read);
      this.rows.forEach((row) => (row.cells.rank.last = number(row.cells.rank.text.match(/–(\d+)/)?.[1] ?? row.cells.rank.value)));
      this.hasMany = new Set(this.rows.map((row) => row.proxy)).size > 1;
      if (!this.hasMany) return; // one proxy's rows are a plain table
      const query = new URLSearchParams(location.search);
      this.state = { benchmark: "", statistic: "kt", kind: "", space: "", task: "", sort: "", up: "" };
      Object.keys(this.state).forEach((key) => query.has(key) && (this.state[key] = query.get(key)));
      if (!COLUMNS[this.state.statistic]) this.state.statistic = "kt";
      this.unfolded = new Set();
      this.build();
      this.show();
      NARROW.addEventListener("change", () => this.show());
    }

    build() {
      const of = (key) => [...new Set(this.rows.map((row) => row[key]))];
      const benchmarks = of("benchmark").map((name) => [name, this.title(name)]);
      this.choosers = {
        benchmark: this.chooser("Benchmark", "benchmark", [["", "all, side by side"], ...benchmarks]),
        statistic: this.chooser("Statistic", "statistic", STATISTICS.map((name) => [name, COLUMNS[name].words])),
        space: this.chooser("Space", "space", [["", "all"], ...of("space").map((name) => [name, name])]),
        task: this.chooser("Task", "task", [["", "all"], ...of("task").map((name) => [name, name])]),
        kind: this.chooser("Kind of proxy", "kind", [["", "all"], ...of("kind").map((name) => [name, name])]),
      };
      const file = make("input", { type: "file", accept: ".json,application/json" });
      file.addEventListener("change", async () => file.files[0] && this.load(await file.files[0].text()));
      const download = make("button", { type: "button", textContent: "Download as CSV" });
      download.addEventListener("click", () => {
        const address = URL.createObjectURL(new Blob([csv(this.kept())], { type: "text/csv" }));
        make("a", { href: address, download: "leaderboard.csv" }).click();
        URL.revokeObjectURL(address);
      });
      this.told = make("p", { className: "told", role: "status" });
      this.area = make("div", { className: "area", tabIndex: 0, role: "region", ariaLabel: "Leaderboard" });
      const own = make("label", {}, make("span", { textContent: "Your own proxy, a file of zsnas evaluate" }), file);
      const controls = make("div", { className: "controls" }, ...Object.values(this.choosers));
      this.plain.hidden = true;
      this.root.prepend(controls, this.told, this.area, make("div", { className: "controls" }, own, download));
    }

    title(name) {
      const row = this.rows.find((one) => one.benchmark === name);
      return `${row.space}, ${row.set}`;
    }

    chooser(title, key, options) {
      const select = make("select", {}, ...options.map(([value, text]) => new Option(text, value)));
      select.value = this.state[key];
      if (select.selectedIndex < 0) select.value = this.state[key] = options[0][0];
      select.addEventListener("change", () => {
        this.state[key] = select.value;
        this.show();
      });
      return make("label", {}, make("span", { textContent: title }), select);
    }

    load(text) {
      let found = "This file is not JSON.";
      try {
        found = ownRows(JSON.parse(text), this.rows);
      } catch {
        // the sentence above says it
      }
      if (typeof found === "string") {
        this.told.textContent = found;
        return;
      }
      this.rows = this.rows.filter((row) => !row.own).concat(found);
      new Set(found.map((row) => row.benchmark)).forEach((name) => rankAgain(this.rows.filter((row) => row.benchmark === name)));
      const benchmarks = new Set(found.map((row) => row.benchmark));
      if (benchmarks.size === 1) this.state.benchmark = this.choosers.benchmark.querySelector("select").value = [...benchmarks][0];
      this.show();
      const said = found.map((row) => `${row.label}: place ${row.cells.rank.text} on ${this.title(row.benchmark)}`);
      this.told.textContent = said.join("; ");
    }

    // Which proxy ranks the networks of one benchmark best, and which are not told apart from it.
    answer(rows) {
      const front = this.front(rows, "rank");
      const [best, ...others] = [...front].filter(([, [first]]) => first === 1).map(([row]) => row).sort((a, b) => b.cells.kt.value - a.cells.kt.value);
      if (!best) return " Fewer than 30 networks decide nothing.";
      const level = others.map((row) => `${row.label} (${written(row.cells.kt.value)})`).join(", ");
      return (
        ` ${best.label} ranks these ${best.cells.n.text} networks best, τ = ${best.cells.kt.text}; ` +
        (level ? `not told apart from it: ${level}.` : "it is ahead of all others.")
      );
    }

    kept() {
      const { benchmark, space, task, kind } = this.state;
      return this.rows.filter(
        (row) =>
          (!benchmark || row.benchmark === benchmark) &&
          (benchmark || ((!space || row.space === space) && (!task || row.task === task))) &&
          (!kind || row.kind === kind || row.own),
      );
    }

    show() {
      const rows = this.kept();
      ["space", "task"].forEach((key) => (this.choosers[key].hidden = this.state.benchmark !== ""));
      const names = [...new Set(rows.map((row) => row.benchmark))];
      const focused = document.activeElement?.closest?.(".leaderboard th button")?.dataset.key;
      const drawn = names.length === 1 ? this.column(rows) : NARROW.matches ? this.list(rows, names) : this.matrix(rows, names);
      this.area.replaceChildren(...drawn);
      if (focused) this.area.querySelector(`th button[data-key="${CSS.escape(focused)}"]`)?.focus();
      const proxies = new Set(rows.map((row) => row.proxy)).size;
      this.told.textContent = `${proxies} proxies, ${names.length} ${names.length === 1 ? "benchmark" : "benchmarks"}.${names.length === 1 ? this.answer(rows) : ""}`;
      const query = new URLSearchParams(Object.entries(this.state).filter(([key, value]) => value && !(key === "statistic" && value === "kt")));
      history.replaceState(null, "", `${location.pathname}${query.size ? `?${query}` : ""}${location.hash}`);
    }

    // One benchmark: a row a proxy, a column a statistic.
    column(rows) {
      const [{ space, set, unit, top }] = rows;
      const candidates = Math.max(...rows.map((row) => Number(row.candidates)));
      const columns = NARROW.matches ? ["rank", this.state.statistic, "n"] : Object.keys(COLUMNS);
      const value = (row, key) => {
        if (key === "proxy") return row.label;
        if (key !== "rank" && row.cells[key]) return row.cells[key].value;
        return Number.isNaN(row.cells.rank.value) ? NaN : -row.cells.kt.value; // in the order of what ranks them
      };
      const body = this.sorted(rows, value, "rank");
      const fronts = new Map(columns.map((key) => [key, this.front(rows, key)]));
      const share = `${100 * Number(top)} %`;
      const caption =
        `${space}, ${set}. Rank: the places that the interval of τ over all leaves open; bold: ahead of all others. ` +
        `Top: the ${share} by accuracy. Regret: ${unit} between the best of the benchmark and the pick among ${candidates.toLocaleString("en")} networks. ` +
        "Cost: passes of a bare training step.";
      return [
        this.table(
          caption,
          [["proxy", "proxy", ""], ...columns.map((key) => [key, COLUMNS[key].title, COLUMNS[key].words])],
          body.map((row) => [row, ...columns.map((key) => this.cell(row, key, fronts.get(key)))]),
          "rank",
        ),
      ];
    }

    // All benchmarks in one statistic: a row a proxy.
    matrix(rows, names) {
      const key = this.state.statistic;
      const proxies = [...new Map(rows.map((row) => [row.proxy, row])).values()];
      const at = new Map(rows.map((row) => [`${row.proxy} ${row.benchmark}`, row]));
      const fronts = new Map(names.map((name) => [name, this.front(rows.filter((row) => row.benchmark === name), key)]));
      const firsts = this.firsts(rows, fronts);
      const value = (row, column) => {
        if (column === "proxy") return row.label;
        if (column === "firsts") return firsts.get(row.proxy)[0];
        return at.get(`${row.proxy} ${column}`)?.cells[key].value ?? NaN;
      };
      const body = this.sorted(proxies, value, "firsts");
      const cells = body.map((row) => [
        row,
        make("td", { textContent: firsts.get(row.proxy).join(" of ") }),
        ...names.map((name) => {
          const found = at.get(`${row.proxy} ${name}`);
          return found ? this.cell(found, key, fronts.get(name)) : make("td", { textContent: "–" });
        }),
      ]);
      const caption =
        `${COLUMNS[key].words[0].toUpperCase()}${COLUMNS[key].words.slice(1)}, with 95 % intervals. Shaded: no other proxy is ahead by its whole interval; ` +
        "bold: it is ahead of all others. In front: on how many benchmarks a proxy is shaded.";
      const heads = names.map((name) => [name, this.title(name), ""]);
      return [this.table(caption, [["proxy", "proxy", ""], ["firsts", "in front", ""], ...heads], cells, "firsts")];
    }

    // The same on a narrow screen: a short table a benchmark, folded below what ranks it best.
    list(rows, names) {
      return names.map((name) => {
        const own = rows.filter((row) => row.benchmark === name);
        const fronts = this.front(own, "rank");
        const [best] = [...fronts].filter(([, [first]]) => first === 1).map(([row]) => row).sort((a, b) => b.cells.kt.value - a.cells.kt.value);
        const told = best ? make("span", {}, `: ${best.label}, τ ${written(best.cells.kt.value)}`) : "";
        const folded = make("details", {}, make("summary", {}, make("b", { textContent: this.title(name) }), told));
        // Made when it is asked for, and again when it has been sorted.
        folded.open = this.unfolded.has(name);
        if (folded.open) folded.append(...this.column(own));
        folded.addEventListener("toggle", () => {
          if (folded.open && !this.unfolded.has(name)) folded.append(...this.column(own));
          if (folded.open) this.unfolded.add(name);
          else this.unfolded.delete(name), folded.querySelector("table")?.remove();
        });
        return folded;
      });
    }

    // The places of the rows of one benchmark by a statistic, of those that have enough networks.
    front(rows, key) {
      if (!STATISTICS.includes(key) && key !== "rank") return new Map();
      const compared = rows.filter((row) => row.cells.n.value >= ENOUGH);
      const measure = key === "rank" ? "kt" : key;
      const found = places(compared.map((row) => row.cells[measure]), COLUMNS[measure].lowIsBetter);
      return new Map(compared.map((row, k) => [row, found[k]]));
    }

    // Of each proxy, on how many benchmarks none is ahead of it, and on how many it has an interval.
    firsts(rows, fronts) {
      const counts = new Map(rows.map((row) => [row.proxy, [0, 0]]));
      fronts.forEach((front) =>
        front.forEach(([first], row) => {
          const count = counts.get(row.proxy);
          count[0] += first === 1;
          count[1] += !Number.isNaN(first);
        }),
      );
      return counts;
    }

    // Whether the column that the table is sorted by begins with its lowest value.
    isRising(usual) {
      const key = this.state.sort || usual;
      const measure = COLUMNS[key] ? key : this.state.statistic;
      const isLowFirst = key === "proxy" || key === "rank" || (key !== "firsts" && Boolean(COLUMNS[measure].lowIsBetter));
      return isLowFirst !== Boolean(this.state.up);
    }

    sorted(rows, value, usual) {
      const key = this.state.sort || usual;
      const sign = this.isRising(usual) ? 1 : -1;
      return rows
        .map((row) => [value(row, key), row])
        .sort(([a], [b]) => {
          if (typeof a === "string") return sign * a.localeCompare(b);
          if (Number.isNaN(a) || Number.isNaN(b)) return Number.isNaN(a) - Number.isNaN(b); // unknown ones last
          return sign * (a - b);
        })
        .map(([, row]) => row);
    }

    cell(row, key, front) {
      const { text, href, ...cell } = row.cells[key];
      const shown = make("td", { dataset: { title: COLUMNS[key].title } });
      const [, head, ends] = text.match(/^([^[]*?)( ?\[.*\])?$/);
      const parts = ends ? [make("span", { textContent: head }), " ", make("small", { textContent: ends.trim() })] : [text];
      shown.append(href ? make("a", { href }, ...parts) : make("span", {}, ...parts));
      const [first, last] = front.get(row) ?? [];
      shown.classList.toggle("first", first === 1);
      shown.classList.toggle("alone", first === 1 && last === 1 && front.size > 1);
      return shown;
    }

    table(caption, heads, rows, usual) {
      const current = this.state.sort || usual;
      const head = make("tr", {}, ...heads.map(([key, title, words]) => {
        const button = make("button", { type: "button", textContent: title, title: words, dataset: { key } });
        button.addEventListener("click", () => {
          this.state.up = current === key && !this.state.up ? "1" : "";
          this.state.sort = key === usual ? "" : key;
          this.show();
        });
        const cell = make("th", { scope: "col" }, button);
        if (current === key) cell.setAttribute("aria-sort", this.isRising(usual) ? "ascending" : "descending");
        return cell;
      }));
      const body = rows.map(([row, ...cells]) =>
        make("tr", { className: row.own ? "own" : "" }, make("th", { scope: "row", textContent: row.own ? `${row.label} (yours)` : row.label }), ...cells),
      );
      return make("table", {}, make("caption", { textContent: caption }), make("thead", {}, head), make("tbody", {}, ...body));
    }
  }

  document.querySelectorAll(".leaderboard").forEach((root) => (root.leaderboard ??= new Leaderboard(root)));
})();
