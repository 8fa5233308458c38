"""One time axis for the sound and the pictures of a recording."""

from __future__ import annotations

import math
import threading
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.errors import MediaError
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from edge_affect.clock import Clock

MIN_LOOP_S = 0.5


class MediaTime:
    """Says when, on the clock, a moment of a recording happens; its sources share one.

    Media time zero is put at the clock's now when the first source opens, and again when one
    opens after all had been closed.

    Args:
        clock: Real time waits on it; as fast as possible moves it (see ``interleave``).
        is_paced: Real time, else as fast as possible; the latter needs a ``ManualClock``.
        loop_s: Length after which everything starts over, or None to play once. It is rounded
            up to a whole sample, so that sound stays gap-free over the seam.

    Raises:
        ValueError: If a replay without pacing is given a clock that cannot be moved.
        MediaError: If ``loop_s`` is below half a second.
    """

    def __init__(self, clock: Clock, *, is_paced: bool = True, loop_s: float | None = None) -> None:
        if not is_paced and not isinstance(clock, ManualClock):
            raise ValueError("A replay as fast as possible needs a ManualClock.")
        if loop_s is not None and loop_s < MIN_LOOP_S:
            raise MediaError(f"A recording of {loop_s:g} s is too short to loop.")
        self.clock = clock
        self.is_paced = is_paced
        self.loop_samples = None if loop_s is None else math.ceil(loop_s * SAMPLE_RATE_HZ)
        self._lock = threading.Lock()
        self._origin_ns = clock.now_ns()
        self._n_open = 0

    @property
    def loop_ns(self) -> int | None:
        """Length of one round, or None without looping."""
        if self.loop_samples is None:
            return None
        return self.loop_samples * NS_PER_S // SAMPLE_RATE_HZ

    def rounds_past(self) -> int:
        """Return how many whole rounds are over: what opens now begins with the one that plays."""
        loop_ns = self.loop_ns
        if loop_ns is None or not self.is_paced:
            return 0
        with self._lock:
            return max(0, self.clock.now_ns() - self._origin_ns) // loop_ns

    def attach(self) -> None:
        """Take note of a source that opens."""
        with self._lock:
            if self._n_open == 0:
                self._origin_ns = self.clock.now_ns()
            self._n_open += 1

    def detach(self) -> None:
        """Take note of a source that closes."""
        with self._lock:
            self._n_open -= 1

    def at_ns(self, media_ns: int) -> int:
        """Return the clock's time at a moment of the recording."""
        return self._origin_ns + media_ns

    def media_s(self, clock_ns: int) -> float:
        """Return the moment of the recording, in seconds from its start, at a clock's time."""
        return (clock_ns - self._origin_ns) / NS_PER_S

    def advance_to(self, clock_ns: int) -> None:
        """Move the clock of a replay without pacing; a real one moves by itself."""
        if isinstance(self.clock, ManualClock):
            self.clock.advance_to(clock_ns)
