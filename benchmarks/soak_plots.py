"""The plot of a soak: memory, descriptors and threads of both processes over the ticks."""

from __future__ import annotations

import math
from typing import Any

from edge_affect.evaluation.charts import (
    BLUE,
    ORANGE,
    Axis,
    Panel,
    Series,
    draw_legend,
    draw_panel,
    draw_title,
)
from edge_affect.evaluation.svg import Drawing

COLOURS = {"sense": BLUE, "publish": ORANGE}
MAX_POINTS = 150
WIDTH, HEIGHT, LEFT, TOP, PITCH = 720.0, 150.0, 70.0, 70.0, 235.0
ROWS = (
    ("anonymous_mb", "Memory of its own, MB"),
    ("n_fds", "Descriptors"),
    ("n_threads", "Threads"),
)


def nice_axis(name: str, low: float, high: float) -> Axis:
    """Return an axis with about five round ticks around the values.

    >>> [words for _, words in nice_axis("", 0.0, 9.0).ticks]
    ['0', '2', '4', '6', '8', '10']
    """
    span = max(high - low, 1e-9)
    step = 10.0 ** math.floor(math.log10(span))
    step *= next(factor for factor in (0.2, 0.5, 1.0, 2.0) if span / (step * factor) <= 5.5)
    first, last = math.floor(low / step), math.ceil(high / step)
    ticks = tuple((n * step, f"{n * step:,.10g}") for n in range(first, last + 1))
    return Axis(name, first * step, max(last, first + 1) * step, ticks)


def series_of(samples: list[dict[str, Any]], process: str, what: str) -> tuple[Series, ...]:
    """Return one line for each start of a process, thinned so that points can be told apart."""
    lines = []
    step = max(1, len(samples) // MAX_POINTS)
    for life in sorted({one["life"] for one in samples}):
        mine = [one for one in samples if one["life"] == life][::step]
        x, y = (tuple(float(one[key]) for one in mine) for key in ("tick", what))
        lines.append(Series(process, COLOURS[process], x, y))
    return tuple(lines)


def plot(told: dict[str, Any]) -> str:
    """Return the sheet as SVG."""
    title = (
        f"{told['ticks_with_both_modalities']:,} whole ticks, "
        f"{len(told['faults'])} faults, speed {told['plan']['speed']:g}"
    )
    drawing = Drawing(LEFT + WIDTH + 40, TOP + len(ROWS) * PITCH, title)
    draw_title(drawing, title)
    last = max((s["tick"] for mine in told["samples"].values() for s in mine), default=1)
    across = nice_axis("ticks", 0.0, float(last))
    for number, (what, name) in enumerate(ROWS):
        values = [s[what] for mine in told["samples"].values() for s in mine]
        up = nice_axis("", 0.0, float(max(values, default=1)))
        series = tuple(
            line
            for process, mine in told["samples"].items()
            for line in series_of(mine, process, what)
        )
        panel = Panel(LEFT, TOP + number * PITCH, WIDTH, HEIGHT, across, up, name, series)
        for fault in told["faults"]:
            foot = panel.point(fault["tick"], up.low)
            drawing.line(
                [foot, panel.point(fault["tick"], up.high)],
                stroke="#bbbbbb",
                stroke_dasharray="2 3",
            )
        draw_panel(drawing, panel)
    draw_legend(
        drawing, LEFT + WIDTH - 220, 44,
        [Series(name, colour, (), ()) for name, colour in COLOURS.items()],
    )  # fmt: skip
    return drawing.render()
