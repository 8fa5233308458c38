"""What a voice model says of real conversation that nobody has labelled, against acted clips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.config import Fusion
from edge_affect.errors import DatasetError, InputMissingError, MediaError
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import read_samples
from edge_affect.perception.acoustic import clip_windows
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.prosody import prosody_of

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SUFFIXES = frozenset({".opus", ".ogg", ".wav", ".flac", ".mp3", ".m4a"})
LEAST_VOICED_SHARE = 0.2
"""Windows with less voice than this are not taken for speech."""


def unlabelled_figures(folder: Path, model: str = "voice_expression") -> dict[str, Any]:
    """Return shares of expressions, confidence and abstention over windows of speech.

    As the live path says it, which is what people would hear; ``meant`` has the shares of what the
    model says was meant, as it is scored on acted clips. Nothing says what is right here. In calm
    conversation most windows should be neutral or not be answered; what is said otherwise, and how
    surely, is the gap from the acted clips.

    Args:
        folder: Of recordings, searched in depth; those without sound are left out and counted.
        model: Name of a shipped model or path of a manifest.

    Raises:
        InputMissingError: If there is no such folder.
        DatasetError: If it holds no speech.
    """
    if not folder.is_dir():
        raise InputMissingError(f"The folder {folder} does not exist; check --unlabelled.")
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    reader = VoiceExpressionModel.load(model)
    said: list[NDArray[np.float64]] = []
    n_windows = n_unreadable = 0
    for path in with_progress(paths, len(paths), "recordings"):
        try:
            samples = read_samples(path)
        except MediaError:
            n_unreadable += 1
            continue
        for window in clip_windows(samples, reader.acoustic):
            n_windows += 1
            prosody = prosody_of(window)
            if prosody is not None and prosody.voiced_share >= LEAST_VOICED_SHARE:
                said.append(reader.window_probabilities(window))
    if not said:
        raise DatasetError(f"{folder} holds no recording with speech.")
    meant = np.stack(said)
    probabilities = reader.as_heard(meant)
    confidence = probabilities.max(axis=1)
    guess = probabilities.argmax(axis=1)
    answered = confidence >= Fusion().min_confidence
    names = [expression.name.lower() for expression in reader.expressions]
    return {
        "n_recordings": len(paths) - n_unreadable,
        "n_unreadable": n_unreadable,
        "n_windows": n_windows,
        "n_speech_windows": len(said),
        "mean_confidence": round(float(confidence.mean()), 4),
        "abstained_share": round(float(np.mean(~answered)), 4),
        "said": _shares(guess, names),
        "meant": _shares(meant.argmax(axis=1), names),
        "said_where_answered": _shares(guess[answered], names),
        "mean_probability": {
            name: round(float(value), 4)
            for name, value in zip(names, probabilities.mean(axis=0), strict=True)
        },
    }


def _shares(guess: NDArray[np.int64], names: list[str]) -> dict[str, float]:
    n = max(guess.size, 1)
    return {name: round(float(np.sum(guess == row)) / n, 4) for row, name in enumerate(names)}
