"""Whether the wall clock is right, and what it says: for stamps after the slit and for hours.

Everything else runs on the monotonic clock. Standard library only.
"""

from __future__ import annotations

import ctypes
import os
from datetime import datetime, timezone
from pathlib import Path
from typing import Protocol

TIMESYNC_FLAG = Path("/run/systemd/timesync/synchronized")
OLDEST_POSSIBLE = datetime(2026, 11, 1, tzinfo=timezone.utc)
"""This program did not exist before: a clock that says less has not been set since power came."""
_STA_UNSYNC = 0x0040
_TIME_ERROR = 5


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


class WallClock(Protocol):
    """The time of day, injected so that tests can hold their own."""

    def now(self) -> datetime:
        """Return the present moment, with a time zone."""

    def is_synced(self) -> bool:
        """Return whether that moment is known to be right."""


class SystemWallClock:
    """The machine's wall clock."""

    def now(self) -> datetime:
        """Return the present moment in UTC."""
        return datetime.now(timezone.utc)

    def is_synced(self) -> bool:
        """Return ``clock_is_synced()``."""
        return clock_is_synced()
