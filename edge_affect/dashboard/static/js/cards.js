// Health and the transparency card, as pairs of words.

import { el, refill } from "./dom.js";
import { age, language, list, number, t, word } from "./words.js";

function pairs(rows) {
  return rows.filter(([, value]) => value !== null && value !== undefined && value !== "")
    .flatMap(([name, value]) => [el("dt", null, name), el("dd", null, value)]);
}

/** How the box is doing. */
export class HealthCard {
  constructor(model) {
    this.model = model;
    this.body = el("dl", { "class": "pairs" });
    this.old = el("p", { "class": "small" });
    this.node = el("section", { "class": "card", "aria-labelledby": "health" }, el("h2", { id: "health" }, t("health")), this.body, this.old);
  }

  draw(box) {
    const { health, counts } = this.model.detail;
    const seconds = box.health_ms === null ? null : Math.floor((this.model.nowMs - box.health_ms) / 1000);
    const told = seconds === null ? t("health_none") : seconds >= 20 || this.model.presence(box) !== "live" ? t("health_old", { age: age(seconds) }) : "";
    if (this.old.textContent !== told) this.old.textContent = told;
    refill(this.body, language() + JSON.stringify([health, counts]), () => (health ? pairs([
      [t("microphone"), health.sensing.microphone && word("source", health.sensing.microphone)],
      [t("camera"), health.sensing.camera && word("source", health.sensing.camera)],
      [t("frame_rate"), health.sensing.frame_rate_hz],
      [t("latency"), health.sensing.latency_ms && `${health.sensing.latency_ms} ms`],
      [t("dropped"), health.sensing.dropped],
      [t("queue"), health.queued === null ? null : t("queue_of", { n: health.queued, max: health.capacity ?? "?" })],
      [t("lost"), health.lost === null ? null : String(health.lost)],
      [t("spool"), health.spool && word("spool", health.spool)],
      [t("reconnects"), health.reconnects === null ? null : String(health.reconnects)],
      [t("refused"), health.refused_datagrams],
      [t("temperature"), health.temperature_c === null ? null : `${number(health.temperature_c, 0)} °C`],
      [t("memory"), health.memory_mb === null ? null : `${number(health.memory_mb, 0)} MB`],
      [t("mqtt"), health.mqtt],
      [t("late"), counts?.late ? String(counts.late) : null],
      [t("malformed"), counts?.malformed ? String(counts.malformed) : null],
    ]) : []));
  }
}

/** What the box is for, and what can leave it at most. */
export class AboutCard {
  constructor(model) {
    this.model = model;
    this.body = el("div");
    this.node = el("section", { "class": "card", "aria-labelledby": "about" }, el("h2", { id: "about" }, t("about")), this.body);
  }

  draw() {
    const { about } = this.model.detail;
    refill(this.body, language() + JSON.stringify(about), () => (about ? this.parts(about) : [el("p", { "class": "small" }, t("about_none"))]));
  }

  parts(about) {
    const names = (items) => (items.length ? list(items) : t("nothing"));
    const people = about.min_people > 1 && about.group_noise_s
      ? t("noise_text", { n: about.min_people, age: age(about.group_noise_s) })
      : about.min_people > 1 ? t("min_people_text", { n: about.min_people }) : null;
    const main = pairs([
      [t("purpose"), about.purpose ?? t("not_told")],
      [t("sensed"), names(about.sensed.map((name) => word("modality", name)))],
      [t("retention"), about.raw_data_s === null ? null : t("retention_s", { n: number(about.raw_data_s) })],
      [t("ceiling"), about.bits_per_s === null ? null : t("ceiling_text", { bits: number(about.bits_per_s), bytes: about.record_bytes ?? "?" })],
      [t("min_people"), people],
      [t("contact"), about.contact ?? t("not_told")],
      [t("setting"), about.setting],
      [t("jurisdiction"), about.jurisdiction],
      [t("legal_basis"), about.legal_basis],
      [t("exception"), about.exception],
    ]);
    const more = pairs([
      [t("unsent"), about.unsent_records_s === null ? null : t(about.unsent_records_on_disk ? "unsent_disk" : "unsent_memory", { age: age(about.unsent_records_s) })],
      [t("not_validated"), names(about.unvalidated)],
      [t("not_sensed"), names(about.not_sensed)],
      [t("rules"), names(about.alerts)],
      [t("forecast"), names(about.trend)],
      [t("version"), about.version],
    ]);
    const models = about.models.map(({ name, version, sha256 }) =>
      el("li", null, `${name ?? "?"} ${version ?? ""} `, el("code", { title: sha256 }, (sha256 ?? "").slice(0, 12))));
    return [
      el("dl", { "class": "pairs" }, main),
      el("details", null, el("summary", null, t("models_and_more")), el("dl", { "class": "pairs" }, more),
        el("p", { "class": "small" }, t("models")), el("ul", { "class": "small" }, models)),
    ];
  }
}
