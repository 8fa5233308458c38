// One box in full.

import { AboutCard, HealthCard } from "./cards.js";
import { Charts } from "./charts.js";
import { Disc } from "./disc.js";
import { el, mark, refill, say } from "./dom.js";
import { Happened } from "./happened.js";
import { absence, headline, lastWord, manner, mixText, polarityText, ranking, sureText } from "./phrases.js";
import { clock, language, list, percent, t, word } from "./words.js";

const N_SURE = 5;

/** Everything about the chosen box. */
export class BoxView {
  constructor(model) {
    this.model = model;
    this.disc = new Disc();
    this.pill = el("span", { "class": "pill" });
    this.headline = el("p", { "class": "headline", id: "headline" });
    this.manner = el("p", { "class": "manner", id: "manner" });
    this.mix = el("div", { "class": "mix", role: "img" });
    this.legend = el("ul", { "class": "legend" });
    this.facts = el("dl", { "class": "facts" });
    this.notes = el("div", { "class": "small" });
    this.alerts = el("section", { "class": "alerts wide", "aria-label": t("alerts") });
    this.charts = new Charts(model);
    this.happened = new Happened(model);
    this.health = new HealthCard(model);
    this.about = new AboutCard(model);
    this.said = el("div", { "class": "said" }, el("p", null, this.pill), this.headline, this.manner,
      this.mix, this.legend, this.facts, this.notes);
    this.empty = el("div", { "class": "empty" });
    this.body = el("div", { "class": "box" }, this.alerts,
      el("section", { "class": "card now", "aria-label": t("now") },
        el("h2", { "class": "unseen" }, t("now")), this.disc.node, this.said),
      el("div", { "class": "past" }, this.charts.node, this.happened.node),
      el("div", { "class": "under" }, this.health.node, this.about.node));
    this.node = el("div", null, this.empty, this.body);
  }

  close() {
    this.charts.close();
  }

  draw() {
    const { model } = this;
    const box = model.boxes.get(model.chosen);
    this.body.hidden = !box;
    this.empty.hidden = Boolean(box);
    if (!box) {
      refill(this.empty, model.chosen, () => [el("p", { "class": "headline" }, t("gone_title")), el("p", null, t("gone_text", { box: model.chosen }))]);
      return;
    }
    this.drawAlerts(box);
    this.drawNow(box);
    this.charts.draw();
    this.happened.draw();
    this.health.draw(box);
    this.about.draw();
  }

  drawAlerts(box) {
    this.alerts.hidden = box.alerts.length === 0 || this.model.presence(box) === "cut";
    refill(this.alerts, JSON.stringify(box.alerts), () => box.alerts.map((alert) =>
      el("p", { "class": "alert", "data-severity": alert.severity },
        el("strong", null, word("severity", alert.severity ?? "warn")),
        el("span", null, alert.message ?? alert.name),
        el("span", { "class": "small num" }, alert.since_ms === null ? alert.name : `${alert.name}, ${t("since", { time: clock(alert.since_ms) })}`))));
  }

  drawNow(box) {
    const { model } = this;
    const names = model.hello.expressions;
    const presence = model.presence(box);
    const vector = box.vector;
    const isLive = presence === "live" && vector !== null;
    const isSaid = isLive && vector.abstained === null;
    mark(this.pill, "data-state", presence);
    say(this.pill, isLive ? `${t("presence_live")} · ${clock(vector.time_ms)}` : t(`presence_${presence}`));
    mark(this.said, "data-state", isLive ? "on" : presence === "silent" || presence === "cut" ? "warn" : "off");
    const text = isLive ? headline(vector, names) : absence(presence, model.ageS(box));
    say(this.headline, text);
    say(this.manner, isSaid ? manner(vector) : isLive ? t("abstain_text") : t(`text_${presence}`));
    this.drawMix(isSaid ? vector : null, names);
    this.drawFacts(isLive ? vector : null, box);
    this.drawNotes(isLive, vector, box, names);
    const place = isSaid ? `${text}. ${manner(vector)}` : text;
    this.disc.draw({
      state: isSaid ? "on" : isLive ? "quiet" : "off",
      vector,
      word: isSaid ? t("no_place") : isLive ? t("word_abstained") : t(`word_${presence}`),
      label: t("disc_label", { what: place }),
      color: isSaid ? vector.expression : "neutral",
      points: this.trail(),
      endS: isLive ? Math.floor(vector.time_ms / 1000) : 0,
    });
  }

  trail() {
    const { columns } = this.model.hello;
    const [v, a] = [columns.indexOf("valence"), columns.indexOf("arousal")];
    return [...this.model.detail.points].sort((one, two) => one[0] - two[0]).map(([second, values]) => [second, values[v], values[a]]);
  }

  drawMix(vector, names) {
    this.mix.hidden = this.legend.hidden = vector === null;
    if (vector === null) return;
    mark(this.mix, "aria-label", t("mix_label", { what: mixText(vector, names) }));
    if (!this.mix.childElementCount) {
      this.mix.append(...names.map((name) => {
        const part = el("span");
        part.style.background = `var(--${name})`;
        return part;
      }));
    }
    vector.expressions.forEach((share, i) => {
      const part = this.mix.children[i];
      part.hidden = share === 0;
      part.style.flexGrow = share;
      part.style.flexBasis = 0;
    });
    refill(this.legend, `${language()}${vector.expressions}`, () => ranking(vector, names).map(({ name, share }) => {
      const swatch = el("span", { "class": "swatch", "aria-hidden": "true" });
      swatch.style.background = `var(--${name})`;
      return el("li", null, swatch, el("span", null, `${word("expression", name)} `, el("b", { "class": "num" }, percent(share))));
    }));
  }

  drawFacts(vector, box) {
    this.facts.hidden = vector === null;
    if (vector === null) return;
    const { confidence, people, speech_share: speech, modalities, sensing, abstained, polarity } = vector;
    const key = JSON.stringify([language(), confidence, people, speech, modalities, sensing, abstained, polarity]);
    refill(this.facts, key, () => {
      const facts = [];
      if (abstained === null) {
        const n = Math.round(confidence * N_SURE);
        const bars = Array.from({ length: N_SURE }, (_, i) => el("i", { "class": i < n ? "on" : null }));
        facts.push([t("sure"), [el("span", { "class": "sure", "aria-hidden": "true" }, bars), `${sureText(confidence)} (${percent(confidence)})`]]);
      }
      facts.push([t("people"), people ?? t("unknown")], [t("speech"), speech === null ? t("unknown") : percent(speech)]);
      if (polarity !== null) facts.push([t("words"), polarityText(polarity)]);
      if (abstained === null) facts.push([t("rests_on"), list(modalities.map((name) => word("modality", name)))]);
      else facts.push(...["microphone", "camera"].filter((name) => name in sensing).map((name) => [t(name), word("source", sensing[name])]));
      return facts.map(([name, value], i) => el("div", { "class": i === 0 && abstained === null ? "wide" : null }, el("dt", null, name), el("dd", null, value)));
    });
  }

  drawNotes(isLive, vector, box, names) {
    const notes = [];
    if (!isLive) notes.push(lastWord(vector, box.heard_ms, names));
    const unvalidated = this.model.detail.about?.unvalidated ?? [];
    if (isLive && vector.abstained === null && unvalidated.includes("valence")) notes.push(t("unvalidated"));
    if (isLive && !vector.clock_synced) notes.push(t("clock"));
    if (isLive) {
      for (const name of ["microphone", "camera"]) {
        const state = vector.sensing[name];
        if (state && !["ok", "off", "paused"].includes(state)) notes.push(t("trouble_source", { what: t(name), state: word("source", state) }));
      }
    }
    refill(this.notes, notes.join("\n"), () => notes.map((note) => el("p", null, note)));
  }
}
