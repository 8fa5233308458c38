// Points of the history as charts want them.

const GAP_S = 4; // points further apart than this are not joined

/** One table of a range: times in seconds, columns of numbers or null, and what each time is. */
export class Series {
  /**
   * points: Map of second to values in hundredths; columns: their names; from, to: seconds.
   * A second without a point between two far ones stands for "no data".
   */
  constructor(points, columns, from, to) {
    this.columns = columns;
    this.times = [];
    this.rows = [];
    let last = null;
    for (const [second, values] of [...points].sort((a, b) => a[0] - b[0])) {
      if (second < from || second > to) continue;
      if (last !== null && second - last > GAP_S) this.push(last + 1, null);
      this.push(second, values);
      last = second;
    }
  }

  push(second, values) {
    this.times.push(second);
    this.rows.push(values);
  }

  /** One column, null where nothing was said. */
  column(name) {
    const i = this.columns.indexOf(name);
    return this.rows.map((row) => (row === null || row[i] === null ? null : row[i] / 100));
  }

  /** Columns added up one upon the other. */
  stacked(names) {
    const sums = this.times.map(() => 0);
    return names.map((name) => this.column(name).map((value, i) => {
      if (value === null) return null;
      sums[i] += value;
      return sums[i];
    }));
  }

  /** Stretches without affect: [from, to, "abstained" or "missing"], from the start to the end of the range. */
  blanks(from, to) {
    const first = this.columns.indexOf("confidence");
    const kinds = this.times.map((second, i) => [second, this.rows[i] === null ? "missing" : this.rows[i][first] === null ? "abstained" : "said"]);
    const found = [];
    let at = from;
    let kind = "missing";
    for (const [second, next] of kinds) {
      if (kind !== "said" && second > at) found.push([at, second, kind]);
      at = second;
      kind = next;
    }
    // The newest second is still going on: only what lasts longer is a stretch without data.
    if (kind === "abstained") found.push([at, Math.min(to, at + GAP_S), kind]);
    if (to - at > GAP_S) found.push([kind === "missing" ? at : at + 1, to, "missing"]);
    return merged(found);
  }

  /** Whether any value of these columns was told. */
  hasAny(names) {
    return names.some((name) => this.column(name).some((value) => value !== null));
  }
}

function merged(stretches) {
  const out = [];
  for (const [from, to, kind] of stretches) {
    const last = out.at(-1);
    if (last && last[2] === kind && from <= last[1]) last[1] = Math.max(last[1], to);
    else out.push([from, to, kind]);
  }
  return out;
}
