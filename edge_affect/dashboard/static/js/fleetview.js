// The overview: one tile for each box, what needs somebody first.

import { Disc } from "./disc.js";
import { el, mark, refill, say } from "./dom.js";
import { absence, headline, manner } from "./phrases.js";
import { sorted } from "./model.js";
import { age, t, word } from "./words.js";

const ORDER = ["live", "waiting", "silent", "offline", "unknown", "cut"];

/** The address of a box within this page. */
export function addressOf(box) {
  return `#/box/${encodeURIComponent(box.site)}/${encodeURIComponent(box.device)}`;
}

class Tile {
  constructor(box) {
    this.disc = new Disc({ isSmall: true });
    this.disc.node.setAttribute("aria-hidden", "true");
    this.name = el("h2", null, `${box.site} / ${box.device}`);
    this.headline = el("p", { "class": "headline" });
    this.under = el("p", { "class": "small" });
    this.pill = el("span", { "class": "pill" });
    this.alerts = el("div");
    this.node = el("li", { "class": "tile" },
      el("a", { "class": "card", href: addressOf(box) }, this.disc.node,
        el("div", null, this.name, this.headline, this.under, this.pill, this.alerts)));
  }

  draw(model, box) {
    const names = model.hello.expressions;
    const presence = model.presence(box);
    const isLive = presence === "live" && box.vector !== null;
    const isSaid = isLive && box.vector.abstained === null;
    mark(this.node, "data-state", isLive ? "on" : presence === "silent" || presence === "cut" ? "warn" : "off");
    say(this.headline, isLive ? headline(box.vector, names) : absence(presence, model.ageS(box)));
    say(this.under, isSaid ? manner(box.vector) : "");
    say(this.pill, isLive ? t("presence_live") : this.ageText(model, box, presence));
    mark(this.pill, "data-state", presence);
    refill(this.alerts, JSON.stringify(box.alerts.map((a) => [a.name, a.severity])), () => box.alerts.map((alert) =>
      el("p", { "class": "alert", "data-severity": alert.severity }, el("strong", null, word("severity", alert.severity)), alert.name)));
    this.disc.draw({
      state: isSaid ? "on" : isLive ? "quiet" : "off",
      vector: box.vector, word: "", label: "", color: isSaid ? box.vector.expression : "neutral",
    });
  }

  ageText(model, box, presence) {
    const seconds = model.ageS(box);
    const text = t(`presence_${presence}`);
    return presence === "silent" || seconds === null ? text : `${text} · ${age(seconds)}`;
  }
}

/** All boxes at once. */
export class FleetView {
  constructor(model) {
    this.model = model;
    this.tiles = new Map();
    this.tally = el("p", { "class": "tally" });
    this.list = el("ul", { "class": "boxes" });
    this.more = el("p", { "class": "small" });
    this.empty = el("div", { "class": "empty", hidden: true });
    this.node = el("div", null, this.tally, this.list, this.more, this.empty);
  }

  draw() {
    const model = this.model;
    const boxes = sorted(model);
    this.drawEmpty(boxes.length === 0);
    this.drawTally(boxes);
    const names = new Set();
    for (const [name, box] of boxes) {
      names.add(name);
      if (!this.tiles.has(name)) this.tiles.set(name, new Tile(box));
      this.tiles.get(name).draw(model, box);
    }
    for (const [name, tile] of this.tiles) {
      if (!names.has(name)) {
        tile.node.remove();
        this.tiles.delete(name);
      }
    }
    this.order([...names]);
    say(this.more, model.link?.left_out ? t("left_out", { n: model.link.left_out }) : "");
  }

  /** Move tiles only where their order is another one: what has the focus keeps it. */
  order(names) {
    const key = names.join("\n");
    if (this.key === key) return;
    this.key = key;
    const focused = document.activeElement;
    this.list.append(...names.map((name) => this.tiles.get(name).node));
    if (this.list.contains(focused)) focused.focus();
  }

  drawTally(boxes) {
    const counts = new Map(ORDER.map((name) => [name, 0]));
    let nAlerts = 0;
    for (const [, box] of boxes) {
      const presence = this.model.presence(box);
      counts.set(presence, (counts.get(presence) ?? 0) + 1);
      nAlerts += box.alerts.length ? 1 : 0;
    }
    refill(this.tally, JSON.stringify([...counts.values(), nAlerts]), () => [
      nAlerts ? el("span", { "class": "pill", "data-state": "cut" }, t("tally_alert", { n: nAlerts })) : null,
      ...ORDER.filter((name) => counts.get(name)).map((name) =>
        el("span", { "class": "pill", "data-state": name }, t(`tally_${name}`, { n: counts.get(name) }))),
    ].filter(Boolean));
  }

  drawEmpty(isEmpty) {
    this.empty.hidden = !isEmpty || !this.model.link?.connected;
    refill(this.empty, String(this.empty.hidden), () => this.empty.hidden ? [] : [
      el("p", { "class": "headline" }, t("empty_title")),
      el("p", null, t("empty_text", { broker: this.model.hello.broker })),
    ]);
  }
}
