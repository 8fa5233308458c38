"""Alerts, sound events and trend of each tick, put on the bulletin."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.alerting.board import AlertBoard
from edge_affect.alerting.event_edges import EventEdges
from edge_affect.alerting.trend import Trend
from edge_affect.publishing.notices import WallMoments, alert_payload, event_payload, trend_payload
from edge_affect.publishing.payload import to_json
from edge_affect.publishing.stamping import local_minute

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.watch import AlertState
    from edge_affect.config import Config
    from edge_affect.publishing.bulletin import Bulletin
    from edge_affect.publishing.mirror import Mirror
    from edge_affect.publishing.notices import Now
    from edge_affect.publishing.topics import Topics
    from edge_affect.record import AffectRecord


class Announcer:
    """Watches the records of all ticks.

    At the start every alert is said to be cleared, so that none outlives a restart.

    Args:
        config: ``alerts`` and the rules in effect are used.
        topics: Of this box.
        bulletin: Where notices go.
        now: The start.
        mirrors: Are told as well.
    """

    def __init__(
        self,
        config: Config,
        topics: Topics,
        bulletin: Bulletin,
        now: Now,
        mirrors: Sequence[Mirror] = (),
    ) -> None:
        self._mirrors = mirrors
        self._topics = topics
        self._bulletin = bulletin
        self._moments = WallMoments()
        self._board = AlertBoard(config.alert_rules, config.quiet_hours, now.ns)
        self._edges = EventEdges(config.alerts)
        # A table of no models forecasts nothing.
        self._trend = Trend(None if config.alerts.trend else {})
        self._names = {state.name for state in self._board.states}
        self._say_alerts(self._board.states, now)

    def tick(self, now: Now, record: AffectRecord | None) -> bool:
        """Take the record of one tick and return whether there is something to say.

        Args:
            now: The moment of the tick.
            record: Newest record, or None if none has come since the last tick.
        """
        edges = self._edges.step(now.ns, record)
        self._say_events(edges, now)
        changes = self._board.step(now.ns, record, local_minute(now.stamp))
        self._say_alerts([change.state for change in changes], now)
        return self._say_trend(record, now) or bool(edges or changes)

    def stop(self, now: Now) -> None:
        """Clear and end what goes on, because the box ends."""
        self._say_events(self._edges.stop(now.ns), now)
        self._say_alerts([change.state for change in self._board.stop(now.ns)], now)

    def note_retained(self, topic: str, payload: bytes) -> None:
        """Take back a retained alert of a rule that is not there any more; in any thread."""
        name = self._topics.alert_name(topic)
        if name is not None and payload and name not in self._names:
            self._bulletin.put_happening(self._topics.forgotten(topic))

    def _say_trend(self, record: AffectRecord | None, now: Now) -> bool:
        points = self._trend.step(now.ns, record)
        if not any(points.values()):
            return False
        self._bulletin.put_moment(self._topics.trend(to_json(trend_payload(points, now)).encode()))
        return True

    def _say_alerts(self, states: Sequence[AlertState], now: Now) -> None:
        for mirror in self._mirrors if states else ():
            mirror.alerts(states)
        for state in states:
            payload = to_json(alert_payload(state, now, self._moments))
            self._bulletin.put_state(self._topics.alert(state.name, payload.encode()))

    def _say_events(self, edges: Sequence[EventEdge], now: Now) -> None:
        for mirror in self._mirrors if edges else ():
            mirror.events(edges)
        for edge in edges:
            payload = to_json(event_payload(edge, now, self._moments))
            self._bulletin.put_happening(self._topics.event(payload.encode()))
