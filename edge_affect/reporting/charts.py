"""Plots as inline SVG in the colours of the page: light, dark or printed; with words beside."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.reporting.intervals import Estimate

WIDTH, LEFT, RIGHT = 720.0, 58.0, 26.0
TOP, FOOT = 38.0, 40.0
MAX_POINTS = 240
"""Longer series are drawn by means."""
_LETTER_PX = 7.0
_WIDE_PX = 12.5
_FIRST_WIDE = "\u2e80"


@dataclass(frozen=True, slots=True)
class Line:
    """One line; its place among the others decides colour and dash.

    Attributes:
        name: For the legend.
        x: Of each point, ascending.
        y: Of each point; NaN breaks the line.
        low: Lower ends of intervals, or empty.
        high: Upper ends of intervals, or empty.
    """

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Plane:
    """What the axes show.

    Attributes:
        x_low: Left end.
        x_high: Right end.
        y_low: Lower end.
        y_high: Upper end.
        x_ticks: Values with what is written there.
        y_ticks: Values with what is written there.
        x_name: Below the axis.
        y_name: Above the axis.
        height: Of the plotted area, in px.
    """

    x_low: float
    x_high: float
    y_low: float
    y_high: float
    x_ticks: tuple[tuple[float, str], ...]
    y_ticks: tuple[tuple[float, str], ...]
    x_name: str
    y_name: str
    height: float = 150.0

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies, in px."""
        right = (x - self.x_low) / (self.x_high - self.x_low)
        up = (y - self.y_low) / (self.y_high - self.y_low)
        return LEFT + right * (WIDTH - LEFT - RIGHT), TOP + (1 - min(1, max(0, up))) * self.height


def line_plot(
    label: str,
    plane: Plane,
    lines: Sequence[Line],
    edges: Sequence[tuple[float, str]] = (),
    spans: Sequence[tuple[float, float, int]] = (),
) -> str:
    """Return lines over one axis as SVG.

    Args:
        label: The same in words, for those who cannot see it.
        plane: The axes.
        lines: Three at most.
        edges: Where sections begin, with their numbers.
        spans: From, to, and the number of the style: when something went on.
    """
    parts = [_frame(plane)]
    for start, end, style in spans:
        x, y = plane.place(start, plane.y_high)
        width = max(1.5, plane.place(end, 0)[0] - x)
        parts.append(
            f'<rect class="s{style}" x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" '
            f'height="{plane.height:.1f}"/>'
        )
    for at, words in edges:
        x, y = plane.place(at, plane.y_high)
        parts.append(f'<path class="edge" d="M{x:.1f} {y:.1f}V{y + plane.height:.1f}"/>')
        parts.append(_text(x, y - 4, words, "small", "middle"))
    for number, line in enumerate(lines, 1):
        parts += _drawn(plane, line, number)
    parts.append(_legend(plane, [line.name for line in lines]))
    return _svg(label, TOP + plane.height + FOOT + 20, parts)


def interval_plot(
    label: str,
    plane: Plane,
    rows: Sequence[tuple[str, Estimate | None]],
    too_few: str,
) -> str:
    """Return one figure with its interval a row as SVG.

    Args:
        label: The same in words.
        plane: Of its x axis; y and the height follow from the rows.
        rows: Names and figures.
        too_few: Written where there is none.
    """
    room = max(150.0, max((_width(name) for name, _ in rows), default=0.0) + 20)
    room = min(room, WIDTH / 2)
    height = 24.0 * len(rows)

    def at(value: float) -> float:
        share = (value - plane.x_low) / (plane.x_high - plane.x_low)
        return room + min(1.0, max(0.0, share)) * (WIDTH - room - 60)

    parts = []
    for value, words in plane.x_ticks:
        kind = "grid" if value else "axis"
        parts.append(f'<path class="{kind}" d="M{at(value):.1f} 8V{8 + height:.1f}"/>')
        parts.append(_text(at(value), height + 24, words, "small", "middle"))
    parts.append(_text((room + WIDTH - 60) / 2, height + 40, plane.x_name, "small", "middle"))
    for number, (name, estimate) in enumerate(rows):
        y = 8 + 24.0 * number + 12
        parts.append(_text(room - 8, y + 4, _cut(name, room - 16), "", "end"))
        if estimate is None:
            parts.append(_text(room + 4, y + 4, too_few, "small"))
            continue
        parts.append(
            f'<path class="whisker" d="M{at(estimate.low):.1f} {y:.1f}H{at(estimate.high):.1f}"/>'
            f'<circle class="dot" cx="{at(estimate.value):.1f}" cy="{y:.1f}" r="4.5"/>'
        )
    return _svg(label, height + 50, parts)


def binned(
    x: NDArray[np.float64], y: NDArray[np.float64], end: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return a series as at most ``MAX_POINTS`` means; NaN where a bin tells nothing."""
    n_bins = min(MAX_POINTS, max(1, len(x)))
    place = np.minimum((x / end * n_bins - 1e-9).astype(int), n_bins - 1)
    known = ~np.isnan(y)
    sums = np.bincount(place[known], y[known], n_bins)
    counts = np.bincount(place[known], minlength=n_bins)
    with np.errstate(invalid="ignore"):
        means = sums / counts
    middles = (np.arange(n_bins) + 0.5) * end / n_bins
    return tuple(map(float, middles)), tuple(map(float, means))


def clock(seconds: float) -> str:
    """Return a media time.

    >>> clock(75), clock(3675)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(int(seconds + 1e-6), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def time_ticks(end_s: float) -> tuple[tuple[float, str], ...]:
    """Return round times for an axis."""
    steps = (5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400)
    step = next((s for s in steps if end_s / s <= 10), steps[-1])
    return tuple((float(at), clock(at)) for at in range(0, int(end_s) + 1, step))


def _svg(label: str, height: float, parts: Sequence[str]) -> str:
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:g} {height:g}" role="img" '
        f'aria-label="{escape(label)}">\n{body}\n</svg>'
    )


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return (
        f'<text class="t {kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">'
        f"{escape(words)}</text>"
    )


def _frame(plane: Plane) -> str:
    parts = [_text(8, 12, plane.y_name, "small")]
    for value, words in plane.y_ticks:
        x, y = plane.place(plane.x_low, value)
        parts.append(f'<path class="grid" d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT:g}"/>')
        parts.append(_text(x - 6, y + 4, words, "small", "end"))
    for value, words in plane.x_ticks:
        x, y = plane.place(value, plane.y_low)
        parts.append(f'<path class="axis" d="M{x:.1f} {y:.1f}v4"/>')
        parts.append(_text(x, y + 17, words, "small", "middle"))
    x, y = plane.place(plane.x_low, plane.y_low)
    parts.append(f'<path class="axis" d="M{x:.1f} {y:.1f}H{WIDTH - RIGHT:g}"/>')
    return "\n".join(parts)


def _legend(plane: Plane, names: Sequence[str]) -> str:
    y = TOP + plane.height + 46
    x, parts = LEFT, []
    for number, name in enumerate(names, 1):
        parts.append(f'<path class="l{number}" d="M{x:.1f} {y - 4:.1f}h26"/>')
        parts.append(_text(x + 32, y, name, "small"))
        x += 52 + _width(name)
    parts.append(_text(WIDTH - RIGHT, y, plane.x_name, "small", "end"))
    return "\n".join(parts)


def _drawn(plane: Plane, line: Line, number: int) -> list[str]:
    parts = []
    for run in _runs(line.y):
        points = [plane.place(line.x[i], line.y[i]) for i in run]
        if line.low:
            upper = [plane.place(line.x[i], line.high[i]) for i in run]
            lower = [plane.place(line.x[i], line.low[i]) for i in reversed(run)]
            parts.append(f'<path class="b{number}" d="{_path([*upper, *lower])}Z"/>')
        parts.append(f'<path class="l{number}" d="{_path(points)}"/>')
        if len(run) == 1 or line.low:
            parts += [
                f'<circle class="d{number}" cx="{x:.1f}" cy="{y:.1f}" r="2.5"/>' for x, y in points
            ]
    return parts


def _runs(values: Sequence[float]) -> list[list[int]]:
    runs: list[list[int]] = [[]]
    for index, value in enumerate(values):
        if np.isnan(value):
            runs.append([])
        else:
            runs[-1].append(index)
    return [run for run in runs if run]


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points)


def _width(text: str) -> float:
    return sum(_WIDE_PX if letter >= _FIRST_WIDE else _LETTER_PX for letter in text)


def _cut(text: str, room: float) -> str:
    if _width(text) <= room:
        return text
    while text and _width(text) > room - _WIDE_PX:
        text = text[:-1]
    return f"{text}\u2026"
