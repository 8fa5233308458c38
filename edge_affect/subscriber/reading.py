"""One ``affect`` message as its reader sees it, every value checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.errors import DataError
from edge_affect.record import EVENTS, EXPRESSIONS, STATES
from edge_affect.subscriber.fields import json_object, number, table, text, texts, unix_ms, whole

if TYPE_CHECKING:
    from collections.abc import Iterable

WORD_MAX = 40
"""Characters of a word of the vocabulary: an expression, a reason, a range."""
SENSING_KEYS: tuple[str, ...] = (
    "microphone", "camera", "frame_rate_hz", "latency_ms", "dropped",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Gap:
    """What was lost just before a message.

    Attributes:
        n_messages: How many, or None where nobody can know.
        until_ms: Until when, in ms since 1970 by the box's clock, or None.
    """

    n_messages: int | None
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Reading:
    """One vector.

    Attributes:
        unix_ms: When, by the clock of the box, in milliseconds since 1970.
        is_clock_synced: Whether that clock was known to be right.
        sequence: Number of the message, >= 0.
        is_late: Whether it waited on disk while newer ones went first: history, never the present.
        abstained: Why nothing is said, or None.
        expression: The strongest one; None while abstaining.
        expressions: Eight shares in [0, 1], order of ``EXPRESSIONS``; None while abstaining.
        blend: Name of a mixture, or None.
        valence: In [-1, 1], or None; so are the next three.
        states: Six levels in [0, 1], order of ``STATES``, or None each.
        events: Five levels in [0, 1], order of ``EVENTS``, or None each.
        polarity: Of the words, in [-1, 1], or None.
        modalities: What it rests on.
        confidence: Calibrated chance that ``expression`` is right, in [0, 1].
        people: Range of the number of faces, or None.
        speech_share: Share of the last seconds with speech, in [0, 1], or None.
        sensing: How microphone and camera are doing, in words and ranges.
        gap: What was lost just before, or None.
    """

    unix_ms: int
    is_clock_synced: bool
    sequence: int
    is_late: bool
    abstained: str | None
    expression: str | None
    expressions: tuple[float, ...] | None
    blend: str | None
    valence: float | None
    arousal: float | None
    valence_relative: float | None
    arousal_relative: float | None
    states: tuple[float | None, ...]
    events: tuple[float | None, ...]
    polarity: float | None
    modalities: tuple[str, ...]
    confidence: float
    people: str | None
    speech_share: float | None
    sensing: dict[str, str]
    gap: Gap | None


def reading(payload: bytes) -> Reading:
    """Return the vector in an ``affect`` message.

    Raises:
        DataError: If it is none: no time, no number, or neither shares nor a reason.
    """
    said = json_object(payload)
    moment_ms, sequence = unix_ms(said.get("time")), whole(said.get("sequence"))
    if moment_ms is None or sequence is None:
        raise DataError("A vector needs a time and a sequence number.")
    abstained = text(said.get("abstained"), WORD_MAX)
    shares = None if abstained is not None else _shares(said.get("expressions"))
    if abstained is None and shares is None:
        raise DataError("A vector has eight shares, or a reason why it has none.")
    expression = text(said.get("expression"), WORD_MAX)
    if shares is not None and expression not in EXPRESSIONS:
        expression = EXPRESSIONS[shares.index(max(shares))]
    return Reading(
        unix_ms=moment_ms,
        is_clock_synced=said.get("clock_synced") is True,
        sequence=sequence,
        is_late=said.get("late") is True,
        abstained=abstained,
        expression=None if shares is None else expression,
        expressions=shares,
        blend=None if shares is None else text(said.get("blend"), WORD_MAX),
        valence=number(said.get("valence"), -1, 1),
        arousal=number(said.get("arousal"), -1, 1),
        valence_relative=number(said.get("valence_relative"), -1, 1),
        arousal_relative=number(said.get("arousal_relative"), -1, 1),
        states=_levels(said.get("states"), STATES),
        events=_levels(said.get("events"), EVENTS),
        polarity=number(table(said.get("words")).get("polarity"), -1, 1),
        modalities=texts(said.get("modalities")),
        confidence=number(said.get("confidence"), 0, 1) or 0.0,
        people=text(said.get("people"), WORD_MAX),
        speech_share=number(said.get("speech_share"), 0, 1),
        sensing=sensing_words(said.get("sensing")),
        gap=_gap(said.get("gap")),
    )


def sensing_words(value: Any) -> dict[str, str]:
    """Return what is said of sensing, as far as it can be understood."""
    said = table(value)
    words = {key: text(said.get(key), WORD_MAX) for key in SENSING_KEYS}
    return {key: word for key, word in words.items() if word is not None}


def _levels(value: Any, names: Iterable[str]) -> tuple[float | None, ...]:
    said = table(value)
    return tuple(number(said.get(name), 0, 1) for name in names)


def _shares(value: Any) -> tuple[float, ...] | None:
    shares = _levels(value, EXPRESSIONS)
    known = tuple(share for share in shares if share is not None)
    return known if len(known) == len(shares) and any(known) else None


def _gap(value: Any) -> Gap | None:
    if not isinstance(value, dict):
        return None
    return Gap(whole(value.get("messages")), unix_ms(value.get("until")))
