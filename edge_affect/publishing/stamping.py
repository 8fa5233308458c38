"""Time and sequence for each record."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

from edge_affect.publishing.payload import Stamp
from edge_affect.wall_clock import clock_is_synced

if TYPE_CHECKING:
    from collections.abc import Callable

LOG = logging.getLogger("edge_affect.publishing")
_SYNC_CHECK_INTERVAL_S = 10.0
_CLOCK_SET_S = 1.0
"""Both clocks drift apart by far less from one tick to the next; more means that one was set."""


def local_minute(stamp: Stamp) -> int | None:
    """Return the minute of the local day, 0 to 1439, or None if the clock may be wrong.

    >>> local_minute(Stamp(0, clock_synced=False, sequence=0)) is None
    True
    """
    if not stamp.clock_synced:
        return None
    # The C library looks at the machine's time zone once only, and it may be set at any time.
    time.tzset()
    local = time.localtime(stamp.unix_ms / 1000)
    return local.tm_hour * 60 + local.tm_min


class Stamper:
    """Makes stamps with growing sequence numbers.

    Args:
        unix_s: Returns the wall-clock time in seconds since 1970.
        is_synced: Returns whether that time is known to be right; asked every 10 s at most, and
            whenever the clock was set.
        monotonic_s: Returns monotonic seconds, suspend included.
        first_sequence: The number of the first record, >= 0.
    """

    def __init__(
        self,
        unix_s: Callable[[], float] = time.time,
        is_synced: Callable[[], bool] = clock_is_synced,
        monotonic_s: Callable[[], float] = lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
        first_sequence: int = 0,
    ) -> None:
        self._unix_s = unix_s
        self._is_synced = is_synced
        self._monotonic_s = monotonic_s
        self._sequence = first_sequence
        self._checked_s: float | None = None
        self._synced = False
        self._ahead_s: float | None = None

    def next(self) -> Stamp:
        """Return the stamp of the next record."""
        stamp = self.peek()
        self._sequence += 1
        return stamp

    def peek(self) -> Stamp:
        """Return the present time without using up a sequence number."""
        now_s, unix_s = self._monotonic_s(), self._unix_s()
        by_s = self._set_by_s(now_s, unix_s)
        if by_s or self._checked_s is None or now_s - self._checked_s >= _SYNC_CHECK_INTERVAL_S:
            self._checked_s = now_s
            self._synced = self._is_synced()
            # Read again: the clock may have been set before the question was answered, and the
            # answer may have taken so long that the two would not belong together.
            now_s, unix_s = self._monotonic_s(), self._unix_s()
        if by_s:
            LOG.warning("the clock was set by %+.0f s; synced=%s", by_s, self._synced)
        self._ahead_s = unix_s - now_s
        return Stamp(max(0, int(unix_s * 1000)), self._synced, self._sequence)

    def _set_by_s(self, now_s: float, unix_s: float) -> float:
        """Return by how much the wall clock was set since the last look, 0 where it was not."""
        if self._ahead_s is None:
            return 0.0
        by_s = unix_s - now_s - self._ahead_s
        return by_s if abs(by_s) >= _CLOCK_SET_S else 0.0
