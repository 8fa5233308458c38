"""From what an actor meant to what people would hear: a voice model's answer for everyday speech.

A model that learned from acted clips takes it that all expressions are equally common and played
for an audience. People who only hear such clips call nearly half of them neutral. In everyday
speech most of what is said is calm, so what people would hear is the better answer there, and the
surer one to abstain on.

The logarithms are scaled, and each expression has a summand (vector scaling; Guo et al., 2017, "On
calibration of modern neural networks"), both fitted to the votes of listeners. The numbers are in
the model's manifest, under ``[thresholds]``, and a model without them answers as it is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ManifestError
from edge_affect.perception.interpreter import softmax

if TYPE_CHECKING:
    from edge_affect.perception.manifest import Manifest

SCALE = "heard_scale"
BIAS = "heard_bias_"
_LEAST_PROBABILITY = 1e-12


@dataclass(frozen=True, slots=True)
class AsHeard:
    """Numbers of one model.

    Attributes:
        scale: Of the logarithms, > 0; below 1 is less sure.
        bias: Added to them, shape ``(k,)``.
    """

    scale: float
    bias: NDArray[np.float64] = field(repr=False)

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> AsHeard:
        """Read the numbers of a model; none of them leaves its answers alone.

        Raises:
            ManifestError: If some are there and others are not, or the scale is not above 0.
        """
        table = {name: value for name, value in manifest.thresholds.items() if "heard_" in name}
        if not table:
            return cls(1.0, np.zeros(len(manifest.labels)))
        names = {SCALE, *(BIAS + label for label in manifest.labels)}
        if wrong := sorted(set(table) ^ names):
            raise ManifestError(
                f"{manifest.path}: [thresholds] needs {SCALE} and one {BIAS}... for every label, "
                f"or none of them; wrong or missing: {', '.join(wrong)}."
            )
        if not table[SCALE] > 0:
            raise ManifestError(f"{manifest.path}: [thresholds] {SCALE} must be above 0.")
        return cls(table[SCALE], np.array([table[BIAS + label] for label in manifest.labels]))

    def thresholds(self, labels: tuple[str, ...]) -> dict[str, float]:
        """Return the numbers as `from_manifest` reads them, to four digits."""
        named = {BIAS + label: float(value) for label, value in zip(labels, self.bias, strict=True)}
        return {name: round(value, 4) for name, value in {SCALE: self.scale, **named}.items()}

    def __call__(self, probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what people would hear, given what was meant; shape ``(..., k)``, sums to 1."""
        logs = np.log(np.maximum(probabilities, _LEAST_PROBABILITY))
        return softmax(self.scale * logs + self.bias)
