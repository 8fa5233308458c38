// The charts as a table, for who cannot or will not look at them.

import { el } from "./dom.js";
import { clock, number, percent, t, word } from "./words.js";

const STEP_S = { 2: 5, 5: 15, 15: 60 };

/** One table; drawn only while it is open. */
export class DataTable {
  constructor() {
    this.node = el("div", { "class": "tables", tabindex: "0", role: "group", "aria-label": t("table"), hidden: true });
    this.body = el("tbody");
    this.head = el("tr");
    this.caption = el("caption", { "class": "small" });
    this.node.append(el("table", null, this.caption, el("thead", null, this.head), this.body));
  }

  draw(series, { expressions, states }, range) {
    const step = STEP_S[range];
    this.caption.textContent = t("table_caption", { n: step });
    const columns = [
      ...expressions.map((name) => [word("expression", name), name, percent]),
      ...["valence", "arousal"].map((name) => [t(name), name, (v) => number(v, 2)]),
      ...states.map((name) => [word("state", name), name, (v) => number(v, 2)]),
      [t("confidence"), "confidence", percent],
    ];
    this.head.replaceChildren(...[t("table_time"), ...columns.map(([label]) => label)].map((label) => el("th", { scope: "col" }, label)));
    const values = columns.map(([, name]) => series.column(name));
    const rows = [];
    let bin = null;
    for (let i = series.times.length - 1; i >= 0; i -= 1) {
      const next = Math.floor(series.times[i] / step);
      // A row of its own stands for no data; it must not hide what was said in the same stretch.
      if (next === bin || series.rows[i] === null) continue;
      bin = next;
      rows.push(el("tr", null, el("th", { scope: "row", "class": "num" }, clock(series.times[i] * 1000)),
        columns.map(([, , show], k) => el("td", { "class": "num" }, values[k][i] === null ? "–" : show(values[k][i])))));
    }
    this.body.replaceChildren(...rows);
  }
}
