// The stream of events from the page's own server, opened again whenever it is quiet for too long.

const KINDS = ["hello", "link", "boxes", "box", "beat"];
const QUIET_MS = 6000;
const RETRY_MS = 2000;

/** Opens the stream of one box, or of the overview, and keeps it open. */
export class Stream {
  constructor(onEvent) {
    this.onEvent = onEvent;
    this.source = null;
    this.name = "";
    this.lastMs = 0;
    setInterval(() => this.watch(), RETRY_MS);
  }

  /** Listen to this box from now on; "" is the overview alone. */
  open(name) {
    this.name = name;
    this.source?.close();
    this.lastMs = performance.now();
    const source = new EventSource(`/events?box=${encodeURIComponent(name)}`);
    this.source = source;
    for (const kind of KINDS) {
      source.addEventListener(kind, (event) => {
        if (this.source !== source) return;
        this.lastMs = performance.now();
        this.onEvent(kind, JSON.parse(event.data));
      });
    }
  }

  watch() {
    const isDead = this.source?.readyState === EventSource.CLOSED;
    if (this.source && (isDead || performance.now() - this.lastMs > QUIET_MS)) this.open(this.name);
  }
}
