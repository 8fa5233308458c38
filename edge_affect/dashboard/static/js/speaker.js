// Tells a screen reader what matters, and no more often than one can listen.

import { say } from "./dom.js";
import { absence, headline } from "./phrases.js";
import { t } from "./words.js";

const PAUSE_MS = 10_000;

/** Speaks through one polite live region. */
export class Speaker {
  constructor(node) {
    this.node = node;
    this.last = "";
    this.lastMs = -PAUSE_MS;
    this.known = new Set();
  }

  /** Say what is new: an alert at once, the state of the chosen box now and then. */
  tell(model) {
    const now = performance.now();
    const raised = new Set();
    const fresh = [];
    for (const [name, box] of model.boxes) {
      for (const alert of box.alerts) {
        const key = `${name} ${alert.name} ${alert.since_ms}`;
        raised.add(key);
        if (!this.known.has(key)) fresh.push(t("spoken_alert", { box: name, what: alert.message ?? alert.name }));
      }
    }
    this.known = raised;
    if (fresh.length) {
      this.speak(fresh.join(" "), now);
      return;
    }
    const box = model.boxes.get(model.chosen);
    if (!box || now - this.lastMs < PAUSE_MS) return;
    const presence = model.presence(box);
    const what = presence === "live" && box.vector ? headline(box.vector, model.hello.expressions) : absence(presence, null);
    const text = t("spoken_now", { box: model.chosen, what });
    if (text !== this.last) this.speak(text, now);
  }

  speak(text, now) {
    this.last = text;
    this.lastMs = now;
    say(this.node, text);
  }
}
