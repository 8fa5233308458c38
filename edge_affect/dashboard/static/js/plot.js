// One uPlot chart in the colours of the page, with stretches where nothing was said.

/* global uPlot */
import { el, mark } from "./dom.js";
import { clock, number, percent } from "./words.js";

/** A colour of the page's style. */
export function colour(root, name) {
  return getComputedStyle(root).getPropertyValue(`--${name}`).trim();
}

function translucent(color, share) {
  return `color-mix(in srgb, ${color} ${share}%, transparent)`;
}

/** A pattern that is no colour of an expression: dots where the box abstains, hatching without data. */
function pattern(kind, color) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 8;
  const pen = canvas.getContext("2d");
  pen.fillStyle = pen.strokeStyle = color;
  if (kind === "abstained") {
    pen.fillRect(1, 1, 2, 2);
    pen.fillRect(5, 5, 2, 2);
  } else {
    pen.lineWidth = 1.5;
    pen.beginPath();
    for (const shift of [-8, 0, 8]) {
      pen.moveTo(shift, 8);
      pen.lineTo(shift + 8, 0);
    }
    pen.stroke();
  }
  return canvas;
}

/** One chart. kind: "stack" of shares, "lines" from -1 to 1, or a small "spark". */
export class Plot {
  constructor({ kind, height, names, lines, label, low, high }) {
    Object.assign(this, { kind, height, names, lines, label, low, high });
    this.node = el("div", { "class": "plot", role: "img", "aria-label": label });
    this.blanks = [];
    this.chart = null;
  }

  close() {
    this.chart?.destroy();
    this.chart = null;
  }

  /** Make the chart as wide as its place; make it at all once it has one. */
  fit() {
    const width = Math.floor(this.node.clientWidth);
    const rem = parseFloat(getComputedStyle(document.documentElement).fontSize);
    const height = Math.round(this.height * rem);
    if (width < 20) return;
    if (!this.chart) this.make(width, height, rem);
    else if (this.chart.width !== width || this.chart.height !== height) this.chart.setSize({ width, height });
  }

  draw(times, columns, blanks, from, to) {
    this.blanks = blanks;
    if (!this.chart) return;
    this.chart.batch(() => {
      this.chart.setData([times, ...columns], false);
      this.chart.setScale("x", { min: from, max: to });
    });
  }

  make(width, height, rem) {
    const root = document.documentElement;
    const [ink, line, hatch] = ["soft", "line", "strong-line"].map((name) => colour(root, name));
    const font = `${Math.round(rem * 0.72)}px system-ui, sans-serif`;
    const isSpark = this.kind === "spark";
    const fills = this.lines.map(({ color }) => (this.kind === "stack" ? translucent(color, 82) : undefined));
    const patterns = { abstained: pattern("abstained", hatch), missing: pattern("missing", hatch) };
    const axes = isSpark ? [{ show: false }, { show: false }] : [
      { stroke: ink, font, size: rem * 1.7, gap: 2, grid: { stroke: line, width: 1 }, ticks: { show: false }, space: rem * 5,
        incrs: [5, 10, 15, 30, 60, 120, 180, 300],
        values: (_, marks) => marks.map((s) => (s === null ? "" : clock(s * 1000).slice(0, s % 60 ? 8 : 5))) },
      { stroke: ink, font, size: rem * 2.8, gap: 4, grid: { stroke: line, width: 1 }, ticks: { show: false },
        splits: () => (this.low < 0 ? [-1, -0.5, 0, 0.5, 1] : [0, 0.5, 1]),
        values: (_, marks) => marks.map((v) => (this.low < 0 ? number(v) : percent(v))) },
    ];
    this.chart = new uPlot({
      width, height, axes,
      padding: isSpark ? [2, 0, 2, 0] : [6, rem * 1.2, 0, 0],
      legend: { show: false },
      cursor: {
        show: !isSpark, y: false, drag: { x: false, y: false }, sync: { key: "time" },
        ...(this.kind === "lines" ? {} : { points: { show: false } }),
      },
      scales: { x: { time: false }, y: { range: [this.low, this.high] } },
      series: [{}, ...this.lines.map(({ label, color, width: pen, dash }) => ({
        label, stroke: this.kind === "stack" ? undefined : color, width: pen ?? 0, dash, points: { show: false }, spanGaps: false,
        fill: isSpark ? translucent(color, 18) : undefined,
      }))],
      bands: this.kind === "stack" ? bandsOf(fills) : undefined,
      hooks: { drawClear: [(chart) => this.drawBlanks(chart, patterns)] },
    }, [[], ...this.lines.map(() => [])], this.node);
    mark(this.chart.root, "aria-hidden", "true");
    if (this.kind === "stack") {
      this.chart.series[1].fill = () => fills[0];
    }
  }

  drawBlanks(chart, patterns) {
    const { ctx, bbox } = chart;
    for (const [from, to, kind] of this.blanks) {
      const left = Math.max(bbox.left, chart.valToPos(from, "x", true));
      const right = Math.min(bbox.left + bbox.width, chart.valToPos(to, "x", true));
      if (right - left < 1) continue;
      ctx.save();
      ctx.globalAlpha = this.kind === "spark" ? 0.35 : 0.55;
      ctx.fillStyle = ctx.createPattern(patterns[kind], "repeat");
      ctx.fillRect(left, bbox.top, right - left, bbox.height);
      ctx.restore();
    }
  }
}

/** Fill between each line of a stack and the one below it; the lowest is filled to the ground. */
function bandsOf(fills) {
  return fills.slice(1).map((fill, i) => ({ series: [i + 2, i + 1], fill }));
}
