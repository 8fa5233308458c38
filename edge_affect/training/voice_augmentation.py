"""Random changes to recordings, such as rooms, microphones and tempo make."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import fftconvolve

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class VoiceAugmentation:
    """How far and how often recordings are changed.

    Attributes:
        sample_rate_hz: Rate of the samples.
        speed: Largest relative change of tempo and pitch together, either way.
        room: Chance of a synthetic room.
        longest_decay_s: Of a room, at most.
        loudest_tail: Amplitude of a room's tail against the direct sound, at most.
        noise: Chance of steady coloured noise.
        tilt: Chance of another microphone, as a slope of the spectrum.
        lowest_snr_db: Noise is at most this loud.
        highest_snr_db: Noise is at least this loud.
        padding_s: Silence put around a recording, so that rooms and noise reach beyond the words.
    """

    sample_rate_hz: int = 16_000
    speed: float = 0.12
    room: float = 0.35
    longest_decay_s: float = 0.7
    loudest_tail: float = 0.7
    noise: float = 0.5
    tilt: float = 0.5
    lowest_snr_db: float = 8.0
    highest_snr_db: float = 35.0
    padding_s: float = 0.4


def augment(
    samples: NDArray[np.float32], settings: VoiceAugmentation, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Return a changed copy of a recording, float32, range [-1, 1]."""
    changed = _resample(samples, 1.0 + generator.uniform(-settings.speed, settings.speed))
    n_padding = int(settings.padding_s * settings.sample_rate_hz)
    changed = np.pad(changed, n_padding)
    if generator.random() < settings.room:
        changed = _room(changed, settings, generator)
    if generator.random() < settings.tilt:
        changed = _tilt(changed, float(generator.uniform(-6.0, 6.0)))
    if generator.random() < settings.noise:
        snr_db = generator.uniform(settings.lowest_snr_db, settings.highest_snr_db)
        changed = changed + _noise(changed, float(snr_db), generator)
    peak = max(float(np.abs(changed).max()), 1e-6)
    return (changed * (0.5 / peak)).astype(np.float32)


def _resample(samples: NDArray[np.float32], factor: float) -> NDArray[np.float32]:
    places = np.arange(0, samples.size - 1, factor)
    return np.interp(places, np.arange(samples.size), samples).astype(np.float32)


def _room(
    samples: NDArray[np.float32], settings: VoiceAugmentation, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Convolve with decaying noise: Polack's model of late reverberation, after a direct path."""
    rate_hz = settings.sample_rate_hz
    decay_s = generator.uniform(0.15, settings.longest_decay_s)
    time_s = np.arange(int(decay_s * rate_hz)) / rate_hz
    tail = generator.standard_normal(time_s.size) * np.exp(-6.9 * time_s / decay_s)
    tail *= generator.uniform(0.1, settings.loudest_tail) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return fftconvolve(samples, tail)[: samples.size].astype(np.float32)


def _tilt(samples: NDArray[np.float32], db_per_octave: float) -> NDArray[np.float32]:
    """Tilt the spectrum around 1 kHz, at most 12 dB either way."""
    n_fft = next_fast_len(samples.size, real=True)
    spectrum = np.fft.rfft(samples, n_fft)
    octaves = np.log2(np.maximum(np.linspace(0.0, 8.0, spectrum.size), 0.05))
    gain_db = np.clip(0.5 * db_per_octave * octaves, -12.0, 12.0)
    tilted = np.fft.irfft(spectrum * 10.0 ** (gain_db / 20.0), n_fft)
    return tilted[: samples.size].astype(np.float32)


def _noise(
    samples: NDArray[np.float32], snr_db: float, generator: np.random.Generator
) -> NDArray[np.float32]:
    """Return noise whose spectrum falls by 0 to 6 dB per octave, at a ratio to the whole clip."""
    n_fft = next_fast_len(samples.size, real=True)
    spectrum = np.fft.rfft(generator.standard_normal(n_fft))
    slope = generator.uniform(0.0, 1.0)
    spectrum /= np.maximum(np.arange(spectrum.size), 20.0) ** slope
    noise = np.fft.irfft(spectrum, n_fft)[: samples.size]
    ratio = np.sqrt(np.mean(samples**2) / max(float(np.mean(noise**2)), 1e-20))
    return (noise * ratio * 10.0 ** (-snr_db / 20.0)).astype(np.float32)
