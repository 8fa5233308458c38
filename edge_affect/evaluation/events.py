"""Figures of the sound events: are they found, how soon, and how often are they made up."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Voice
from edge_affect.errors import DatasetError
from edge_affect.evaluation.detection_metrics import (
    average_precision,
    grouped_interval,
    poisson_upper_bound,
)
from edge_affect.evaluation.event_clips import OTHER, EventClip, read_event_clips
from edge_affect.evaluation.event_streams import ClipHearing, count_starts, hear_clip
from edge_affect.evaluation.figures import DIGITS, model_identity
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import read_samples
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.sound_events import SoundEventModel, SoundEventReader
from edge_affect.perception.speech_net import SpeechModel
from edge_affect.record import EVENTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.acoustic import AcousticSettings
    from edge_affect.perception.chunk_activity import ChunkDetector

SOUND_CORPORA = ("esc-50", "donateacry")
"""Corpora of single sounds; precision is measured among their clips."""
PARTS = ("report", "dev", "fit")
GOLDEN_RATIO = 0.618034


@dataclass(frozen=True, slots=True)
class Heard:
    """What hears: the events, the frames they are heard in, and what says who speaks."""

    reader: SoundEventReader
    host: AcousticSettings
    speech: ChunkDetector | None = None


def evaluate_events(index: Path, root: Path, model: str = "sound_events") -> dict[str, Any]:
    """Return the figures of the sound events, as plain JSON values.

    Precision, recall and delay are measured on clips that were not learned from. False events are
    counted in everything that holds no event, once for what was not learned from and once for all.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        model: Name of a shipped model or path of a manifest.

    Raises:
        DatasetError: If the index has another shape, or no clip to report on holds an event.
        InputMissingError: If the index, a clip or the model is not there.
        MediaError: If a clip cannot be decoded.
        ModelError: If the model is not the one its manifest describes.
    """
    clips = read_event_clips(index, root)
    known = SoundEventModel.load(model)
    host = VoiceExpressionModel.load().acoustic
    reader = SoundEventReader(known, host, Voice().min_level_db, with_rules=True)
    heard = Heard(reader, host, SpeechModel.load())
    reported = tuple(clip for clip in clips if clip.part == "report")
    return {
        "model": model_identity(known.manifest),
        **sound_figures(reported, known, heard),
        "false_events": false_event_figures(clips, known.events, heard),
        "rules": rule_figures(reported, heard),
    }


def sound_figures(
    clips: Sequence[EventClip],
    known: SoundEventModel,
    heard: Heard,
) -> dict[str, Any]:
    """Return precision, recall and delay over the clips of single sounds.

    Raises:
        DatasetError: If none of them holds an event.
    """
    sounds = [clip for clip in clips if clip.corpus in SOUND_CORPORA or clip.event in known.events]
    if not any(clip.event in known.events for clip in sounds):
        raise DatasetError("The index lists no clip to report on that holds an event.")
    hearings, cost_ms = _hear_all(sounds, heard)
    events = np.array([clip.event for clip in sounds])
    sources = _groups(sounds)
    peaks = np.stack([hearing.peaks for hearing in hearings])
    names = [event for event in known.events if (events == event).any()]

    def precision(event: str, rows: NDArray[np.int64]) -> float:
        return average_precision(events[rows] == event, peaks[rows, EVENTS.index(event)])

    def mean_precision(rows: NDArray[np.int64]) -> float:
        return float(np.mean([precision(event, rows) for event in names]))

    everything = np.arange(len(sounds))
    interval = grouped_interval(mean_precision, sources)
    return {
        "n": len(sounds),
        "n_sources": int(sources.max()) + 1,
        "mean_average_precision": _round(mean_precision(everything)),
        "mean_average_precision_interval": [_round(interval.low), _round(interval.high)],
        "per_event": {
            event: _event_figures(event, sounds, hearings, precision, sources) for event in names
        },
        "falsely_heard_in": _falsely_heard(sounds, hearings, known.events),
        "median_cpu_ms_per_s": _round(cost_ms),
    }


def _event_figures(
    event: str,
    sounds: Sequence[EventClip],
    hearings: Sequence[ClipHearing],
    precision: Any,
    sources: NDArray[np.int64],
) -> dict[str, Any]:
    rows = np.flatnonzero([clip.event == event for clip in sounds])
    starts_s = np.array([hearings[row].starts_s[EVENTS.index(event)] for row in rows.tolist()])
    found = ~np.isnan(starts_s)

    def recall(drawn: NDArray[np.int64]) -> float:
        return float(found[drawn].mean())

    of_precision = grouped_interval(lambda drawn: precision(event, drawn), sources)
    of_recall = grouped_interval(recall, sources[rows])
    delays = np.percentile(starts_s[found], (50, 90)).tolist() if found.any() else [None, None]
    return {
        "n": int(rows.size),
        "n_sources": int(np.unique(sources[rows]).size),
        "average_precision": _round(precision(event, np.arange(len(sounds)))),
        "average_precision_interval": [_round(of_precision.low), _round(of_precision.high)],
        "recall": _round(recall(np.arange(rows.size))),
        "recall_interval": [_round(of_recall.low), _round(of_recall.high)],
        "start_delay_s": dict(zip(("median", "p90"), map(_known, delays), strict=True)),
    }


def _falsely_heard(
    sounds: Sequence[EventClip], hearings: Sequence[ClipHearing], known: Sequence[str]
) -> dict[str, dict[str, int]]:
    """Return for each label in how many of its clips which other event started."""
    table: dict[str, dict[str, int]] = {}
    for clip, hearing in zip(sounds, hearings, strict=True):
        row = table.setdefault(clip.label, {"n": 0})
        row["n"] += 1
        for event in known:
            if event != clip.event and not np.isnan(hearing.starts_s[EVENTS.index(event)]):
                row[event] = row.get(event, 0) + 1
    return table


def false_event_figures(
    clips: Sequence[EventClip],
    known: Sequence[str],
    heard: Heard,
) -> dict[str, Any]:
    """Return how often events started where there are none, by corpus and in all.

    The clips of a corpus are played without a pause, in the order of the index.
    """
    rows: list[dict[str, Any]] = []
    for part in PARTS:
        for corpus in dict.fromkeys(clip.corpus for clip in clips):
            chosen = [c for c in clips if (c.corpus, c.part, c.event) == (corpus, part, OTHER)]
            if not chosen:
                continue
            played = _decoded(chosen, f"{corpus} {part}")
            starts, hours = count_starts(played, heard.reader, heard.host, heard.speech)
            counts = dict(zip(EVENTS, starts.tolist(), strict=True))
            rows.append({"corpus": corpus, "part": part, "hours": hours, **counts})
    unseen = [row for row in rows if row["part"] == "report"]
    return {
        "not_learned_from": _rate(unseen, known),
        "everything": _rate(rows, known),
        "by_corpus": [
            {**row, **_rate([row], known), "part": row["part"], "corpus": row["corpus"]}
            for row in rows
        ],
        "cheering_not_learned_from": _rate(unseen, ("cheering",)),
        "screaming_not_learned_from": _rate(unseen, ("screaming",)),
    }


def _rate(rows: Sequence[dict[str, Any]], events: Sequence[str]) -> dict[str, Any]:
    hours = sum(row["hours"] for row in rows)
    n_false = sum(row[event] for row in rows for event in events)
    if hours == 0:
        return {"hours": 0.0, "n": 0, "per_hour": None, "upper_95_per_hour": None}
    return {
        "hours": _round(hours),
        "n": n_false,
        "per_hour": _round(n_false / hours),
        "upper_95_per_hour": _round(poisson_upper_bound(n_false) / hours),
    }


def rule_figures(clips: Sequence[EventClip], heard: Heard) -> dict[str, Any]:
    """Return in how many clips of each ruled event the experimental rules let it start."""
    figures: dict[str, Any] = {}
    for event in ("cheering", "screaming"):
        chosen = [clip for clip in clips if clip.event == event]
        if not chosen:
            figures[event] = {"n": 0, "recall": None}
            continue
        hearings, _ = _hear_all(chosen, heard)
        starts = np.stack([hearing.starts_s for hearing in hearings])
        figures[event] = {
            "n": len(chosen),
            "recall": _round(float(np.mean(~np.isnan(starts[:, EVENTS.index(event)])))),
            "also_heard_as": {
                other: int(np.sum(~np.isnan(starts[:, EVENTS.index(other)])))
                for other in EVENTS
                if other != event
            },
        }
    return figures


def _hear_all(clips: Sequence[EventClip], heard: Heard) -> tuple[list[ClipHearing], float]:
    """Return what was heard in each clip, and the median processor time in ms for a second."""
    hearings: list[ClipHearing] = []
    costs_ms: list[float] = []
    for number, clip in enumerate(with_progress(clips, len(clips), "clips")):
        samples = read_samples(clip.path)
        started_ns = time.thread_time_ns()
        phase = number * GOLDEN_RATIO % 1.0
        hearings.append(hear_clip(samples, heard.reader, heard.host, phase, heard.speech))
        took_ms = (time.thread_time_ns() - started_ns) / 1e6
        costs_ms.append(took_ms / hearings[-1].duration_s)
    return hearings, float(np.median(costs_ms))


def _decoded(clips: Sequence[EventClip], what: str) -> Iterator[NDArray[np.float32]]:
    for clip in with_progress(clips, len(clips), what):
        yield read_samples(clip.path)


def _groups(clips: Sequence[EventClip]) -> NDArray[np.int64]:
    names = sorted({clip.source for clip in clips})
    return np.array([names.index(clip.source) for clip in clips], dtype=np.int64)


def _known(value: float | None) -> float | None:
    return None if value is None else _round(value)


def _round(value: float) -> float:
    return round(float(value), DIGITS)
