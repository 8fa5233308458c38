"""The few kinds of charts that a model's card needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from edge_affect.evaluation.svg import Drawing

if TYPE_CHECKING:
    from collections.abc import Sequence

INK = "#222222"
FAINT = "#d9d9d9"
BLUE = "#2b5797"
ORANGE = "#c8641a"
GREY = "#7a7a7a"
GREEN = "#3d7a3d"

TITLE_SIZE = 15.0
_TITLE_LETTER_PX = 9.4
"""Room for a letter of a title, a little more than most take."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart.

    Attributes:
        name: For the legend.
        colour: As SVG writes it.
        x: Of each point.
        y: Of each point.
        low: Lower ends of intervals, or empty.
        high: Upper ends of intervals, or empty.
        dash: Pattern of the line, or empty for an unbroken one.
    """

    name: str
    colour: str
    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    dash: str = ""


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis shows.

    Attributes:
        name: With its unit.
        low: Value at its start.
        high: Value at its end.
        ticks: Values with what is written there.
    """

    name: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]

    def place(self, value: float) -> float:
        """Return where a value lies, 0 at the start and 1 at the end."""
        return (value - self.low) / (self.high - self.low)


@dataclass(frozen=True, slots=True)
class Panel:
    """One plot on a sheet.

    Attributes:
        left: Edge of the plotted area, in px.
        top: Edge of the plotted area, in px.
        width: Of the plotted area, in px.
        height: Of the plotted area, in px.
        across: The axis to the right.
        up: The axis upwards.
        title: Above the plot.
        series: Drawn in order.
    """

    left: float
    top: float
    width: float
    height: float
    across: Axis
    up: Axis
    title: str = ""
    series: tuple[Series, ...] = field(default=())

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Return where values lie on the sheet, in px."""
        right, up = self.across.place(x), self.up.place(y)
        return self.left + right * self.width, self.top + (1.0 - up) * self.height


def percent_axis(name: str, low: float = 0.0, high: float = 1.0, step: float = 0.2) -> Axis:
    """Return an axis of shares, written in per cent."""
    n_ticks = round((high - low) / step) + 1
    values = [low + step * number for number in range(n_ticks)]
    return Axis(name, low, high, tuple((value, f"{100 * value:.0f} %") for value in values))


def title_width(title: str) -> float:
    """Return how wide a sheet must be for its title, in px."""
    return 32 + _TITLE_LETTER_PX * len(title)


def draw_title(drawing: Drawing, title: str) -> None:
    """Write what a sheet shows above everything else."""
    drawing.text(16, 24, title, font_size=TITLE_SIZE, font_weight="bold")


def draw_panel(drawing: Drawing, panel: Panel) -> None:
    """Draw axes, title and lines."""
    for value, words in panel.up.ticks:
        start, end = panel.point(panel.across.low, value), panel.point(panel.across.high, value)
        drawing.line([start, end], stroke=FAINT)
        drawing.text(start[0] - 6, start[1] + 4, words, font_size=11, text_anchor="end")
    for value, words in panel.across.ticks:
        x, y = panel.point(value, panel.up.low)
        drawing.line([(x, y), (x, y + 4)], stroke=GREY)
        drawing.text(x, y + 17, words, font_size=11, text_anchor="middle")
    foot = panel.point(panel.across.low, panel.up.low)
    drawing.line([foot, panel.point(panel.across.high, panel.up.low)], stroke=GREY)
    middle = panel.left + panel.width / 2
    drawing.text(middle, foot[1] + 34, panel.across.name, text_anchor="middle")
    drawing.text(panel.left, panel.top - 10, panel.title, font_weight="bold")
    for series in panel.series:
        _draw_series(drawing, panel, series)


def _draw_series(drawing: Drawing, panel: Panel, series: Series) -> None:
    if series.low:
        upper = [panel.point(x, y) for x, y in zip(series.x, series.high, strict=True)]
        lower = [panel.point(x, y) for x, y in zip(series.x, series.low, strict=True)]
        drawing.area([*upper, *reversed(lower)], fill=series.colour, opacity="0.18")
    points = [panel.point(x, y) for x, y in zip(series.x, series.y, strict=True)]
    drawing.line(
        points, stroke=series.colour, stroke_width=2, stroke_dasharray=series.dash or "none"
    )
    if not series.dash:
        for x, y in points:
            drawing.circle(x, y, 2.5, fill=series.colour)


def draw_legend(drawing: Drawing, left: float, top: float, series: Sequence[Series]) -> None:
    """Write what each line is, one after another to the right."""
    for one in series:
        drawing.line(
            [(left, top - 4), (left + 26, top - 4)],
            stroke=one.colour,
            stroke_width=2,
            stroke_dasharray=one.dash or "none",
        )
        drawing.text(left + 32, top, one.name)
        left += 52 + 7.2 * len(one.name)


def line_chart(title: str, panel: Panel) -> str:
    """Return one plot with its legend as SVG."""
    width = max(panel.left + panel.width + 30, title_width(title))
    drawing = Drawing(width, panel.top + panel.height + 78, title)
    draw_title(drawing, title)
    draw_panel(drawing, panel)
    draw_legend(drawing, panel.left, panel.top + panel.height + 64, panel.series)
    return drawing.render()


def matrix_chart(title: str, labels: Sequence[str], rows: Sequence[Sequence[int]]) -> str:
    """Return a confusion matrix as SVG: a row for each truth, shaded by its share of the row.

    Args:
        title: Above it.
        labels: Of the columns; the first ones name the rows.
        rows: Counts.
    """
    cell, left, top = 62.0, 104.0, 96.0
    width = max(left + cell * len(labels) + 84, title_width(title))
    drawing = Drawing(width, top + cell * len(rows) + 24, title)
    draw_title(drawing, title)
    drawing.text(16, top - 14, "people say", fill=GREY)
    drawing.text(left, top - 40, "the model says", fill=GREY)
    drawing.text(left + cell * len(labels) + 10, top - 14, "recall", fill=GREY)
    for column, label in enumerate(labels):
        middle = left + cell * (column + 0.5)
        drawing.text(middle, top - 14, label, font_size=11, text_anchor="middle")
    for number, counts in enumerate(rows):
        y = top + cell * number
        total = max(1, sum(counts))
        drawing.text(left - 10, y + cell / 2 + 4, labels[number], text_anchor="end")
        for column, count in enumerate(counts):
            _draw_cell(drawing, left + cell * column, y, cell, count, count / total)
        recall = f"{100 * counts[number] / total:.0f} %" if sum(counts) else "none"
        drawing.text(left + cell * len(labels) + 10, y + cell / 2 + 4, recall)
    return drawing.render()


def _draw_cell(drawing: Drawing, x: float, y: float, cell: float, count: int, share: float) -> None:
    drawing.rect(x, y, cell, cell, fill=BLUE, fill_opacity=f"{share:.3f}", stroke=FAINT)
    ink = "#ffffff" if share > 0.62 else INK
    middle = x + cell / 2
    drawing.text(middle, y + cell / 2, str(count), text_anchor="middle", fill=ink)
    if count:
        words = f"{100 * share:.0f} %"
        below = y + cell / 2 + 15
        drawing.text(middle, below, words, font_size=10, text_anchor="middle", fill=ink)
