"""Fit what turns a voice model's answers into what people would hear, and its temperature.

On development speakers as they are and as rooms, telephones, microphones and other voices make
them: a box seldom hears them clean, and what is sure in a studio must not be sure on a telephone.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.optimize import minimize

from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.evaluation.metrics import expected_calibration_error
from edge_affect.evaluation.recordings import read_samples
from edge_affect.evaluation.voice_degradation import Noises, voice_degradations
from edge_affect.evaluation.voice_robustness import (
    BACKGROUND_CORPUS,
    BACKGROUND_LABELS,
    spread_evenly,
)
from edge_affect.perception.acoustic import clip_windows
from edge_affect.perception.as_heard import AsHeard
from edge_affect.perception.interpreter import softmax

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.expression_model import VoiceExpressionModel

DEGRADED = frozenset(
    {
        "room 1.0 s, direct -3 dB",
        "babble 10 dB",
        "background 10 dB",
        "tablet microphone",
        "thin microphone",
        "telephone, mu-law",
    }
)
N_DEGRADED_CLIPS = 120
EVENNESS = (1.0, 0.75, 0.5, 0.25, 0.0)
"""How far rare expressions are made to count as much as common ones; the first that is honest is
taken: probabilities for the common case, without giving up the rare ones more than that needs."""
MOST_ECE = 0.04
MOST_FALSE_ON_NEUTRAL = 0.2
"""Of what listeners heard as neutral, called anything else: what people complain of first."""


class Windows(NamedTuple):
    """What the model says of single windows.

    Attributes:
        logs: Logarithms of its probabilities, shape ``(n, k)``.
        meant: What was acted, shape ``(n,)``.
        heard: What most listeners heard, shape ``(n,)``; -1 where they did not agree.
    """

    logs: NDArray[np.float64]
    meant: NDArray[np.int64]
    heard: NDArray[np.int64]


def dev_windows(reader: VoiceExpressionModel, dev: tuple[Recording, ...]) -> Windows:
    """Return what the model says of the clips as they are."""
    sounds = [read_samples(recording.path) for recording in dev]
    return _judged(reader, dev, sounds)


def degraded_windows(
    reader: VoiceExpressionModel, dev: tuple[Recording, ...], data: Path
) -> Windows:
    """Return what the model says of some of the clips, each in all of `DEGRADED`."""
    chosen = spread_evenly(dev, N_DEGRADED_CLIPS)
    sounds = [read_samples(recording.path) for recording in chosen]
    backgrounds = [
        read_samples(clip.path)
        for clip in read_event_clips(data / "index.csv", data)
        if (clip.corpus, clip.part) == (BACKGROUND_CORPUS, "dev")
        and clip.label in BACKGROUND_LABELS
    ]
    parts = []
    for row in voice_degradations(Noises(tuple(backgrounds[::2]), tuple(sounds[::8]))):
        if row.name in DEGRADED:
            changed = []
            for recording, samples in zip(chosen, sounds, strict=True):
                seed = zlib.crc32(f"{recording.clip} {row.name}".encode())
                changed.append(row.apply(samples, np.random.default_rng(seed)))
            parts.append(_judged(reader, chosen, changed))
    return joined(*parts)


def joined(*parts: Windows) -> Windows:
    """Return all of them together."""
    return Windows(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _judged(
    reader: VoiceExpressionModel,
    recordings: tuple[Recording, ...],
    sounds: list[NDArray[np.float32]],
) -> Windows:
    classes = reader.expressions
    logs, meant, heard = [], [], []
    for recording, samples in zip(recordings, sounds, strict=True):
        for window in clip_windows(samples, reader.acoustic):
            logs.append(np.log(np.maximum(reader.window_probabilities(window), 1e-12)))
            meant.append(classes.index(recording.label))
            heard.append(classes.index(recording.heard) if recording.heard in classes else -1)
    return Windows(np.stack(logs), np.array(meant, np.int64), np.array(heard, np.int64))


def fit_as_heard(clean: Windows, degraded: Windows, neutral: int) -> AsHeard:
    """Return the numbers that turn what was meant into what most listeners heard.

    Args:
        clean: Of the model at its temperature; honest means that of these, against what was heard,
            the expected calibration error is at most `MOST_ECE`, and that no more than
            `MOST_FALSE_ON_NEUTRAL` of the neutral ones are called something else.
        degraded: Fitted on as well.
        neutral: Position of neutral among the expressions.
    """
    both = joined(clean, degraded)
    voted = both.heard >= 0
    known = clean.heard >= 0
    heard = clean.heard[known]
    found = AsHeard(1.0, np.zeros(both.logs.shape[1]))
    for evenness in EVENNESS:
        found = _vector_scaling(both.logs[voted], both.heard[voted], evenness)
        said = found(np.exp(clean.logs[known]))
        called = said[heard == neutral].argmax(axis=1)
        is_calm = (called != neutral).sum() <= MOST_FALSE_ON_NEUTRAL * called.size
        if is_calm and expected_calibration_error(heard, said) <= MOST_ECE:
            break
    return found


def _vector_scaling(
    logs: NDArray[np.float64], truth: NDArray[np.int64], evenness: float
) -> AsHeard:
    """Fit a scale and a bias by weighted likelihood, then the scale of both as things are."""
    k = logs.shape[1]
    rows = np.arange(truth.size)
    counts = np.maximum(np.bincount(truth, minlength=k), 1)
    weights = (counts[truth] / truth.size) ** -evenness
    weights /= weights.mean()

    def loss(values: NDArray[np.float64]) -> float:
        chosen = softmax(values[0] * logs + np.append(0.0, values[1:]))[rows, truth]
        return -float((weights * np.log(np.maximum(chosen, 1e-12))).mean())

    start = np.append(0.6, np.zeros(k - 1))
    values = minimize(loss, start, method="L-BFGS-B").x
    bias = np.append(0.0, values[1:])
    bias -= bias.mean()
    scaled = values[0] * logs + bias

    def natural(scale: float) -> float:
        chosen = softmax(scale * scaled)[rows, truth]
        return -float(np.log(np.maximum(chosen, 1e-12)).mean())

    scale = min((float(value) for value in np.arange(0.3, 3.0, 0.02)), key=natural)
    return AsHeard(scale * float(values[0]), scale * bias)
