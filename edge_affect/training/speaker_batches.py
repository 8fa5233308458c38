"""Batches in which a few speakers say a dozen things each, for losses that compare them.

A window's target is its label distribution and, last, the number of its speaker in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.training.trunk_features import lower_features
from edge_affect.training.voice_data import masked, random_window
from edge_affect.training.window_scenes import WindowScenes, normalised

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.training.voice_bank import VoiceBank
    from edge_affect.training.voice_data import Labelled

    Batch = tuple[torch.Tensor, torch.Tensor]
    Rows = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class SpeakerBatchSettings:
    """How batches are put together.

    Attributes:
        n_speakers: In one batch.
        n_each: Recordings of each speaker in a batch, about.
        mixup: Chance that an example is mixed with another of the same speaker.
        seed: Of everything random.
    """

    n_speakers: int = 6
    n_each: int = 12
    mixup: float = 0.25
    seed: int = 1


def speaker_groups(
    speakers: NDArray[np.int64], settings: SpeakerBatchSettings, generator: np.random.Generator
) -> list[list[Rows]]:
    """Return batches of groups of rows, every row once; a group is of one speaker.

    The last batch may have fewer groups; one of a single group is left out, as nothing in it is
    compared with another speaker.
    """
    groups: list[Rows] = []
    for speaker in np.unique(speakers):
        rows = generator.permutation(np.flatnonzero(speakers == speaker))
        groups += np.array_split(rows, max(round(rows.size / settings.n_each), 1))
    order = generator.permutation(len(groups))
    size = settings.n_speakers
    batches = [
        [groups[place] for place in order[start : start + size]]
        for start in range(0, order.size, size)
    ]
    return [batch for batch in batches if len(batch) > 1]


def _mixing(
    batch: list[Rows], mixup: float, generator: np.random.Generator
) -> tuple[NDArray[np.float32], NDArray[np.intp]]:
    """Return how much of another example goes into each, and which, within the same group."""
    sizes = [rows.size for rows in batch]
    starts = np.concatenate(([0], np.cumsum(sizes)[:-1]))
    other = np.concatenate(
        [start + generator.permutation(size) for start, size in zip(starts, sizes, strict=True)]
    )
    n = other.size
    is_mixed = generator.random(n) < mixup
    return np.where(is_mixed, generator.beta(0.4, 0.4, n), 0.0).astype(np.float32), other


def _with_groups(labels: NDArray[np.float32], batch: list[Rows]) -> torch.Tensor:
    numbers = np.repeat(np.arange(len(batch)), [rows.size for rows in batch])
    return torch.from_numpy(np.column_stack((labels, numbers.astype(np.float32))))


class WindowBatches:
    """Random windows of a bank, changed anew each time, masked and mixed.

    Attributes:
        n_batches: In one epoch, about.
    """

    def __init__(
        self,
        bank: VoiceBank,
        labelled: Labelled,
        scenes: WindowScenes,
        settings: SpeakerBatchSettings,
    ) -> None:
        self._bank = bank
        self._labelled = labelled
        self._scenes = scenes
        self._settings = settings
        self._acoustic = AcousticSettings()
        first = speaker_groups(labelled.speakers, settings, np.random.default_rng(0))
        self.n_batches = len(first)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield every recording once, each as one random window of one of its copies."""
        generator = np.random.default_rng((self._settings.seed, number))
        for batch in speaker_groups(self._labelled.speakers, self._settings, generator):
            rows = np.concatenate(batch)
            windows_db = random_windows(self._bank, rows, self._acoustic, generator)
            windows = normalised(self._scenes(windows_db, generator), self._acoustic)
            windows = np.stack([masked(window, generator) for window in windows])
            labels = self._labelled.targets[rows]
            share, other = _mixing(batch, self._settings.mixup, generator)
            wide = share[:, None, None]
            mixed = (1.0 - wide) * windows + wide * windows[other]
            labels = (1.0 - share[:, None]) * labels + share[:, None] * labels[other]
            yield torch.from_numpy(mixed[:, None]), _with_groups(labels, batch)


def random_windows(
    bank: VoiceBank, rows: Rows, acoustic: AcousticSettings, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Return a random window of a random copy of each recording, in dB."""
    copies = generator.integers(0, bank.n_copies, rows.size)
    return np.stack(
        [
            random_window(bank.copy(int(row), int(copy)).astype(np.float32), acoustic, generator)
            for row, copy in zip(rows, copies, strict=True)
        ]
    )


@dataclass(frozen=True, slots=True)
class FeatureSettings:
    """How windows become features of the trunk.

    Attributes:
        n_copies: Windows taken of each recording, each changed anew.
        dropout: Chance that a channel of the features is blanked.
        longest_mask: Times of the features that are blanked at once, at most, exclusive.
    """

    n_copies: int = 8
    dropout: float = 0.05
    longest_mask: int = 6


class FeatureBatches:
    """What the lower trunk makes of changed windows, kept on disk, masked and mixed.

    Attributes:
        n_batches: In one epoch, about.
    """

    def __init__(
        self,
        paths: tuple[Path, ...],
        labelled: Labelled,
        settings: SpeakerBatchSettings,
        features: FeatureSettings,
    ) -> None:
        self._copies = [np.load(path, mmap_mode="r") for path in paths]
        self._labelled = labelled
        self._settings = settings
        self._features = features
        first = speaker_groups(labelled.speakers, settings, np.random.default_rng(0))
        self.n_batches = len(first)

    def epoch(self, number: int) -> Iterator[Batch]:
        """Yield every recording once, each as one of its copies."""
        generator = np.random.default_rng((self._settings.seed, number))
        for batch in speaker_groups(self._labelled.speakers, self._settings, generator):
            rows = np.concatenate(batch)
            features = np.stack([self._example(int(row), generator) for row in rows])
            labels = self._labelled.targets[rows]
            share, other = _mixing(batch, self._settings.mixup, generator)
            wide = share[:, None, None, None]
            mixed = torch.from_numpy((1.0 - wide) * features + wide * features[other])
            labels = (1.0 - share[:, None]) * labels + share[:, None] * labels[other]
            blanked = functional.dropout2d(mixed, self._features.dropout)
            yield blanked, _with_groups(labels, batch)

    def _example(self, row: int, generator: np.random.Generator) -> NDArray[np.float32]:
        copy = self._copies[int(generator.integers(len(self._copies)))]
        features = copy[row].astype(np.float32)
        for _ in range(2):
            length = int(generator.integers(0, self._features.longest_mask))
            start = int(generator.integers(0, features.shape[1] - length))
            features[:, start : start + length] = features.mean(axis=1, keepdims=True)
        return features


def kept_features(
    bank: VoiceBank,
    lower: nn.Module,
    scenes: WindowScenes,
    settings: SpeakerBatchSettings,
    features: FeatureSettings,
    folder: Path,
) -> tuple[Path, ...]:
    """Make the features of all copies, or find those of a run before; they take minutes."""
    folder.mkdir(parents=True, exist_ok=True)
    acoustic = AcousticSettings()
    n = bank.ends.shape[0]
    paths = []
    for copy in range(features.n_copies):
        path = folder / f"features-{settings.seed}-{n}-{copy}.npy"
        paths.append(path)
        if path.is_file():
            continue
        generator = np.random.default_rng((settings.seed, 99, copy))
        parts = []
        for rows in np.array_split(np.arange(n), max(n // 64, 1)):
            windows_db = random_windows(bank, rows, acoustic, generator)
            changed = normalised(scenes(windows_db, generator), acoustic)
            parts.append(lower_features(lower, changed))
        part = path.with_suffix(".part.npy")
        np.save(part, np.concatenate(parts))
        part.rename(path)
        print(f"features of the trunk: {path}", flush=True)
    return tuple(paths)
