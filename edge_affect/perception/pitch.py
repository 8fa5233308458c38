"""Fundamental frequency and voicing from the autocorrelation of short frames.

The autocorrelation of the tapered frame over that of the taper is that of the sound itself, and
its highest peak at a plausible lag gives period and harmonicity (Boersma, "Accurate short-term
analysis of the fundamental frequency", IFA Proceedings 17, 1993). It is taken here as one matrix
product of the low part of the power spectrum with cosines, which noise above speech's strong
harmonics does not reach. Octave errors are dealt with afterwards, against the neighbourhood.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.perception.short_time import BIN_HZ, LOW_HZ, N_FFT, taper
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

MIN_F0_HZ = 60.0
MAX_F0_HZ = 600.0
N_CANDIDATES = 4
MIN_VOICED_HARMONICITY = 0.55
MIN_PEAK = 0.2
TOP_HZ = 2_500.0
"""Middle of the soft upper end of the spectrum that pitch is read from."""
OCTAVE_COST = 0.05
"""Harmonicity by which a peak at double the period must be higher to be preferred."""
JUMP_COST = 0.4
"""Harmonicity by which a candidate an octave off its neighbourhood must be higher."""
FREE_JUMP_OCTAVES = 0.25
N_AROUND = 15
"""Frames on either side that make a neighbourhood (150 ms)."""
N_STRIDE = 3
"""Every so many frames a median is taken, of every so many frames."""
QUIET_POWER = 1e-9
"""Sound about as weak as this (-90 dB) loses its harmonicity."""
_FIRST_LAG = int(SAMPLE_RATE_HZ / MAX_F0_HZ) - 1
_LAST_LAG = int(SAMPLE_RATE_HZ / MIN_F0_HZ) + 1


@dataclass(frozen=True, slots=True)
class PitchCandidates:
    """Periodicities of consecutive frames, the likeliest first.

    Attributes:
        f0_hz: Shape ``(n_frames, N_CANDIDATES)``, float32; NaN where there is no further one.
        harmonicity: Same shape, [0, 1]; 0 where there is none.
    """

    f0_hz: NDArray[np.float32]
    harmonicity: NDArray[np.float32]


@lru_cache(maxsize=1)
def _correlators() -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the weights of the spectrum's low bins, and those times cosines over the taper's."""
    bins_hz = np.arange(N_FFT // 2 + 1) * BIN_HZ
    rising = np.clip((bins_hz - LOW_HZ) / 20.0 + 0.5, 0.0, 1.0)
    falling = np.clip((1.15 * TOP_HZ - bins_hz) / (0.3 * TOP_HZ), 0.0, 1.0)
    n_bins = int(np.flatnonzero(rising * falling)[-1]) + 1
    weights = (rising * falling)[:n_bins]
    lags = np.arange(_FIRST_LAG, _LAST_LAG + 1)
    of_taper = np.fft.irfft(np.abs(np.fft.rfft(taper(), N_FFT)) ** 2)
    cosines = np.cos(2.0 * np.pi * np.outer(np.arange(n_bins), lags) / N_FFT)
    matrix = weights[:, np.newaxis] * cosines * (of_taper[0] / of_taper[lags])
    return weights.astype(np.float32), matrix.astype(np.float32)


def autocorrelation(power: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the normalised autocorrelation at the lags of a voice.

    Args:
        power: Shape ``(n_frames, N_FFT // 2 + 1)``, from `short_time.frame_power`.

    Returns:
        Shape ``(n_frames, n_lags)``, float32, 1 for a perfect period.
    """
    weights, matrix = _correlators()
    low = power[:, : weights.size]
    total = low @ weights + np.float32(QUIET_POWER)
    return np.asarray((low @ matrix) / total[:, np.newaxis], dtype=np.float32)


def pitch_candidates(power: NDArray[np.float32]) -> PitchCandidates:
    """Return the highest peaks of the autocorrelation, refined by a parabola.

    Args:
        power: Shape ``(n_frames, N_FFT // 2 + 1)``, from `short_time.frame_power`.
    """
    r = autocorrelation(power)
    middle = r[:, 1:-1]
    is_peak = (middle > r[:, :-2]) & (middle >= r[:, 2:]) & (middle > MIN_PEAK)
    flat = np.flatnonzero(is_peak)
    row, place = np.divmod(flat, middle.shape[1])
    at = row * r.shape[1] + place
    left, top, right = r.take(at), r.take(at + 1), r.take(at + 2)
    shift = 0.5 * (left - right) / (left - 2.0 * top + right)
    lag = place + (_FIRST_LAG + 1 + shift)
    merit = top - OCTAVE_COST * np.log2(lag)
    order = np.lexsort((-merit, row))
    rank = np.arange(row.size) - np.searchsorted(row, row)
    kept = order[rank < N_CANDIDATES]
    where = row[kept] * N_CANDIDATES + rank[rank < N_CANDIDATES]
    f0_hz = np.full((r.shape[0], N_CANDIDATES), np.nan, dtype=np.float32)
    harmonicity = np.zeros((r.shape[0], N_CANDIDATES), dtype=np.float32)
    f0_hz.put(where, SAMPLE_RATE_HZ / lag[kept])
    height = top - 0.25 * (left - right) * shift
    harmonicity.put(where, np.minimum(height, 1.0)[kept])
    return PitchCandidates(f0_hz, harmonicity)


def choose(candidates: PitchCandidates) -> NDArray[np.intp]:
    """Return which candidate of each frame fits its neighbourhood, shape ``(n_frames,)``.

    A frame's own preference is corrected twice by the median pitch of the voiced frames within
    ``N_AROUND`` of it: whatever is more than ``FREE_JUMP_OCTAVES`` away from that pays.
    """
    is_there = candidates.harmonicity > 0.0
    octave = np.log2(np.where(is_there, candidates.f0_hz, np.float32(MAX_F0_HZ)))
    merit = candidates.harmonicity + np.float32(OCTAVE_COST) * octave
    merit = np.where(is_there, merit, np.float32(-1.0))
    rows = np.arange(octave.shape[0])
    chosen = merit.argmax(axis=1)
    for _ in range(2):
        is_voiced = candidates.harmonicity[rows, chosen] > MIN_VOICED_HARMONICITY
        usual = _median_around(np.where(is_voiced, octave[rows, chosen], np.float32(np.nan)))
        distance = np.abs(octave - usual[:, np.newaxis])
        far = np.where(distance > FREE_JUMP_OCTAVES, np.minimum(distance, 1.0), 0.0)
        chosen = (merit - np.float32(JUMP_COST) * far).argmax(axis=1)
    return np.asarray(chosen, dtype=np.intp)


def _median_around(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a coarse running median of the values that are not NaN; NaN where there are none."""
    padded = np.full(values.size + 2 * N_AROUND, np.nan, dtype=values.dtype)
    padded[N_AROUND : N_AROUND + values.size] = values
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * N_AROUND + 1)
    around = np.sort(windows[::N_STRIDE, ::N_STRIDE], axis=1)
    n_known = np.count_nonzero(around == around, axis=1)  # noqa: PLR0124 - NaN differs from itself
    middle = np.maximum(n_known - 1, 0) // 2
    medians = around[np.arange(middle.size), middle]
    return np.repeat(medians, N_STRIDE)[: values.size]
