"""Ways to say again, for smart homes, what the box says on its own topics.

A mirror says nothing that ``affect``, ``alert``, ``event`` and ``health`` do not say as well. Its
module is imported only where it is switched on, so that nobody else pays for it in memory.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.watch import AlertState
    from edge_affect.publishing.commands import Request
    from edge_affect.record import AffectRecord

STALE_S = 30
"""Without a vector for this long its values count for nothing ..."""
STALE_TICKS = 6
"""... on a slow box, without so many."""


def stale_after_s(about: dict[str, Any]) -> int:
    """Return after how many seconds without a vector its values count for nothing.

    Args:
        about: The JSON object of the box's ``about`` topic.
    """
    tick_hz: float = about["leak_ceiling"]["records_per_s"]
    return max(STALE_S, math.ceil(STALE_TICKS / tick_hz))


class Mirror:
    """A mirror that tells nobody anything; others override what they need.

    All methods are called in the publisher's main thread, but ``take`` and ``note_about``, which
    the link calls in its own.
    """

    @property
    def filters(self) -> dict[str, int]:
        """Topic filters that the box subscribes to for it, with the QoS of each."""
        return {}

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """Begin to end, before the box itself says goodbye."""

    def close(self) -> None:
        """Wait for the end."""

    @property
    def is_alive(self) -> bool:
        """Whether all goes its way."""
        return True

    def note_about(self, earlier: dict[str, Any]) -> None:
        """Learn what the box said about itself before this run."""

    def take(self, request: Request) -> bool:
        """Take a received message and return whether it was for this mirror."""
        del request
        return False

    def tick(self, now_ns: int, record: AffectRecord | None) -> None:
        """Take the record of one tick, or None if none has come since the last one."""

    def alerts(self, states: Iterable[AlertState]) -> None:
        """Take note how some alerts stand now."""

    def events(self, edges: Iterable[EventEdge]) -> None:
        """Take note that sound events started or ended."""

    def health(self, payload: dict[str, Any]) -> None:
        """Take the JSON object of the ``health`` topic."""
