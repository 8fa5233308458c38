"""Changed copies of every face crop, with what teachers say of each: judged once, learned often.

A student that sees the very picture its teachers judged learns more from them than from their
opinion of another one (Beyer et al., "Knowledge distillation: A good teacher is patient and
consistent", 2022). Teachers cost as much as the student, so each copy is judged once and kept.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.training.face_beards import grow_beards

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Teacher(Protocol):
    """Whoever has an opinion of crops."""

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return log-probabilities ``(n, n_classes)`` of crops ``(n, size_px, size_px)``."""


@dataclass(slots=True)
class FaceBank:
    """Changed copies of crops, what people said of the crops, what teachers say of the copies.

    Attributes:
        crops: Shape ``(n_copies, n, size_px, size_px)``, uint8.
        votes: Shape ``(n, n_classes)``, float32, rows sum to 1.

    Raises:
        ShapeError: If crops and votes are not of the same number of faces.
    """

    crops: NDArray[np.uint8]
    votes: NDArray[np.float32]
    _opinions: NDArray[np.float32] = field(init=False, repr=False)
    _n_teachers: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        if self.crops.ndim != 4 or self.crops.shape[1] != self.votes.shape[0]:
            raise ShapeError(
                f"Crops of shape {self.crops.shape} do not go with votes {self.votes.shape}."
            )
        self._opinions = np.zeros((self.crops.shape[0], *self.votes.shape), dtype=np.float32)

    def judged_by(self, teacher: Teacher) -> NDArray[np.float32]:
        """Return what a teacher says of every copy, shape ``(n_copies, n, n_classes)``."""
        return np.stack([teacher(crops) for crops in self.crops])

    def hear(self, opinions: NDArray[np.float32]) -> None:
        """Let what one more teacher says of every copy count."""
        self._opinions += opinions
        self._n_teachers += 1

    def with_beards(self, share: float, seed: int) -> FaceBank:
        """Return the bank with beards drawn on a share of the copies; what was said of them stays.

        Teachers that take a bearded smile for no smile would hand that on if they saw the beards.
        """
        crops = np.stack(
            [
                grow_beards(copies, share, np.random.default_rng((seed, number)))
                for number, copies in enumerate(self.crops)
            ]
        )
        other = FaceBank(crops, self.votes)
        other.hear(self._opinions)
        other._n_teachers = self._n_teachers
        return other

    def targets(self, vote_share: float) -> NDArray[np.float32]:
        """Return what to learn of each copy, shape ``(n_copies, n, n_classes)``, rows sum to 1.

        Args:
            vote_share: How much the votes count, [0, 1]; the rest is the normalised geometric mean
                of the teachers. Without teachers votes are all there is.
        """
        if self._n_teachers == 0:
            return np.broadcast_to(self.votes, self._opinions.shape).copy()
        mean = self._opinions / self._n_teachers
        taught = np.exp(mean - mean.max(axis=-1, keepdims=True))
        taught /= taught.sum(axis=-1, keepdims=True)
        return np.asarray(vote_share * self.votes + (1.0 - vote_share) * taught, dtype=np.float32)

    def copies_of_epoch(self, epoch: int, seed: int) -> NDArray[np.int64]:
        """Return which copy of each crop an epoch uses, shape ``(n,)``; all in turn."""
        n_copies, n = self.crops.shape[:2]
        first = np.random.default_rng(seed).integers(0, n_copies, n)
        return np.asarray((first + epoch) % n_copies, dtype=np.int64)
