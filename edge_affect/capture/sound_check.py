"""What is wrong with the sound of a device that delivers: nothing but zeros, or clipping."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.record import SourceState
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from edge_affect.types import AudioBlock

PART_S = 0.5
"""Sound is judged in parts of this length."""
N_SILENT_PARTS = 4
"""So many parts in a row without a signal are a dead device, or one that is muted at its side."""
N_PARTS = 6
"""Clipping is looked for in so many of the latest parts ..."""
N_CLIPPED_PARTS = 3
"""... and so many of them make the sound poor; one slammed door does not."""
CLIPPED_LEVEL = 0.985
"""A resampler rounds the flat tops of clipped sound off; these are still above."""
CLIPPED_SHARE = 0.01
"""Share of the samples of a part from which on the part is clipped."""
SIGNAL_SPAN = 1.5 / 32768
"""Even a silent room moves more than the last bit of 16; a device that does not is off."""


class SoundCheck:
    """Follows one source of sound, block by block.

    Digital silence is told after 2 s and over after 0.5 s of signal; clipping is told after
    1.5 s of it and over once the latest 3 s were free of it.
    """

    def __init__(self) -> None:
        self._part: list[tuple[float, float, int, int]] = []
        self._n_silent = 0
        self._clipped: deque[bool] = deque(maxlen=N_PARTS)
        self._state = SourceState.OK

    def judge(self, block: AudioBlock) -> SourceState:
        """Return ``OK``, ``SILENT`` or ``POOR``, with what has been heard up to this block."""
        samples = block.samples
        if samples.size == 0:
            return self._state
        low, high = float(samples.min()), float(samples.max())
        n_clipped = 0
        if max(high, -low) >= CLIPPED_LEVEL:
            n_clipped = int(np.count_nonzero(np.abs(samples) >= CLIPPED_LEVEL))
        self._part.append((low, high, n_clipped, samples.size))
        if sum(size for *_, size in self._part) >= PART_S * SAMPLE_RATE_HZ:
            self._end_part()
        return self._state

    def _end_part(self) -> None:
        lows, highs, n_clipped, sizes = zip(*self._part, strict=True)
        self._part.clear()
        is_silent = max(highs) - min(lows) <= SIGNAL_SPAN
        self._n_silent = self._n_silent + 1 if is_silent else 0
        is_clipped = not is_silent and sum(n_clipped) >= CLIPPED_SHARE * sum(sizes)
        self._clipped.append(is_clipped)
        if self._n_silent >= N_SILENT_PARTS:
            self._state = SourceState.SILENT
        elif sum(self._clipped) >= N_CLIPPED_PARTS:
            self._state = SourceState.POOR
        elif not any(self._clipped) or self._state is SourceState.SILENT:
            self._state = SourceState.OK
