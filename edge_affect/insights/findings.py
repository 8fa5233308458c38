"""What is found in the records of one recording: segments, sound events, alerts, phrases.

Everything here is a pure function of records, so that other alert rules need no second analysis.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_affect.alerting.timeline import Timeline
from edge_affect.alerting.watch import Change
from edge_affect.clock import NS_PER_S
from edge_affect.insights.vectors import leading
from edge_affect.record import (
    CONFIDENCE_MAX,
    EXPRESSION_SUM,
    EXPRESSIONS,
    N_PHRASES,
    PEOPLE_TEXT,
    SHARE_MAX,
    SIGNED_MAX,
    AbstainReason,
    People,
)

if TYPE_CHECKING:
    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.watch import AlertChange
    from edge_affect.config import Config
    from edge_affect.record import AffectRecord

Row = tuple[Any, ...]

BRIDGE_S = 3.0
"""An expression goes on over a gap of at most this length: speech has pauses."""

SEGMENT_COLUMNS: dict[str, type] = {
    "recording": str, "start_s": float, "end_s": float, "expression": str, "abstained": str,
    "level": float, "valence": float, "arousal": float, "confidence": float, "n_vectors": int,
}  # fmt: skip
EVENT_COLUMNS: dict[str, type] = {
    "recording": str, "event": str, "start_s": float, "end_s": float, "level": float,
    "is_lost": bool,
}  # fmt: skip
ALERT_COLUMNS: dict[str, type] = {
    "recording": str, "alert": str, "raised_s": float, "cleared_s": float, "severity": str,
    "escalations": int, "level": float, "message": str, "reason": str,
}  # fmt: skip
PHRASE_COLUMNS: dict[str, type] = {
    "recording": str, "slot": int, "start_s": float, "end_s": float,
}  # fmt: skip
SUMMARY_COLUMNS: dict[str, type] = {
    "duration_s": float, "n_vectors": int, "n_told": int, "told_share": float,
    "speech_share": float, "people": str, "expression": str, "valence": float, "arousal": float,
    "confidence": float, "n_segments": int, "n_events": int, "n_alerts": int,
    "n_phrases": int,
}  # fmt: skip


@dataclass(slots=True)
class Findings:
    """What one recording holds; rows in the order of the columns above."""

    segments: list[Row]
    events: list[Row]
    alerts: list[Row]
    phrases: list[Row]
    summary: Row


class Finder:
    """Takes the records of one recording in order.

    Args:
        recording: What the recording is called in tables.
        settings: Alert rules and thresholds of sound events.
    """

    def __init__(self, recording: str, settings: Config) -> None:
        self._recording = recording
        self._timeline = Timeline(settings.alert_rules, settings.alerts, settings.quiet_hours)
        self._segments = _Segments(recording)
        self._events: list[Row] = []
        self._alerts: list[Row] = []
        self._raised: dict[str, AlertChange] = {}
        self._signs = {
            rule.name: 1 if rule.rule.direction == "above" else -1 for rule in settings.alert_rules
        }
        self._totals = _Totals()
        self._phrases: list[Row] = []
        self._said: dict[int, int] = {}
        self._last_ns = 0

    def take(self, at_ns: int, record: AffectRecord) -> None:
        """Take the next record, with its media time."""
        self._segments.take(self._last_ns, at_ns, record)
        self._note_phrases(record.phrases)
        self._last_ns = at_ns
        self._totals.take(record)
        self._note(*self._timeline.step(at_ns, record))

    def finish(self) -> Findings:
        """Return what was found; what still goes on ends with the recording."""
        self._note(*self._timeline.stop(self._last_ns))
        self._note_phrases((0,) * N_PHRASES)
        segments = self._segments.finish()
        counts = (len(segments), len(self._events), len(self._alerts), len(self._phrases))
        summary = (self._last_ns / NS_PER_S, *self._totals.row(), *counts)
        return Findings(segments, self._events, self._alerts, self._phrases, summary)

    def _note_phrases(self, flags: tuple[int, ...]) -> None:
        """Take the phrase slots of the vector that begins where the one before ended."""
        for slot, is_said in enumerate(flags, 1):
            if is_said:
                self._said.setdefault(slot, self._last_ns)
            elif slot in self._said:
                times = (self._said.pop(slot) / NS_PER_S, self._last_ns / NS_PER_S)
                self._phrases.append((self._recording, slot, *times))

    def _note(self, edges: tuple[EventEdge, ...], changes: tuple[AlertChange, ...]) -> None:
        self._events += [
            (
                self._recording, edge.event, edge.started_ns / NS_PER_S, edge.at_ns / NS_PER_S,
                edge.level, edge.is_lost,
            )
            for edge in edges
            if not edge.is_start
        ]  # fmt: skip
        for change in changes:
            if change.kind is Change.CLEARED:
                self._alerts.append(self._alert_row(change, self._raised.pop(change.state.name)))
            else:
                self._raised[change.state.name] = self._worse(change)

    def _worse(self, change: AlertChange) -> AlertChange:
        """Return what is worse of one alert: this change of it, or an earlier one."""
        before = self._raised.get(change.state.name)
        if before is None or change.state.escalation > before.state.escalation:
            return change
        sign, now, then = self._signs[change.state.name], change.state.level, before.state.level
        is_worse = now is not None and (then is None or sign * now > sign * then)
        return change if is_worse else before

    def _alert_row(self, cleared: AlertChange, worst: AlertChange) -> Row:
        state, step = worst.state, worst.state.step
        raised_ns, reason = cleared.state.raised_ns or 0, cleared.state.reason
        return (
            self._recording, state.name, raised_ns / NS_PER_S, cleared.state.changed_ns / NS_PER_S,
            None if step is None else step.severity, state.escalation, state.level,
            None if step is None else step.message, None if reason is None else reason.value,
        )  # fmt: skip


@dataclass(slots=True)
class _Open:
    """A segment that is not over."""

    key: tuple[str | None, str | None]
    start_ns: int
    end_ns: int
    sums: list[float] = field(default_factory=lambda: [0.0] * 4)
    n_vectors: int = 0

    def add(self, end_ns: int, record: AffectRecord) -> None:
        self.end_ns = end_ns
        self.n_vectors += 1
        if self.key[0] is not None:
            values = (
                max(record.expressions) / EXPRESSION_SUM,
                (record.valence or 0) / SIGNED_MAX,
                (record.arousal or 0) / SIGNED_MAX,
                record.confidence / CONFIDENCE_MAX,
            )
            self.sums = [total + value for total, value in zip(self.sums, values, strict=True)]

    def join(self, other: _Open) -> None:
        self.end_ns = other.end_ns
        self.n_vectors += other.n_vectors
        self.sums = [a + b for a, b in zip(self.sums, other.sums, strict=True)]

    def row(self, recording: str) -> Row:
        expression, abstained = self.key
        means: list[float | None] = [None] * 4
        if expression is not None:
            means = [round(total / self.n_vectors, 3) for total in self.sums]
        times = (self.start_ns / NS_PER_S, self.end_ns / NS_PER_S)
        return (recording, *times, expression, abstained, *means, self.n_vectors)


class _Segments:
    """Stretches with one leading expression, or without any for one reason."""

    def __init__(self, recording: str) -> None:
        self._recording = recording
        self._rows: list[Row] = []
        self._pending: list[_Open] = []

    def take(self, start_ns: int, end_ns: int, record: AffectRecord) -> None:
        expression = leading(record)
        reason = None if expression else record.abstained.name.lower().replace("_", "-")
        key = (expression, reason)
        if not self._pending or self._pending[-1].key != key:
            self._pending.append(_Open(key, start_ns, start_ns))
        self._pending[-1].add(end_ns, record)
        self._settle()

    def finish(self) -> list[Row]:
        self._rows += [segment.row(self._recording) for segment in self._pending]
        self._pending = []
        return self._rows

    def _settle(self) -> None:
        """Close what is over; bridge short gaps between two stretches of one expression."""
        first, *gap = self._pending
        if not gap:
            return
        last = gap[-1]
        gap_s = (last.start_ns - first.end_ns) / NS_PER_S
        if first.key[0] is None or not _is_gap(gap[:-1]) or gap_s > BRIDGE_S:
            self._close_all_but_last()
        elif last.key == first.key:
            # Only what was told counts into means; the gap lends its time alone.
            first.join(last)
            self._pending = [first]
        elif last.key[0] is not None:
            self._close_all_but_last()

    def _close_all_but_last(self) -> None:
        self._rows += [segment.row(self._recording) for segment in self._pending[:-1]]
        self._pending = self._pending[-1:]


def _is_gap(between: list[_Open]) -> bool:
    return all(segment.key[0] is None for segment in between)


class _Totals:
    """Means over a whole recording."""

    def __init__(self) -> None:
        self._n, self._n_told, self._n_speech = 0, 0, 0
        self._speech, self._valence, self._arousal, self._confidence = 0, 0, 0, 0
        self._leading: Counter[str] = Counter()
        self._people: People | None = None

    def take(self, record: AffectRecord) -> None:
        self._n += 1
        if record.speech_share is not None:
            self._n_speech += 1
            self._speech += record.speech_share
        if record.people is not None:
            self._people = max(record.people, self._people or record.people)
        if record.abstained == AbstainReason.NONE:
            self._n_told += 1
            self._valence += record.valence or 0
            self._arousal += record.arousal or 0
            self._confidence += record.confidence
            self._leading[leading(record) or ""] += 1

    def row(self) -> Row:
        usual = max(EXPRESSIONS, key=lambda name: self._leading[name]) if self._n_told else None
        return (
            self._n,
            self._n_told,
            _mean(self._n_told, self._n, 1),
            _mean(self._speech, self._n_speech, SHARE_MAX),
            None if self._people is None else PEOPLE_TEXT[self._people],
            usual,
            _mean(self._valence, self._n_told, SIGNED_MAX),
            _mean(self._arousal, self._n_told, SIGNED_MAX),
            _mean(self._confidence, self._n_told, CONFIDENCE_MAX),
        )


def _mean(total: int, n: int, full: int) -> float | None:
    return round(total / n / full, 3) if n else None
