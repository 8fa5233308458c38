"""What happened at one box lately, oldest first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_affect.subscriber.notes import AlertNote, EventNote

MAX_HAPPENINGS = 60


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that happened.

    Attributes:
        kind: ``event``, ``alert``, ``marker``, ``gap`` or ``status``.
        name: Which event or alert, the text of a marker, the status.
        start_ms: When, ms since 1970.
        end_ms: Until when; None while it lasts, and for what has no length.
        level: Of an event, in [0, 1], or None.
        severity: Of an alert, or None.
        message: Of an alert, or None.
        n: Number of a marker, or of messages lost in a gap; None where nobody knows.
    """

    kind: str
    name: str
    start_ms: int
    end_ms: int | None = None
    level: float | None = None
    severity: str | None = None
    message: str | None = None
    n: int | None = None


class Happenings:
    """The newest ``MAX_HAPPENINGS`` of them."""

    def __init__(self) -> None:
        self._items: deque[Happening] = deque(maxlen=MAX_HAPPENINGS)

    def __iter__(self) -> Iterator[Happening]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def add(self, item: Happening) -> None:
        """Add one, unless it is there already: a message may be delivered twice."""
        if item not in self._items:
            self._items.append(item)

    def add_event(self, note: EventNote) -> None:
        """Add the start of a sound event, or the end to it."""
        start_ms = note.unix_ms if note.since_ms is None else note.since_ms
        end_ms = None if note.is_start else note.unix_ms
        self._put(Happening("event", note.event, start_ms, end_ms, note.level))

    def add_alert(self, note: AlertNote) -> None:
        """Add an alert that was raised, or the end to the one that was."""
        since_ms = note.since_ms or 0
        if note.is_raised:
            self._put(
                Happening("alert", note.name, since_ms, None, None, note.severity, note.message)
            )
            return
        for i in range(len(self._items) - 1, -1, -1):
            item = self._items[i]
            if item.kind == "alert" and item.name == note.name and item.end_ms is None:
                self._items[i] = replace(item, end_ms=max(since_ms, item.start_ms))
                return

    def _put(self, item: Happening) -> None:
        """Replace what has the same start, or add it."""
        for i in range(len(self._items) - 1, -1, -1):
            known = self._items[i]
            if (known.kind, known.name, known.start_ms) == (item.kind, item.name, item.start_ms):
                self._items[i] = item
                return
        self._items.append(item)
