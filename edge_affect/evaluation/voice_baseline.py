"""What the running baseline of a voice is worth, clip by clip, and what a lasting mood does to it.

Causal: of every speaker's clips in a random order, a clip is judged by what was heard up to it, no
label, no identity and nothing of later clips. The order is turned round once for every clip, so
that every clip stands at every place once and the model alone has the same figure everywhere: what
changes along the curve is the baseline's doing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import ManifestError
from edge_affect.evaluation.metrics import expected_calibration_error, uar
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import read_samples
from edge_affect.evaluation.speaker_draws import SpeakerDraws, interval_of, speaker_matrices
from edge_affect.evaluation.voices import load_voices
from edge_affect.perception.acoustic import clip_log_probabilities, clip_windows, log_mel_db
from edge_affect.perception.expression_model import VoiceReading
from edge_affect.perception.prosody import prosody_of
from edge_affect.perception.voice_baseline import VoiceBaseline, VoiceBaselineModel
from edge_affect.perception.voice_manner import clip_manner, manner

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.record import Expression

PLACES: tuple[int, ...] = (1, 2, 3, 5, 7, 10, 15, 20, 30, 40)
"""Which clip of a sequence the curve shows."""
N_ORDERS = 2
N_MOOD_ORDERS = 10
MOOD_SHARE = 0.8
MOST_MOOD_CLIPS = 15


@dataclass(frozen=True, slots=True)
class HeardClips:
    """What was made of clips, in any order.

    Attributes:
        truth: Index into ``labels``, shape ``(n,)``.
        speakers: Number of the speaker of each clip, shape ``(n,)``.
        probabilities: Of the voice model alone, shape ``(n, k)``.
        scores: Of the voice model, for comparing with the same voice's, shape ``(n, k)``.
        manners: From `voice_manner.clip_manner`, shape ``(n, m)``.
        labels: The ``k`` classes in order.
    """

    truth: NDArray[np.int64]
    speakers: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    scores: NDArray[np.float64]
    manners: NDArray[np.float64]
    labels: tuple[Expression, ...]


def evaluate_voice_baseline(
    index: Path,
    root: Path,
    corpus: str,
    speakers: str | None = None,
    model: str = "voice_expression",
) -> dict[str, Any]:
    """Return the curve over clips heard and the figures of lasting moods, as plain JSON values.

    Args and errors are those of `voices.evaluate_voices`; the numbers of the baseline are those
    that are shipped.
    """
    known, _, reader = load_voices(index, root, corpus, speakers, model)
    baseline = VoiceBaselineModel.load()
    if baseline.labels != reader.manifest.labels:
        raise ManifestError(f"The voice baseline was not fitted for the labels of {model!r}.")
    return {
        "corpus": corpus,
        "speakers": speakers or "all",
        **baseline_figures(hear(known, reader), baseline),
    }


def hear(recordings: tuple[Recording, ...], reader: VoiceExpressionModel) -> HeardClips:
    """Return what the voice model says of whole clips, and in what manner they are spoken."""
    classes = reader.expressions
    names = sorted({recording.speaker for recording in recordings})
    probabilities, scores, manners = [], [], []
    for recording in with_progress(recordings, len(recordings), "clips"):
        samples = read_samples(recording.path)
        windows = clip_windows(samples, reader.acoustic)
        windows_db = [log_mel_db(window, reader.acoustic) for window in windows]
        read = [reader.read(window_db) for window_db in windows_db]
        per_window = np.stack([each.probabilities for each in read])
        probabilities.append(np.exp(clip_log_probabilities(per_window)))
        scores.append(np.mean([each.scores for each in read], axis=0))
        parts = zip(windows, windows_db, strict=True)
        manners.append(
            clip_manner(np.stack([manner(window_db, prosody_of(w)) for w, window_db in parts]))
        )
    return HeardClips(
        truth=np.array([classes.index(r.label) for r in recordings], dtype=np.int64),
        speakers=np.array([names.index(r.speaker) for r in recordings], dtype=np.int64),
        probabilities=np.stack(probabilities),
        scores=np.stack(scores),
        manners=np.stack(manners),
        labels=classes,
    )


def baseline_figures(clips: HeardClips, model: VoiceBaselineModel) -> dict[str, Any]:
    """Return the curve over clips heard and the figures of lasting moods, as plain JSON values.

    Intervals are over speakers and paired: both sides of a difference share the draws.
    """
    generator = np.random.default_rng(0)
    rows = [np.flatnonzero(clips.speakers == number) for number in np.unique(clips.speakers)]
    orders = [generator.permutation(row) for row in rows for _ in range(N_ORDERS)]
    return {
        "curve": _curve(clips, model, orders),
        "moods": [
            _mood(clips, model, rows, number, generator) for number in range(len(clips.labels))
        ],
    }


def _curve(
    clips: HeardClips, model: VoiceBaselineModel, orders: list[NDArray[np.intp]]
) -> list[dict[str, Any]]:
    """Return one point for each of `PLACES` that every order reaches, and one for whole orders."""
    shortest = min(order.size for order in orders)
    places = [place for place in PLACES if place <= shortest]
    heard: dict[int, list[NDArray[np.intp]]] = {place: [] for place in (*places, shortest)}
    said: dict[int, list[NDArray[np.float64]]] = {place: [] for place in (*places, shortest)}
    for order in orders:
        for turn in range(order.size):
            # Only as far as the curve goes: whole orders are heard in every tenth turn.
            n_heard = shortest if turn % 10 == 0 else places[-1]
            sequence = np.roll(order, -turn)[:n_heard]
            corrected = corrected_sequence(clips, model, sequence)
            for place, rows in heard.items():
                if place <= n_heard:
                    rows.append(sequence[place - 1 : place])
                    said[place].append(corrected[place - 1 : place])
    return [
        {
            "clips_heard": place,
            **_against_model_alone(
                clips, np.concatenate(heard[place]), np.concatenate(said[place])
            ),
        }
        for place in heard
    ]


def _mood(
    clips: HeardClips,
    model: VoiceBaselineModel,
    rows: list[NDArray[np.intp]],
    number: int,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return figures over all clips of sequences in which one expression makes up `MOOD_SHARE`."""
    heard: list[NDArray[np.intp]] = []
    said: list[NDArray[np.float64]] = []
    for row in rows:
        same, others = row[clips.truth[row] == number], row[clips.truth[row] != number]
        n_same = min(same.size, round(MOOD_SHARE * MOST_MOOD_CLIPS))
        n_others = round(n_same * (1.0 - MOOD_SHARE) / MOOD_SHARE)
        if n_same == 0 or others.size < n_others:
            continue
        for _ in range(N_MOOD_ORDERS):
            chosen = (
                generator.choice(same, n_same, replace=False),
                generator.choice(others, n_others, replace=False),
            )
            sequence = generator.permutation(np.concatenate(chosen))
            heard.append(sequence)
            said.append(corrected_sequence(clips, model, sequence))
    name = clips.labels[number].name.lower()
    if not heard:
        return {"mood": name, "n": 0}
    return {
        "mood": name,
        **_against_model_alone(clips, np.concatenate(heard), np.concatenate(said)),
    }


def corrected_sequence(
    clips: HeardClips, model: VoiceBaselineModel, sequence: NDArray[np.intp]
) -> NDArray[np.float64]:
    """Return corrected probabilities of clips heard one after the other, shape ``(n, k)``."""
    baseline = VoiceBaseline(model)
    return np.stack(
        [
            baseline.correct(
                VoiceReading(clips.probabilities[row], clips.scores[row]), clips.manners[row]
            )
            for row in sequence
        ]
    )


def _against_model_alone(
    clips: HeardClips, heard: NDArray[np.intp], said: NDArray[np.float64]
) -> dict[str, Any]:
    truth, speakers = clips.truth[heard], clips.speakers[heard]
    alone = clips.probabilities[heard]
    k = len(clips.labels)
    parts = [
        speaker_matrices(truth, probabilities.argmax(axis=1), speakers, k)
        for probabilities in (said, alone)
    ]
    draws = SpeakerDraws(parts[0].shape[0])
    gain = interval_of(draws.uars(parts[0]) - draws.uars(parts[1]))
    uars = [uar(part.sum(axis=0)) for part in parts]
    return {
        "n": int(heard.size),
        "uar": round(uars[0], 4),
        "uar_alone": round(uars[1], 4),
        "gain": round(uars[0] - uars[1], 4),
        "gain_interval": [round(gain.low, 4), round(gain.high, 4)],
        "ece": round(expected_calibration_error(truth, said), 4),
        "ece_alone": round(expected_calibration_error(truth, alone), 4),
    }
