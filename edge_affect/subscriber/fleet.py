"""All boxes at one broker, fed by one thread and read by many."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from edge_affect.subscriber.box import Box, Moment

if TYPE_CHECKING:
    from collections.abc import Iterator

PREFIX = "edge-affect"
MAX_BOXES = 250
"""More boxes than this are counted and not shown."""
NAME_MAX = 64
_MAX_LEFT_OUT = 100_000


@dataclass(frozen=True, slots=True)
class Link:
    """How the connection to the broker is doing.

    Attributes:
        is_connected: Whether it is there now.
        error: Why not, as a sentence, or None.
        since_s: Since when, monotonic clock.
        n_connections: How many there have been.
    """

    is_connected: bool = False
    error: str | None = None
    since_s: float = 0.0
    n_connections: int = 0


def topic_filter(site: str = "+", device: str = "+") -> str:
    """Return the filter that takes in everything boxes say; commands are not among it.

    >>> topic_filter("hall", "one")
    'edge-affect/hall/one/#'
    """
    return f"{PREFIX}/{site}/{device}/#"


def split_topic(topic: str) -> tuple[str, str, str] | None:
    """Return site, device and the rest of a topic, or None if it is no box's.

    >>> split_topic("edge-affect/hall/one/alert/laughter")
    ('hall', 'one', 'alert/laughter')
    >>> split_topic("edge-affect/hall") is None
    True
    """
    parts = topic.split("/", 3)
    if len(parts) < 4 or parts[0] != PREFIX:
        return None
    _, site, device, rest = parts
    is_name = all(0 < len(n) <= NAME_MAX and n.isprintable() for n in (site, device))
    return (site, device, rest) if is_name else None


class Fleet:
    """Boxes by name; hold ``lock`` to read them.

    Args:
        max_boxes: How many are kept.
    """

    def __init__(self, max_boxes: int = MAX_BOXES) -> None:
        self.lock = threading.RLock()
        self.link = Link()
        self._max_boxes = max_boxes
        self._boxes: dict[str, Box] = {}
        self._left_out: set[str] = set()

    def __iter__(self) -> Iterator[Box]:
        return iter(self._boxes.values())

    def __len__(self) -> int:
        return len(self._boxes)

    def get(self, name: str) -> Box | None:
        """Return the box called ``site/device``, or None."""
        return self._boxes.get(name)

    @property
    def n_left_out(self) -> int:
        """How many boxes there are beyond ``max_boxes``."""
        return len(self._left_out)

    def take(self, topic: str, payload: bytes, moment: Moment) -> None:
        """Take one message; those that are no box's are passed over."""
        parts = split_topic(topic)
        if parts is None:
            return
        site, device, kind = parts
        name = f"{site}/{device}"
        with self.lock:
            if kind == "status" and not payload:
                # Somebody made the broker forget this box.
                self._boxes.pop(name, None)
                return
            box = self._boxes.get(name)
            if box is None:
                if not is_told(kind):
                    return
                if len(self._boxes) >= self._max_boxes:
                    if len(self._left_out) < _MAX_LEFT_OUT:
                        self._left_out.add(name)
                    return
                box = self._boxes[name] = Box(site, device)
            box.take(kind, payload, moment)

    def connected(self, now_s: float) -> None:
        """Note that the broker is there (again)."""
        with self.lock:
            for box in self._boxes.values():
                box.reconnected()
            self.link = Link(
                is_connected=True, since_s=now_s, n_connections=self.link.n_connections + 1
            )

    def disconnected(self, error: str, now_s: float) -> None:
        """Note that the broker is not there, and why."""
        with self.lock:
            since_s = now_s if self.link.is_connected else self.link.since_s
            self.link = replace(self.link, is_connected=False, error=error, since_s=since_s)


def is_told(kind: str) -> bool:
    """Return whether a topic of a box is one that the box itself writes."""
    return kind in {"status", "about", "affect", "event", "health"} or kind.startswith("alert/")
