"""Start and end of sound events, from their levels in records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S
from edge_affect.record import EVENT_MAX, EVENTS

if TYPE_CHECKING:
    from edge_affect.alert_settings import Alerts
    from edge_affect.record import AffectRecord

_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class EventEdge:
    """The start or the end of one sound event.

    Attributes:
        event: One of ``EVENTS``.
        is_start: Whether it started; else it ended.
        level: Highest level so far, [0, 1].
        started_ns: Monotonic clock at its start.
        at_ns: Monotonic clock now.
        is_lost: Whether it ended because it was not sensed any more.
    """

    event: str
    is_start: bool
    level: float
    started_ns: int
    at_ns: int
    is_lost: bool = False


class _Edge:
    """The state of one sound event."""

    def __init__(self, event: str) -> None:
        self._event = event
        self._started_ns: int | None = None
        self._known_ns = 0
        self._peak = 0.0

    def step(self, now_ns: int, level: float | None, settings: Alerts) -> EventEdge | None:
        if self._started_ns is None:
            if level is None or level < settings.event_start - _TINY:
                return None
            self._started_ns = self._known_ns = now_ns
            self._peak = level
            return self._edge(now_ns, self._started_ns, is_start=True)
        if level is None:
            is_lost = now_ns - self._known_ns >= settings.event_hold_s * NS_PER_S
            return self.end(now_ns, is_lost=True) if is_lost else None
        self._known_ns = now_ns
        self._peak = max(self._peak, level)
        return self.end(now_ns) if level <= settings.event_end + _TINY else None

    def end(self, now_ns: int, *, is_lost: bool = False) -> EventEdge | None:
        if self._started_ns is None:
            return None
        started_ns, self._started_ns = self._started_ns, None
        return self._edge(now_ns, started_ns, is_start=False, is_lost=is_lost)

    def _edge(
        self, now_ns: int, started_ns: int, *, is_start: bool, is_lost: bool = False
    ) -> EventEdge:
        return EventEdge(self._event, is_start, round(self._peak, 3), started_ns, now_ns, is_lost)


class EventEdges:
    """Tells when sound events start and end; two thresholds keep a flickering level quiet.

    Args:
        settings: ``event_start``, ``event_end`` and ``event_hold_s`` are used.
    """

    def __init__(self, settings: Alerts) -> None:
        self._settings = settings
        self._edges = tuple(_Edge(event) for event in EVENTS)
        self._last_ns: int | None = None

    def step(self, now_ns: int, record: AffectRecord | None) -> tuple[EventEdge, ...]:
        """Take the record of one tick, None where there is none, and return what began and ended.

        Args:
            now_ns: Monotonic clock, later than before; an earlier or equal one changes nothing.
            record: Newest record.
        """
        if self._last_ns is not None and now_ns <= self._last_ns:
            return ()
        self._last_ns = now_ns
        found: list[EventEdge] = []
        for index, edge in enumerate(self._edges):
            level = None if record is None else record.events[index]
            share = None if level is None else level / EVENT_MAX
            change = edge.step(now_ns, share, self._settings)
            if change is not None:
                found.append(change)
        return tuple(found)

    def stop(self, now_ns: int) -> tuple[EventEdge, ...]:
        """End what goes on, because the box ends."""
        ends = [edge.end(now_ns, is_lost=True) for edge in self._edges]
        return tuple(end for end in ends if end is not None)
