"""What several modalities say together, weighed by numbers that were fitted and are in a file.

Each modality has one or more sources (models). What a source says enters a logarithmic pool
(`pooling.log_linear_pool`) with an exponent: how far its logarithms can be taken at their word. A
source has two exponents, one for when its modality is the only one and one for when the others are
there as well; as another modality fades, it goes from the second to the first. With exponents of
1 the pool is the product, which is right where sources err independently given the expression
(Kittler et al., "On combining classifiers", IEEE TPAMI 20(3), 1998); a fitted exponent below 1 is
a temperature above 1 (Guo et al., "On calibration of modern neural networks", ICML 2017).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ManifestError, ShapeError
from edge_affect.fusion.pooling import log_linear_pool
from edge_affect.record import EXPRESSIONS
from edge_affect.shipped_numbers import read_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FILE_NAME = "fusion.json"
MOST_EXPONENT = 4.0


@dataclass(frozen=True, slots=True)
class Evidence:
    """What one modality says.

    Attributes:
        distributions: Shape ``(n_sources, n_classes)``, rows sum to 1; 0 for a class that a source
            does not know.
        weight: How much it counts, [0, 1]: 1 when new, 0 when too old.
    """

    distributions: NDArray[np.float64]
    weight: float = 1.0

    def __post_init__(self) -> None:
        if self.distributions.ndim != 2 or not 0.0 <= self.weight <= 1.0:
            raise ShapeError("Evidence needs rows of probabilities and a weight in [0, 1].")


@dataclass(frozen=True, slots=True)
class ModalityWeights:
    """How far the sources of one modality are taken at their word.

    Attributes:
        sources: Their names, in the order of the rows of `Evidence`.
        alone: Exponents where no other modality counts, shape ``(n_sources,)``, [0, 4].
        joint: Exponents where another one counts fully, as above.
    """

    sources: tuple[str, ...]
    alone: NDArray[np.float64] = field(repr=False)
    joint: NDArray[np.float64] = field(repr=False)

    def __post_init__(self) -> None:
        if not self.alone.shape == self.joint.shape == (len(self.sources),):
            raise ShapeError("A modality needs two exponents for each source.")
        both = np.concatenate((self.alone, self.joint))
        if not (np.isfinite(both).all() and (both >= 0).all() and (both <= MOST_EXPONENT).all()):
            raise ShapeError(f"Exponents of a pool must be in [0, {MOST_EXPONENT:g}].")

    def exponents(self, weight: float, others: float) -> NDArray[np.float64]:
        """Return the exponents of the sources, shape ``(n_sources,)``.

        Args:
            weight: Of this modality, [0, 1].
            others: Of the strongest other modality, [0, 1].
        """
        return weight * (self.alone + others * (self.joint - self.alone))


@dataclass(frozen=True, slots=True)
class JointWeights:
    """The fitted numbers of late fusion.

    Attributes:
        classes: What the distributions are about, in order.
        modalities: By name.
        provenance: What they were fitted on, how well it went and under which licence; plain JSON.
    """

    classes: tuple[str, ...]
    modalities: Mapping[str, ModalityWeights]
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def pooled(self, evidence: Mapping[str, Evidence]) -> NDArray[np.float64]:
        """Return one distribution, shape ``(n_classes,)``; the order of modalities is no matter.

        Without any weight it is uniform over the classes that some source knows.

        Args:
            evidence: By modality; at least one.

        Raises:
            ShapeError: If there is none, or its shape is not that of the fitted numbers.
        """
        if not evidence:
            raise ShapeError("Nothing can be pooled without evidence.")
        rows, exponents = [], []
        for name in sorted(evidence):
            one, weights = evidence[name], self.modalities[name]
            if one.distributions.shape != (len(weights.sources), len(self.classes)):
                raise ShapeError(
                    f"Evidence of {name} has shape {one.distributions.shape}; "
                    f"{len(weights.sources)} x {len(self.classes)} was fitted."
                )
            others = max((e.weight for n, e in evidence.items() if n != name), default=0.0)
            rows.append(one.distributions)
            exponents.append(weights.exponents(one.weight, others))
        return log_linear_pool(np.concatenate(rows), np.concatenate(exponents))

    @classmethod
    def load(cls, path: Path) -> JointWeights:
        """Read fitted numbers.

        Raises:
            InputMissingError: If there is no such file.
            ManifestError: If it is not what `JointWeights.text` writes.
        """
        return read_numbers(
            path,
            "table of fusion weights",
            lambda content: cls(
                classes=tuple(str(name) for name in content["classes"]),
                modalities={
                    str(name): _modality(rows) for name, rows in content["modalities"].items()
                },
                provenance=dict(content["provenance"]),
            ),
        )

    def text(self) -> str:
        """Return the file's content."""
        content = {
            "classes": list(self.classes),
            "modalities": {
                name: {
                    source: {
                        "alone": _plain(weights.alone[row]),
                        "joint": _plain(weights.joint[row]),
                    }
                    for row, source in enumerate(weights.sources)
                }
                for name, weights in self.modalities.items()
            },
            "provenance": dict(self.provenance),
        }
        return json.dumps(content, indent=1) + "\n"


PLAIN_WEIGHTS = JointWeights(
    classes=EXPRESSIONS,
    modalities={
        name: ModalityWeights((name,), np.ones(1), np.ones(1)) for name in ("face", "voice")
    },
)
"""Every model at its word: the product."""


def product_weights(path: Path) -> JointWeights:
    """Return fitted weights that a scene of faces and voices can use.

    Raises:
        InputMissingError: If there is no such file.
        ManifestError: If it is no such file, or is about other classes or modalities.
    """
    weights = JointWeights.load(path)
    shapes = {name: len(one.sources) for name, one in weights.modalities.items()}
    if weights.classes != EXPRESSIONS or shapes != {"face": 1, "voice": 1}:
        raise ManifestError(
            f"{path} is about other expressions or modalities than this version fuses."
        )
    return weights


def _modality(rows: dict[str, dict[str, float]]) -> ModalityWeights:
    alone, joint = (
        np.array([row[key] for row in rows.values()], dtype=np.float64)
        for key in ("alone", "joint")
    )
    return ModalityWeights(tuple(rows), alone, joint)


def _plain(value: np.float64) -> float:
    return float(f"{value:.4g}")
