"""Whether an empty room lies still: then nobody has come, and detectors may rest."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.types import VideoFrame

REST_AFTER_S = 5.0
"""With nobody there and nothing moving for this long a room is at rest."""
N_CELLS = 16
"""The longer side is looked at in so many cells, each the mean of a few hundred pixels."""
STEP_PX = 4
"""Every fourth pixel of every fourth row: the rest would add nothing but time."""
MOVED_LEVEL = 5.0
"""By so many grey levels a cell must differ; noise moves it by less than one, a lamp that flickers
by two, and the smallest face that is read, by ten and more."""
HALF_LIFE_S = 4.0
"""The picture that others are held against follows slow changes of daylight."""


class Stillness:
    """Compares cell means with those of the room as it was.

    Keeps some two hundred coarse grey levels: too few to show who was there, and of an empty room
    only.
    """

    def __init__(self) -> None:
        self._usual: NDArray[np.float32] | None = None
        self._looked_ns = 0
        self._moved_ns: int | None = None

    def clear(self) -> None:
        """Forget the room: it is awake."""
        self._usual = None
        self._moved_ns = None

    def is_at_rest(self, frame: VideoFrame) -> bool:
        """Return whether nothing has moved for a while up to this frame; costs 0.1 ms.

        Args:
            frame: Of a room in which nobody is followed.
        """
        now_ns = frame.captured_ns
        cells = cell_means(frame.pixels)
        usual = self._usual
        if usual is None or usual.shape != cells.shape:
            self._usual, self._moved_ns = cells, now_ns
        elif float(np.abs(cells - usual).max()) >= MOVED_LEVEL:
            # Whatever it is belongs to the room from here on.
            self._usual, self._moved_ns = cells, now_ns
        else:
            age_s = (now_ns - self._looked_ns) / NS_PER_S
            share = np.float32(1.0 - 0.5 ** (age_s / HALF_LIFE_S))
            self._usual = usual + share * (cells - usual)
        self._looked_ns = now_ns
        moved_ns = now_ns if self._moved_ns is None else self._moved_ns
        return now_ns - moved_ns >= REST_AFTER_S * NS_PER_S


def cell_means(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean grey level of square cells, by the green channel.

    Args:
        pixels: Shape ``(height, width, 3)``, uint8.

    Returns:
        Shape ``(n_rows, n_columns)``, float32, at most ``N_CELLS`` long; a rest at the lower and
        right edge that fills no cell is left out.
    """
    sparse = pixels[::STEP_PX, ::STEP_PX, 1]
    height, width = sparse.shape
    side = max(1, -(-max(height, width) // N_CELLS))
    n_rows, n_columns = max(1, height // side), max(1, width // side)
    whole = sparse[: n_rows * side, : n_columns * side]
    columns = whole.reshape(whole.shape[0], n_columns, -1).sum(axis=2, dtype=np.uint32)
    sums = columns.reshape(n_rows, -1, n_columns).sum(axis=1)
    return np.asarray(sums / (whole.size // (n_rows * n_columns)), dtype=np.float32)
