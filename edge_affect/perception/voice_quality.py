"""How rough and how bright a voice is: jitter, shimmer, spectral slope and centroid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.short_time import (
    MOMENT,
    N_FRAME,
    OCTAVE_EDGES_HZ,
    TOTAL,
)
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_POINTS = 32
"""Points that one period is sampled at."""
N_SHIFT = 4
"""Neighbouring periods are looked for within so many points: an eighth of a period."""
SLOPE_BANDS = slice(2, 6)
"""The octave bands around 500 Hz to 4 kHz; each holds a harmonic of any voice."""
MIN_NOISE_FRAMES = 15
MIN_LEFT = 0.05
"""At least this share of a band is left when the noise is taken off."""
_TINY = 1e-12


@dataclass(frozen=True, slots=True)
class CycleChanges:
    """How neighbouring periods of each frame differ.

    Attributes:
        jitter: Difference of their lengths over the period, shape ``(n_frames,)``, float32,
            [0, 0.25]; NaN where it could not be measured.
        shimmer_db: Difference of their levels in dB, same shape, >= 0; NaN as above.
    """

    jitter: NDArray[np.float32]
    shimmer_db: NDArray[np.float32]


def cycle_changes(frames: NDArray[np.float32], f0_hz: NDArray[np.float32]) -> CycleChanges:
    """Compare the period in the middle of each frame with the one before and the one after.

    The neighbours are found by matching wave forms (Titze and Liang, "Comparison of F0 extraction
    methods for high-precision voice perturbation measurements", JSHR 36, 1993), which noise and
    formants disturb less than picking pulses. Three periods and a little must fit the frame, so
    voices below about 67 Hz give NaN.

    Args:
        frames: Shape ``(n_frames, N_FRAME)``, from `short_time.split`.
        f0_hz: Shape ``(n_frames,)``; NaN where there is no voice.
    """
    jitter = np.full(f0_hz.size, np.nan, dtype=np.float32)
    shimmer_db = np.full(f0_hz.size, np.nan, dtype=np.float32)
    n_needed = (3.0 + 2.0 * N_SHIFT / N_POINTS) * SAMPLE_RATE_HZ / (N_FRAME - 2)
    usable = np.flatnonzero(f0_hz > n_needed)
    if usable.size:
        periods = SAMPLE_RATE_HZ / f0_hz[usable]
        jitter[usable], shimmer_db[usable] = _compare(_resampled(frames, usable, periods))
    return CycleChanges(jitter, shimmer_db)


def _resampled(
    frames: NDArray[np.float32], rows: NDArray[np.intp], periods: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return three periods and a margin at ``N_POINTS`` points a period, linear in between."""
    points = (np.arange(-N_SHIFT, 3 * N_POINTS + N_SHIFT) / N_POINTS - 1.5).astype(np.float32)
    at = (N_FRAME - 1) / 2.0 + periods[:, np.newaxis] * points
    left = at.astype(np.intp)
    share = (at - left).astype(np.float32)
    flat = left + rows[:, np.newaxis] * N_FRAME
    samples = np.ascontiguousarray(frames).reshape(-1)
    return np.asarray(samples[flat] * (1.0 - share) + samples[flat + 1] * share, dtype=np.float32)


def _compare(cycles: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return jitter and shimmer of resampled periods; NaN where no shift fits inside the range."""
    centred = cycles - cycles.mean(axis=1, keepdims=True)
    first = N_SHIFT + N_POINTS
    middle = centred[:, first : first + N_POINTS]
    before, energy_before = _best_shift(centred[:, : N_POINTS + 2 * N_SHIFT], middle)
    after, energy_after = _best_shift(centred[:, first + N_POINTS - N_SHIFT :], middle)
    # The middle period is N_POINTS + shift long on one side and N_POINTS - shift on the other.
    jitter = np.abs(after + before) / N_POINTS
    energy = np.square(middle).sum(axis=1) + _TINY
    ratio_db = 10.0 * np.abs(np.log10((energy_after + _TINY) / energy))
    ratio_db += 10.0 * np.abs(np.log10((energy_before + _TINY) / energy))
    return jitter.astype(np.float32), (0.5 * ratio_db).astype(np.float32)


def _best_shift(
    stretch: NDArray[np.float32], middle: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return by how many points the likest period is off, refined by a parabola, and its energy."""
    shifted = np.lib.stride_tricks.sliding_window_view(stretch, N_POINTS, axis=1)
    products = np.matmul(shifted, middle[:, :, np.newaxis])[:, :, 0]
    running = np.cumsum(np.square(stretch, dtype=np.float64), axis=1)
    energies = running[:, N_POINTS - 1 :].copy()
    energies[:, 1:] -= running[:, :-N_POINTS]
    likeness = products / np.sqrt(energies + _TINY)
    rows = np.arange(stretch.shape[0])
    best = np.clip(likeness[:, 1:-1].argmax(axis=1) + 1, 1, 2 * N_SHIFT - 1)
    left, top, right = (likeness[rows, best + step] for step in (-1, 0, 1))
    bend = left - 2.0 * top + right
    is_peak = bend < 0.0
    shift = 0.5 * (left - right) / np.where(is_peak, bend, -1.0)
    off = np.where(is_peak & (np.abs(shift) <= 1.0), best + shift - N_SHIFT, np.nan)
    return off, energies[rows, best]


def voice_spectrum(
    bands: NDArray[np.float32], is_voiced: NDArray[np.bool_], is_noise: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the mean of the voiced frames' columns, less that of the noise frames.

    Spectral subtraction (Boll, 1979) of the room's noise, where there is enough of it alone.

    Args:
        bands: Shape ``(n_frames, n_columns)``, from `short_time.frame_bands`.
        is_voiced: Shape ``(n_frames,)``, at least one True.
        is_noise: Shape ``(n_frames,)``.
    """
    voice = bands[is_voiced].mean(axis=0, dtype=np.float64)
    if np.count_nonzero(is_noise) < MIN_NOISE_FRAMES:
        return np.asarray(voice)
    noise = bands[is_noise].mean(axis=0, dtype=np.float64)
    return np.asarray(np.maximum(voice - noise, MIN_LEFT * voice))


def slope_db_per_octave(spectrum: NDArray[np.float64]) -> float:
    """Return the slope of power density from 354 Hz to 5.7 kHz, by least squares over octaves.

    A flat spectrum has 0, a normal voice -6 to -12, a soft or sad one less, a pressed one more:
    the long-term average spectrum's tilt (Hammarberg et al., Acta Otolaryngologica 90, 1980;
    Löfqvist and Mandersson, 1987) over whole octaves, so that pitch hardly moves it.

    Args:
        spectrum: Shape ``(n_columns,)``, from `voice_spectrum`.
    """
    widths_hz = np.diff(np.array(OCTAVE_EDGES_HZ))[SLOPE_BANDS]
    density_db = 10.0 * np.log10(np.maximum(spectrum[SLOPE_BANDS], _TINY) / widths_hz)
    octaves = np.arange(density_db.size) - (density_db.size - 1) / 2.0
    return float(octaves @ density_db / (octaves @ octaves))


def centroid_hz(spectrum: NDArray[np.float64]) -> float:
    """Return the mean frequency of a power spectrum, its centre of gravity, [50, 8000] Hz.

    Args:
        spectrum: Shape ``(n_columns,)``, from `voice_spectrum`.
    """
    return float(spectrum[MOMENT] / max(spectrum[TOTAL], _TINY))
