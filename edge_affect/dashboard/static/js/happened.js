// What happened lately, newest first.

import { el, refill } from "./dom.js";
import { age, clock, language, percent, t, word } from "./words.js";

const SIGNS = { event: "♪", alert: "!", marker: "§", gap: "…", status: "↔" };

/** The card with events, alerts, markers, gaps and comings and goings. */
export class Happened {
  constructor(model) {
    this.model = model;
    this.list = el("ul", { "class": "log" });
    this.node = el("section", { "class": "card", "aria-labelledby": "happened" },
      el("h2", { id: "happened" }, t("happened")),
      el("div", { "class": "log-scroll", tabindex: "0", role: "group", "aria-labelledby": "happened" }, this.list));
  }

  draw() {
    const { happenings } = this.model.detail;
    refill(this.list, language() + JSON.stringify(happenings), () => {
      if (!happenings.length) return [el("li", { "class": "none" }, el("span"), el("span"), el("span", null, t("happened_none")))];
      return [...happenings].sort((a, b) => b.start_ms - a.start_ms).map((item) => el("li", { "data-kind": item.kind },
        el("time", { "class": "num", datetime: new Date(item.start_ms).toISOString() }, clock(item.start_ms)),
        el("span", { "class": "sign", "aria-hidden": "true" }, SIGNS[item.kind] ?? "·"),
        el("span", null, sentence(item))));
    });
  }
}

function sentence(item) {
  const lasted = item.end_ms === null ? null : age((item.end_ms - item.start_ms) / 1000);
  if (item.kind === "event") {
    const parts = [word("event", item.name), lasted === null ? t("going_on") : t("for_s", { age: lasted })];
    if (item.level !== null) parts.push(percent(item.level));
    return parts.join(" · ");
  }
  if (item.kind === "alert") {
    const parts = [t("alert_raised", { name: item.name })];
    if (item.message) parts.push(item.message);
    if (lasted !== null) parts.push(t("alert_over", { age: lasted }));
    return parts.join(" · ");
  }
  if (item.kind === "marker") return t("marker", { what: [item.n, item.name].filter((part) => part !== null && part !== "").join(" ") });
  if (item.kind === "gap") return item.n === null ? t("gap_unknown") : t("gap_n", { n: item.n });
  return word("status", item.name);
}
