"""What is wrong with the pictures of a camera that delivers: frozen, black, too bright, too dark.

A camera can fail while it goes on delivering, and an empty room looks just like a covered lens to
everything that comes after. So every frame of a live camera is looked at here first, on a coarse
grid of its pixels. Nothing of a picture is kept: of the last one only a keyed digest.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.record import SourceState

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.types import VideoFrame

GRID_PX = 8
"""Every eighth pixel of every eighth row is looked at: 4,800 of 640 x 480."""
LASTING_S = 1.0
"""A fault, or its end, must last this long before it is told: lights go on and off."""
FROZEN_S = 2.0
"""The same picture to the last bit for this long: a sensor's noise never does that."""
BLACK = 20
"""Nearly every pixel at or below this grey level: the lens is covered, or there is no light at all.
Video range puts black at 16."""
DARK = 48
"""Nearly every pixel at or below this: too dark to read a face in."""
BRIGHT = 250
"""From this grey level on a pixel holds no detail."""
BRIGHT_SHARE = 0.5
"""Of the picture without detail: beyond that it is overexposed; a window alone is not."""
NEARLY_ALL = 0.99
"""A hot pixel or the light of a display does not make a dark picture bright."""


@dataclass(frozen=True, slots=True)
class Exposure:
    """How bright a picture is.

    Attributes:
        high: Grey level that 99 % of the picture do not exceed, [0, 255].
        bright_share: Share of the picture that holds no detail for brightness, [0, 1].
    """

    high: float
    bright_share: float


def exposure(grid: NDArray[np.uint8]) -> Exposure:
    """Return how bright a picture is.

    Args:
        grid: Some of its pixels, shape ``(rows, columns, 3)``, uint8, RGB, not empty.
    """
    # The brightest channel decides: a red wall is not dark, and clipped red is detail lost.
    level = grid.max(axis=2)
    high = float(np.quantile(level, NEARLY_ALL))
    return Exposure(high, float((grid.min(axis=2) >= BRIGHT).mean()))


def state_of(shown: Exposure) -> SourceState:
    """Return the state that an exposure means; ``OK`` where nothing is wrong."""
    if shown.high <= BLACK:
        return SourceState.SILENT
    if shown.high <= DARK or shown.bright_share > BRIGHT_SHARE:
        return SourceState.POOR
    return SourceState.OK


class PictureCheck:
    """Follows one camera, frame by frame.

    ``SILENT`` is a black picture, ``POOR`` one that is overexposed or too dark, ``STALLED`` one
    that does not change any more. What is merely black, white or dark may well stay the same to
    the last bit, so exposure goes first.
    """

    def __init__(self) -> None:
        self._key = os.urandom(16)
        self._digest = b""
        self._same_since_ns = 0
        self._state = SourceState.OK
        self._seen: SourceState | None = None
        self._seen_since_ns = 0

    @property
    def shows_something(self) -> bool:
        """Whether the last frame is worth reading."""
        return self._state not in (SourceState.SILENT, SourceState.STALLED)

    def judge(self, frame: VideoFrame) -> SourceState:
        """Return ``OK``, ``SILENT``, ``POOR`` or ``STALLED``, with the frames up to this one."""
        grid = np.ascontiguousarray(frame.pixels[::GRID_PX, ::GRID_PX])
        now_ns = frame.captured_ns
        seen = state_of(exposure(grid))
        frozen_s = self._same_for_s(grid, now_ns)
        grid.fill(0)
        if seen is SourceState.OK and frozen_s >= FROZEN_S:
            self._state = self._seen = SourceState.STALLED
            return self._state
        if self._seen is SourceState.STALLED:
            # It moves again: one new picture is proof enough.
            self._state = SourceState.OK
        if seen is not self._seen:
            self._seen_since_ns = now_ns
            self._seen = seen
        if (now_ns - self._seen_since_ns) >= LASTING_S * NS_PER_S:
            self._state = seen
        return self._state

    def _same_for_s(self, grid: NDArray[np.uint8], now_ns: int) -> float:
        digest = hashlib.blake2b(grid.data, digest_size=16, key=self._key).digest()
        if digest != self._digest:
            self._digest, self._same_since_ns = digest, now_ns
        return (now_ns - self._same_since_ns) / NS_PER_S
