"""What a box says besides its vectors: sound events, alerts, markers."""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.errors import DataError
from edge_affect.subscriber.fields import json_object, number, text, unix_ms, whole
from edge_affect.subscriber.reading import WORD_MAX


@dataclass(frozen=True, slots=True)
class EventNote:
    """The start or end of a sound event.

    Attributes:
        event: Which.
        is_start: Whether it starts here.
        unix_ms: When this was said, ms since 1970 by the box's clock.
        since_ms: When it started, likewise, or None.
        lasted_s: For how long so far, or None.
        level: Highest so far, in [0, 1], or None.
    """

    event: str
    is_start: bool
    unix_ms: int
    since_ms: int | None
    lasted_s: float | None
    level: float | None


@dataclass(frozen=True, slots=True)
class AlertNote:
    """How one alert stands. It counts only while its box is online.

    Attributes:
        name: Of its rule, as in the topic.
        is_raised: Whether it is raised.
        severity: A word, or None where it is cleared.
        escalation: Step of its escalation, or None.
        since_ms: Since when it stands so, ms since 1970 by the box's clock, or None.
        message: What its rule says to people, or None.
        reason: Why it was cleared, or None.
    """

    name: str
    is_raised: bool
    severity: str | None
    escalation: int | None
    since_ms: int | None
    message: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class MarkerNote:
    """A slide or lesson step.

    Attributes:
        unix_ms: When, ms since 1970 by the box's clock.
        text: What it is called, or None.
        number: Its number, or None.
    """

    unix_ms: int
    text: str | None
    number: int | None


def event_note(payload: bytes) -> EventNote:
    """Return what an ``event`` message says.

    Raises:
        DataError: If it is none.
    """
    said = json_object(payload)
    event, phase = text(said.get("event"), WORD_MAX), said.get("phase")
    moment_ms = unix_ms(said.get("time"))
    if event is None or moment_ms is None or phase not in {"start", "end"}:
        raise DataError("An event has a name, a time and a phase.")
    return EventNote(
        event=event,
        is_start=phase == "start",
        unix_ms=moment_ms,
        since_ms=unix_ms(said.get("since")),
        lasted_s=number(said.get("lasted_s"), 0, 1e9),
        level=number(said.get("level"), 0, 1),
    )


def alert_note(name: str, payload: bytes) -> AlertNote:
    """Return what the message of an alert says.

    Args:
        name: As in its topic.
        payload: As received.

    Raises:
        DataError: If it is none.
    """
    said = json_object(payload)
    if said.get("state") not in {"raised", "cleared"}:
        raise DataError("An alert is raised or cleared.")
    return AlertNote(
        name=name,
        is_raised=said.get("state") == "raised",
        severity=text(said.get("severity"), WORD_MAX),
        escalation=whole(said.get("escalation")),
        since_ms=unix_ms(said.get("since")),
        message=text(said.get("message")),
        reason=text(said.get("reason"), WORD_MAX),
    )


def marker_note(payload: bytes) -> MarkerNote:
    """Return what a ``marker`` message says.

    Raises:
        DataError: If it is none.
    """
    said = json_object(payload)
    moment_ms = unix_ms(said.get("time"))
    words, count = text(said.get("text"), 80), whole(said.get("number"), 999_999)
    if moment_ms is None or (words is None and count is None):
        raise DataError("A marker has a time, and a text or a number.")
    return MarkerNote(moment_ms, words, count)
