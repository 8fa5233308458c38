"""How rough and how bright a voice is: jitter, shimmer, spectral slope and centroid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.short_time import (
    MOMENT,
    N_FRAME,
    N_STEP,
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


def cycle_changes(samples: NDArray[np.float32], f0_hz: NDArray[np.float32]) -> CycleChanges:
    """Compare the period in the middle of each frame with the one before and the one after.

    The neighbours are found by matching wave forms (Titze and Liang, "Comparison of F0 extraction
    methods for high-precision voice perturbation measurements", JSHR 36, 1993), which noise and
    formants disturb less than picking pulses. Matching averages over a whole cycle, so the median
    over a stretch reads 0.45 of the made deviation, in proportion (about 0.6 for shimmer). Three
    periods and a little must fit the frame, so voices below about 67 Hz give NaN.

    Args:
        samples: Those that `short_time.split` makes the frames of.
        f0_hz: Shape ``(n_frames,)``; NaN where there is no voice.
    """
    jitter = np.full(f0_hz.size, np.nan, dtype=np.float32)
    shimmer_db = np.full(f0_hz.size, np.nan, dtype=np.float32)
    n_needed = (3.0 + 2.0 * N_SHIFT / N_POINTS) * SAMPLE_RATE_HZ / (N_FRAME - 2)
    usable = np.flatnonzero(f0_hz > n_needed)
    if usable.size:
        periods = np.asarray(SAMPLE_RATE_HZ / f0_hz[usable], dtype=np.float32)
        jitter[usable], shimmer_db[usable] = _compare(_resampled(samples, usable, periods))
    return CycleChanges(jitter, shimmer_db)


def _resampled(
    samples: NDArray[np.float32], rows: NDArray[np.intp], periods: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return three periods and a margin at ``N_POINTS`` points a period, linear in between."""
    points = (np.arange(-N_SHIFT, 3 * N_POINTS + N_SHIFT) / N_POINTS - 1.5).astype(np.float32)
    at = (N_FRAME - 1) / 2.0 + periods[:, np.newaxis] * points
    left = at.astype(np.intp)
    share = (at - left).astype(np.float32)
    left += rows[:, np.newaxis] * N_STEP
    return np.asarray(samples[left] * (1.0 - share) + samples[left + 1] * share, dtype=np.float32)


def _compare(cycles: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return jitter and shimmer of resampled periods; NaN where no neighbour fits."""
    centred = cycles - cycles.mean(axis=1, keepdims=True)
    first = N_SHIFT + N_POINTS
    middle = centred[:, first : first + N_POINTS]
    sides = np.stack(
        [centred[:, : N_POINTS + 2 * N_SHIFT], centred[:, first + N_POINTS - N_SHIFT :]]
    )
    (before, after), energies = _best_shifts(sides, middle)
    # The cycle before is N_POINTS - its shift long, the cycle after N_POINTS + its shift.
    jitter = np.abs(after + before) / N_POINTS
    ratios = (energies + _TINY) / (np.square(middle).sum(axis=1) + _TINY)
    return jitter, 10.0 * np.abs(np.log10(ratios)).mean(axis=0)


def _best_shifts(
    sides: NDArray[np.float32], middle: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return by how many points the likest periods are off, and their energies.

    Args:
        sides: Shape ``(2, n, N_POINTS + 2 * N_SHIFT)``, where the neighbours lie.
        middle: Shape ``(n, N_POINTS)``.

    Returns:
        Shifts refined by a parabola, NaN where the likest is at the edge, and energies; each of
        shape ``(2, n)``.
    """
    shifted = np.lib.stride_tricks.sliding_window_view(sides, N_POINTS, axis=2)
    products = np.einsum("irsp,rp->irs", shifted, middle)
    energies = np.einsum("irsp,irsp->irs", shifted, shifted)
    likeness = products / np.sqrt(energies + _TINY)
    best = likeness[:, :, 1:-1].argmax(axis=2)
    at = best + np.arange(best.size).reshape(best.shape) * likeness.shape[2]
    left, top, right = likeness.take(at), likeness.take(at + 1), likeness.take(at + 2)
    bend = left - 2.0 * top + right
    is_peak = (top >= left) & (top >= right) & (bend < 0.0)
    shift = 0.5 * (left - right) / np.where(is_peak, bend, -1.0)
    off = np.where(is_peak, best + (1 - N_SHIFT) + shift, np.nan)
    return off.astype(np.float32), energies.take(at + 1)


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
