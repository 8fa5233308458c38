"""From any rate and any number of channels to 16 kHz mono; one path for devices and files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

BEYOND = 100.0
"""No sound is so far beyond full scale: such samples, and those that are no numbers, come from a
broken device or file of floating-point samples."""


def to_mono(frames: NDArray[np.float32], channel: int) -> NDArray[np.float32]:
    """Return one channel, or the mean of all.

    Args:
        frames: Shape ``(n_frames, n_channels)``, range [-1, 1].
        channel: Which channel, from 1; 0 mixes all.

    Returns:
        Shape ``(n_frames,)``, float32.

    Raises:
        ShapeError: If there is no such channel.
    """
    if frames.ndim != 2 or not 0 <= channel <= frames.shape[1]:
        raise ShapeError(f"There is no channel {channel} in sound of shape {frames.shape}.")
    if channel > 0:
        return np.ascontiguousarray(frames[:, channel - 1])
    mixed: NDArray[np.float32] = frames.mean(axis=1, dtype=np.float32)
    return mixed


class Resampler:
    """Turns a stream of mono samples at one rate into a stream at 16 kHz.

    The first sample out belongs to the first sample in; the library holds back a few
    milliseconds until it has seen what follows them.

    Args:
        rate_hz: Rate of what goes in, > 0.
    """

    def __init__(self, rate_hz: float) -> None:
        self._stream = None
        if rate_hz != SAMPLE_RATE_HZ:
            import soxr  # type: ignore[import-untyped]  # ships no types

            self._stream = soxr.ResampleStream(
                rate_hz, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ"
            )

    def push(self, samples: NDArray[np.float32], *, is_last: bool = False) -> NDArray[np.float32]:
        """Return what the given samples complete.

        Args:
            samples: Shape ``(n_samples,)``, range [-1, 1]; may be empty.
            is_last: Whether nothing follows, so that nothing is held back.

        Returns:
            Shape ``(n_samples_out,)``, float32, clipped to [-1, 1]; often empty at first.
        """
        if not float(np.abs(samples).max(initial=0.0)) <= BEYOND:
            # One of them would stay for ever in whatever remembers the sound before.
            samples = np.clip(np.nan_to_num(samples), np.float32(-1.0), np.float32(1.0))
        if self._stream is not None:
            samples = self._stream.resample_chunk(samples, last=is_last)
        # A filter overshoots at steps; what leaves keeps the documented range.
        return np.clip(samples, np.float32(-1.0), np.float32(1.0))
