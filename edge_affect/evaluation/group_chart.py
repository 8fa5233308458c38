"""A chart of shares by group: a row for each group, a column for each share, with intervals."""

from __future__ import annotations

import math
from dataclasses import dataclass

from edge_affect.evaluation.charts import BLUE, FAINT, GREY, draw_title, title_width
from edge_affect.evaluation.svg import Drawing

_ROW_PX = 20.0
_HEADING_PX = 30.0
_COLUMN_PX = 130.0
_GAP_PX = 30.0
_LEFT_PX = 200.0
_TOP_PX = 74.0


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval, all in [0, 1].

    Attributes:
        value: As measured.
        low: Lower end.
        high: Upper end.
    """

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class GroupRow:
    """One group.

    Attributes:
        name: With how many it has.
        shares: By the name of the column; a group may lack one.
    """

    name: str
    shares: dict[str, Share]


def group_chart(
    title: str, everybody: dict[str, float], blocks: dict[str, tuple[GroupRow, ...]]
) -> str:
    """Return the chart as SVG; a line in each column marks everybody.

    Args:
        title: Above it.
        everybody: The share of all pictures, by the name of the column; gives the columns.
        blocks: Rows under their headings.
    """
    n_rows = sum(len(rows) for rows in blocks.values())
    height = _TOP_PX + _ROW_PX * n_rows + _HEADING_PX * len(blocks) + 34
    width = max(_LEFT_PX + len(everybody) * (_COLUMN_PX + _GAP_PX) + 8, title_width(title))
    drawing = Drawing(width, height, title)
    draw_title(drawing, title)
    y = _TOP_PX
    places = {}
    for heading, rows in blocks.items():
        drawing.text(16, y + 8, heading, font_weight="bold")
        y += _HEADING_PX - 8
        for row in rows:
            drawing.text(_LEFT_PX - 14, y + 4, row.name, font_size=11, text_anchor="end")
            places[heading, row.name] = y
            y += _ROW_PX
        y += 8
    for number, column in enumerate(everybody):
        left = _LEFT_PX + number * (_COLUMN_PX + _GAP_PX)
        shown = [
            (places[heading, row.name], row.shares[column])
            for heading, rows in blocks.items()
            for row in rows
            if column in row.shares
        ]
        _draw_column(drawing, (left, y), column, everybody[column], shown)
    return drawing.render()


def _draw_column(
    drawing: Drawing,
    foot: tuple[float, float],
    name: str,
    everybody: float,
    shown: list[tuple[float, Share]],
) -> None:
    left, bottom = foot
    low, high = _range([share for _, share in shown])

    def place(value: float) -> float:
        return left + _COLUMN_PX * (value - low) / (high - low)

    drawing.text(left, _TOP_PX - 24, name, font_weight="bold")
    for value, anchor in ((low, "start"), ((low + high) / 2, "middle"), (high, "end")):
        drawing.line([(place(value), _TOP_PX - 12), (place(value), bottom)], stroke=FAINT)
        words = f"{100 * value:.3g} %"
        drawing.text(place(value), bottom + 14, words, font_size=10, text_anchor=anchor)
    drawing.line(
        [(place(everybody), _TOP_PX - 12), (place(everybody), bottom)],
        stroke=GREY,
        stroke_dasharray="4 3",
    )
    for y, share in shown:
        drawing.line([(place(share.low), y), (place(share.high), y)], stroke=BLUE, stroke_width=2)
        drawing.circle(place(share.value), y, 3.5, fill=BLUE)


def _range(shares: list[Share]) -> tuple[float, float]:
    """Return round limits, in steps of a twentieth, that hold all intervals."""
    low = min((share.low for share in shares), default=0.0)
    high = max((share.high for share in shares), default=1.0)
    first = math.floor(low * 20) / 20 if low > 0.5 else 0.0
    return first, min(1.0, max(first + 0.05, math.ceil(high * 20) / 20))
