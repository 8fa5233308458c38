"""Arousal from how something is said, whatever is expressed by it.

A linear map from the manner of speaking (`voice_manner`) without its level, so that neither gain
nor distance moves it, fitted on actors whose listeners and intensities are known. That pitch,
its range, the strength of high frequencies and tempo rise with arousal is the oldest finding on
voices (Scherer, Speech Communication 40, 2003).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge_affect.errors import ManifestError, ShapeError
from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.perception.voice_manner import LEVEL_NAMES, MANNER_NAMES
from edge_affect.shipped_numbers import read_numbers

FILE_NAME = "voice_arousal.json"
N_USED = len(MANNER_NAMES) - len(LEVEL_NAMES)
MOST_DEVIATIONS = 4.0
"""A number of the manner counts at most this far from everybody's."""


@dataclass(frozen=True, slots=True)
class VoiceArousal:
    """The fitted map; the level at the end of a manner is not used.

    Attributes:
        mean: Shape ``(N_USED,)``, of everybody; stands in where a number is not known.
        deviation: Shape ``(N_USED,)``, > 0, of everybody.
        weights: Shape ``(N_USED,)``.
        bias: Arousal of everybody's mean manner.
    """

    mean: NDArray[np.float64] = field(repr=False)
    deviation: NDArray[np.float64] = field(repr=False)
    weights: NDArray[np.float64] = field(repr=False)
    bias: float

    def __post_init__(self) -> None:
        if not self.mean.shape == self.deviation.shape == self.weights.shape == (N_USED,):
            raise ShapeError(f"A map to arousal needs {N_USED} means, deviations and weights.")
        parts = (self.mean, self.deviation, self.weights, np.array([self.bias]))
        if not all(np.isfinite(part).all() for part in parts) or (self.deviation <= 0).any():
            raise ShapeError("A map to arousal needs finite numbers and deviations above 0.")

    def arousal(self, manner: NDArray[np.float64]) -> float:
        """Return arousal, [-1, 1].

        Args:
            manner: From `voice_manner.manner`, NaN where a number is not known.

        Raises:
            ShapeError: If it has another shape.
        """
        if manner.shape != (len(MANNER_NAMES),):
            raise ShapeError(f"A manner has {len(MANNER_NAMES)} numbers, not {manner.shape}.")
        deviations = (manner[:N_USED] - self.mean) / self.deviation
        known = np.where(np.isnan(deviations), 0.0, deviations)
        sum_ = np.clip(known, -MOST_DEVIATIONS, MOST_DEVIATIONS) @ self.weights
        return float(np.clip(self.bias + sum_, -1.0, 1.0))

    @classmethod
    def load(cls, path: Path | None = None) -> VoiceArousal:
        """Read the shipped numbers, or those of another file.

        Raises:
            InputMissingError: If there is no such file.
            ManifestError: If it is not what `VoiceArousal.text` writes.
        """
        return read_numbers(path or shipped_models_dir() / FILE_NAME, "map to arousal", _parse)

    def text(self) -> str:
        """Return the file's content."""
        columns = {"mean": self.mean, "deviation": self.deviation, "weight": self.weights}
        rows = {
            name: {key: float(f"{column[row]:.6g}") for key, column in columns.items()}
            for row, name in enumerate(MANNER_NAMES[:N_USED])
        }
        return json.dumps({"bias": float(f"{self.bias:.6g}"), "manner": rows}, indent=1) + "\n"


def _parse(content: dict[str, Any]) -> VoiceArousal:
    rows = content["manner"]
    if tuple(rows) != MANNER_NAMES[:N_USED]:
        raise ManifestError("its manner has other numbers than this version measures")
    mean, deviation, weights = (
        np.array([row[key] for row in rows.values()], dtype=np.float64)
        for key in ("mean", "deviation", "weight")
    )
    return VoiceArousal(mean, deviation, weights, float(content["bias"]))
