"""What one browser is told: at first everything, then what has changed.

Nothing is queued for a browser. Each time it is looked at what it was told last, so a slow one gets
the newest state and never a backlog.
"""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from edge_affect import __version__
from edge_affect.dashboard.cards import about_card, health_card, vector_card
from edge_affect.record import EVENTS, EXPRESSIONS, STATES
from edge_affect.subscriber.history import COLUMNS, SPAN_S

if TYPE_CHECKING:
    from edge_affect.subscriber.box import Box, Moment
    from edge_affect.subscriber.fleet import Fleet

BEAT_S = 2.0
"""A browser hears something at least this often; without it the page says that it is cut off."""


def event(name: str, value: Any) -> bytes:
    """Return one server-sent event; its data are JSON in ASCII, on one line."""
    data = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return f"event: {name}\ndata: {data}\n\n".encode("ascii")


class Stream:
    """What one browser has been told.

    Args:
        fleet: All boxes.
        broker: Name of the broker, for people.
        chosen: ``site/device`` of the box that is shown in full, or empty.
    """

    def __init__(self, fleet: Fleet, broker: str, chosen: str = "") -> None:
        self._fleet = fleet
        self._chosen = chosen
        self._told: dict[str, tuple[int, str]] = {}
        self._parts: dict[str, str] = {}
        self._n_points = 0
        self._epoch: int | None = None
        self._beat_s: float | None = None
        self._hello: dict[str, Any] | None = {
            "version": __version__,
            "broker": broker,
            "expressions": EXPRESSIONS,
            "states": STATES,
            "events": EVENTS,
            "columns": COLUMNS,
            "span_s": SPAN_S,
        }

    def news(self, moment: Moment) -> bytes:
        """Return the events that bring the browser up to date; empty where it is.

        Args:
            moment: Now.
        """
        chunks: list[bytes] = []
        if self._hello is not None:
            chunks.append(event("hello", self._hello))
            self._hello = None
        with self._fleet.lock:
            chunks += self._fleet_news(moment)
            chunks += self._box_news()
        is_due = self._beat_s is None or moment.s - self._beat_s >= BEAT_S
        if chunks or is_due:
            # Each bundle ends with the time: ages are counted from it.
            chunks.append(event("beat", {"now_ms": moment.unix_ms}))
            self._beat_s = moment.s
        return b"".join(chunks)

    def _fleet_news(self, moment: Moment) -> list[bytes]:
        """Return which boxes look different than when this browser was told last."""
        link = self._fleet.link
        changed: dict[str, Any] = {}
        for box in self._fleet:
            presence = box.presence(moment.s, is_connected=link.is_connected)
            mark = (box.revision, presence.value)
            if self._told.get(box.name) != mark:
                self._told[box.name] = mark
                changed[box.name] = summary(box, presence.value)
        gone = [name for name in self._told if self._fleet.get(name) is None]
        for name in gone:
            del self._told[name]
        part = {
            "connected": link.is_connected,
            "error": link.error,
            "n_connections": link.n_connections,
            "left_out": self._fleet.n_left_out,
        }
        chunks = [event("link", part)] if self._is_new("link", part) else []
        if changed or gone:
            chunks.append(event("boxes", {"changed": changed, "gone": gone}))
        return chunks

    def _box_news(self) -> list[bytes]:
        """Return what is new of the box that is shown in full."""
        box = self._fleet.get(self._chosen)
        if box is None:
            return []
        parts: dict[str, Any] = {
            "vector": None if box.latest is None else vector_card(box.latest),
            "about": None if box.about is None else about_card(box.about),
            "health": None if box.health is None else health_card(box.health),
            "happenings": [asdict(item) for item in box.happenings],
            "counts": {"late": box.n_late, "malformed": box.n_malformed},
        }
        new = {name: part for name, part in parts.items() if self._is_new(name, part)}
        if box.history.epoch != self._epoch:
            self._epoch, self._n_points = box.history.epoch, 0
            new["restart"] = True
        if points := box.history.since(self._n_points):
            new["points"] = [[second, *values] for second, values in points]
        self._n_points = box.history.n_changes
        return [event("box", {"name": box.name, **new})] if new else []

    def _is_new(self, name: str, part: Any) -> bool:
        text = json.dumps(part)
        if self._parts.get(name) == text:
            return False
        self._parts[name] = text
        return True


def summary(box: Box, presence: str) -> dict[str, Any]:
    """Return what a card in the overview shows of a box."""
    latest = box.latest
    return {
        "site": box.site,
        "device": box.device,
        "presence": presence,
        "heard_ms": box.heard_ms,
        "health_ms": box.health_ms,
        "status": box.status,
        "vector": None if latest is None else vector_card(latest),
        "alerts": [asdict(note) for note in box.raised],
    }
