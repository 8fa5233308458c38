// The picture of the room: a map of moods with one spot where the room is, and the way it came.

import { mark, say, svg } from "./dom.js";
import { t } from "./words.js";

const R = 170; // of the disc, in a picture of 400 x 400
const TRAIL_S = 120;
const TRAIL_STEPS = 15;
const HOLE_S = 3;
const SMOOTH = 3; // points to each side
let nDiscs = 0;

const x = (valence) => 200 + valence * R * 0.94;
const y = (arousal) => 200 - arousal * R * 0.94;

/** Keep a point on the disc: both axes at their ends lie outside of it. */
function inside(valence, arousal) {
  const far = Math.hypot(valence, arousal);
  return far <= 1 ? [valence, arousal] : [valence / far, arousal / far];
}

/** One disc; small ones have no words. */
export class Disc {
  constructor({ isSmall = false } = {}) {
    const id = `disc${(nDiscs += 1)}`;
    const washes = [["ne", 300, 100], ["nw", 100, 100], ["sw", 100, 300], ["se", 300, 300]];
    const gap = isSmall ? 44 : 10; // of the hatching
    this.isSmall = isSmall;
    this.trail = svg("g", { "class": "trail" });
    this.halo = svg("circle", { "class": "halo", r: 40, opacity: 0.25 });
    this.spot = svg("circle", { "class": "spot", r: isSmall ? 34 : 17 });
    this.veil = svg("circle", { "class": "veil", cx: 200, cy: 200, r: R, fill: `url(#${id}h)` });
    this.plate = svg("rect", { "class": "plate", rx: 10 });
    this.word = svg("text", { "class": "word", x: 200, y: 207 });
    this.names = isSmall ? [] : [
      ["axis_lively", 200, 18, "middle"], ["axis_quiet", 200, 393, "middle"],
      ["axis_pleasant", 374, 204, "start"], ["axis_unpleasant", 26, 204, "end"],
      ["quadrant_ne", 278, 128, "middle"], ["quadrant_nw", 122, 128, "middle"],
      ["quadrant_sw", 122, 284, "middle"], ["quadrant_se", 278, 284, "middle"],
    ].map(([key, cx, cy, anchor]) => {
      const isSide = key === "axis_pleasant" || key === "axis_unpleasant";
      const turn = isSide ? { transform: `rotate(${key === "axis_pleasant" ? 90 : -90} ${cx + (anchor === "start" ? 10 : -10)} 200)`, x: cx + (anchor === "start" ? 10 : -10), y: 200, "text-anchor": "middle" } : { x: cx, y: cy, "text-anchor": anchor };
      return [key, svg("text", { "class": key.startsWith("quadrant") ? "quadrant" : "axis-name", ...turn })];
    });
    this.node = svg("svg", { "class": "disc", viewBox: "0 0 400 400", role: "img" },
      svg("defs", null,
        svg("clipPath", { id: `${id}c` }, svg("circle", { cx: 200, cy: 200, r: R })),
        svg("pattern", { id: `${id}h`, width: gap, height: gap, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
          svg("line", { "class": "hatch-line", x1: 0, y1: 0, x2: 0, y2: gap, "stroke-width": gap / 3.3 })),
        washes.map(([name]) => svg("radialGradient", { id: `${id}${name}` },
          svg("stop", { offset: "0", "stop-color": `var(--wash-${name})` }),
          svg("stop", { offset: "1", "stop-color": `var(--wash-${name})`, "stop-opacity": 0 })))),
      svg("circle", { "class": "ground", cx: 200, cy: 200, r: R }),
      svg("g", { "class": "wash", "clip-path": `url(#${id}c)` },
        washes.map(([name, cx, cy]) => svg("circle", { cx, cy, r: 165, fill: `url(#${id}${name})` }))),
      this.veil,
      isSmall ? null : svg("line", { "class": "axis", x1: 30, x2: 370, y1: 200, y2: 200 }),
      isSmall ? null : svg("line", { "class": "axis", y1: 30, y2: 370, x1: 200, x2: 200 }),
      svg("circle", { "class": "rim", cx: 200, cy: 200, r: R }),
      this.names.map(([, node]) => node),
      svg("g", { "clip-path": `url(#${id}c)` }, this.trail, this.halo),
      this.spot, this.plate, this.word);
  }

  /**
   * Draw how a box is.
   *
   * state: "on" with a spot, "quiet" where the box abstains, "off" where nothing is known of now.
   * word: stands across the disc where there is no spot.
   * label: all of it for a screen reader.
   */
  draw({ state, vector, word, label, color, points, endS }) {
    mark(this.node, "data-state", state);
    mark(this.node, "aria-label", label);
    for (const [key, node] of this.names) say(node, t(key));
    const hasPlace = Boolean(vector) && vector.valence !== null && vector.arousal !== null;
    const isShown = state === "on" && hasPlace;
    const [valence, arousal] = hasPlace ? inside(vector.valence, vector.arousal) : [0, 0];
    const move = `translate(${x(valence).toFixed(1)}px, ${y(arousal).toFixed(1)}px)`;
    for (const node of [this.spot, this.halo]) node.style.transform = move;
    for (const node of [this.spot, this.halo]) {
      mark(node, "visibility", isShown ? "visible" : "hidden");
      node.style.fill = `var(--${color})`;
    }
    // The less sure, the wider and fainter the halo.
    const doubt = isShown ? 1 - vector.confidence : 0;
    this.halo.setAttribute("r", (this.isSmall ? 44 : 26) + 64 * doubt);
    this.halo.setAttribute("opacity", (0.42 - 0.22 * doubt).toFixed(2));
    mark(this.veil, "visibility", state === "off" ? "visible" : "hidden");
    const text = this.isSmall || isShown ? "" : word;
    say(this.word, text);
    mark(this.plate, "visibility", text ? "visible" : "hidden");
    if (text) this.fitPlate(text);
    this.drawTrail(state === "on" ? points ?? [] : [], endS);
  }

  fitPlate(text) {
    const wide = [...text].reduce((sum, c) => sum + (c.charCodeAt(0) > 0x2e80 ? 24 : 12.5), 36);
    for (const [name, value] of Object.entries({ x: 200 - wide / 2, y: 178, width: wide, height: 44 })) {
      this.plate.setAttribute(name, value);
    }
  }

  /** points: [second, valence, arousal] in hundredths, oldest first. */
  drawTrail(points, endS) {
    const recent = points.filter(([second]) => second > endS - TRAIL_S);
    const key = recent.length ? `${recent.length}:${recent[0][0]}:${endS}` : "";
    if (this.trailKey === key) return;
    this.trailKey = key;
    this.trail.replaceChildren(...ways(recent).flatMap((way) => pieces(way, endS)));
  }
}

/** Ways without a hole, as [second, x, y], smoothed: levels are coarse, and a stair is no way. */
function ways(points) {
  const found = [];
  let last = null;
  for (const [second, valence, arousal] of points) {
    if (valence === null || arousal === null) {
      last = null;
      continue;
    }
    if (last === null || second - last > HOLE_S) found.push([]);
    last = second;
    const [v, a] = inside(valence / 100, arousal / 100);
    found.at(-1).push([second, x(v), y(a)]);
  }
  return found.map((way) => way.map((point, i) => {
    const near = way.slice(Math.max(0, i - SMOOTH), i + SMOOTH + 1);
    const isEnd = i + SMOOTH >= way.length;
    const mean = (k) => near.reduce((sum, item) => sum + item[k], 0) / near.length;
    return isEnd && i === way.length - 1 ? point : [point[0], mean(1), mean(2)];
  }));
}

/** One way in a few lines, fainter where it is older. */
function pieces(way, endS) {
  const lines = [];
  const size = Math.ceil(TRAIL_S / TRAIL_STEPS);
  for (let i = 0; i + 1 < way.length; i += size) {
    const part = way.slice(i, i + size + 1);
    const young = Math.max(0, 1 - (endS - part.at(-1)[0]) / TRAIL_S);
    lines.push(svg("polyline", {
      points: part.map(([, px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" "),
      "stroke-width": (1.2 + 3.2 * young).toFixed(1), opacity: (0.1 + 0.5 * young * young).toFixed(2),
    }));
  }
  return lines;
}
