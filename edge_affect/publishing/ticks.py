"""The publisher's own rhythm: fixed points of the monotonic clock, whatever happens in between."""

from __future__ import annotations

from edge_affect.clock import NS_PER_S


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
