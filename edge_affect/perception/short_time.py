"""Power spectra of short stretches of sound, computed once for everything prosodic.

A frame is 50 ms long, three periods of the lowest voice, and stands on a grid of 10 ms. Frames
depend on their own samples alone.
"""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.errors import ShapeError
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_FRAME = 800
N_STEP = 160
N_FFT = 800
FRAME_RATE_HZ = SAMPLE_RATE_HZ / N_STEP
BIN_HZ = SAMPLE_RATE_HZ / N_FFT
LOW_HZ = 50.0
"""Rumble and offset below this count for nothing."""
SILENCE_DB = -96.0
OCTAVE_EDGES_HZ = (88.0, 177.0, 354.0, 707.0, 1414.0, 2828.0, 5657.0)
"""Edges of the octave bands around 125 Hz to 4 kHz (IEC 61260)."""
N_BANDS = len(OCTAVE_EDGES_HZ) - 1
MOMENT = N_BANDS
"""Column of `frame_bands` that holds power times frequency in Hz."""
TOTAL = N_BANDS + 1
"""Column of `frame_bands` that holds the power of all bins above ``LOW_HZ``."""


@lru_cache(maxsize=1)
def taper() -> NDArray[np.float32]:
    """Return the symmetric Hann taper of a frame."""
    phase = 2.0 * np.pi * (np.arange(N_FRAME) + 0.5) / N_FRAME
    return np.asarray(0.5 - 0.5 * np.cos(phase), dtype=np.float32)


@lru_cache(maxsize=1)
def _scaled_taper() -> NDArray[np.float32]:
    """Return the taper, scaled so that squares of the transform are shares of mean power."""
    energy = float(np.square(taper(), dtype=np.float64).sum())
    return np.asarray(taper() * np.sqrt(2.0 / (N_FFT * energy)), dtype=np.float32)


def split(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return all complete frames as a view of shape ``(n_frames, N_FRAME)``.

    Args:
        samples: Mono, shape ``(n_samples,)``, float32, range [-1, 1].

    Raises:
        ShapeError: If ``samples`` is not one-dimensional float32.
    """
    if samples.ndim != 1 or samples.dtype != np.float32:
        raise ShapeError("Prosody needs one-dimensional float32 samples.")
    if samples.size < N_FRAME:
        return np.empty((0, N_FRAME), dtype=np.float32)
    return np.lib.stride_tricks.sliding_window_view(samples, N_FRAME)[::N_STEP]


def frame_power(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the power spectrum of tapered frames.

    A bin holds its share of the mean square of the frame's samples, so that all bins of a frame
    sum to its power with full scale at 1 (Parseval).

    Args:
        frames: Shape ``(n_frames, N_FRAME)``, from `split`.

    Returns:
        Shape ``(n_frames, N_FFT // 2 + 1)``, float32.
    """
    if frames.shape[0] == 0:
        return np.empty((0, N_FFT // 2 + 1), dtype=np.float32)
    # scipy's transform would save 0.2 ms for each second of sound and cost 25 MB of memory; that
    # of numpy is quicker in float64 than in float32.
    spectrum = np.fft.rfft(np.multiply(frames, _scaled_taper(), dtype=np.float64), axis=1)
    power = np.square(spectrum.real)
    power += np.square(spectrum.imag)
    return np.asarray(power, dtype=np.float32)


@lru_cache(maxsize=1)
def _columns() -> NDArray[np.float32]:
    bins_hz = np.arange(N_FFT // 2 + 1) * BIN_HZ
    edges = itertools.pairwise(OCTAVE_EDGES_HZ)
    columns = [(bins_hz >= low) & (bins_hz < high) for low, high in edges]
    is_heard = bins_hz >= LOW_HZ
    return np.stack([*columns, is_heard * bins_hz, is_heard], axis=1).astype(np.float32)


def frame_bands(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return octave-band power, spectral moment and total, shape ``(n_frames, N_BANDS + 2)``."""
    return np.asarray(power @ _columns(), dtype=np.float32)


def level_db(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return power in dB relative to full scale; digital silence maps to ``SILENCE_DB``."""
    floor = 10.0 ** (SILENCE_DB / 10.0)
    return np.asarray(10.0 * np.log10(np.maximum(power, floor)), dtype=np.float32)
