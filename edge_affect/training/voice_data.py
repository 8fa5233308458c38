"""Recordings for training: who is in which part, soft labels, log-mel batches."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.recordings import Recording, read_index, read_samples
from edge_affect.perception.acoustic import (
    AcousticSettings,
    clip_windows,
    log_mel_db,
    normalise,
)
from edge_affect.record import Expression
from edge_affect.training.voice_augmentation import VoiceAugmentation, augment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

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
class VoiceSettings:
    """How recordings become training examples.

    Attributes:
        n_variants: Changed copies made of each recording, once, before training.
        crowd_share: Weight of the listeners' votes in the label, the rest is the acted one.
        mixup: Chance that an example is mixed with another.
        batch: Examples in a batch.
        seed: Of everything random.
    """

    n_variants: int = 6
    crowd_share: float = 0.25
    mixup: float = 0.25
    batch: int = 64
    seed: int = 1


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


class VoiceBatches:
    """Random windows of changed recordings, masked and mixed, with soft labels.

    Attributes:
        mixup: Chance that an example is mixed with another; may change between phases.
        n_batches: In one epoch.
    """

    def __init__(
        self,
        recordings: tuple[Recording, ...],
        labels: NDArray[np.float32],
        acoustic: AcousticSettings,
        augmentation: VoiceAugmentation,
        settings: VoiceSettings,
    ) -> None:
        self._recordings = recordings
        self._labels = labels
        self._acoustic = acoustic
        self._augmentation = augmentation
        self._settings = settings
        self.mixup = settings.mixup
        self.n_batches = len(recordings) // settings.batch
        self._frames: list[list[NDArray[np.float16]]] = []

    def _prepare(self) -> None:
        """Make all copies and their log-mels; takes minutes, so only once and when needed."""
        generator = np.random.default_rng((self._settings.seed, 77))
        for number, recording in enumerate(self._recordings):
            samples = read_samples(recording.path)
            copies = [samples] + [
                augment(samples, self._augmentation, generator)
                for _ in range(self._settings.n_variants - 1)
            ]
            frames = [log_mel_db(each, self._acoustic).astype(np.float16) for each in copies]
            self._frames.append(frames)
            if number % 500 == 0:
                print(f"log-mels: {number}/{len(self._recordings)}", flush=True)

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield every recording once, each as one random window of one of its copies."""
        if not self._frames:
            self._prepare()
        generator = np.random.default_rng((self._settings.seed, number))
        order = generator.permutation(len(self._frames))
        size = self._settings.batch
        for start in range(0, self.n_batches * size, size):
            rows = order[start : start + size]
            windows = np.stack([self._example(int(row), generator) for row in rows])
            labels = self._labels[rows]
            mixed, mixed_labels = self._mix(windows, labels, generator)
            yield torch.from_numpy(mixed[:, None]), torch.from_numpy(mixed_labels)

    def _example(self, row: int, generator: np.random.Generator) -> NDArray[np.float32]:
        copies = self._frames[row]
        frames = copies[int(generator.integers(len(copies)))].astype(np.float32)
        window = normalise(random_window(frames, self._acoustic, generator), self._acoustic)
        return masked(window, generator)

    def _mix(
        self,
        windows: NDArray[np.float32],
        labels: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        n = windows.shape[0]
        is_mixed = generator.random(n) < self.mixup
        share = np.where(is_mixed, generator.beta(0.4, 0.4, n), 0.0).astype(np.float32)
        other = generator.permutation(n)
        keep = 1.0 - share
        mixed = keep[:, None, None] * windows + share[:, None, None] * windows[other]
        return mixed, keep[:, None] * labels + share[:, None] * labels[other]


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
