"""Affect payloads back into records: what ``replay --json`` prints, replayed without media."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

from edge_affect.errors import DataError, RecordError
from edge_affect.record import (
    CONFIDENCE_MAX,
    EVENT_MAX,
    EVENTS,
    EXPRESSION_SUM,
    EXPRESSIONS,
    N_PHRASES,
    NO_MODALITY,
    PEOPLE_TEXT,
    POLARITY_MAX,
    SHARE_MAX,
    SIGNED_MAX,
    STATE_MAX,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    People,
    SourceState,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from enum import IntEnum

    Named = TypeVar("Named", bound=IntEnum)

_PEOPLE: dict[str, People] = {text: people for people, text in PEOPLE_TEXT.items()}


@dataclass(frozen=True, slots=True)
class Vector:
    """One line of ``replay --json``, or one message of the ``affect`` topic.

    Attributes:
        at_s: Position in the recording in seconds; since 1970 where there was no recording.
        record: What it says; health in buckets is left at its lowest.
    """

    at_s: float
    record: AffectRecord


def read_vectors(lines: Iterable[str], name: str) -> Iterator[Vector]:
    """Yield the vectors of a file, one JSON object a line; empty lines are passed over.

    Args:
        lines: Of the file.
        name: Of the file, for messages.

    Raises:
        DataError: If a line is no affect vector, or times run backwards.
    """
    last_s: float | None = None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            vector = _vector(json.loads(line))
        except RecordError as error:
            raise DataError(f"{where} contradicts itself: {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise DataError(
                f"{where} is no affect vector as edge-affect replay --json prints it."
            ) from None
        if last_s is not None and vector.at_s < last_s:
            raise DataError(f"{where} is earlier than the line before.")
        last_s = vector.at_s
        yield vector


def _vector(payload: dict[str, Any]) -> Vector:
    at_s = payload.get("media_time_s")
    if at_s is None:
        at_s = datetime.fromisoformat(payload["time"].replace("Z", "+00:00")).timestamp()
    vector = Vector(float(at_s), record_of(payload))
    if not math.isfinite(vector.at_s):
        raise ValueError("a time that is no number")
    return vector


def record_of(payload: dict[str, Any]) -> AffectRecord:
    """Return the record that a payload shows, but for ranges of sensing's health.

    Raises:
        RecordError: If its values are out of range or contradict each other.
        KeyError: If a key is missing or a word unknown.
        TypeError: If a value is of the wrong type.
    """
    words = payload["words"]
    heard = set(words["phrases"])
    has_affect = payload["abstained"] is None
    shares = payload["expressions"]
    levels = (
        tuple(_steps(shares[name], EXPRESSION_SUM) or 0 for name in EXPRESSIONS)
        if has_affect
        else (0,) * len(EXPRESSIONS)
    )
    modalities = NO_MODALITY
    for word in payload["modalities"]:
        modalities |= Modality[word.upper()]
    people = payload["people"]
    return AffectRecord(
        expressions=levels,
        valence=_steps(payload["valence"], SIGNED_MAX),
        arousal=_steps(payload["arousal"], SIGNED_MAX),
        valence_relative=_steps(payload["valence_relative"], SIGNED_MAX),
        arousal_relative=_steps(payload["arousal_relative"], SIGNED_MAX),
        states=tuple(_steps(payload["states"][name], STATE_MAX) for name in STATES),
        events=tuple(_steps(payload["events"][name], EVENT_MAX) for name in EVENTS),
        polarity=_steps(words["polarity"], POLARITY_MAX),
        phrases=tuple(int(slot in heard) for slot in range(1, N_PHRASES + 1)),
        modalities=modalities,
        confidence=_steps(payload["confidence"], CONFIDENCE_MAX) or 0,
        abstained=(
            AbstainReason.NONE if has_affect else _named(AbstainReason, payload["abstained"])
        ),
        people=None if people is None else _PEOPLE[people],
        speech_share=_steps(payload["speech_share"], SHARE_MAX),
        microphone=_named(SourceState, payload["sensing"]["microphone"]),
        camera=_named(SourceState, payload["sensing"]["camera"]),
    )


def _steps(share: float | None, full: int) -> int | None:
    return None if share is None else round(share * full)


def _named(kind: type[Named], text: str) -> Named:
    return kind[text.upper().replace("-", "_")]
