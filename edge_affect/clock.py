"""Monotonic time, injected so that tests and replays can hold their own."""

from __future__ import annotations

import threading
import time
from typing import Protocol

NS_PER_S = 1_000_000_000


class Clock(Protocol):
    """A monotonic clock that can also wait."""

    def now_ns(self) -> int:
        """Return monotonic nanoseconds; the origin means nothing."""

    def sleep(self, seconds: float) -> None:
        """Wait for ``seconds`` (>= 0) on this clock."""

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Wait until another thread sets ``event``, for ``seconds`` (>= 0) at most."""


class MonotonicClock:
    """The machine's monotonic clock; never jumps when NTP first sets the date.

    It goes on while the machine is suspended, unlike ``time.monotonic``: what was seen before is as
    old afterwards as it really is.
    """

    def now_ns(self) -> int:
        """Return the time since the machine was started, suspend included."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def sleep(self, seconds: float) -> None:
        """Block the calling thread for ``seconds``."""
        time.sleep(seconds)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Block the calling thread until the event, for ``seconds`` at most."""
        event.wait(seconds)


class ManualClock:
    """A clock that moves only when told to; the time base of fast replays and of tests."""

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns

    def now_ns(self) -> int:
        """Return the time last set."""
        return self._now_ns

    def sleep(self, seconds: float) -> None:
        """Move the clock forward by ``seconds`` at once."""
        self._now_ns += round(seconds * NS_PER_S)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Move the clock forward at once, unless the event has come: nobody else moves it."""
        if not event.is_set():
            self.sleep(seconds)

    def advance_to(self, now_ns: int) -> None:
        """Move forward to ``now_ns``; moving back is ignored, the clock is monotonic."""
        self._now_ns = max(self._now_ns, now_ns)
