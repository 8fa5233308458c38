"""The JSON of the ``affect`` topic: one record and its stamp, nothing else.

Everything here is a pure function of integers that already left the sensing process, so the
payload cannot carry more than the record and the publisher's own stamp. The words and ranges are
those of ``docs/schemas/affect.schema.json``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import Any

from edge_affect.publishing.blends import blend, entropy
from edge_affect.record import (
    CONFIDENCE_MAX,
    DROP_EDGES,
    EVENT_MAX,
    EVENTS,
    EXPRESSION_SUM,
    EXPRESSIONS,
    LATENCY_EDGES_MS,
    PEOPLE_TEXT,
    POLARITY_MAX,
    RATE_EDGES_HZ,
    SHARE_MAX,
    SIGNED_MAX,
    STATE_MAX,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    SourceState,
)

SCHEMA_VERSION = "1.0"
"""Version of all payloads; the part before the point changes when a reader could break."""

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_MAX_UNIX_MS = 253_402_300_799_999
"""The last millisecond of the year 9999, where four-digit years end."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the publisher adds to a record.

    Attributes:
        unix_ms: Wall-clock time in milliseconds since 1970 (UTC), >= 0, up to the year 9999.
        clock_synced: Whether the wall clock was known to be right.
        sequence: Number of the message, growing by 1: from 0 in each run of the publisher, or from
            run to run where it has a spool.

    Raises:
        ValueError: If a number is out of range.
    """

    unix_ms: int
    clock_synced: bool
    sequence: int

    def __post_init__(self) -> None:
        if not 0 <= self.unix_ms <= _MAX_UNIX_MS:
            raise ValueError(f"unix_ms is {self.unix_ms}; it must be between 1970 and 9999.")
        if self.sequence < 0:
            raise ValueError(f"sequence is {self.sequence}; it must not be negative.")


@dataclass(frozen=True, slots=True)
class Gap:
    """Messages that were lost, just before the one that tells it.

    Attributes:
        n_messages: How many, >= 1; the sequence numbers have a hole of the same size. None where
            nobody can know, because the publisher was killed.
        since_ms: Wall-clock time of the first lost one, milliseconds since 1970, or of the last
            before it where that cannot be read; None where nobody can know.
        until_ms: Wall-clock time of the last lost one, or of the first after it.
    """

    n_messages: int | None
    since_ms: int | None
    until_ms: int

    def joined(self, later: Gap | None) -> Gap:
        """Return this gap and a directly following one as one gap."""
        if later is None:
            return self
        is_counted = self.n_messages is not None and later.n_messages is not None
        n_messages = (self.n_messages or 0) + (later.n_messages or 0) if is_counted else None
        return Gap(n_messages, self.since_ms, later.until_ms)


def time_text(unix_ms: int) -> str:
    """Return a time as RFC 3339 in UTC with milliseconds.

    >>> time_text(1_790_000_000_123)
    '2026-09-21T14:13:20.123Z'
    """
    moment = _EPOCH + timedelta(milliseconds=unix_ms)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def bucket_text(index: int, edges: tuple[float, ...], unit: str = "", scale: float = 1.0) -> str:
    """Return the range that a bucket of ``record.bucket`` stands for.

    Args:
        index: Bucket, 0 to ``len(edges)``.
        edges: Ascending lower edges of buckets 1 and up.
        unit: Written at the end.
        scale: Factor from the unit of the edges to the unit written.

    >>> bucket_text(3, RATE_EDGES_HZ), bucket_text(0, DROP_EDGES, "%", 100.0)
    ('5-8', '<0.1%')
    """
    texts = [f"{edge * scale:g}" for edge in edges]
    if index == 0:
        return f"<{texts[0]}{unit}"
    if index == len(texts):
        return f"{texts[-1]}{unit}+"
    return f"{texts[index - 1]}-{texts[index]}{unit}"


def sensing_payload(record: AffectRecord) -> dict[str, str]:
    """Return how sensing itself is doing, in words and ranges."""
    return {
        "microphone": _text(record.microphone),
        "camera": _text(record.camera),
        "frame_rate_hz": bucket_text(record.frame_rate, RATE_EDGES_HZ),
        "latency_ms": bucket_text(record.latency, LATENCY_EDGES_MS),
        "dropped": bucket_text(record.drops, DROP_EDGES, "%", 100.0),
    }


def affect_payload(
    record: AffectRecord,
    stamp: Stamp,
    media_time_s: float | None = None,
    gap: Gap | None = None,
    *,
    is_late: bool = False,
) -> dict[str, Any]:
    """Return the JSON object of one tick.

    Args:
        record: What sensing said.
        stamp: When this was, and which message it is.
        media_time_s: Position in the recording in seconds, in replays only.
        gap: What was lost just before this message, if anything was.
        is_late: Whether it waited on disk while newer ones went first.
    """
    has_affect = record.abstained == AbstainReason.NONE
    levels = record.expressions if has_affect else (None,) * len(EXPRESSIONS)
    top = EXPRESSIONS[record.expressions.index(max(record.expressions))] if has_affect else None
    payload: dict[str, Any] = {
        "schema": SCHEMA_VERSION,
        "time": time_text(stamp.unix_ms),
        "clock_synced": stamp.clock_synced,
        "sequence": stamp.sequence,
        "expression": top,
        "expressions": _shares(EXPRESSIONS, levels, EXPRESSION_SUM),
        "blend": blend(record.expressions) if has_affect else None,
        "entropy": round(entropy(record.expressions), 3) if has_affect else None,
        "valence": _share(record.valence, SIGNED_MAX),
        "arousal": _share(record.arousal, SIGNED_MAX),
        "valence_relative": _share(record.valence_relative, SIGNED_MAX),
        "arousal_relative": _share(record.arousal_relative, SIGNED_MAX),
        "states": _shares(STATES, record.states, STATE_MAX),
        "events": _shares(EVENTS, record.events, EVENT_MAX),
        "words": {
            "polarity": _share(record.polarity, POLARITY_MAX),
            "phrases": [slot for slot, is_heard in enumerate(record.phrases, 1) if is_heard],
        },
        "modalities": [_text(m) for m in Modality if m in record.modalities],
        "confidence": _share(record.confidence, CONFIDENCE_MAX),
        "abstained": None if has_affect else _text(record.abstained),
        "people": None if record.people is None else PEOPLE_TEXT[record.people],
        "speech_share": _share(record.speech_share, SHARE_MAX),
        "sensing": sensing_payload(record),
    }
    if media_time_s is not None:
        payload["media_time_s"] = round(media_time_s, 3)
    if gap is not None:
        payload["gap"] = {
            "messages": gap.n_messages,
            "since": None if gap.since_ms is None else time_text(gap.since_ms),
            "until": time_text(gap.until_ms),
        }
    if is_late:
        payload["late"] = True
    return payload


def to_json(payload: dict[str, Any]) -> str:
    """Return a payload as one line of ASCII JSON, keys in their documented order."""
    return json.dumps(payload, separators=(",", ":"), allow_nan=False)


def _share(value: int | None, full: int) -> float | None:
    return None if value is None else round(value / full, 3)


def _shares(
    names: tuple[str, ...], values: tuple[int | None, ...], full: int
) -> dict[str, float | None]:
    return {name: _share(value, full) for name, value in zip(names, values, strict=True)}


def _text(item: AbstainReason | Modality | SourceState) -> str:
    """Return an enumeration's name as it stands in payloads, ``TOO_FEW`` as ``too-few``."""
    return str(item.name).lower().replace("_", "-")
