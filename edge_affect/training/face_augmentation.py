"""Random changes to face crops, such as cameras and alignment make."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from PIL import Image
from torch.nn import functional

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class FaceAugmentation:
    """How far and how often crops are changed.

    Attributes:
        rotation_deg: Largest rotation either way.
        scale: Largest relative change of size either way.
        shift_px: Largest shift either way, along each side.
        tone: Chance of another gamma and contrast.
        blur: Chance of a Gaussian blur.
        resample: Chance of being shrunk to 16-40 px and blown up again.
        noise: Chance of sensor noise.
        jpeg: Chance of JPEG artefacts.
        erase: Chance of a grey rectangle.
    """

    rotation_deg: float = 14.0
    scale: float = 0.15
    shift_px: float = 4.0
    tone: float = 0.4
    blur: float = 0.15
    resample: float = 0.2
    noise: float = 0.2
    jpeg: float = 0.1
    erase: float = 0.4


def augment(
    crops: NDArray[np.uint8], settings: FaceAugmentation, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Return changed copies of crops, shape ``(n, size, size)``, uint8."""
    images = torch.from_numpy(crops[:, np.newaxis].astype(np.float32))
    images = _warp(images, settings, generator)
    images = _soften(images, settings, generator)
    images = _tone(images, settings, generator)
    n = images.shape[0]
    noise = generator.uniform(2.0, 10.0, n) * (generator.random(n) < settings.noise)
    drawn = generator.standard_normal(images.shape, dtype=np.float32)
    images += torch.from_numpy(drawn * noise.astype(np.float32)[:, None, None, None])
    result = images.clamp(0, 255).round().to(torch.uint8).numpy()[:, 0].copy()
    for row in np.flatnonzero(generator.random(n) < settings.jpeg):
        result[row] = _jpeg(result[row], int(generator.integers(20, 70)))
    for row in np.flatnonzero(generator.random(n) < settings.erase):
        _erase(result[row], generator)
    return result


def _warp(
    images: torch.Tensor, settings: FaceAugmentation, generator: np.random.Generator
) -> torch.Tensor:
    n, _, size, _ = images.shape
    angle = np.deg2rad(generator.uniform(-settings.rotation_deg, settings.rotation_deg, n))
    zoom = np.exp(generator.uniform(-settings.scale, settings.scale, n))
    mirror = np.where(generator.random(n) < 0.5, -1.0, 1.0)
    shift = generator.uniform(-settings.shift_px, settings.shift_px, (n, 2)) * 2.0 / size
    matrix = np.empty((n, 2, 3), dtype=np.float32)
    matrix[:, 0, 0] = np.cos(angle) * zoom * mirror
    matrix[:, 0, 1] = -np.sin(angle) * zoom
    matrix[:, 1, 0] = np.sin(angle) * zoom * mirror
    matrix[:, 1, 1] = np.cos(angle) * zoom
    matrix[:, :, 2] = shift
    grid = functional.affine_grid(torch.from_numpy(matrix), list(images.shape), align_corners=False)
    return functional.grid_sample(
        images, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def _soften(
    images: torch.Tensor, settings: FaceAugmentation, generator: np.random.Generator
) -> torch.Tensor:
    n, size = images.shape[0], images.shape[2]
    for row in np.flatnonzero(generator.random(n) < settings.resample):
        small = int(generator.integers(16, 41))
        shrunk = functional.interpolate(
            images[row : row + 1], size=(small, small), mode="bilinear", antialias=True
        )
        images[row] = functional.interpolate(shrunk, size=(size, size), mode="bilinear")[0]
    offsets = torch.arange(-2.0, 3.0)
    for row in np.flatnonzero(generator.random(n) < settings.blur):
        kernel = torch.exp(-0.5 * (offsets / float(generator.uniform(0.4, 1.2))) ** 2)
        kernel = (kernel[:, None] * kernel[None, :] / kernel.sum() ** 2)[None, None]
        padded = functional.pad(images[row : row + 1], (2, 2, 2, 2), mode="replicate")
        images[row] = functional.conv2d(padded, kernel)[0]
    return images


def _tone(
    images: torch.Tensor, settings: FaceAugmentation, generator: np.random.Generator
) -> torch.Tensor:
    n = images.shape[0]
    changed = generator.random(n) < settings.tone
    gamma = np.where(changed, np.exp(generator.uniform(-0.5, 0.5, n)), 1.0)
    contrast = np.where(changed, generator.uniform(0.5, 1.2, n), 1.0)
    offset = np.where(changed, generator.uniform(-50.0, 50.0, n), 0.0)
    gamma_t, contrast_t, offset_t = (
        torch.from_numpy(values.astype(np.float32))[:, None, None, None]
        for values in (gamma, contrast, offset)
    )
    curved = 255.0 * (images.clamp(0, 255) / 255.0) ** gamma_t
    return (curved - 128.0) * contrast_t + 128.0 + offset_t


def _jpeg(crop: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    memory = io.BytesIO()
    Image.fromarray(crop).save(memory, format="JPEG", quality=quality)
    return np.asarray(Image.open(memory), dtype=np.uint8)


def _erase(crop: NDArray[np.uint8], generator: np.random.Generator) -> None:
    size = crop.shape[0]
    height, width = generator.integers(size // 8, size // 2, 2)
    top, left = generator.integers(0, size - height), generator.integers(0, size - width)
    crop[top : top + height, left : left + width] = int(generator.integers(0, 256))
