"""The table of vectors: one row for each record of a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_affect.alerting.signals import signal
from edge_affect.clock import NS_PER_S
from edge_affect.record import (
    CONFIDENCE_MAX,
    EVENTS,
    EXPRESSIONS,
    PEOPLE_TEXT,
    SIZE_BYTES,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    decode,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_affect.insights.part_process import Outcome

NUMBERS: tuple[str, ...] = (
    *EXPRESSIONS, "valence", "arousal", "valence_relative", "arousal_relative",
    *STATES, *EVENTS, "polarity", "speech_share",
)  # fmt: skip
"""Columns that are signals, as alert rules name them."""
COLUMNS: dict[str, type] = {
    "recording": str,
    "at_s": float,
    "expression": str,
    **dict.fromkeys(NUMBERS, float),
    "confidence": float,
    "abstained": str,
    "modalities": str,
    "people": str,
    "phrases": str,
}
"""Names and types, in the order of the files; every value but the first two may be missing."""


def timed_records(outcome: Outcome, tick_hz: float) -> Iterator[tuple[int, AffectRecord]]:
    """Yield the records of a recording with their media time in nanoseconds.

    Records come at a fixed rate, but for the last one, which may come earlier: where the recording
    ends.
    """
    period_ns = round(NS_PER_S / tick_hz)
    last = outcome.n_records - 1
    for number in range(outcome.n_records):
        at_ns = (number + 1) * period_ns
        if number == last and outcome.end_ns:
            at_ns = min(at_ns, outcome.end_ns)
        yield at_ns, decode(outcome.records[number * SIZE_BYTES : (number + 1) * SIZE_BYTES])


def leading(record: AffectRecord) -> str | None:
    """Return the strongest expression, the first of equals, or None where the box abstains."""
    if record.abstained != AbstainReason.NONE:
        return None
    return EXPRESSIONS[record.expressions.index(max(record.expressions))]


def row_of(recording: str, at_ns: int, record: AffectRecord) -> tuple[Any, ...]:
    """Return one row, in the order of ``COLUMNS``; None where nothing is said."""
    is_told = record.abstained == AbstainReason.NONE
    phrases = " ".join(str(slot) for slot, is_heard in enumerate(record.phrases, 1) if is_heard)
    return (
        recording,
        at_ns / NS_PER_S,
        leading(record),
        *(_rounded(signal(name, record)) for name in NUMBERS),
        round(record.confidence / CONFIDENCE_MAX, 3) if is_told else None,
        None if is_told else record.abstained.name.lower().replace("_", "-"),
        " ".join(m.name.lower() for m in Modality if m in record.modalities and m.name) or None,
        None if record.people is None else PEOPLE_TEXT[record.people],
        phrases or None,
    )


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
