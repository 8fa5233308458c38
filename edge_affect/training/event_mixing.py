"""Random scenes for the sound-event model: events among other sounds, in rooms, on microphones.

There are few recordings of events, so each is heard in many ways; and what is easily taken for an
event (voices of all moods, several voices at once, barking, rain) is put in its way on purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import fftconvolve

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_QUIET = 1e-9


@dataclass(frozen=True, slots=True)
class MixingSettings:
    """How scenes are made.

    Attributes:
        sample_rate_hz: Rate of the samples.
        n_scene: Samples in one scene.
        n_step: Samples from one frame to the next; what is active is told frame by frame.
        speed: Largest relative change of tempo and pitch together, either way.
        voice_speed: The same for voices that are no event: shrill and deep ones are met as well.
        crowd: Chance that laughter or applause of another recording is laid over.
        company: Chance that something else is heard with an event.
        lowest_snr_db: An event is at least this much louder than its company.
        highest_snr_db: An event is at most this much louder than its company.
        room: Chance of a synthetic room.
        noise: Chance of steady coloured noise.
        tilt: Chance of another microphone, as a slope of the spectrum.
        active_db: Frames within this of the loudest one of an event hold the event.
        n_reach: Frames around an active frame that count as active too: the gaps of laughter.
    """

    sample_rate_hz: int = 16_000
    n_scene: int = 40_000
    n_step: int = 160
    speed: float = 0.15
    voice_speed: float = 0.3
    crowd: float = 0.35
    company: float = 0.55
    lowest_snr_db: float = -3.0
    highest_snr_db: float = 25.0
    room: float = 0.45
    noise: float = 0.5
    tilt: float = 0.5
    active_db: float = 25.0
    n_reach: int = 15


def cut(samples: Samples, n_samples: int, generator: np.random.Generator) -> Samples:
    """Return a random stretch that holds sound; a shorter recording is put into silence."""
    extra = samples.size - n_samples
    if extra <= 0:
        before = int(generator.integers(-extra + 1))
        return np.pad(samples, (before, -extra - before))
    loud = float(np.mean(np.square(samples)))
    stretch = samples[:n_samples]
    for _ in range(6):
        start = int(generator.integers(extra + 1))
        stretch = samples[start : start + n_samples]
        if np.mean(np.square(stretch)) >= 0.1 * loud:
            break
    return stretch


def changed(
    samples: Samples,
    settings: MixingSettings,
    generator: np.random.Generator,
    speed: float | None = None,
) -> Samples:
    """Return one scene's length of a recording at another tempo and pitch, of power 1.

    Args:
        samples: Of the recording.
        settings: How scenes are made.
        generator: Of everything random.
        speed: Largest relative change, either way; None takes that of ``settings``.
    """
    speed = settings.speed if speed is None else speed
    factor = 1.0 + generator.uniform(-speed, speed)
    stretch = cut(samples, int(settings.n_scene * factor) + 2, generator)
    places = np.arange(settings.n_scene) * factor
    new = np.interp(places, np.arange(stretch.size), stretch).astype(np.float32)
    return with_power(new)


def with_power(samples: Samples) -> Samples:
    """Return samples scaled so that their louder half has mean power 1; silence stays silent."""
    powers = np.sort(np.square(samples).reshape(-1, 160).mean(axis=1))
    power = float(powers[powers.size // 2 :].mean())
    return samples if power < _QUIET else samples / np.float32(np.sqrt(power))


def active_frames(event: Samples, settings: MixingSettings) -> NDArray[np.bool_]:
    """Return which steps of a clean event hold it, shape ``(n_scene // n_step,)``."""
    power = np.square(event).reshape(-1, settings.n_step).mean(axis=1)
    loud = power > max(float(power.max()) * 10.0 ** (-settings.active_db / 10.0), _QUIET)
    reach = np.ones(2 * settings.n_reach + 1)
    return np.convolve(loud, reach, mode="same") > 0.5


def with_company(
    event: Samples, company: Samples, settings: MixingSettings, generator: np.random.Generator
) -> Samples:
    """Return an event with something else at a random ratio of their levels."""
    snr_db = generator.uniform(settings.lowest_snr_db, settings.highest_snr_db)
    return event + company * np.float32(10.0 ** (-snr_db / 20.0))


def placed(samples: Samples, settings: MixingSettings, generator: np.random.Generator) -> Samples:
    """Return a scene as some microphone in some room hears it, float32, peak at most 0.5."""
    if generator.random() < settings.room:
        samples = _room(samples, settings.sample_rate_hz, generator)
    if generator.random() < settings.tilt:
        samples = _tilt(samples, float(generator.uniform(-6.0, 6.0)))
    if generator.random() < settings.noise:
        ratio = 10.0 ** (-generator.uniform(5.0, 40.0) / 20.0)
        samples = samples + coloured_noise(samples.size, generator) * np.float32(ratio)
    peak = max(float(np.abs(samples).max()), 1e-6)
    return (samples * np.float32(0.5 / peak)).astype(np.float32)


def coloured_noise(n_samples: int, generator: np.random.Generator) -> Samples:
    """Return noise of power 1 whose spectrum falls by 0 to 6 dB per octave."""
    n_fft = next_fast_len(n_samples, real=True)
    spectrum = np.fft.rfft(generator.standard_normal(n_fft))
    spectrum /= np.maximum(np.arange(spectrum.size), 20.0) ** generator.uniform(0.0, 1.0)
    noise = np.fft.irfft(spectrum, n_fft)[:n_samples]
    return (noise / np.sqrt(np.mean(noise**2))).astype(np.float32)


def breathing(n_samples: int, sample_rate_hz: int, generator: np.random.Generator) -> Samples:
    """Return noise of power 1 that comes and goes as breath, or in short bursts as coughs do.

    Recordings of breathing and coughing may not be learned from, so they are imitated.
    """
    time_s = np.arange(n_samples) / sample_rate_hz
    if generator.random() < 0.6:
        rate_hz = generator.uniform(0.3, 2.5)
        wave = np.sin(2.0 * np.pi * (rate_hz * time_s + generator.random()))
        wave = np.abs(wave) if generator.random() < 0.5 else np.clip(wave, 0.0, None)
        envelope = wave ** generator.uniform(0.5, 3.0)
    else:
        envelope = np.zeros(n_samples)
        for start_s in generator.uniform(0.0, time_s[-1], int(generator.integers(1, 6))):
            after_s = np.clip(time_s - start_s, 0.0, None)
            decay_s = generator.uniform(0.03, 0.2)
            envelope += (time_s >= start_s) * np.exp(-after_s / decay_s)
    noise = coloured_noise(n_samples, generator) * (envelope + 0.003)
    return with_power(_tilt(noise.astype(np.float32), float(generator.uniform(-6.0, 6.0))))


def _room(samples: Samples, rate_hz: int, generator: np.random.Generator) -> Samples:
    """Convolve with decaying noise: Polack's model of late reverberation, after a direct path."""
    decay_s = generator.uniform(0.15, 0.9)
    time_s = np.arange(int(decay_s * rate_hz)) / rate_hz
    tail = generator.standard_normal(time_s.size) * np.exp(-6.9 * time_s / decay_s)
    tail *= generator.uniform(0.1, 1.2) / np.sqrt(np.sum(tail**2))
    tail[0] += 1.0
    return fftconvolve(samples, tail)[: samples.size].astype(np.float32)


def _tilt(samples: Samples, db_per_octave: float) -> Samples:
    """Tilt the spectrum around 1 kHz, at most 12 dB either way."""
    n_fft = next_fast_len(samples.size, real=True)
    spectrum = np.fft.rfft(samples, n_fft)
    octaves = np.log2(np.maximum(np.linspace(0.0, 8.0, spectrum.size), 0.05))
    gain_db = np.clip(0.5 * db_per_octave * octaves, -12.0, 12.0)
    return np.fft.irfft(spectrum * 10.0 ** (gain_db / 20.0), n_fft)[: samples.size].astype(
        np.float32
    )
