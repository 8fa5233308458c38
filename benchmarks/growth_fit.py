"""How a cost grows with something: the exponent, its verdict, the table and the curves."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from budget_report import machine_line
from scipy.special import stdtrit

from edge_affect.evaluation.charts import (
    BLUE,
    GREEN,
    ORANGE,
    Axis,
    Panel,
    Series,
    draw_legend,
    draw_panel,
    draw_title,
)
from edge_affect.evaluation.svg import Drawing

LIMIT = 1.1
"""An exponent that may be as large is no more called linear."""
CALM, SURPRISE, OPEN = "no surprise", "super-linear", "cannot tell"
COLOURS = (BLUE, ORANGE, GREEN)
COLUMNS, PANEL_W, PANEL_H, GAP_X, GAP_Y, LEFT, TOP = 2, 330.0, 180.0, 100.0, 110.0, 70.0, 80.0


@dataclass(frozen=True, slots=True)
class Exponent:
    """Slope in log-log, with its 95 % interval; 1 is a straight line through zero, 0 is flat."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """Whether the cost surely grows no faster than its cause, or surely faster, or neither."""
        if self.high < LIMIT:
            return CALM
        return SURPRISE if self.low > 1.0 else OPEN


def exponent(x: Sequence[float], y: Sequence[float]) -> Exponent:
    """Return the slope of log y over log x by least squares, with Student's interval.

    >>> exponent([1, 2, 4, 8], [3, 6, 12, 24])
    Exponent(value=1.0, low=1.0, high=1.0)
    >>> exponent([1, 2, 4, 8], [1, 4, 16, 64]).verdict
    'super-linear'

    Args:
        x: The cause, > 0; three different ones at least.
        y: The cost, > 0.

    Raises:
        ValueError: If there are too few points, or one is not above zero.
    """
    if len(x) != len(y) or len(set(x)) < 3:
        raise ValueError("An exponent takes three points at least.")
    if min(*x, *y) <= 0:
        raise ValueError("An exponent takes causes and costs above zero.")
    across, up = np.log(np.array(x, float)), np.log(np.array(y, float))
    spread = across - across.mean()
    slope = float(spread @ up / (spread @ spread))
    rest = up - up.mean() - slope * spread
    n_free = len(x) - 2
    error = math.sqrt(float(rest @ rest) / n_free / float(spread @ spread))
    reach = float(stdtrit(n_free, 0.975)) * error
    return Exponent(*(round(value, 3) for value in (slope, slope - reach, slope + reach)))


def top_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope in log-log over the last doubling or so: a bend shows here first.

    >>> top_slope([1, 2, 4, 10], [5, 5, 5, 50])
    1.431
    """
    start = max(n for n, value in enumerate(x) if 2 * value <= x[-1])
    return round(math.log(y[-1] / y[start]) / math.log(x[-1] / x[start]), 3)


def curve(
    panel: str, what: str, units: tuple[str, str], points: Mapping[float, Sequence[float]]
) -> dict[str, Any]:
    """Return what is kept of one curve.

    Args:
        panel: Curves of one panel share its plot.
        what: In words.
        units: Of the cause and of the cost.
        points: Costs by cause, one for each round; a cause of 0 is drawn and not fitted.
    """
    x = sorted(points)
    y = [round(float(np.median(points[value])), 4) for value in x]
    fitted = [(a, b) for a, b in zip(x, y, strict=True) if a > 0]
    found = exponent(*zip(*fitted, strict=True))
    return {
        "panel": panel,
        "what": what,
        "x_unit": units[0],
        "y_unit": units[1],
        "x": x,
        "y": y,
        "n_rounds": min(len(costs) for costs in points.values()),
        "exponent": {"value": found.value, "low": found.low, "high": found.high},
        "top_slope": top_slope(*zip(*fitted, strict=True)),
        "verdict": found.verdict,
    }


def table(results: Mapping[str, Any]) -> str:
    """Return the section's figures as Markdown."""
    lines = [
        machine_line(results["machine"]),
        "",
        "![Curves of cost](growth.svg)",
        "",
        "| cost | from | to | exponent (95 %) | over the last doubling | verdict |",
        "|---|---|---|---|---:|---|",
    ]
    for row in results["curves"].values():
        found = row["exponent"]
        ends = [
            f"{row['y'][place]:.3g} {row['y_unit']} at {row['x'][place]:g} {row['x_unit']}"
            for place in (0, -1)
        ]
        lines.append(
            f"| {row['panel']}: {row['what']} | {ends[0]} | {ends[1]} "
            f"| {found['value']:.2f} ({found['low']:.2f} to {found['high']:.2f}) "
            f"| {row['top_slope']:.2f} | {row['verdict']} |"
        )
    return "\n".join(lines)


def axis_from_zero(name: str, most: float) -> Axis:
    """Return an axis from 0 with about five round ticks.

    >>> [words for _, words in axis_from_zero("", 17.0).ticks]
    ['0', '5', '10', '15', '20']
    """
    step = 10.0 ** math.floor(math.log10(max(most, 1e-9)))
    step *= next(factor for factor in (0.2, 0.5, 1.0, 2.0) if most / (step * factor) <= 5.0)
    n_steps = max(1, math.ceil(most / step - 1e-9))
    ticks = tuple((n * step, f"{n * step:,.10g}") for n in range(n_steps + 1))
    return Axis(name, 0.0, n_steps * step, ticks)


def draw(results: Mapping[str, Any]) -> str:
    """Return all curves as one sheet of SVG."""
    panels: dict[str, list[dict[str, Any]]] = {}
    for row in results["curves"].values():
        panels.setdefault(f"{row['panel']}, {row['y_unit']}", []).append(row)
    n_rows = math.ceil(len(panels) / COLUMNS)
    width = LEFT + COLUMNS * PANEL_W + (COLUMNS - 1) * GAP_X + 40
    title = "How cost grows"
    drawing = Drawing(width, TOP + n_rows * (PANEL_H + GAP_Y), title)
    draw_title(drawing, title)
    for number, (name, rows) in enumerate(panels.items()):
        left = LEFT + (number % COLUMNS) * (PANEL_W + GAP_X)
        top = TOP + (number // COLUMNS) * (PANEL_H + GAP_Y)
        series = [
            Series(row["what"], colour, tuple(map(float, row["x"])), tuple(row["y"]))
            for row, colour in zip(rows, COLOURS, strict=False)
        ]
        across = axis_from_zero(rows[0]["x_unit"], max(max(row["x"]) for row in rows))
        up = axis_from_zero("", max(max(row["y"]) for row in rows))
        draw_panel(drawing, Panel(left, top, PANEL_W, PANEL_H, across, up, name, tuple(series)))
        if len(series) > 1:
            draw_legend(drawing, left + 12, top + 14, series)
    return drawing.render()
