"""Windows cut out of scenes for the sound-event model, and the net that learns from them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.perception.acoustic import AcousticSettings, normalise
from edge_affect.training.event_data import EVENT_LABELS
from edge_affect.training.nets import BandsHead, ResidualNet, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edge_affect.training.event_data import Scenes


@dataclass(frozen=True, slots=True)
class BatchSettings:
    """How windows are cut and labelled.

    Attributes:
        whole_share: An event counts in full from this share of the window's frames on.
        batch: Windows in a batch.
        n_masks: Bands and stretches of time blanked in each window.
        seed: Of everything random.
    """

    whole_share: float = 0.3
    batch: int = 64
    n_masks: int = 2
    seed: int = 1


def event_net(n_classes: int = len(EVENT_LABELS)) -> ResidualNet:
    """Return the event net for windows of 64 mel bands, of which 4 bands are left at the end."""
    stages = (Stage(16, 2), Stage(32, 2), Stage(48, 2))
    return ResidualNet(8, stages, BandsHead(48, 4, n_classes, dropout=0.3))


class EventBatches:
    """Every scene once an epoch, each as one random window.

    Attributes:
        n_batches: In one epoch.
    """

    def __init__(
        self,
        scenes: Scenes,
        acoustic: AcousticSettings,
        settings: BatchSettings,
    ) -> None:
        self._scenes = scenes
        self._acoustic = acoustic
        self._settings = settings
        self.n_batches = scenes.labels.size // settings.batch

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield windows ``(n, 1, n_frames, n_mels)`` and label distributions."""
        generator = np.random.default_rng((self._settings.seed, number))
        order = generator.permutation(self._scenes.labels.size)
        for start in range(0, self.n_batches * self._settings.batch, self._settings.batch):
            rows = order[start : start + self._settings.batch]
            examples = [self._example(int(row), generator) for row in rows]
            windows = np.stack([window for window, _ in examples])
            labels = np.stack([label for _, label in examples])
            yield torch.from_numpy(windows[:, None]), torch.from_numpy(labels)

    def _example(
        self, row: int, generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        n_frames = self._acoustic.n_frames
        start = int(generator.integers(self._scenes.frames_db.shape[1] - n_frames + 1))
        frames_db = self._scenes.frames_db[row, start : start + n_frames].astype(np.float32)
        held = float(self._scenes.active[row, start : start + n_frames].mean())
        share = min(held / self._settings.whole_share, 1.0)
        label = np.zeros(len(EVENT_LABELS), dtype=np.float32)
        label[self._scenes.labels[row]] = share
        label[-1] += 1.0 - label.sum()
        window = normalise(frames_db, self._acoustic)
        return _masked(window, self._settings.n_masks, generator), label


def _masked(
    window: NDArray[np.float32], n_masks: int, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Blank bands and stretches of time with the mean (SpecAugment; Park et al., 2019)."""
    n_frames, n_mels = window.shape
    for _ in range(n_masks):
        width = int(generator.integers(0, 7))
        low = int(generator.integers(0, n_mels - width))
        window[:, low : low + width] = 0.0
        length = int(generator.integers(0, n_frames // 10))
        start = int(generator.integers(0, n_frames - length))
        window[start : start + length] = 0.0
    return window
