"""Voices made by rule, whose pitch, syllables and roughness are therefore known exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

VOWELS_HZ: dict[str, tuple[tuple[float, float], ...]] = {
    "a": ((730.0, 80.0), (1090.0, 90.0), (2440.0, 120.0), (3400.0, 200.0)),
    "i": ((270.0, 60.0), (2290.0, 100.0), (3010.0, 140.0), (3700.0, 200.0)),
    "u": ((300.0, 60.0), (870.0, 80.0), (2240.0, 120.0), (3300.0, 200.0)),
    "e": ((530.0, 70.0), (1840.0, 100.0), (2480.0, 120.0), (3500.0, 200.0)),
}
"""Centre and width of the resonances of vowels: means over men (Peterson and Barney, 1952), with
textbook widths and a fourth resonance added."""
TOP_HZ = 7_500.0
_RAMP_S = 0.02


@dataclass(frozen=True, slots=True)
class KnownVoice:
    """Sound and the truth about it.

    Attributes:
        samples: Shape ``(n_samples,)``, float32, range [-1, 1].
        f0_hz: Shape ``(n_samples,)``, float64; NaN where there is no voice.
        nuclei_s: Middles of the syllables.
    """

    samples: NDArray[np.float32]
    f0_hz: NDArray[np.float64]
    nuclei_s: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Roughness:
    """Disturbance from cycle to cycle of a voice source.

    Attributes:
        jitter: Standard deviation of a period over its length, [0, 0.1].
        shimmer_db: Standard deviation of a cycle's amplitude in dB, [0, 6].
    """

    jitter: float = 0.0
    shimmer_db: float = 0.0


STEADY = Roughness()


def glide_hz(start_hz: float, end_hz: float, duration_s: float) -> NDArray[np.float64]:
    """Return a pitch that moves evenly on a logarithmic scale, one value per sample."""
    share = np.arange(round(duration_s * SAMPLE_RATE_HZ)) / (duration_s * SAMPLE_RATE_HZ)
    return np.asarray(start_hz * (end_hz / start_hz) ** share, dtype=np.float64)


def voiced(
    f0_hz: NDArray[np.float64],
    vowel: str | None = None,
    tilt_db: float = -9.0,
    roughness: Roughness = STEADY,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return a sum of harmonics with the given pitch, peak 1, faded in and out.

    Args:
        f0_hz: One value per sample.
        vowel: Key of ``VOWELS_HZ``, or None for the bare source.
        tilt_db: Level of the source per octave; -12 is a soft, -6 a pressed voice.
        roughness: Disturbance from cycle to cycle.
        seed: Of the disturbance and of the phases of the harmonics.
    """
    rng = np.random.default_rng(seed)
    cycles: NDArray[np.float64] = np.cumsum(f0_hz) / SAMPLE_RATE_HZ
    gain: NDArray[np.float64] = np.ones(f0_hz.size)
    if roughness != STEADY:
        cycles, gain = _disturbed(cycles, roughness, rng)
    wave: NDArray[np.float64] = np.zeros(f0_hz.size)
    first = np.exp(2j * np.pi * cycles)
    harmonic = np.ones_like(first)
    for number in range(1, int(TOP_HZ / f0_hz.min()) + 1):
        harmonic *= first
        turned = harmonic * np.exp(2j * np.pi * rng.uniform(0.0, 0.6))
        wave += (number * f0_hz < TOP_HZ) * number ** (tilt_db / 6.02) * turned.imag
    wave *= gain
    if vowel is not None:
        wave = resonate(wave, VOWELS_HZ[vowel])
    return _faded(wave / np.abs(wave).max())


def resonate(
    wave: NDArray[np.float64], formants_hz: tuple[tuple[float, float], ...]
) -> NDArray[np.float64]:
    """Return sound after a cascade of resonators (Klatt, 1980) of given centres and widths."""
    from scipy.signal import lfilter  # heavy: only where voices are made

    for centre_hz, width_hz in formants_hz:
        radius = np.exp(-np.pi * width_hz / SAMPLE_RATE_HZ)
        turn = 2.0 * radius * np.cos(2.0 * np.pi * centre_hz / SAMPLE_RATE_HZ)
        wave = lfilter([1.0 - turn + radius**2], [1.0, -turn, radius**2], wave)
    return np.asarray(wave, dtype=np.float64)


def _disturbed(
    cycles: NDArray[np.float64], roughness: Roughness, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the running count of disturbed cycles, and the gain of each sample's cycle."""
    n_cycles = int(cycles[-1]) + 2
    lengths = np.maximum(0.2, 1.0 + roughness.jitter * rng.standard_normal(n_cycles))
    ends = np.concatenate(([0.0], np.cumsum(lengths)))
    disturbed = np.interp(cycles, ends, np.arange(ends.size))
    gains = 10.0 ** (roughness.shimmer_db * rng.standard_normal(n_cycles + 1) / 20.0)
    return disturbed, gains[np.minimum(disturbed.astype(int), n_cycles)]


def _faded(wave: NDArray[np.float64]) -> NDArray[np.float64]:
    n_ramp = min(round(_RAMP_S * SAMPLE_RATE_HZ), wave.size // 2)
    ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(n_ramp) / n_ramp)
    faded = wave.copy()
    faded[:n_ramp] *= ramp
    faded[wave.size - n_ramp :] *= ramp[::-1]
    return faded


def syllables(
    rate_hz: float, duration_s: float, f0_hz: float = 140.0, pause_every: int = 0, seed: int = 0
) -> KnownVoice:
    """Return a train of vowels with soft or noisy consonants between them.

    Args:
        rate_hz: Syllables per second within a stretch without a pause.
        duration_s: Length; half a second of silence stands before and after.
        f0_hz: Mean pitch; it falls and rises by a few semitones.
        pause_every: A pause of 0.4 s after so many syllables; 0 for none.
        seed: Of vowels, lengths, stresses and consonants.
    """
    rng = np.random.default_rng(seed)
    n_total = round((duration_s + 1.0) * SAMPLE_RATE_HZ)
    f0 = f0_hz * 2.0 ** (rng.uniform(1, 3) / 12 * np.sin(np.arange(n_total) / SAMPLE_RATE_HZ * 2.5))
    wave = rng.standard_normal(n_total) * 1e-4
    is_voiced = np.zeros(n_total, dtype=bool)
    nuclei_s: list[float] = []
    at_s = 0.5
    while True:
        length_s = rng.uniform(0.8, 1.2) / rate_hz
        if at_s + length_s > duration_s + 0.5:
            break
        first, last = round(at_s * SAMPLE_RATE_HZ), round((at_s + length_s) * SAMPLE_RATE_HZ)
        onset = first + round(rng.uniform(0.2, 0.4) * (last - first))
        _add_consonant(wave, first, onset, rng)
        vowel = rng.choice(list(VOWELS_HZ))
        loudness = rng.uniform(0.35, 1.0)
        wave[onset:last] += loudness * voiced(f0[onset:last], str(vowel), seed=len(nuclei_s))
        is_voiced[onset:last] = True
        nuclei_s.append((onset + last) / 2 / SAMPLE_RATE_HZ)
        at_s += length_s
        if pause_every and len(nuclei_s) % pause_every == 0:
            at_s += 0.4
    samples = (0.5 * wave / np.abs(wave).max()).astype(np.float32)
    return KnownVoice(samples, np.where(is_voiced, f0, np.nan), tuple(nuclei_s))


def _add_consonant(
    wave: NDArray[np.float64], first: int, last: int, rng: np.random.Generator
) -> None:
    """Add a hiss, a murmur or nothing (a stop) in place."""
    kind = rng.integers(3)
    if kind == 0:
        hiss = np.diff(rng.standard_normal(last - first + 1))
        wave[first:last] += 0.12 * _faded(hiss)
    elif kind == 1:
        murmur = np.sin(2 * np.pi * 140.0 / SAMPLE_RATE_HZ * np.arange(first, last))
        wave[first:last] += 0.12 * _faded(murmur)
