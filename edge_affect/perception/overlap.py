"""Several voices at once make what is read from them less certain; how much is fitted, not felt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.errors import ManifestError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest


@dataclass(frozen=True, slots=True)
class OverlapDiscount:
    """How much of an answer is given up for how much of the speech is by several people.

    The weight ``w`` rises from 0 at ``low`` to ``most`` at ``high``, linearly. A distribution ``p``
    over ``n`` classes becomes ``(1 - w) p + w / n``, so that its top probability, which is the
    calibrated chance of being right, falls from ``r`` towards pure chance: ``(1 - w) r + w / n``.

    Attributes:
        low: Share of overlap that a single voice is taken for now and then, [0, 1).
        high: Share of overlap from which on nothing more is given up, (low, 1].
        most: Weight of chance from there on, [0, 1].
    """

    low: float
    high: float
    most: float

    def __post_init__(self) -> None:
        if not 0.0 <= self.low < self.high <= 1.0 or not 0.0 <= self.most <= 1.0:
            raise ManifestError(
                "A discount for overlap needs 0 <= low < high <= 1 and 0 <= most <= 1."
            )

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> OverlapDiscount:
        """Read the thresholds ``overlap_low``, ``overlap_high`` and ``overlap_discount``.

        Raises:
            ManifestError: If one is missing or out of range.
        """
        names = ("overlap_low", "overlap_high", "overlap_discount")
        return cls(*(manifest.threshold(name) for name in names))

    def weight(self, overlap_share: float) -> float:
        """Return the weight of chance at a share of overlap, [0, ``most``]."""
        risen = (overlap_share - self.low) / (self.high - self.low)
        return self.most * min(1.0, max(0.0, risen))

    def applied(
        self, probabilities: NDArray[np.float64], overlap_share: float
    ) -> NDArray[np.float64]:
        """Return a distribution with its part given up.

        Args:
            probabilities: Of the classes that the model knows, shape ``(n_classes,)``, sum 1.
            overlap_share: From `SpeechActivity.overlap_share`, [0, 1].
        """
        weight = self.weight(overlap_share)
        return (1.0 - weight) * probabilities + weight / probabilities.size
