"""Alerts and sound events of a recording, without a broker: for replays and for figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.alerting.board import AlertBoard
from edge_affect.alerting.event_edges import EventEdges

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.alert_settings import Alerts, NamedRule, QuietHours
    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.watch import AlertChange
    from edge_affect.record import AffectRecord


class Timeline:
    """The same rules and the same events as the publisher's, fed by hand.

    Args:
        rules: In effect.
        settings: Table ``[alerts]``.
        quiet: Quiet hours, or None.
    """

    def __init__(
        self, rules: Sequence[NamedRule], settings: Alerts, quiet: QuietHours | None = None
    ) -> None:
        self._board = AlertBoard(rules, quiet, 0)
        self._edges = EventEdges(settings)

    def step(
        self, now_ns: int, record: AffectRecord | None, local_minute: int | None = None
    ) -> tuple[tuple[EventEdge, ...], tuple[AlertChange, ...]]:
        """Take one record and return what began and ended, and what changed."""
        edges = self._edges.step(now_ns, record)
        return edges, self._board.step(now_ns, record, local_minute)

    def stop(self, now_ns: int) -> tuple[tuple[EventEdge, ...], tuple[AlertChange, ...]]:
        """End what goes on, because the recording ends."""
        return self._edges.stop(now_ns), self._board.stop(now_ns)
