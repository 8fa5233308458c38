"""Face crops for training: who is in which part, soft labels, batches."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.ferplus import (
    N_CLASSES,
    NOT_A_FACE_COLUMN,
    UNKNOWN_COLUMN,
    FaceSet,
    majority_labels,
    split_train,
    without_outliers,
)
from edge_affect.perception.expression_input import CropSettings, normalise_crop
from edge_affect.training.face_augmentation import FaceAugmentation, augment

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

__all__ = [
    "FaceBatches",
    "split_train",
    "tensor",
    "usable",
    "vote_distributions",
    "with_majority",
]


def usable(faces: FaceSet) -> FaceSet:
    """Return the rows in which most votes name one of the eight expressions."""
    kept = without_outliers(faces.votes)
    named = kept[:, :N_CLASSES].sum(axis=1)
    other = kept[:, UNKNOWN_COLUMN] + kept[:, NOT_A_FACE_COLUMN]
    return faces.select((named > 0) & (named > other))


def vote_distributions(votes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the share of each expression among the named votes, shape ``(n, 8)``."""
    named = without_outliers(votes)[:, :N_CLASSES].astype(np.float32)
    return named / named.sum(axis=1, keepdims=True)


def with_majority(faces: FaceSet) -> tuple[FaceSet, NDArray[np.int64]]:
    """Return the rows that have a majority class, and the classes."""
    labels = majority_labels(faces.votes)
    return faces.select(labels >= 0), labels[labels >= 0]


def tensor(crops: NDArray[np.uint8], settings: CropSettings) -> torch.Tensor:
    """Return normalised crops, shape ``(n, 1, size_px, size_px)``, float32."""
    return torch.from_numpy(np.stack([normalise_crop(crop, settings) for crop in crops])[:, None])


class FaceBatches:
    """Augmented batches of crops with their vote distributions.

    Attributes:
        augmentation: How crops are changed; may change between epochs.
        n_batches: In one epoch.
    """

    def __init__(
        self,
        faces: FaceSet,
        crop: CropSettings,
        augmentation: FaceAugmentation,
        seed: int,
        batch: int = 64,
    ) -> None:
        self._faces = faces
        self._targets = torch.from_numpy(vote_distributions(faces.votes))
        self._crop = crop
        self.augmentation = augmentation
        self._seed = seed
        self._batch = batch
        self.n_batches = len(faces) // batch

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield every row once, in the order that the seed and the epoch give."""
        generator = np.random.default_rng((self._seed, number))
        order = generator.permutation(len(self._faces))
        for start in range(0, self.n_batches * self._batch, self._batch):
            rows = order[start : start + self._batch]
            crops = augment(self._faces.images[rows], self.augmentation, generator)
            yield tensor(crops, self._crop), self._targets[rows]
