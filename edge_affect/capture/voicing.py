"""Sounds of the synthetic microphone: exact functions of time, so any block can be made alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_HARMONIC_HZ = 4000.0
FORMANTS_HZ = ((700.0, 130.0), (1220.0, 170.0), (2600.0, 250.0))
"""Centre and width of the resonances of an open vowel (textbook values for a male voice)."""
INTONATION_HZ = 0.6
INTONATION_DEPTH = 0.12
PHRASE_S = 2.4
PHRASE_PAUSE_S = 0.5
NOISE_LEVEL = 1e-3


@dataclass(frozen=True, slots=True)
class Voicing:
    """What the synthetic microphone hears.

    Attributes:
        level: Peak amplitude, [0, 1]; 0 is digital silence but for a faint noise.
        pitch_hz: Mean pitch of the voice, or frequency of the tone.
        syllables_hz: Syllables per second; 0 makes a steady tone instead of a voice.
    """

    level: float = 0.3
    pitch_hz: float = 140.0
    syllables_hz: float = 4.0


SILENCE = Voicing(level=0.0)


def sound(voicing: Voicing, first: int, n_samples: int, seed: int) -> NDArray[np.float32]:
    """Return a run of samples.

    Args:
        voicing: What to make.
        first: Number of the first sample since the start, at 16 kHz.
        n_samples: How many.
        seed: Of the faint noise underneath.

    Returns:
        Shape ``(n_samples,)``, float32, range [-1, 1].
    """
    noise = np.random.default_rng((seed, first)).standard_normal(n_samples) * NOISE_LEVEL
    wave: NDArray[np.float64]
    if voicing.level == 0.0:
        wave = np.zeros(n_samples)
    else:
        t_s = (first + np.arange(n_samples)) / SAMPLE_RATE_HZ
        wave = _tone(voicing, t_s) if voicing.syllables_hz == 0.0 else _voice(voicing, t_s)
    return np.clip(wave * voicing.level + noise, -1.0, 1.0).astype(np.float32)


def _tone(voicing: Voicing, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    wave: NDArray[np.float64] = np.sin(2 * np.pi * voicing.pitch_hz * t_s)
    return wave


def _voice(voicing: Voicing, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return harmonics under resonances, swelling with each syllable, with a pause per phrase.

    Source and filter as in any textbook on speech: the pitch swings around its mean, so its
    phase is the integral of the swing; the harmonics fall with their number.
    """
    swing = 2 * np.pi * INTONATION_HZ
    phase = 2 * np.pi * voicing.pitch_hz * (t_s - INTONATION_DEPTH / swing * np.cos(swing * t_s))
    number = np.arange(1, int(MAX_HARMONIC_HZ / voicing.pitch_hz) + 1)
    frequency_hz = number * voicing.pitch_hz
    gain = sum(np.exp(-(((frequency_hz - hz) / width) ** 2)) for hz, width in FORMANTS_HZ) + 0.2
    gain = gain / number
    wave = np.sin(np.outer(phase, number)) @ (gain / gain.sum())
    syllable = np.sin(np.pi * voicing.syllables_hz * t_s) ** 2
    speaking = np.clip((t_s % PHRASE_S - PHRASE_PAUSE_S) / 0.05, 0.0, 1.0)
    voiced: NDArray[np.float64] = wave * syllable * speaking
    return voiced
