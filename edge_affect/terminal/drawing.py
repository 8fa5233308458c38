"""Small pictures made of characters: bars, curves over time, the valence-arousal trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from edge_affect.terminal.rows import Row

if TYPE_CHECKING:
    from edge_affect.publishing.screen import Look

BLOCKS = "▁▂▃▄▅▆▇█"
LETTERS = "._-~=+*#"
GAP = " "
"""A moment of which nothing is known is left empty: a low value is drawn."""


def bar(share: float, width: int, look: Look) -> str:
    """Return a bar of a share in [0, 1].

    >>> from edge_affect.publishing.screen import Look
    >>> bar(0.5, 4, Look()), bar(0.5, 4, Look(has_blocks=False))
    ('██░░', '##..')
    """
    full, empty = ("█", "░") if look.has_blocks else ("#", ".")
    n_full = round(max(0.0, min(1.0, share)) * width)
    return full * n_full + empty * (width - n_full)


def curve(values: Sequence[float | None], look: Look) -> str:
    """Return one character for each value in [0, 1], and a gap where there is none.

    >>> from edge_affect.publishing.screen import Look
    >>> curve([0.0, None, 1.0, 0.5], Look())
    '▁ █▅'
    """
    marks = BLOCKS if look.has_blocks else LETTERS
    return "".join(
        GAP if value is None else marks[round(max(0.0, min(1.0, value)) * (len(marks) - 1))]
        for value in values
    )


def tall_curve(values: Sequence[float | None], n_rows: int, look: Look) -> list[str]:
    """Return a curve that is several rows high, the uppermost row first.

    >>> from edge_affect.publishing.screen import Look
    >>> tall_curve([0.0, None, 1.0, 0.5], 2, Look())
    ['  █▁', '▁ ██']
    """
    if n_rows == 1 or not look.has_blocks:
        return [" " * len(values)] * (n_rows - 1) + [curve(values, look)]
    n_marks = len(BLOCKS)
    levels = [
        None if value is None else 1 + round(max(0.0, min(1.0, value)) * (n_rows * n_marks - 1))
        for value in values
    ]
    rows = []
    for floor in range((n_rows - 1) * n_marks, -1, -n_marks):
        above = [0 if level is None else min(n_marks, level - floor) for level in levels]
        rows.append("".join(BLOCKS[height - 1] if height > 0 else GAP for height in above))
    return rows


def binned(
    points: Sequence[tuple[int, float | None]], end: int, n_bins: int, bin_s: int
) -> list[float | None]:
    """Return means of the last ``n_bins * bin_s`` seconds, oldest first; None where there is none.

    Args:
        points: Seconds and values, in any order.
        end: The last second, which belongs to the last bin.
        n_bins: How many.
        bin_s: Seconds in each.

    >>> binned([(9, 1.0), (10, 0.0), (6, 0.5)], end=10, n_bins=3, bin_s=2)
    [0.5, None, 0.5]
    """
    sums, counts = [0.0] * n_bins, [0] * n_bins
    for second, value in points:
        place = n_bins - 1 - (end - second) // bin_s
        if value is not None and 0 <= place < n_bins and second <= end:
            sums[place] += value
            counts[place] += 1
    return [total / n if n else None for total, n in zip(sums, counts, strict=True)]


def trail(
    points: Sequence[tuple[float, float]], width: int, height: int, look: Look, *, has_head: bool
) -> list[Row]:
    """Return a plane with valence to the right and arousal upwards, and a path on it.

    Args:
        points: Valence and arousal in [-1, 1], oldest first.
        width: Cells, odd, >= 5.
        height: Rows, odd, >= 3.
        look: What the screen can show.
        has_head: Whether the last one is true now; it is marked then.
    """
    across, up, cross = ("─", "│", "┼") if look.has_blocks else ("-", "|", "+")
    old, new, head = ("·", "•", "●") if look.has_blocks else (".", "o", "@")
    middle_x, middle_y = width // 2, height // 2
    cells = [
        [
            (cross if x == middle_x else across, "dim")
            if y == middle_y
            else ((up, "dim") if x == middle_x else (" ", ""))
            for x in range(width)
        ]
        for y in range(height)
    ]
    for number, (valence, arousal) in enumerate(points):
        x = middle_x + round(max(-1.0, min(1.0, valence)) * middle_x)
        y = middle_y - round(max(-1.0, min(1.0, arousal)) * middle_y)
        is_last = number == len(points) - 1
        mark = head if is_last and has_head else new if number >= len(points) / 2 else old
        cells[y][x] = (mark, "bold" if mark == head else "")
    return [list(line) for line in cells]
