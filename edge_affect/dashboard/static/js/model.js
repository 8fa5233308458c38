// What the server has told, and when. Nothing here touches the page.

const CUT_MS = 6000; // the server speaks every 2 s at least

/** State of everything; main.js owns the one instance. */
export class Model {
  constructor() {
    this.hello = null;
    this.link = null;
    this.boxes = new Map();
    this.chosen = "";
    this.detail = emptyDetail();
    this.heardAt = performance.now();
    this.serverMs = null;
  }

  /** Begin to listen to another box; what was known of the last one goes. */
  choose(name) {
    this.chosen = name;
    this.detail = emptyDetail();
  }

  /** Take one event of the stream. */
  take(kind, value) {
    this.heardAt = performance.now();
    if (kind === "hello") {
      // A new stream tells everything again.
      this.hello = value;
      this.boxes.clear();
      this.detail = emptyDetail();
    } else if (kind === "link") {
      this.link = value;
    } else if (kind === "boxes") {
      for (const [name, box] of Object.entries(value.changed)) this.boxes.set(name, box);
      for (const name of value.gone) this.boxes.delete(name);
    } else if (kind === "beat") {
      this.serverMs = value.now_ms;
    } else if (kind === "box" && value.name === this.chosen) {
      this.takeDetail(value);
    }
  }

  takeDetail(value) {
    const detail = this.detail;
    if (value.restart) detail.points.clear();
    for (const [second, ...values] of value.points ?? []) detail.points.set(second, values);
    for (const part of ["vector", "about", "health", "happenings", "counts"]) {
      if (part in value) detail[part] = value[part];
    }
    if (value.points?.length) {
      const newest = Math.max(...detail.points.keys());
      for (const second of detail.points.keys()) {
        if (second <= newest - this.hello.span_s) detail.points.delete(second);
      }
      detail.nChanges += 1;
    }
  }

  /** Whether the server of the page has gone quiet. */
  get isCutOff() {
    return performance.now() - this.heardAt > CUT_MS;
  }

  /** The server's clock now, in ms since 1970. */
  get nowMs() {
    return this.serverMs === null ? Date.now() : this.serverMs + (performance.now() - this.heardAt);
  }

  /** Whether what is known of a box is true now. A page that is cut off knows nothing of now. */
  presence(box) {
    return this.isCutOff ? "cut" : box.presence;
  }

  /** Seconds since the last value of a box, or null. */
  ageS(box) {
    return box.heard_ms === null ? null : Math.max(0, (this.nowMs - box.heard_ms) / 1000);
  }
}

function emptyDetail() {
  return { vector: null, about: null, health: null, happenings: [], counts: null, points: new Map(), nChanges: 0 };
}

/** Names of all boxes: what needs somebody first, then by name. */
export function sorted(model) {
  const rank = (box) => {
    if (box.alerts.length) return 0;
    return { cut: 1, offline: 2, silent: 1, unknown: 2, waiting: 3, live: 3 }[model.presence(box)] ?? 3;
  };
  return [...model.boxes.entries()].sort(([a, one], [b, two]) => rank(one) - rank(two) || a.localeCompare(b));
}
