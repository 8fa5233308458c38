"""The publisher's own rhythm: fixed points of the monotonic clock, whatever happens in between."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.record import AbstainReason

if TYPE_CHECKING:
    from edge_affect.record import AffectRecord

FIRST_HZ = 5.0
"""The grid that the first record is looked for on: that of the fastest tick there is."""
FIRST_WITHIN_S = 5.0
"""Looked for so long after the start; later it waits for a tick like all others."""


class TickSchedule:
    """Ticks at the middle of each period of the monotonic clock.

    The grid does not depend on when the process or a record came, so it carries nothing, and it
    cannot drift. Records sent at the start of periods come half a period before their tick.

    Args:
        tick_hz: Ticks per second, > 0.
        now_ns: Monotonic clock now.
    """

    def __init__(self, tick_hz: float, now_ns: int) -> None:
        self._period_ns = round(NS_PER_S / tick_hz)
        self._next_ns = 0
        self.skip_to(now_ns)

    def skip_to(self, now_ns: int) -> None:
        """Make the first point after ``now_ns`` the next tick; missed ones are not caught up."""
        half_ns = self._period_ns // 2
        self._next_ns = ((now_ns - half_ns) // self._period_ns + 1) * self._period_ns + half_ns

    def wait_s(self, now_ns: int) -> float:
        """Return how long to wait for the next tick, in seconds; 0 when it is due."""
        return max(0, self._next_ns - now_ns) / NS_PER_S

    def late_s(self, now_ns: int) -> float:
        """Return for how long the next tick has been due, in seconds; 0 where it is not."""
        return max(0, now_ns - self._next_ns) / NS_PER_S


class FirstRecord:
    """The one record in a publisher's life that need not wait for a tick.

    It is the first that says more than that sensing is starting, so that somebody who switches a
    box on does not wait a whole tick for it. One message more in each start is all that it adds.

    Args:
        start_ns: Monotonic clock.
    """

    def __init__(self, start_ns: int) -> None:
        self._looks: TickSchedule | None = TickSchedule(FIRST_HZ, start_ns)
        self._until_ns = start_ns + round(FIRST_WITHIN_S * NS_PER_S)

    def wait_s(self, now_ns: int) -> float:
        """Return how long to wait before looking for it, in seconds; infinity when that is over."""
        return math.inf if self._looks is None else self._looks.wait_s(now_ns)

    def is_due(self, now_ns: int) -> bool:
        """Return whether to look for it now."""
        if self._looks is None or self._looks.wait_s(now_ns) > 0:
            return False
        self._looks.skip_to(now_ns)
        if now_ns >= self._until_ns:
            self._looks = None
        return self._looks is not None

    def is_this(self, record: AffectRecord | None) -> bool:
        """Return whether this is the first record; there is no other after it."""
        if self._looks is None or record is None or record.abstained is AbstainReason.STARTING:
            return False
        self._looks = None
        return True
