"""What microphones and rooms do to sound, with known strength: noise, echo, clipping."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.known_voices import syllables
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

N_BABBLE_VOICES = 8


def white_noise(n_samples: int, seed: int) -> NDArray[np.float32]:
    """Return noise of equal power at all frequencies, unit variance."""
    return np.random.default_rng(seed).standard_normal(n_samples).astype(np.float32)


def pink_noise(n_samples: int, seed: int) -> NDArray[np.float32]:
    """Return noise that falls by 3 dB per octave above 20 Hz, unit variance."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(n_samples))
    frequency_hz = np.fft.rfftfreq(n_samples, 1.0 / SAMPLE_RATE_HZ)
    wave = np.fft.irfft(spectrum / np.sqrt(np.maximum(frequency_hz, 20.0)), n_samples)
    return np.asarray(wave / wave.std(), dtype=np.float32)


def babble(n_samples: int, seed: int) -> NDArray[np.float32]:
    """Return many rule-made voices at once, unit variance."""
    rng = np.random.default_rng(seed)
    duration_s = n_samples / SAMPLE_RATE_HZ + 1.0
    wave = np.zeros(n_samples)
    for number in range(N_BABBLE_VOICES):
        one = syllables(
            rng.uniform(3.0, 6.0), duration_s, rng.uniform(90.0, 250.0), seed=100 * seed + number
        )
        start = int(rng.integers(SAMPLE_RATE_HZ // 2, SAMPLE_RATE_HZ))
        wave += one.samples[start : start + n_samples]
    return np.asarray(wave / wave.std(), dtype=np.float32)


def with_noise(
    samples: NDArray[np.float32], noise: NDArray[np.float32], snr_db: float
) -> NDArray[np.float32]:
    """Return samples under noise, where the signal's power is the mean over its loud half."""
    power = np.square(samples, dtype=np.float64)
    blocks = power[: power.size // 320 * 320].reshape(-1, 320).mean(axis=1)
    loud = blocks[blocks >= np.median(blocks)].mean()
    gain = np.sqrt(loud / 10.0 ** (snr_db / 10.0) / np.square(noise, dtype=np.float64).mean())
    return np.asarray(samples + np.float32(gain) * noise, dtype=np.float32)


def in_room(
    samples: NDArray[np.float32], rt60_s: float, direct_db: float, seed: int
) -> NDArray[np.float32]:
    """Return samples as heard in a room with a decaying diffuse tail (Polack, 1988).

    Args:
        samples: Dry, shape ``(n_samples,)``.
        rt60_s: Time in which the tail falls by 60 dB.
        direct_db: Energy of the direct sound against that of the tail.
        seed: Of the tail.
    """
    from scipy.signal import fftconvolve  # heavy: only where rooms are made

    n_tail = round(rt60_s * SAMPLE_RATE_HZ)
    time_s = np.arange(n_tail) / SAMPLE_RATE_HZ
    tail = np.random.default_rng(seed).standard_normal(n_tail) * 10.0 ** (-3.0 * time_s / rt60_s)
    tail[: round(0.003 * SAMPLE_RATE_HZ)] = 0.0
    tail *= np.sqrt(10.0 ** (-direct_db / 10.0) / np.square(tail).sum())
    tail[0] = 1.0
    return np.asarray(fftconvolve(samples, tail)[: samples.size], dtype=np.float32)


def clipped(samples: NDArray[np.float32], share: float) -> NDArray[np.float32]:
    """Return samples cut off at ``share`` of their peak and brought back to it, share (0, 1]."""
    limit = np.float32(share) * np.abs(samples).max()
    return np.asarray(np.clip(samples, -limit, limit) / np.float32(share), dtype=np.float32)
