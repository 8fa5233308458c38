"""How far a face crop can be read at all, from its grey levels and its size in the frame.

Five things spoil a crop: too few pixels, blur, noise, too little contrast, and light beyond the
sensor's range. Each is one number and is placed between two anchors: at ``GOOD`` a crop is read as
well as any, at ``POOR`` about half of what the model knows beyond guessing is lost. Both were read
off the robustness curves on the development part of FER+ (``edge-affect evaluate face --split dev
--robustness`` prints them). The weakest of the five is the quality of the crop. What quality is
enough is up to the model: ``min_quality`` in its manifest.

JPEG blocks, turned heads and covered mouths are not seen here; there the probabilities themselves
fall.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIDE_PX = 48
"""Crops of another side are brought to this one first: sharpness means nothing without a scale."""
MIN_SIDE_PX = 8
BLACK = 2
"""Grey levels up to this one hold no detail."""
WHITE = 253
"""Grey levels from this one on hold no detail."""
LAPLACIAN_NOISE = 20.0
"""Variance of the Laplacian of white noise of variance 1: the sum of its squared weights."""
NOISE_MASK_SUM = 6.0
"""Root of the summed squared weights of Immerkaer's mask."""
SMALLEST = 1e-6
"""Stands for zero where a logarithm is taken."""


@dataclass(frozen=True, slots=True)
class Measures:
    """What is measured on one crop.

    Attributes:
        width_px: Of the face in the frame.
        sharpness: Variance of the Laplacian, without what noise adds to it, over the variance of
            the crop.
        noise: Deviation of the noise over the deviation of the crop.
        contrast: Deviation of the crop in grey levels.
        clipped: Share of pixels that are black or white, [0, 1].
    """

    width_px: float
    sharpness: float
    noise: float
    contrast: float
    clipped: float


POOR = Measures(width_px=9.0, sharpness=0.005, noise=0.57, contrast=1.1, clipped=0.75)
GOOD = Measures(width_px=28.0, sharpness=0.06, noise=0.2, contrast=4.3, clipped=0.2)


def measure_crop(crop: NDArray[np.uint8], face_width_px: float) -> Measures:
    """Return what can be measured on one crop.

    Sharpness is the energy of the Laplacian (J. Pech-Pacheco et al., 2000, "Diatom autofocusing in
    brightfield microscopy"), here over the variance, so that contrast does not count twice. Noise
    is estimated by the mask that is blind to edges (J. Immerkaer, 1996, "Fast noise variance
    estimation").

    Args:
        crop: Grey, shape ``(side, side)``, uint8, side >= 8.
        face_width_px: Width of the face in the frame that the crop was cut from, > 0.

    Raises:
        ShapeError: If the crop has another shape or dtype, or the width is not above 0.
    """
    is_square = crop.ndim == 2 and crop.shape[0] == crop.shape[1] >= MIN_SIDE_PX
    if not is_square or crop.dtype != np.uint8:
        raise ShapeError(f"A crop must be square, grey and uint8, not {crop.dtype} {crop.shape}.")
    if not face_width_px > 0:
        raise ShapeError(f"A face must be wider than 0 px, not {face_width_px}.")
    if crop.shape[0] != SIDE_PX:
        crop = _resized(crop)
    grey = crop.astype(np.float32)
    across = grey[:, 2:] + grey[:, :-2] - 2.0 * grey[:, 1:-1]
    down = grey[2:] + grey[:-2] - 2.0 * grey[1:-1]
    laplacian = across[1:-1] + down[:, 1:-1]
    crossed = across[2:] + across[:-2] - 2.0 * across[1:-1]
    noise = math.sqrt(math.pi / 2.0) * float(np.abs(crossed).mean()) / NOISE_MASK_SUM
    grey -= grey.mean()
    deviation = max(math.sqrt(_mean_square(grey)), SMALLEST)
    # The Laplacian's mean is next to nothing, so its mean square stands for its variance.
    energy = _mean_square(laplacian) - LAPLACIAN_NOISE * noise**2
    # Wrapping round turns both ends of the range into one comparison.
    n_clipped = np.count_nonzero(crop + np.uint8(255 - WHITE + 1) <= BLACK + 255 - WHITE + 1)
    return Measures(
        width_px=float(face_width_px),
        sharpness=max(energy, 0.0) / deviation**2,
        noise=noise / deviation,
        contrast=deviation,
        clipped=n_clipped / crop.size,
    )


def rate(measures: Measures) -> Measures:
    """Return each measure placed between its anchors, [0, 1]; 1 is good."""
    return Measures(
        width_px=_log_place(measures.width_px, POOR.width_px, GOOD.width_px),
        sharpness=_log_place(measures.sharpness, POOR.sharpness, GOOD.sharpness),
        noise=_log_place(measures.noise, POOR.noise, GOOD.noise),
        contrast=_log_place(measures.contrast, POOR.contrast, GOOD.contrast),
        clipped=_place(measures.clipped, POOR.clipped, GOOD.clipped),
    )


def crop_quality(crop: NDArray[np.uint8], face_width_px: float) -> float:
    """Return how far a crop can be read, [0, 1]: the rating of its weakest measure.

    Args:
        crop: Grey, shape ``(side, side)``, uint8, side >= 8; the one the expression model reads.
        face_width_px: Width of the face's box in the frame that the crop was cut from, > 0.

    Raises:
        ShapeError: If the crop has another shape or dtype, or the width is not above 0.
    """
    rating = rate(measure_crop(crop, face_width_px))
    return min(rating.width_px, rating.sharpness, rating.noise, rating.contrast, rating.clipped)


def _resized(crop: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    image = Image.fromarray(crop).resize((SIDE_PX, SIDE_PX), Image.Resampling.BILINEAR)
    return np.asarray(image)


def _mean_square(values: NDArray[np.float32]) -> float:
    flat = values.ravel()
    return float(np.dot(flat, flat)) / flat.size


def _log_place(value: float, poor: float, good: float) -> float:
    return _place(math.log(max(value, SMALLEST)), math.log(poor), math.log(good))


def _place(value: float, poor: float, good: float) -> float:
    return min(1.0, max(0.0, (value - poor) / (good - poor)))
