"""Whether one channel of a recording is one side of a call, or the same mix as another channel."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.capture.media_file import MediaReader

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

SAME_R2 = 0.95
"""Channels whose samples explain so much of each other's variance, but for one gain, are alike."""
OTHER_R2 = 0.5
SILENT_POWER = 1e-7
"""What lies below this mean square (-70 dB full scale) tells nothing."""
ENOUGH_S = 10.0
"""Once so much was heard and the channels differ plainly, the rest need not be heard."""


def is_side_of_call(path: Path, channel: int) -> bool:
    """Return whether a channel differs from every other one, as the sides of a call do.

    A mix of both sides that was saved as stereo has the same sound on both channels, but for a
    gain and what a lossy codec does. Where each side is heard faintly on the other's channel the
    gain turns round with each speaker, so that the channels as a whole still differ. A recording
    in which nothing is heard has no side that could be told: True.

    Args:
        path: A media file.
        channel: Which channel, from 1.

    Returns:
        False where there is one channel alone, or another channel is like this one.

    Raises:
        MediaError: If it is damaged, or holds no sound.
    """
    reader = MediaReader(path, "audio")
    heard_s = 0.0
    sums: NDArray[np.float64] = np.zeros((3, 0))
    try:
        for sound in reader.sounds():
            n_channels = sound.frames.shape[1]
            if n_channels < max(channel, 2) or sums.shape[1] not in {0, n_channels - 1}:
                return False
            if float(np.mean(np.square(sound.frames))) < SILENT_POWER:
                continue
            sums = _products(sound.frames.astype(np.float64), channel - 1) + (
                sums if sums.size else 0.0
            )
            heard_s += sound.frames.shape[0] / sound.rate_hz
            if heard_s >= ENOUGH_S and _likeness(sums) < OTHER_R2:
                return True
    finally:
        reader.close()
    return not sums.size or _likeness(sums) < SAME_R2


def _products(frames: NDArray[np.float64], index: int) -> NDArray[np.float64]:
    """Return own, others' and mixed sums of products, shape ``(3, n_channels - 1)``."""
    own, others = frames[:, index : index + 1], np.delete(frames, index, axis=1)
    return np.stack(
        [
            np.broadcast_to(np.sum(own * own), others.shape[1]),
            np.sum(others * others, axis=0),
            np.sum(own * others, axis=0),
        ]
    )


def _likeness(sums: NDArray[np.float64]) -> float:
    """Return the largest squared correlation with another channel, [0, 1]."""
    own, others, mixed = sums
    return float(np.max(mixed**2 / np.maximum(own * others, np.finfo(np.float64).tiny)))
