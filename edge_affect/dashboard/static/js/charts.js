// What was, over time: expressions, mood, states; each chart also as a table.

import { DataTable } from "./datatable.js";
import { el, say } from "./dom.js";
import { Plot, colour } from "./plot.js";
import { Series } from "./series.js";
import { number, remember, remembered, t, word } from "./words.js";

const RANGES_MIN = [2, 5, 15];
const DRAW_MS = 900;

/** The card with all charts of one box. */
export class Charts {
  constructor(model) {
    this.model = model;
    this.range = RANGES_MIN.includes(Number(remembered("range"))) ? Number(remembered("range")) : 5;
    this.buttons = RANGES_MIN.map((n) => el("button", {
      type: "button", "aria-pressed": String(n === this.range), on: { click: () => this.choose(n) },
    }, t("minutes", { n })));
    this.isTable = false;
    this.toggle = el("button", { type: "button", "aria-expanded": "false", on: { click: () => this.switchTable() } }, t("show_table"));
    this.table = new DataTable();
    this.figures = el("div");
    this.note = el("p", { "class": "small" }, t("states_note"));
    this.node = el("section", { "class": "card", "aria-labelledby": "over-time" },
      el("div", { "class": "card-head" }, el("h2", { id: "over-time" }, t("over_time")),
        el("div", { "class": "buttons", role: "group", "aria-label": t("range") }, this.buttons, this.toggle)),
      this.figures, this.table.node);
    this.plots = null;
    this.drawnMs = 0;
    this.watch = new ResizeObserver(() => this.plots?.forEach((plot) => plot.fit()));
    this.watch.observe(this.figures);
  }

  close() {
    this.watch.disconnect();
    this.plots?.forEach((plot) => plot.close());
  }

  choose(n) {
    this.range = n;
    remember("range", n);
    for (const [i, button] of this.buttons.entries()) button.setAttribute("aria-pressed", String(RANGES_MIN[i] === n));
    this.drawnMs = 0;
    this.draw();
  }

  switchTable() {
    this.isTable = !this.isTable;
    this.toggle.setAttribute("aria-expanded", String(this.isTable));
    say(this.toggle, t(this.isTable ? "hide_table" : "show_table"));
    this.drawnMs = 0;
    this.draw();
  }

  build() {
    const { expressions, states } = this.model.hello;
    const root = document.documentElement;
    this.expressions = new Plot({
      kind: "stack", height: 9.5, names: expressions, label: t("chart_expressions"),
      lines: expressions.map((name) => ({ label: word("expression", name), color: colour(root, name) })),
      low: 0, high: 1,
    });
    this.mood = new Plot({
      kind: "lines", height: 8.5, names: ["valence", "arousal"], label: t("chart_mood"),
      lines: [
        { label: t("valence"), color: colour(root, "accent"), width: 2.5 },
        { label: t("arousal"), color: colour(root, "fear"), width: 2, dash: [6, 4] },
      ],
      low: -1, high: 1,
    });
    this.states = states.map((name) => ({ name, row: this.stateRow(name) }));
    this.plots = [this.expressions, this.mood, ...this.states.map(({ row }) => row.plot)];
    this.figures.append(
      this.figure(t("chart_expressions"), this.expressions, true),
      this.figure(t("chart_mood"), this.mood, false),
      el("figure", { "class": "chart" }, el("figcaption", null, t("chart_states")),
        el("div", { "class": "rows" }, this.states.map(({ row }) => row.node)), this.note));
    this.plots.forEach((plot) => plot.fit());
  }

  figure(title, plot, hasBlanks) {
    const keys = plot.lines.map(({ label, color, dash }) => {
      const swatch = el("span", { "class": "swatch", "aria-hidden": "true" });
      swatch.style.background = dash ? `repeating-linear-gradient(90deg, ${color} 0 4px, transparent 4px 6px)` : color;
      return el("li", null, swatch, label);
    });
    const blanks = hasBlanks ? ["abstained", "missing"].map((kind) => {
      const swatch = el("span", { "class": `swatch blank-${kind}`, "aria-hidden": "true" });
      return el("li", null, swatch, t(`key_${kind}`));
    }) : [];
    return el("figure", { "class": "chart" },
      el("figcaption", null, title, el("ul", { "class": "keys" }, keys, blanks)), plot.node);
  }

  stateRow(name) {
    const plot = new Plot({
      kind: "spark", height: 1.9, names: [name], label: word("state", name),
      lines: [{ label: word("state", name), color: colour(document.documentElement, "accent"), width: 1.6 }], low: 0, high: 1,
    });
    const value = el("output", { "class": "num" });
    const none = el("span", { "class": "none" });
    return { plot, value, none, node: el("div", { "class": "row" }, el("span", null, word("state", name)), plot.node, value, none) };
  }

  draw() {
    const now = performance.now();
    if (now - this.drawnMs < DRAW_MS) return;
    this.drawnMs = now;
    if (!this.plots) this.build();
    const { detail, hello } = this.model;
    const newest = detail.points.size ? Math.max(...detail.points.keys()) : null;
    // The axis is that of the box's clock; it goes on while nothing comes.
    const box = this.model.boxes.get(this.model.chosen);
    const behind = box?.heard_ms && box.vector ? box.heard_ms - box.vector.time_ms : 0;
    const to = Math.max(Math.floor((this.model.nowMs - behind) / 1000), newest ?? 0);
    const from = to - this.range * 60;
    const series = new Series(detail.points, hello.columns, from, to);
    const blanks = series.blanks(from, to);
    this.expressions.draw(series.times, series.stacked(hello.expressions), blanks, from, to);
    this.mood.draw(series.times, ["valence", "arousal"].map((name) => series.column(name)), blanks, from, to);
    this.drawStates(series, blanks, from, to, box);
    this.table.node.hidden = !this.isTable;
    if (this.isTable) this.table.draw(series, hello, this.range);
  }

  drawStates(series, blanks, from, to, box) {
    const isLive = box && this.model.presence(box) === "live";
    const unsensed = this.model.detail.about?.not_sensed ?? [];
    this.states.forEach(({ name, row }, i) => {
      const isKnown = series.hasAny([name]);
      const level = isLive ? box.vector?.states[i] ?? null : null;
      row.plot.node.hidden = row.value.hidden = !isKnown;
      row.none.hidden = isKnown;
      say(row.none, t(unsensed.includes(`states.${name}`) ? "state_not_sensed" : "state_none"));
      say(row.value, level === null ? "–" : number(level, 2));
      if (isKnown) {
        row.plot.fit();
        row.plot.draw(series.times, [series.column(name)], blanks, from, to);
      }
    });
  }
}
