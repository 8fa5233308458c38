"""Figures of a voice expression model on labelled clips of speakers it has never heard."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.errors import DatasetError
from edge_affect.evaluation.coverage import confidence_figures
from edge_affect.evaluation.figures import classification_figures, model_identity
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import Recording, parse_speakers, read_index, read_samples
from edge_affect.evaluation.voice_groups import Verdicts, group_tables, read_groups
from edge_affect.perception.acoustic import clip_log_probabilities, clip_windows
from edge_affect.perception.expression_model import VoiceExpressionModel

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray


def evaluate_voices(
    index: Path,
    root: Path,
    corpus: str,
    speakers: str | None = None,
    model: str = "voice_expression",
    groups: Path | None = None,
) -> dict[str, Any]:
    """Return the figures over whole clips, as plain JSON values.

    A clip is scored by the mean of its windows' log-probabilities. Clips whose label the model does
    not know are left out and counted. Intervals are drawn over speakers.

    Args:
        index: CSV that lists the recordings.
        root: Folder that the listed paths are relative to.
        corpus: Which rows.
        speakers: Such as ``1019-1036``; None takes all.
        model: Name of a shipped model or path of a manifest.
        groups: CSV with the groups that speakers belong to, as `voice_groups.read_groups`.

    Raises:
        DatasetError: If the index or ``groups`` has another shape, or no clip fits.
        InputMissingError: If the index, a clip or the model is not there.
        MediaError: If a clip cannot be decoded.
        ModelError: If the model is not the one its manifest describes.
        UsageError: If ``speakers`` is not a list of numbers.
    """
    known, n_left_out, reader = load_voices(index, root, corpus, speakers, model)
    groups_of = None if groups is None else groups_of_speakers(groups, known)
    return {
        "model": model_identity(reader.manifest),
        "corpus": corpus,
        "speakers": speakers or "all",
        "n_left_out": n_left_out,
        **voice_figures(known, reader, groups_of),
    }


def load_voices(
    index: Path, root: Path, corpus: str, speakers: str | None, model: str
) -> tuple[tuple[Recording, ...], int, VoiceExpressionModel]:
    """Return the clips whose labels the model knows, how many others there are, and the model.

    Args and errors are those of `evaluate_voices`.
    """
    chosen = None if speakers is None else parse_speakers(speakers)
    recordings = read_index(index, root, corpus, chosen)
    reader = VoiceExpressionModel.load(model)
    known = tuple(r for r in recordings if r.label in reader.expressions)
    if not known:
        raise DatasetError(f"{index}: no clip of {corpus!r} has a label that the model knows.")
    return known, len(recordings) - len(known), reader


def groups_of_speakers(path: Path, recordings: tuple[Recording, ...]) -> dict[str, dict[str, str]]:
    """Return the groups that every speaker belongs to.

    Raises:
        DatasetError: If a speaker has no row; and as `voice_groups.read_groups`.
    """
    groups = read_groups(path)
    for speaker in sorted({recording.speaker for recording in recordings}):
        if speaker not in groups:
            raise DatasetError(f"{path} has no row for speaker {speaker!r}; add one.")
    return groups


def voice_figures(
    recordings: tuple[Recording, ...],
    reader: VoiceExpressionModel,
    groups: dict[str, dict[str, str]] | None = None,
) -> dict[str, Any]:
    """Return the figures of recordings whose labels the model all knows.

    ``as_heard`` holds what the model says was meant against what most listeners heard; ``live`` is
    what the live path says, which is what people would hear, against both.
    """
    classes = reader.expressions
    truth = np.array([classes.index(r.label) for r in recordings], dtype=np.int64)
    names = sorted({r.speaker for r in recordings})
    speakers = np.array([names.index(r.speaker) for r in recordings], dtype=np.int64)
    probabilities, times_ms = listen(recordings, reader)
    report = {
        **classification_figures(truth, probabilities, classes, speakers),
        **confidence_figures(truth, probabilities),
        "n_speakers": len(names),
        "median_ms_per_item": round(float(np.median(times_ms)), 4),
    }
    rows = np.array([r.heard in classes for r in recordings])
    if rows.any():
        heard = [classes.index(r.heard) for r in recordings if r.heard in classes]
        report["as_heard"] = classification_figures(
            np.array(heard, dtype=np.int64), probabilities[rows], classes, speakers[rows]
        )
        report["live"] = {
            "against_acted": classification_figures(
                truth, reader.as_heard(probabilities), classes, speakers
            ),
            "against_heard": classification_figures(
                np.array(heard, dtype=np.int64),
                reader.as_heard(probabilities[rows]),
                classes,
                speakers[rows],
            ),
        }
    if groups is not None:
        spoken_by = tuple(recording.speaker for recording in recordings)
        verdicts = Verdicts(truth, probabilities, classes, spoken_by)
        report["groups"] = group_tables(verdicts, groups)
    return report


def listen(
    recordings: tuple[Recording, ...], reader: VoiceExpressionModel
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return probabilities ``(n, n_classes)`` and analysis times in ms, decoding left out."""
    probabilities = np.empty((len(recordings), len(reader.expressions)))
    times_ms = np.empty(len(recordings))
    for row, recording in enumerate(with_progress(recordings, len(recordings), "clips")):
        samples = read_samples(recording.path)
        started_ns = time.perf_counter_ns()
        probabilities[row] = clip_probabilities(samples, reader)
        times_ms[row] = (time.perf_counter_ns() - started_ns) / 1e6
    return probabilities, times_ms


def clip_probabilities(
    samples: NDArray[np.float32], reader: VoiceExpressionModel
) -> NDArray[np.float64]:
    """Return what the model says of a whole clip: the mean of its windows' log-probabilities."""
    windows = clip_windows(samples, reader.acoustic)
    per_window = np.stack([reader.window_probabilities(window) for window in windows])
    return np.exp(clip_log_probabilities(per_window))
