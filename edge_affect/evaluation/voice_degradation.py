"""What rooms, noise, microphones, levels and codecs do to a recording; the same at every run.

These are made for measuring and share no code with what training does to its recordings.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.recordings import mono_parts
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

_PCM_STEP = 1.0 / 32_768.0
_MU = 255.0
_DIRECT_S = 0.0025


@dataclass(frozen=True, slots=True)
class Noises:
    """Sound to mix in.

    Attributes:
        backgrounds: Recordings of places and weather, each shape ``(n_samples,)``.
        voices: Recordings of speech, of which a babble is made.
    """

    backgrounds: tuple[Samples, ...]
    voices: tuple[Samples, ...]


@dataclass(frozen=True, slots=True)
class VoiceDegradation:
    """One thing that happens to sound on its way.

    Attributes:
        name: Short, unique, such as ``white noise 10 dB``.
        kind: What the table is grouped by.
        apply: From samples and a generator of its own to changed samples.
    """

    name: str
    kind: str
    apply: Callable[[Samples, np.random.Generator], Samples]


def voice_degradations(noises: Noises) -> tuple[VoiceDegradation, ...]:
    """Return all degradations in the order of the table; those without material are left out."""
    rows = [VoiceDegradation("none", "none", lambda samples, _: samples)]
    for decay_s, direct_db in ((0.3, 5.0), (0.6, 0.0), (1.0, -3.0)):
        name = f"room {decay_s:.1f} s, direct {direct_db:+.0f} dB"
        rows.append(VoiceDegradation(name, "room", partial(_in_room, decay_s, direct_db)))
    sources: list[tuple[str, Callable[[int, np.random.Generator], Samples]]] = [
        ("white noise", _white)
    ]
    if noises.voices:
        sources.append(("babble", partial(_babble, noises.voices)))
    if noises.backgrounds:
        sources.append(("background", partial(_background, noises.backgrounds)))
    for word, source in sources:
        for snr_db in (20.0, 10.0, 5.0, 0.0):
            apply = partial(_with_noise, source, snr_db)
            rows.append(VoiceDegradation(f"{word} {snr_db:.0f} dB", word, apply))
    for name, curve in _MICROPHONES.items():
        rows.append(VoiceDegradation(name, "microphone", partial(_filtered, curve)))
    for gain_db in (-40.0, -30.0, -15.0, 12.0):
        name = f"gain {gain_db:+.0f} dB"
        rows.append(VoiceDegradation(name, "level", partial(_with_gain, gain_db)))
    for share in (0.5, 0.2):
        name = f"clipped at {100 * share:.0f} % of the peak"
        rows.append(VoiceDegradation(name, "clipping", partial(_clipped, share)))
    rows.append(VoiceDegradation("telephone, mu-law", "codec", _telephone))
    for name, codec, container, bit_rate in (
        ("opus 12 kbit/s", "libopus", "ogg", 12_000),
        ("opus 6 kbit/s", "libopus", "ogg", 6_000),
        ("mp3 16 kbit/s", "libmp3lame", "mp3", 16_000),
    ):
        rows.append(VoiceDegradation(name, "codec", partial(_coded, codec, container, bit_rate)))
    return tuple(rows)


def _in_room(
    decay_s: float, direct_db: float, samples: Samples, generator: np.random.Generator
) -> Samples:
    """Add a tail of decaying noise (Polack's model) at a ratio of direct to reverberant energy.

    ``decay_s`` is the time to fall by 60 dB. The direct sound comes first, so nothing is delayed.
    """
    time_s = np.arange(int(decay_s * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    tail = generator.standard_normal(time_s.size) * 10.0 ** (-3.0 * time_s / decay_s)
    tail[time_s < _DIRECT_S] = 0.0
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    n_fft = 1 << (samples.size + tail.size - 1).bit_length()
    both = np.fft.irfft(np.fft.rfft(samples, n_fft) * np.fft.rfft(tail, n_fft), n_fft)
    return _within_range(both[: samples.size])


def _white(n_samples: int, generator: np.random.Generator) -> Samples:
    return generator.standard_normal(n_samples).astype(np.float32)


def _background(
    backgrounds: tuple[Samples, ...], n_samples: int, generator: np.random.Generator
) -> Samples:
    chosen = backgrounds[int(generator.integers(len(backgrounds)))]
    return _stretch_of(chosen, n_samples, generator)


def _babble(voices: tuple[Samples, ...], n_samples: int, generator: np.random.Generator) -> Samples:
    """Return six voices at once, each as loud as the others."""
    babble = np.zeros(n_samples, dtype=np.float32)
    for row in generator.integers(0, len(voices), 6):
        part = _stretch_of(voices[int(row)], n_samples, generator)
        babble += part / np.float32(max(_level(part), 1e-6))
    return babble


def _stretch_of(samples: Samples, n_samples: int, generator: np.random.Generator) -> Samples:
    """Return a stretch from anywhere in a recording that is played round and round."""
    start = int(generator.integers(samples.size))
    return np.take(samples, np.arange(start, start + n_samples), mode="wrap")


def _with_noise(
    source: Callable[[int, np.random.Generator], Samples],
    snr_db: float,
    samples: Samples,
    generator: np.random.Generator,
) -> Samples:
    """Add noise at a ratio of the powers over the whole clip."""
    noise = source(samples.size, generator)
    ratio = _level(samples) / max(_level(noise), 1e-9) * 10.0 ** (-snr_db / 20.0)
    return _within_range(samples + ratio * noise)


_MICROPHONES: dict[str, tuple[tuple[float, float], ...]] = {
    "tablet microphone": ((0, -40), (150, -24), (400, -6), (800, 0), (3_000, 6), (6_000, 0)),
    "dull microphone": ((0, 0), (1_500, 0), (3_000, -12), (8_000, -36)),
    "boomy microphone": ((0, 8), (250, 8), (800, 0), (8_000, -6)),
    "thin microphone": ((0, -30), (300, -18), (1_200, 0), (8_000, 8)),
}
"""Pairs of frequency in Hz and gain in dB; between them the gain is a straight line."""


def _filtered(
    curve: tuple[tuple[float, float], ...], samples: Samples, _: np.random.Generator
) -> Samples:
    """Apply a gain that depends on the frequency, without a delay, and keep the level."""
    n_fft = 1 << (samples.size - 1).bit_length()
    bins_hz = np.fft.rfftfreq(n_fft, 1.0 / SAMPLE_RATE_HZ)
    points = np.array(curve)
    gain_db = np.interp(bins_hz, points[:, 0], points[:, 1])
    spectrum = np.fft.rfft(samples, n_fft) * 10.0 ** (gain_db / 20.0)
    changed = np.fft.irfft(spectrum, n_fft)[: samples.size]
    return _within_range(changed * (_level(samples) / max(_level(changed), 1e-9)))


def _with_gain(gain_db: float, samples: Samples, _: np.random.Generator) -> Samples:
    """Change the level before 16-bit samples are taken: quiet ones lose steps, loud ones clip."""
    louder = np.clip(samples * 10.0 ** (gain_db / 20.0), -1.0, 1.0)
    return np.asarray(np.round(louder / _PCM_STEP) * _PCM_STEP, dtype=np.float32)


def _clipped(share: float, samples: Samples, _: np.random.Generator) -> Samples:
    limit = share * float(np.abs(samples).max())
    return np.clip(samples, -limit, limit)


def _telephone(samples: Samples, generator: np.random.Generator) -> Samples:
    """Keep 300 to 3,400 Hz, take 8,000 samples a second, 8 bits each by the mu-law (G.711)."""
    band = ((0.0, -60.0), (200.0, -30.0), (300.0, 0.0), (3_400.0, 0.0), (3_900.0, -60.0))
    narrow = _filtered(band, samples, generator)[::2]
    curved = np.sign(narrow) * np.log1p(_MU * np.abs(narrow)) / np.log1p(_MU)
    coded = np.round(curved * 127.0) / 127.0
    decoded = np.sign(coded) * np.expm1(np.abs(coded) * np.log1p(_MU)) / _MU
    spectrum = np.fft.rfft(decoded)
    wide = 2.0 * np.fft.irfft(spectrum, 2 * decoded.size)
    return _within_range(wide[: samples.size])


def _coded(
    codec: str, container: str, bit_rate: int, samples: Samples, _: np.random.Generator
) -> Samples:
    """Encode and decode in memory."""
    import av  # heavy: only where files are made

    with io.BytesIO() as file:
        with av.open(file, "w", format=container) as writer:
            stream: Any = writer.add_stream(codec, rate=SAMPLE_RATE_HZ)
            stream.bit_rate = bit_rate
            stream.layout = "mono"
            frame = av.AudioFrame.from_ndarray(samples[np.newaxis], format="flt", layout="mono")
            frame.rate = SAMPLE_RATE_HZ
            frame.time_base = Fraction(1, SAMPLE_RATE_HZ)
            frame.pts = 0
            writer.mux(stream.encode(frame))
            writer.mux(stream.encode(None))
        file.seek(0)
        with av.open(file, "r") as reader:
            parts = mono_parts(reader)
    return _within_range(np.concatenate(parts))


def _level(samples: NDArray[np.floating]) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _within_range(samples: NDArray[np.floating]) -> Samples:
    """Turn down what is too loud, so that nothing clips that is not meant to."""
    peak = max(float(np.abs(samples).max()), 1.0)
    return (samples / peak).astype(np.float32)
