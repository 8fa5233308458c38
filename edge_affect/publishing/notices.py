"""The JSON of the ``alert``, ``event`` and ``trend`` topics: of records and time alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.alerting.trend import COVERAGE, HORIZON_S
from edge_affect.alerting.watch import Reason
from edge_affect.publishing.payload import SCHEMA_VERSION, time_text

if TYPE_CHECKING:
    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.trend import TrendPoint
    from edge_affect.alerting.watch import AlertState
    from edge_affect.publishing.payload import Stamp

_NS_PER_MS = 1_000_000
_CLOCK_SET_MS = 500
"""Both clocks drift apart by less than this while an alert lasts; more means that one was set."""
CLEARED_TEXT: dict[Reason, str] = {
    Reason.OVER: "It is over.",
    Reason.NO_DATA: "Cleared, because nothing is known any more.",
    Reason.QUIET_HOURS: "Cleared, because these are quiet hours.",
    Reason.STARTED: "Not raised since the start.",
    Reason.STOPPED: "Cleared, because the box ends.",
}


@dataclass(frozen=True, slots=True)
class Now:
    """One moment, as the publisher knows it.

    Attributes:
        ns: Monotonic clock.
        stamp: Wall clock.
        sequence: Number of the affect message of this tick, or None if there is none.
    """

    ns: int
    stamp: Stamp
    sequence: int | None = None


def alert_payload(state: AlertState, now: Now, moments: WallMoments) -> dict[str, Any]:
    """Return the JSON object of one alert.

    Args:
        state: How it stands.
        now: When this is said.
        moments: Remembers when it was raised or cleared.
    """
    if state.step is None:
        severity, message = None, CLEARED_TEXT[state.reason or Reason.OVER]
    else:
        severity, message = state.step.severity, state.step.message
    lasted_s = None
    if state.raised_ns is not None:
        until_ns = now.ns if state.is_raised else state.changed_ns
        lasted_s = round((until_ns - state.raised_ns) / (1000 * _NS_PER_MS), 3)
    since_ns = state.changed_ns
    if state.is_raised and state.raised_ns is not None:
        since_ns = state.raised_ns
    return {
        **_head(now),
        "alert": state.name,
        "state": "raised" if state.is_raised else "cleared",
        "severity": severity,
        "escalation": state.escalation,
        "level": state.level,
        "since": moments.text(f"alert/{state.name}", since_ns, now.stamp, now.ns),
        "lasted_s": lasted_s,
        "reason": None if state.reason is None else state.reason.value,
        "message": message,
    }


def event_payload(edge: EventEdge, now: Now, moments: WallMoments) -> dict[str, Any]:
    """Return the JSON object of the start or end of a sound event; see ``alert_payload``."""
    return {
        **_head(now),
        "event": edge.event,
        "phase": "start" if edge.is_start else "end",
        "level": edge.level,
        "since": moments.text(f"event/{edge.event}", edge.started_ns, now.stamp, now.ns),
        "lasted_s": round((edge.at_ns - edge.started_ns) / (1000 * _NS_PER_MS), 3),
        "is_lost": edge.is_lost,
    }


def trend_payload(points: dict[str, TrendPoint | None], now: Now) -> dict[str, Any]:
    """Return the JSON object of the trend of one tick, one key for each published quantity."""
    said = {name: None if point is None else asdict(point) for name, point in points.items()}
    return {**_head(now), "horizon_s": HORIZON_S, "coverage": COVERAGE, **said}


def _head(now: Now) -> dict[str, Any]:
    return {
        "schema": SCHEMA_VERSION,
        "time": time_text(now.stamp.unix_ms),
        "clock_synced": now.stamp.clock_synced,
        "sequence": now.sequence,
    }


class WallMoments:
    """Wall-clock times of earlier moments: the same each time, unless the clock was set since."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[int, int]] = {}

    def text(self, name: str, then_ns: int, stamp: Stamp, now_ns: int) -> str:
        """Return a moment as RFC 3339.

        Args:
            name: Of what began then; one moment is remembered for each.
            then_ns: The moment on the monotonic clock.
            stamp: The present time.
            now_ns: The same on the monotonic clock.
        """
        unix_ms = max(0, stamp.unix_ms - max(0, now_ns - then_ns) // _NS_PER_MS)
        known = self._known.get(name)
        if known is not None and known[0] == then_ns and abs(known[1] - unix_ms) < _CLOCK_SET_MS:
            unix_ms = known[1]
        self._known[name] = (then_ns, unix_ms)
        return time_text(unix_ms)
