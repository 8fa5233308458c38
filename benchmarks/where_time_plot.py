"""Draw where the time goes, before, after and at the floor, from what where_time_goes.py wrote.

python benchmarks/where_time_plot.py BEFORE.json AFTER.json docs/where-time-goes.svg

Prints the same as a table for docs/performance.md.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

WIDTH, BAR, GAP, LEFT, TOP = 860, 30, 12, 96, 46
SIDES = ("pictures", "sound", "telling")
LEAST_MS = 0.05
"""Less is left out of the table."""
GROUPS = {
    "model kernels": ("kernels",),
    "speech net": ("speech: the net",),
    "shrinking and cropping": ("crop", "shrunk"),
    "tensors in and out": ("tensor",),
    "following and geometry": ("following", "pose", "signals", "quality"),
    "log-mels and prosody": ("log-mels", "prosody", "manner"),
    "fusion and states": ("fusion", "states"),
    "everything else": ("",),
}
COLOURS = (
    "#3b5b92", "#5d86c5", "#d1782f", "#e3b341", "#5f9e6e", "#8d6cab", "#b5524a", "#9a9a9a",
)  # fmt: skip


def group_of(label: str) -> str:
    """Return the group of a stage: the first one that has a word of it."""
    order = (
        "model kernels", "speech net", "log-mels and prosody", "fusion and states",
        "tensors in and out", "following and geometry", "shrinking and cropping",
    )  # fmt: skip
    found = (group for group in order if any(word in label for word in GROUPS[group]))
    return next(found, "everything else")


def bars(result: dict[str, Any], side: str, key: str) -> dict[str, float]:
    """Return ms in a second by group, for one side."""
    sums = dict.fromkeys(GROUPS, 0.0)
    for label, row in result["stages"].items():
        if row["side"] == side:
            sums[group_of(label)] += row[key]
    return sums


def picture(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return the drawing."""
    parts: list[str] = []
    y = TOP
    for side, title in (("pictures", "One face, ten frames"), ("sound", "Speech")):
        rows = {
            "before": bars(before, side, "ms_per_s"),
            "now": bars(after, side, "ms_per_s"),
            "floor": bars(after, side, "floor_ms_per_s"),
        }
        scale = (WIDTH - LEFT - 90) / sum(rows["before"].values())
        parts.append(_text(16, y, f"{title}: ms of one core in a second", is_bold=True))
        y += 12
        for name, sums in rows.items():
            x = float(LEFT)
            parts.append(_text(16, y + BAR * 0.66, name))
            for (group, value), colour in zip(sums.items(), COLOURS, strict=True):
                if value > 0:
                    told = escape(f"{name}, {group}: {value:.1f} ms")
                    parts.append(
                        f'<rect x="{x:.1f}" y="{y}" width="{value * scale:.1f}" height="{BAR}" '
                        f'fill="{colour}"><title>{told}</title></rect>'
                    )
                x += value * scale
            parts.append(_text(x + 6, y + BAR * 0.66, f"{sum(sums.values()):.1f}"))
            y += BAR + GAP
        y += 30
    for number, (group, colour) in enumerate(zip(GROUPS, COLOURS, strict=True)):
        x, line = 16 + number % 4 * 210, y - 10 + number // 4 * 24
        parts.append(f'<rect x="{x}" y="{line - 11}" width="13" height="13" fill="{colour}"/>')
        parts.append(_text(x + 19, line, group))
    height = y + 34
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        'font-family="sans-serif" font-size="13">\n'
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>\n'
        + _text(16, 22, f"Where the time goes, on {after['machine']}")
        + "\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, *, is_bold: bool = False) -> str:
    weight = ' font-weight="bold"' if is_bold else ""
    return f'<text x="{x:.1f}" y="{y:.1f}"{weight} fill="#222222">{escape(text)}</text>'


def table(before: dict[str, Any], after: dict[str, Any]) -> str:
    """Return the stages as a table in Markdown, the dearest of each side first."""
    lines = ["| stage | times a second | before | now | floor |", "|---|---|---|---|---|"]
    for side in SIDES:
        rows = [(k, v) for k, v in after["stages"].items() if v["side"] == side]
        sums = [0.0, 0.0, 0.0]
        for label, now in sorted(rows, key=lambda row: -row[1]["ms_per_s"]):
            was = before["stages"][label]["ms_per_s"]
            values = (was, now["ms_per_s"], now["floor_ms_per_s"])
            sums = [total + value for total, value in zip(sums, values, strict=True)]
            cells = " | ".join(f"{value:.1f}" if value >= LEAST_MS else "" for value in values)
            lines.append(f"| {label} | {now['calls_per_s']:.0f} | {cells} |")
        cells = " | ".join(f"**{value:.1f}**" for value in sums)
        lines.append(f"| **{side}, whole** | | {cells} |")
    return "\n".join(lines)


def main() -> None:
    """Draw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    parser.add_argument("svg", type=Path)
    args = parser.parse_args()
    before, after = (
        json.loads(path.read_text(encoding="utf-8")) for path in (args.before, args.after)
    )
    args.svg.write_text(picture(before, after), encoding="utf-8")
    print(table(before, after))


if __name__ == "__main__":
    main()
