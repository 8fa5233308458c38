"""Beards drawn on face crops: what a mouth shows does not depend on what grows around it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def grow_beards(
    crops: NDArray[np.uint8], share: float, generator: np.random.Generator
) -> NDArray[np.uint8]:
    """Return crops of which a share wears a drawn beard, shape ``(n, size, size)``, uint8.

    Dark, speckled, with soft edges, around a mouth at the place where crops have it, from stubble
    to full. Nothing else changes, least of all what the face shows: whoever learns from them learns
    that a beard is no reason to call a smile neutral.

    Args:
        crops: Shape ``(n, size, size)``, uint8.
        share: How many, [0, 1].
        generator: Of everything random.
    """
    result = crops.copy()
    size = crops.shape[1]
    down, across = np.mgrid[0:size, 0:size] / (size - 1.0)
    for row in np.flatnonzero(generator.random(crops.shape[0]) < share):
        middle, mouth = generator.normal(0.5, 0.02), generator.normal(0.76, 0.02)
        top, width = generator.uniform(0.6, 0.72), generator.uniform(0.26, 0.34)
        half = (across - middle) / width
        # Cheeks are bare further down near the middle line, where the moustache begins.
        hair = _soft(down - top + 0.1 * half**2 - 0.05) * _soft(0.95 - np.abs(half), 0.08)
        lips = ((across - middle) / 0.17) ** 2 + ((down - mouth) / 0.06) ** 2
        hair *= _soft(lips - 1.0, 0.25) * generator.uniform(0.35, 0.8)
        dark = generator.uniform(0.15, 0.5) * np.median(crops[row])
        speckle = generator.normal(0.0, 8.0, (size, size))
        blended = (1.0 - hair) * crops[row] + hair * (dark + speckle)
        result[row] = np.clip(np.rint(blended), 0, 255).astype(np.uint8)
    return result


def _soft(distance: NDArray[np.float64], width: float = 0.03) -> NDArray[np.float64]:
    """Return a step that rises from 0 to 1 around 0."""
    return np.asarray(1.0 / (1.0 + np.exp(-np.clip(distance / width, -30.0, 30.0))))
