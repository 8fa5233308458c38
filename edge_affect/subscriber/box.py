"""One box as it looks from the broker: what it says now, and whether that is still true."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from edge_affect.alert_settings import SEVERITIES
from edge_affect.errors import DataError
from edge_affect.subscriber.fields import json_object, number, table
from edge_affect.subscriber.freshness import BEHIND_MS, Freshness
from edge_affect.subscriber.happenings import Happening, Happenings
from edge_affect.subscriber.history import History
from edge_affect.subscriber.notes import alert_note, event_note, marker_note
from edge_affect.subscriber.reading import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.subscriber.notes import AlertNote
    from edge_affect.subscriber.reading import Reading

SILENT_AFTER_S = 5.0
"""Without a vector for this long a box is silent, whatever its status says."""
SILENT_AFTER_TICKS = 4.0
MAX_ALERTS = 64
_REMEMBERED_SEQUENCES = 64


class Presence(str, Enum):
    """Whether what is known of a box is true now; only ``LIVE`` means that it is."""

    LIVE = "live"
    WAITING = "waiting"
    """It has only just said that it is online, and its first vector is due."""
    SILENT = "silent"
    """It says that it is online, and no vector comes."""
    OFFLINE = "offline"
    UNKNOWN = "unknown"
    """Nothing was heard of it since we are connected."""
    CUT = "cut"
    """We are not connected to the broker ourselves."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When a message arrives.

    Attributes:
        s: Monotonic clock in seconds.
        unix_ms: Our wall clock, ms since 1970.
    """

    s: float
    unix_ms: int


class Box:
    """State of one box; not locked, its ``Fleet`` is.

    Attributes:
        site: As in its topics.
        device: As in its topics.
        status: ``online``, ``offline``, or None while nothing was heard.
        latest: Newest vector of the present, or None. It may be old: see ``age_s``.
        heard_ms: When it came, by our wall clock, ms since 1970; None where it has not.
        health_ms: When ``health`` came, likewise.
        about: The transparency card as received, or None.
        health: Newest health message as received, or None.
        alerts: Alerts by name, raised or cleared; see ``raised``.
        happenings: What happened lately.
        history: The last minutes.
        n_late: Vectors that told of the past.
        n_malformed: Messages that could not be understood.
        revision: Grows with each message that changed something.
    """

    def __init__(self, site: str, device: str) -> None:
        self.site, self.device = site, device
        self.status: str | None = None
        self.latest: Reading | None = None
        self.heard_ms: int | None = None
        self.health_ms: int | None = None
        self.about: dict[str, Any] | None = None
        self.health: dict[str, Any] | None = None
        self.alerts: dict[str, AlertNote] = {}
        self.happenings = Happenings()
        self.history = History()
        self.n_late = 0
        self.n_malformed = 0
        self.revision = 0
        self._heard_s: float | None = None
        self._status_s: float | None = None
        self._health_s: float | None = None
        self._freshness = Freshness()
        self._sequences: deque[tuple[int, int]] = deque(maxlen=_REMEMBERED_SEQUENCES)
        self._readers: dict[str, Callable[[bytes, Moment], None]] = {
            "status": self._take_status,
            "affect": self._take_affect,
            "event": self._take_event,
            "about": self._take_about,
            "health": self._take_health,
            "marker": self._take_marker,
        }

    @property
    def name(self) -> str:
        """``site/device``."""
        return f"{self.site}/{self.device}"

    @property
    def is_heard(self) -> bool:
        """Whether a vector came since we are connected."""
        return self._heard_s is not None

    def age_s(self, now_s: float) -> float | None:
        """Return for how long no vector of the present has come, in seconds; None for ever."""
        return None if self._heard_s is None else max(0.0, now_s - self._heard_s)

    def health_age_s(self, now_s: float) -> float | None:
        """Return how old the health message is, in seconds."""
        return None if self._health_s is None else max(0.0, now_s - self._health_s)

    @property
    def silent_after_s(self) -> float:
        """Time without a vector after which the box counts as silent, from its own tick."""
        ceiling = table((self.about or {}).get("leak_ceiling"))
        rate_hz = number(ceiling.get("records_per_s"), 0.01, 100.0) or 1.0
        return max(SILENT_AFTER_S, SILENT_AFTER_TICKS / rate_hz)

    def presence(self, now_s: float, *, is_connected: bool = True) -> Presence:
        """Return whether what is known is true now.

        Args:
            now_s: Monotonic clock.
            is_connected: Whether we are connected to the broker.
        """
        if not is_connected:
            return Presence.CUT
        if self.status == "offline":
            return Presence.OFFLINE
        age_s = self.age_s(now_s)
        if age_s is not None and age_s < self.silent_after_s:
            return Presence.LIVE
        if age_s is None and self._status_s is not None:
            is_new = now_s - self._status_s < self.silent_after_s
            return Presence.WAITING if is_new else Presence.SILENT
        return Presence.UNKNOWN if age_s is None else Presence.SILENT

    @property
    def raised(self) -> tuple[AlertNote, ...]:
        """Alerts that count: none while the box is not online, urgent ones first."""
        if self.status != "online":
            return ()
        order = {word: place for place, word in enumerate(reversed(SEVERITIES))}
        raised = (note for note in self.alerts.values() if note.is_raised)
        return tuple(
            sorted(raised, key=lambda n: (order.get(n.severity or "", len(order)), n.name))
        )

    def take(self, kind: str, payload: bytes, moment: Moment) -> None:
        """Take one message; one that cannot be understood is counted and changes nothing.

        Args:
            kind: What stands below the box's own topic, such as ``affect`` or ``alert/laughter``.
            payload: As received.
            moment: Now.
        """
        alert = kind.removeprefix("alert/")
        try:
            if alert != kind:
                self._take_alert(alert, payload)
            elif kind in self._readers:
                self._readers[kind](payload, moment)
            else:
                return
        except DataError:
            self.n_malformed += 1
        self.revision += 1

    def reconnected(self) -> None:
        """Forget what counts only while one listens: the broker says it again if it holds."""
        self.status = self._status_s = self._heard_s = None
        self.alerts.clear()
        self.revision += 1

    def _take_status(self, payload: bytes, moment: Moment) -> None:
        word = payload[:16].decode("utf-8", "replace")
        if word not in {"online", "offline"}:
            raise DataError("A status is online or offline.")
        if word != self.status:
            if self.status is not None or word == "offline":
                self.happenings.add(Happening("status", word, moment.unix_ms))
            self.status, self._status_s = word, moment.s
            if word == "offline":
                self._heard_s = None

    def _take_affect(self, payload: bytes, moment: Moment) -> None:
        item = reading(payload)
        if (item.sequence, item.unix_ms) in self._sequences:
            return
        self._sequences.append((item.sequence, item.unix_ms))
        is_present = not item.is_late and self._freshness.is_present(
            moment.unix_ms, item.unix_ms, is_synced=item.is_clock_synced
        )
        if is_present and self.latest is not None:
            back_ms = self.latest.unix_ms - item.unix_ms
            # Out of order is history; further back than that, the clock was set.
            is_present = back_ms <= 0 or back_ms > BEHIND_MS
        self.history.put(item, is_present=is_present)
        if item.gap is not None:
            until_ms = item.unix_ms if item.gap.until_ms is None else item.gap.until_ms
            self.happenings.add(Happening("gap", "gap", until_ms, n=item.gap.n_messages))
        if is_present:
            self.latest, self._heard_s, self.heard_ms = item, moment.s, moment.unix_ms
        else:
            self.n_late += 1

    def _take_event(self, payload: bytes, _moment: Moment) -> None:
        self.happenings.add_event(event_note(payload))

    def _take_alert(self, name: str, payload: bytes) -> None:
        if not payload:
            # Taken back: the box has no such rule any more.
            self.alerts.pop(name, None)
            return
        note = alert_note(name, payload)
        known = self.alerts.get(name)
        if known is None and len(self.alerts) >= MAX_ALERTS:
            raise DataError("No box has so many alerts.")
        self.alerts[name] = note
        if note.is_raised or (known is not None and known.is_raised):
            self.happenings.add_alert(note)

    def _take_about(self, payload: bytes, _moment: Moment) -> None:
        self.about = json_object(payload)

    def _take_health(self, payload: bytes, moment: Moment) -> None:
        self.health, self._health_s = json_object(payload), moment.s
        self.health_ms = moment.unix_ms

    def _take_marker(self, payload: bytes, _moment: Moment) -> None:
        note = marker_note(payload)
        self.happenings.add(Happening("marker", note.text or "", note.unix_ms, n=note.number))
