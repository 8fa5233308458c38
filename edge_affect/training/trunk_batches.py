"""What the published trunk makes of changed windows, kept so that its upper part trains quickly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from edge_affect.evaluation.recordings import Recording, read_samples
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, normalise
from edge_affect.training.voice_augmentation import VoiceAugmentation, augment
from edge_affect.training.voice_data import random_window
from edge_affect.training.window_augmentation import WindowAugmentation, WindowChanger

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    Batch = tuple[torch.Tensor, torch.Tensor]

CHUNK = 32


@dataclass(frozen=True, slots=True)
class TrunkSettings:
    """How recordings become features of the trunk.

    Attributes:
        n_copies: Windows taken of each recording; the first one is not changed.
        mixup: Chance that an example is mixed with another.
        dropout: Chance that a channel of the features is blanked.
        longest_mask: Times of the features that are blanked at once, at most, exclusive.
        batch: Examples in a batch.
        seed: Of everything random.
    """

    n_copies: int = 3
    mixup: float = 0.15
    dropout: float = 0.05
    longest_mask: int = 6
    batch: int = 64
    seed: int = 1


SPEED_AND_ROOMS = VoiceAugmentation(speed=0.16, noise=0.0, tilt=0.0)
"""What is changed in the samples; the rest is changed in the windows, where it is cheap."""


@torch.no_grad()
def lower_features(lower: nn.Module, windows: NDArray[np.float32]) -> NDArray[np.float16]:
    """Return what ``lower`` makes of windows ``(n, n_frames, n_mels)``."""
    lower.eval()
    parts = []
    for start in range(0, windows.shape[0], CHUNK):
        part = torch.from_numpy(windows[start : start + CHUNK, None])
        parts.append(lower(part.to(memory_format=torch.channels_last)).half().numpy())
    return np.ascontiguousarray(np.concatenate(parts))


class TrunkBatches:
    """Features of random windows of changed recordings, masked and mixed, with soft labels.

    Attributes:
        n_batches: In one epoch.
    """

    def __init__(
        self,
        recordings: tuple[Recording, ...],
        labels: NDArray[np.float32],
        lower: nn.Module,
        settings: TrunkSettings,
        folder: Path,
    ) -> None:
        self._recordings = recordings
        self._labels = labels
        self._lower = lower
        self._settings = settings
        self._folder = folder
        self.n_batches = len(recordings) // settings.batch
        self._copies: list[NDArray[np.float16]] = []

    def _prepare(self) -> None:
        """Make all features, or read those of a run before; they take minutes."""
        self._folder.mkdir(parents=True, exist_ok=True)
        for copy in range(self._settings.n_copies):
            path = self._folder / f"features-{self._settings.seed}-{copy}.npy"
            if not path.is_file():
                part = path.with_suffix(".part.npy")
                np.save(part, lower_features(self._lower, self._windows(copy)))
                part.rename(path)
                print(f"features of the trunk: {path}", flush=True)
            self._copies.append(np.load(path, mmap_mode="r"))

    def _windows(self, copy: int) -> NDArray[np.float32]:
        acoustic = AcousticSettings()
        change = WindowChanger(acoustic, WindowAugmentation())
        generator = np.random.default_rng((self._settings.seed, 99, copy))
        windows = np.empty(
            (len(self._recordings), acoustic.n_frames, acoustic.n_mels), dtype=np.float32
        )
        for row, recording in enumerate(self._recordings):
            samples = read_samples(recording.path)
            if copy:
                samples = augment(samples, SPEED_AND_ROOMS, generator)
            window = random_window(log_mel_db(samples, acoustic), acoustic, generator)
            windows[row] = normalise(change(window, generator) if copy else window, acoustic)
        return windows

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield every recording once, each as one of its copies."""
        if not self._copies:
            self._prepare()
        generator = np.random.default_rng((self._settings.seed, number))
        order = generator.permutation(len(self._recordings))
        size = self._settings.batch
        for start in range(0, self.n_batches * size, size):
            rows = order[start : start + size]
            features = np.stack([self._example(int(row), generator) for row in rows])
            yield self._mixed(features, self._labels[rows], generator)

    def _example(self, row: int, generator: np.random.Generator) -> NDArray[np.float32]:
        copy = self._copies[int(generator.integers(len(self._copies)))]
        features = copy[row].astype(np.float32)
        for _ in range(2):
            length = int(generator.integers(0, self._settings.longest_mask))
            start = int(generator.integers(0, features.shape[1] - length))
            features[:, start : start + length] = features.mean(axis=1, keepdims=True)
        return features

    def _mixed(
        self,
        features: NDArray[np.float32],
        labels: NDArray[np.float32],
        generator: np.random.Generator,
    ) -> Batch:
        n = features.shape[0]
        is_mixed = generator.random(n) < self._settings.mixup
        share = np.where(is_mixed, generator.beta(0.4, 0.4, n), 0.0).astype(np.float32)
        other = generator.permutation(n)
        wide = share[:, None, None, None]
        mixed = torch.from_numpy((1.0 - wide) * features + wide * features[other])
        mixed_labels = (1.0 - share[:, None]) * labels + share[:, None] * labels[other]
        blanked = functional.dropout2d(mixed, self._settings.dropout)
        return blanked, torch.from_numpy(mixed_labels)
