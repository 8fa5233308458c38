"""Which sound events are heard at a moment: the latest window's, while it is fresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.record import EVENT_GOING_ON, EVENT_MAX, EVENTS

if TYPE_CHECKING:
    from edge_affect.types import SoundObservation

LOWEST_GOING_ON = EVENT_GOING_ON / EVENT_MAX
HIGHEST_SUSPECTED = (EVENT_GOING_ON - 1) / EVENT_MAX


class Sounding:
    """Keeps the latest window's sound events.

    The record has no room for a level and for whether the event is going on, so the level says
    both: from one half on it is going on, and what is heard but has not started stays below.

    Args:
        max_age_s: A window older than this says nothing.
    """

    def __init__(self, max_age_s: float) -> None:
        self._max_age_s = max_age_s
        self.forget()

    def forget(self) -> None:
        """Drop what was heard, as after a pause."""
        self._latest: SoundObservation | None = None

    def add(self, observation: SoundObservation) -> None:
        """Take the newest window."""
        self._latest = observation

    def levels(self, now_ns: int) -> tuple[float | None, ...]:
        """Return the level of each of ``EVENTS``, [0, 1], None where it is not sensed.

        Args:
            now_ns: On the monotonic clock.
        """
        latest = self._latest
        if latest is None or now_ns - latest.observed_ns > self._max_age_s * NS_PER_S:
            return (None,) * len(EVENTS)
        return tuple(
            None if level is None else _told(level, is_active=is_active)
            for level, is_active in zip(latest.levels, latest.active, strict=True)
        )


def _told(level: float, *, is_active: bool) -> float:
    return max(level, LOWEST_GOING_ON) if is_active else min(level, HIGHEST_SUSPECTED)
