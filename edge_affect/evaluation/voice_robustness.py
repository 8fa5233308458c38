"""How much of a voice model's figures is left in rooms, noise, other microphones and codecs."""

from __future__ import annotations

import zlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.event_clips import REPORT_FOLD
from edge_affect.evaluation.figures import false_emotion_rate
from edge_affect.evaluation.metrics import expected_calibration_error, uar
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import read_samples, sound_paths
from edge_affect.evaluation.speaker_draws import SpeakerDraws, interval_of, speaker_matrices
from edge_affect.evaluation.voice_degradation import (
    Noises,
    VoiceDegradation,
    voice_degradations,
)
from edge_affect.evaluation.voices import clip_probabilities, load_voices
from edge_affect.record import Expression

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.expression_model import VoiceExpressionModel

BACKGROUND_CORPUS = "esc-50"
BACKGROUND_LABELS = frozenset(
    {
        "chainsaw",
        "clock_tick",
        "crackling_fire",
        "dog",
        "helicopter",
        "rain",
        "rooster",
        "sea_waves",
    }
)
N_BACKGROUNDS = 40
N_BABBLE_VOICES = 40


def evaluate_voice_robustness(
    index: Path,
    root: Path,
    corpus: str,
    speakers: str | None = None,
    model: str = "voice_expression",
    n_clips: int = 300,
) -> dict[str, Any]:
    """Return one row of figures for each degradation of the same clips, as plain JSON values.

    Every clip meets the same noise, room and stretch of babble at every run. Background sounds are
    taken from the fold of ``esc-50`` that nothing is learned from, by the names of its files;
    without any, those degradations are left out. ``live_false_emotion_rate_on_neutral`` is of what
    the live path says.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        corpus: Which rows.
        speakers: Such as ``1019-1036``; None takes all.
        model: Name of a shipped model or path of a manifest.
        n_clips: How many clips, spread evenly over speakers and expressions.

    Raises:
        EdgeAffectError: As `voices.evaluate_voices`.
    """
    known, _, reader = load_voices(index, root, corpus, speakers, model)
    chosen = spread_evenly(known, n_clips)
    samples = [read_samples(recording.path) for recording in chosen]
    backgrounds = [
        path
        for path in sound_paths(index, root, BACKGROUND_CORPUS, BACKGROUND_LABELS)
        if path.name.startswith(f"{REPORT_FOLD}-")
    ]
    step = max(len(backgrounds) // N_BACKGROUNDS, 1)
    noises = Noises(
        backgrounds=tuple(read_samples(path) for path in backgrounds[::step]),
        voices=tuple(samples[:: max(len(samples) // N_BABBLE_VOICES, 1)]),
    )
    rows = voice_degradations(noises)
    scores = [
        _scores(chosen, samples, reader, row)
        for row in with_progress(rows, len(rows), "degradations")
    ]
    return {
        "corpus": corpus,
        "speakers": speakers or "all",
        "n": len(chosen),
        "degradations": _table(chosen, reader, rows, scores),
    }


def spread_evenly(recordings: tuple[Recording, ...], n_clips: int) -> tuple[Recording, ...]:
    """Return at most ``n_clips``, turn by turn from every speaker's every expression."""
    turns: Counter[tuple[str, Expression]] = Counter()
    ranked: list[tuple[int, int, Recording]] = []
    # By checksum: evenly over sentences and speakers, and the same everywhere.
    for recording in sorted(recordings, key=lambda r: zlib.crc32(r.clip.encode())):
        key = recording.speaker, recording.label
        ranked.append((turns[key], len(ranked), recording))
        turns[key] += 1
    ranked.sort(key=lambda item: item[:2])
    return tuple(recording for _, _, recording in ranked[:n_clips])


def _scores(
    recordings: tuple[Recording, ...],
    samples: list[NDArray[np.float32]],
    reader: VoiceExpressionModel,
    degradation: VoiceDegradation,
) -> NDArray[np.float64]:
    """Return probabilities ``(n, n_classes)`` of the degraded clips."""
    scores = np.empty((len(recordings), len(reader.expressions)))
    for row, recording in enumerate(recordings):
        seed = zlib.crc32(f"{recording.clip} {degradation.name}".encode())
        changed = degradation.apply(samples[row], np.random.default_rng(seed))
        scores[row] = clip_probabilities(changed, reader)
    return scores


def _table(
    recordings: tuple[Recording, ...],
    reader: VoiceExpressionModel,
    rows: tuple[VoiceDegradation, ...],
    scores: list[NDArray[np.float64]],
) -> list[dict[str, Any]]:
    classes = reader.expressions
    truth = np.array([classes.index(r.label) for r in recordings], dtype=np.int64)
    names = sorted({r.speaker for r in recordings})
    speakers = np.array([names.index(r.speaker) for r in recordings], dtype=np.int64)
    guesses = [probabilities.argmax(axis=1) for probabilities in scores]
    parts = [speaker_matrices(truth, guess, speakers, len(classes)) for guess in guesses]
    draws = SpeakerDraws(len(names))
    clean_uar, clean_draws = uar(parts[0].sum(axis=0)), draws.uars(parts[0])
    table = []
    for degradation, guess, part, probabilities in zip(rows, guesses, parts, scores, strict=True):
        change = interval_of(draws.uars(part) - clean_draws)
        figure = uar(part.sum(axis=0))
        table.append(
            {
                "name": degradation.name,
                "kind": degradation.kind,
                "uar": round(figure, 4),
                "uar_change": round(figure - clean_uar, 4),
                "uar_change_interval": [round(change.low, 4), round(change.high, 4)],
                "ece": round(expected_calibration_error(truth, probabilities), 4),
                "false_emotion_rate_on_neutral": false_emotion_rate(truth, guess, classes),
                "live_false_emotion_rate_on_neutral": false_emotion_rate(
                    truth, reader.as_heard(probabilities).argmax(axis=1), classes
                ),
                "same_answer_as_clean": round(float(np.mean(guess == guesses[0])), 4),
                "mean_confidence": round(float(probabilities.max(axis=1).mean()), 4),
            }
        )
    return table
