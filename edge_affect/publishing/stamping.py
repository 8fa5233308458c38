"""Time and sequence for each record: the one place that reads the wall clock."""

from __future__ import annotations

import ctypes
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.publishing.payload import Stamp

if TYPE_CHECKING:
    from collections.abc import Callable

TIMESYNC_FLAG = Path("/run/systemd/timesync/synchronized")
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5
_SYNC_CHECK_INTERVAL_S = 10.0


class _Timex(ctypes.Structure):
    """The start of ``struct timex`` of adjtimex(2); the rest is room enough."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("_rest", ctypes.c_byte * 256),
    )


def kernel_clock_is_synced() -> bool:
    """Return whether the kernel says that a time service keeps the wall clock right.

    Asks adjtimex(2) without changing anything; a sandbox that forbids the question means no.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex(modes=0)
    state = libc.adjtimex(ctypes.byref(timex))
    return 0 <= state < _TIME_ERROR and not timex.status & _STA_UNSYNC


def clock_is_synced() -> bool:
    """Return whether the wall clock is known to be right; a Pi has none before NTP answers."""
    return os.path.exists(TIMESYNC_FLAG) or kernel_clock_is_synced()  # noqa: PTH110 (Path.exists raises where /run is hidden)


def local_minute(stamp: Stamp) -> int | None:
    """Return the minute of the local day, 0 to 1439, or None if the clock may be wrong.

    >>> local_minute(Stamp(0, clock_synced=False, sequence=0)) is None
    True
    """
    if not stamp.clock_synced:
        return None
    local = time.localtime(stamp.unix_ms / 1000)
    return local.tm_hour * 60 + local.tm_min


class Stamper:
    """Makes stamps with growing sequence numbers.

    Args:
        unix_s: Returns the wall-clock time in seconds since 1970.
        is_synced: Returns whether that time is known to be right; asked every 10 s at most.
        monotonic_s: Returns monotonic seconds, for the 10 s.
    """

    def __init__(
        self,
        unix_s: Callable[[], float] = time.time,
        is_synced: Callable[[], bool] = clock_is_synced,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._unix_s = unix_s
        self._is_synced = is_synced
        self._monotonic_s = monotonic_s
        self._sequence = 0
        self._checked_s: float | None = None
        self._synced = False

    def next(self) -> Stamp:
        """Return the stamp of the next record."""
        stamp = self.peek()
        self._sequence += 1
        return stamp

    def peek(self) -> Stamp:
        """Return the present time without using up a sequence number."""
        now_s = self._monotonic_s()
        if self._checked_s is None or now_s - self._checked_s >= _SYNC_CHECK_INTERVAL_S:
            self._checked_s = now_s
            self._synced = self._is_synced()
        return Stamp(max(0, int(self._unix_s() * 1000)), self._synced, self._sequence)
