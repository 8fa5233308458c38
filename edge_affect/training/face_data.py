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

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from edge_affect.training.face_bank import FaceBank

__all__ = [
    "BankBatches",
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


class BankBatches:
    """Batches out of a bank: another copy of each crop in every epoch, mirrored, some mixed.

    Attributes:
        n_batches: In one epoch.
    """

    def __init__(
        self,
        bank: FaceBank,
        crop: CropSettings,
        seed: int,
        vote_share: float,
        mixed_share: float,
        batch: int = 64,
    ) -> None:
        self._bank = bank
        self._targets = bank.targets(vote_share)
        self._crop = crop
        self._seed = seed
        self._mixed_share = mixed_share
        self._batch = batch
        self.n_batches = bank.votes.shape[0] // batch

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield every crop once, in the order that the seed and the epoch give."""
        copies = self._bank.copies_of_epoch(number, self._seed)
        generator = np.random.default_rng((self._seed, number))
        order = generator.permutation(copies.size)
        for start in range(0, self.n_batches * self._batch, self._batch):
            rows = order[start : start + self._batch]
            inputs = tensor(self._bank.crops[copies[rows], rows], self._crop)
            targets = torch.from_numpy(self._targets[copies[rows], rows])
            is_mirrored = torch.from_numpy(generator.random(rows.size) < 0.5)
            inputs = torch.where(is_mirrored[:, None, None, None], inputs.flip(3), inputs)
            yield self._mixed(inputs, targets, generator)

    def _mixed(
        self, inputs: torch.Tensor, targets: torch.Tensor, generator: np.random.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Blend some crops, and their targets, with those at the other end of the batch."""
        n = inputs.shape[0]
        share = generator.beta(0.4, 0.4, n) * (generator.random(n) < self._mixed_share)
        other = torch.from_numpy(share.astype(np.float32))
        picture = other[:, None, None, None]
        return (
            (1.0 - picture) * inputs + picture * inputs.flip(0),
            (1.0 - other[:, None]) * targets + other[:, None] * targets.flip(0),
        )
