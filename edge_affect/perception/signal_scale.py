"""How one measured distance of a face becomes a signal in [0, 1]."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.errors import ManifestError

if TYPE_CHECKING:
    from edge_affect.perception.manifest import Manifest

MAX_PITCH_DEG, MAX_YAW_DEG = 25.0, 40.0
"""The influence of the pose was measured up to here; beyond, it is taken as at this angle."""


@dataclass(frozen=True, slots=True)
class SignalScale:
    """The straight line from a measure to a signal, and what the head's pose adds to the measure.

    Attributes:
        at_0: The measure that is signal 0, looking straight into the camera.
        at_1: The measure that is signal 1; above or below ``at_0``, never equal.
        per_pitch_deg: What the measure gains with each degree that the head looks up.
        per_yaw_deg: What it gains with each degree that the head turns aside, either way.
    """

    at_0: float
    at_1: float
    per_pitch_deg: float
    per_yaw_deg: float

    def __post_init__(self) -> None:
        values = (self.at_0, self.at_1, self.per_pitch_deg, self.per_yaw_deg)
        if not all(map(math.isfinite, values)) or self.at_0 == self.at_1:
            raise ManifestError("the scale of a signal needs two different finite ends")

    @classmethod
    def from_manifest(cls, manifest: Manifest, name: str) -> SignalScale:
        """Read the scale of one signal from `[thresholds]`.

        Raises:
            ManifestError: If a number is missing or both ends are equal.
        """
        parts = ("at_0", "at_1", "per_pitch_deg", "per_yaw_deg")
        numbers = [manifest.threshold(f"{name}_{part}") for part in parts]
        try:
            return cls(*numbers)
        except ManifestError as error:
            raise ManifestError(f"{manifest.path}: {name}: {error}.") from None

    def signal(self, measure: float, pitch_deg: float, yaw_deg: float) -> float:
        """Return a measure taken of a head at some pose as a signal, [0, 1]."""
        pitch_deg = min(max(pitch_deg, -MAX_PITCH_DEG), MAX_PITCH_DEG)
        yaw_deg = min(abs(yaw_deg), MAX_YAW_DEG)
        upright = measure - self.per_pitch_deg * pitch_deg - self.per_yaw_deg * yaw_deg
        return min(max((upright - self.at_0) / (self.at_1 - self.at_0), 0.0), 1.0)
