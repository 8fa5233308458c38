"""From a ready face crop to the input tensor of the expression model.

Training, evaluation and the live path all come through here.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ManifestError, ShapeError
from edge_affect.perception.interpreter import quantise

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest, TensorSpec


@dataclass(frozen=True, slots=True)
class CropSettings:
    """How a grey crop is normalised; the `[preprocessing]` table of a face expression model.

    Attributes:
        size_px: Side of the square crop.
        min_deviation: Smallest standard deviation to divide by, in grey levels, so that the noise
            of a nearly flat crop is not blown up.
        limit: Normalised values are clipped to [-limit, limit].
    """

    size_px: int = 48
    min_deviation: float = 8.0
    limit: float = 4.0

    def __post_init__(self) -> None:
        if self.size_px < 8 or self.min_deviation <= 0 or self.limit <= 0:
            raise ManifestError("Crop settings must be positive and the crop at least 8 px wide.")

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> CropSettings:
        """Read the settings of a model.

        Raises:
            ManifestError: If a key is missing, unknown or not a number.
        """
        numbers = manifest.preprocessing_numbers({field.name for field in fields(cls)})
        return cls(
            size_px=int(numbers["size_px"]),
            min_deviation=numbers["min_deviation"],
            limit=numbers["limit"],
        )


def normalise_crop(crop: NDArray[np.uint8], settings: CropSettings) -> NDArray[np.float32]:
    """Return a crop with its own mean removed and its own deviation divided out.

    This makes the model blind to brightness and contrast, which differ between cameras.

    Args:
        crop: Grey, shape ``(size_px, size_px)``, uint8.
        settings: Of the model.

    Raises:
        ShapeError: If the crop has another shape or dtype.
    """
    if crop.shape != (settings.size_px, settings.size_px) or crop.dtype != np.uint8:
        raise ShapeError(
            f"A crop must be uint8 of {settings.size_px} x {settings.size_px} px, "
            f"not {crop.dtype} of shape {crop.shape}."
        )
    grey = crop.astype(np.float32)
    centred = grey - grey.mean()
    deviation = max(float(grey.std()), settings.min_deviation)
    limited = np.clip(centred / np.float32(deviation), -settings.limit, settings.limit)
    return np.asarray(limited, dtype=np.float32)


def crop_tensor(
    crop: NDArray[np.uint8], settings: CropSettings, spec: TensorSpec
) -> NDArray[np.int8]:
    """Return the model input of one crop, of the shape and quantisation of ``spec``.

    Raises:
        ShapeError: If the crop has another shape or dtype.
    """
    codes = quantise(normalise_crop(crop, settings), spec)
    return np.asarray(codes.reshape(spec.shape), dtype=np.int8)
