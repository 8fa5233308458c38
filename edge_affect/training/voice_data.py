"""Recordings for training: who is in which part, soft labels, windows."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from edge_affect.evaluation.event_clips import read_event_clips
from edge_affect.evaluation.recordings import Recording, read_index, read_samples
from edge_affect.evaluation.voice_robustness import BACKGROUND_CORPUS, BACKGROUND_LABELS
from edge_affect.perception.acoustic import (
    AcousticSettings,
    clip_windows,
    log_mel_db,
    normalise,
)
from edge_affect.record import Expression

if TYPE_CHECKING:
    from pathlib import Path

VOICE_LABELS: tuple[Expression, ...] = (
    Expression.NEUTRAL,
    Expression.HAPPINESS,
    Expression.SADNESS,
    Expression.ANGER,
    Expression.DISGUST,
    Expression.FEAR,
)
VOTE_COLUMNS: tuple[str, ...] = ("n_neutral", "n_happy", "n_sad", "n_anger", "n_disgust", "n_fear")
"""Columns of the votes file in the order of `VOICE_LABELS`."""

DEV_SPEAKERS: frozenset[str] = frozenset(
    {"1041", "1050", "1057", "1081", "1087", "1043", "1055", "1063", "1078", "1084"}
)
"""Five men and five women of the training range, for every choice and for the temperature."""

SILENCE_DB = -100.0
"""What the front end gives for digital silence."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """What is known of recordings, in their order.

    Attributes:
        targets: Label distributions, shape ``(n, k)``, float32.
        speakers: Numbers from 0 without a gap, shape ``(n,)``.
    """

    targets: NDArray[np.float32]
    speakers: NDArray[np.int64]


def read_votes(path: Path) -> dict[str, NDArray[np.float32]]:
    """Return the distribution of the listeners' votes for each clip heard without its picture."""
    votes: dict[str, NDArray[np.float32]] = {}
    with path.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if row["shown"] != "voice":
                continue
            counts = np.array([float(row[column] or 0) for column in VOTE_COLUMNS], np.float32)
            if counts.sum() > 0:
                votes[row["clip"]] = counts / counts.sum()
    return votes


def split_speakers(
    data: Path, corpus: str, speakers: frozenset[str]
) -> tuple[tuple[Recording, ...], tuple[Recording, ...]]:
    """Return the recordings to fit on and the ones to choose by, disjoint in their speakers."""
    index = data / "index.csv"
    fit = read_index(index, data, corpus, speakers - DEV_SPEAKERS)
    dev = read_index(index, data, corpus, speakers & DEV_SPEAKERS)
    return fit, dev


def targets(
    recordings: tuple[Recording, ...], votes: dict[str, NDArray[np.float32]], crowd_share: float
) -> NDArray[np.float32]:
    """Return label distributions, shape ``(n, 6)``; a clip nobody voted on keeps the acted one."""
    rows = []
    for recording in recordings:
        acted = np.zeros(len(VOICE_LABELS), dtype=np.float32)
        acted[VOICE_LABELS.index(recording.label)] = 1.0
        heard = votes.get(recording.clip, acted)
        rows.append((1.0 - crowd_share) * acted + crowd_share * heard)
    return np.stack(rows)


def labelled(
    recordings: tuple[Recording, ...], votes: dict[str, NDArray[np.float32]], crowd_share: float
) -> Labelled:
    """Return `targets` and who speaks."""
    names = [recording.speaker for recording in recordings]
    numbers = np.unique(names, return_inverse=True)[1]
    return Labelled(targets(recordings, votes, crowd_share), numbers.astype(np.int64))


def background_windows(data: Path, acoustic: AcousticSettings) -> NDArray[np.float32]:
    """Return windows of background sounds that may be learned from, ``(n, n_frames, n_mels)``, dB.

    Raises:
        EdgeAffectError: As `event_clips.read_event_clips` and `recordings.read_samples`.
    """
    windows = []
    for clip in read_event_clips(data / "index.csv", data):
        if (clip.corpus, clip.part) == (BACKGROUND_CORPUS, "fit") and clip.label in (
            BACKGROUND_LABELS
        ):
            frames = log_mel_db(read_samples(clip.path), acoustic)
            windows += [frames[: acoustic.n_frames], frames[-acoustic.n_frames :]]
    loud = [w for w in windows if w.shape[0] == acoustic.n_frames and w.max() > SILENCE_DB + 40.0]
    return np.stack(loud)


def random_window(
    frames_db: NDArray[np.float32], acoustic: AcousticSettings, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Cut or pad to one window; what is padded is digital silence, as in `clip_windows`."""
    extra = frames_db.shape[0] - acoustic.n_frames
    if extra >= 0:
        start = int(generator.integers(extra + 1))
        return frames_db[start : start + acoustic.n_frames]
    before = int(generator.integers(-extra + 1))
    return np.pad(frames_db, ((before, -extra - before), (0, 0)), constant_values=SILENCE_DB)


def masked(window: NDArray[np.float32], generator: np.random.Generator) -> NDArray[np.float32]:
    """Blank bands and stretches of time with the mean (SpecAugment; Park et al., 2019)."""
    n_frames, n_mels = window.shape
    for _ in range(2):
        width = int(generator.integers(0, 7))
        low = int(generator.integers(0, n_mels - width))
        window[:, low : low + width] = 0.0
        length = int(generator.integers(0, 21))
        start = int(generator.integers(0, n_frames - length))
        window[start : start + length] = 0.0
    return window


def scoring_windows(
    recordings: tuple[Recording, ...], acoustic: AcousticSettings
) -> tuple[torch.Tensor, NDArray[np.int64]]:
    """Return all normalised windows by which clips are scored, and the clip of each window.

    Returns:
        Windows ``(n_windows, 1, n_frames, n_mels)`` float32, and clip numbers ``(n_windows,)``.
    """
    windows: list[NDArray[np.float32]] = []
    clips: list[int] = []
    for number, recording in enumerate(recordings):
        for samples in clip_windows(read_samples(recording.path), acoustic):
            windows.append(normalise(log_mel_db(samples, acoustic), acoustic))
            clips.append(number)
    return torch.from_numpy(np.stack(windows)[:, None]), np.array(clips, dtype=np.int64)
