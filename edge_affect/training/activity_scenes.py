"""Conversations composed of single recordings, so that who speaks when is known exactly.

Nothing is annotated by hand: turns are where a clip was placed. What people call a turn includes
its short pauses, so pauses of one speaker below `CLOSED_PAUSE_S` count as speech.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Samples = NDArray[np.float32]
    Turns = list[tuple[float, float]]

RATE_HZ = 16_000
CLOSED_PAUSE_S = 0.5
FADE_S = 0.01
MIN_TURN_S = 0.1


@dataclass(frozen=True, slots=True)
class Utterance:
    """One clean clip of one speaker.

    Attributes:
        speaker: Who speaks.
        samples: Shape ``(n_samples,)``, float32.
        start_s: Where speech begins in it.
        end_s: Where speech ends in it.
    """

    speaker: str
    samples: Samples
    start_s: float
    end_s: float


@dataclass(frozen=True, slots=True)
class Scene:
    """One composed stretch of sound.

    Attributes:
        samples: Shape ``(n_samples,)``, float32, range [-1, 1].
        turns: Start and end of every turn in seconds, one list for each speaker.
    """

    samples: Samples
    turns: tuple[Turns, ...]

    def n_speaking(self, times_s: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return how many people speak at each moment."""
        n = np.zeros(times_s.size, dtype=np.int64)
        for turns in self.turns:
            is_speaking = np.zeros(times_s.size, dtype=bool)
            for start_s, end_s in turns:
                is_speaking |= (times_s >= start_s) & (times_s < end_s)
            n += is_speaking
        return n


@dataclass(frozen=True, slots=True)
class SceneSettings:
    """What scenes are like; ranges are uniform, in dB against the loudest speaker where loudness.

    Attributes:
        length_s: Of one scene.
        no_speech: Chance that nobody speaks.
        background: Chance of a recorded background.
        background_snr_db: How much louder speech is.
        event: Chance of a coughing, laughing, barking and so on, at the level of speech.
        noise_snr_db: How much louder speech is than steady coloured noise.
        babble: Chance of many distant voices, which are background.
        room: Chance of a room.
        speaker_db: How much softer a speaker may be than the loudest.
        overlap: Chances that a turn begins before the one before it has ended; one for a scene.
        level_db: Peak of the whole scene against full scale.
    """

    length_s: float = 24.0
    no_speech: float = 0.15
    background: float = 0.7
    background_snr_db: tuple[float, float] = (0.0, 35.0)
    event: float = 0.5
    noise_snr_db: tuple[float, float] = (5.0, 50.0)
    babble: float = 0.12
    room: float = 0.7
    speaker_db: tuple[float, float] = (-14.0, 0.0)
    overlap: tuple[float, ...] = (0.0, 0.3, 0.8)
    level_db: tuple[float, float] = (-40.0, -1.0)


def compose(
    speakers: list[list[Utterance]],
    backgrounds: list[Samples],
    events: list[Samples],
    settings: SceneSettings,
    generator: np.random.Generator,
) -> Scene:
    """Return one scene.

    Args:
        speakers: Utterances of each speaker, at least one speaker.
        backgrounds: Recordings without speech that go on for long.
        events: Recordings of short sounds without speech.
        settings: What scenes are like.
        generator: Of everything random.
    """
    n_samples = round(settings.length_s * RATE_HZ)
    mixed = np.zeros(n_samples, dtype=np.float32)
    turns: list[Turns] = []
    if generator.random() >= settings.no_speech:
        tracks, turns = _talk(speakers, n_samples, settings, generator)
        decay_s = float(generator.uniform(0.15, 0.8))
        is_room = generator.random() < settings.room
        for track in tracks:
            gain_db = generator.uniform(*settings.speaker_db)
            heard = room(track, decay_s, float(generator.uniform(-8, 12)), generator)
            mixed += 10.0 ** (gain_db / 20.0) * (heard if is_room else track)
    level = _active_level(mixed)
    mixed += _surroundings(speakers, backgrounds, events, n_samples, settings, generator) * level
    snr_db = generator.uniform(*settings.noise_snr_db)
    mixed += coloured_noise(n_samples, generator) * level * 10.0 ** (-snr_db / 20.0)
    return Scene(_recorded(mixed, settings, generator), tuple(turns))


def _talk(
    speakers: list[list[Utterance]],
    n_samples: int,
    settings: SceneSettings,
    generator: np.random.Generator,
) -> tuple[list[Samples], list[Turns]]:
    """Return one clean track and the turns of each speaker."""
    tracks: list[NDArray[np.float32]] = [np.zeros(n_samples, dtype=np.float32) for _ in speakers]
    turns: list[Turns] = [[] for _ in speakers]
    # How talkative a scene is differs: some are monologues, some are mostly silent.
    mean_gap_s = float(generator.choice((0.2, 0.6, 2.0, 5.0)))
    overlap = float(generator.choice(settings.overlap))
    who = 0
    free_s = float(generator.uniform(0.0, 2.0))
    while True:
        if generator.random() < 0.7:
            who = int(generator.integers(len(speakers)))
        clip = _delivered(speakers[who][int(generator.integers(len(speakers[who])))], generator)
        gap_s = float(generator.exponential(mean_gap_s))
        if generator.random() < overlap:
            gap_s = -float(generator.uniform(0.1, 2.5))
        own_end_s = turns[who][-1][1] if turns[who] else 0.0
        start_s = max(free_s + gap_s, own_end_s + 0.05, 0.0)
        first = round((start_s - clip.start_s) * RATE_HZ)
        if first + clip.samples.size > n_samples:
            return tracks, [_closed(each) for each in turns]
        skipped = max(0, -first)
        tracks[who][first + skipped : first + clip.samples.size] += clip.samples[skipped:]
        end_s = start_s + clip.end_s - clip.start_s
        turns[who].append((start_s, end_s))
        free_s = max(free_s, end_s)


def _delivered(clip: Utterance, generator: np.random.Generator) -> Utterance:
    """Return a clip at another tempo and level, sometimes cut to a word or two."""
    factor = float(generator.uniform(0.85, 1.18))
    places = np.arange(0, clip.samples.size - 1, factor)
    samples = np.interp(places, np.arange(clip.samples.size), clip.samples).astype(np.float32)
    start_s, end_s = clip.start_s / factor, clip.end_s / factor
    if generator.random() < 0.3 and end_s - start_s > 1.0:
        length_s = float(generator.uniform(0.25, 0.9))
        start_s = float(generator.uniform(start_s, end_s - length_s))
        samples = samples[round(start_s * RATE_HZ) : round((start_s + length_s) * RATE_HZ)].copy()
        n_fade = round(FADE_S * RATE_HZ)
        fade = np.linspace(0.0, 1.0, n_fade, dtype=np.float32)
        samples[:n_fade] *= fade
        samples[-n_fade:] *= fade[::-1]
        start_s, end_s = 0.0, length_s
    gain = 10.0 ** (float(generator.normal(0.0, 3.0)) / 20.0)
    level = max(float(np.sqrt(np.mean(samples**2))), 1e-5)
    return Utterance(clip.speaker, samples * np.float32(0.1 * gain / level), start_s, end_s)


def _closed(turns: Turns) -> Turns:
    """Return turns with short pauses of the same speaker counted in."""
    closed: Turns = []
    for start_s, end_s in turns:
        if closed and start_s - closed[-1][1] < CLOSED_PAUSE_S:
            closed[-1] = (closed[-1][0], end_s)
        else:
            closed.append((start_s, end_s))
    return closed


def room(
    samples: Samples, decay_s: float, direct_db: float, generator: np.random.Generator
) -> Samples:
    """Convolve with decaying noise: Polack's model of late reverberation, after a direct path.

    Args:
        samples: Shape ``(n_samples,)``.
        decay_s: Until the tail has lost 60 dB.
        direct_db: Energy of the direct path against the tail's: a speaker is near above 0.
        generator: Of the tail.
    """
    time_s = np.arange(int(decay_s * RATE_HZ)) / RATE_HZ
    tail = generator.standard_normal(time_s.size) * np.exp(-6.9 * time_s / decay_s)
    # The first reflection comes some metres later than the direct sound.
    tail[: round(0.004 * RATE_HZ)] = 0.0
    tail *= 10.0 ** (-direct_db / 20.0) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    heard = fftconvolve(samples, tail)[: samples.size]
    return np.asarray(heard / np.sqrt(1.0 + 10.0 ** (-direct_db / 10.0)), dtype=np.float32)


def coloured_noise(n_samples: int, generator: np.random.Generator) -> Samples:
    """Return noise of level 1 whose spectrum falls by 0 to 6 dB per octave."""
    spectrum = np.fft.rfft(generator.standard_normal(n_samples))
    slope = generator.uniform(0.0, 1.0)
    spectrum /= np.maximum(np.arange(spectrum.size) / n_samples * RATE_HZ, 30.0) ** slope
    noise = np.fft.irfft(spectrum, n_samples)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)), dtype=np.float32)


def _surroundings(
    speakers: list[list[Utterance]],
    backgrounds: list[Samples],
    events: list[Samples],
    n_samples: int,
    settings: SceneSettings,
    generator: np.random.Generator,
) -> Samples:
    """Return everything that is no turn, relative to a level of speech of 1."""
    around = np.zeros(n_samples, dtype=np.float32)
    if generator.random() < settings.background:
        clip = backgrounds[int(generator.integers(len(backgrounds)))]
        gain_db = -generator.uniform(*settings.background_snr_db)
        tiled = np.resize(clip, n_samples + clip.size)[int(generator.integers(clip.size)) :]
        around += _at_level(tiled[:n_samples], float(gain_db))
    if generator.random() < settings.event:
        for _ in range(int(generator.integers(1, 5))):
            clip = _at_level(
                events[int(generator.integers(len(events)))], float(generator.uniform(-15, 5))
            )
            start = int(generator.integers(max(1, n_samples - clip.size)))
            around[start : start + clip.size] += clip[: n_samples - start]
    if generator.random() < settings.babble:
        around += _at_level(_babble(speakers, n_samples, generator), -generator.uniform(12, 25))
    return around


def _babble(
    speakers: list[list[Utterance]], n_samples: int, generator: np.random.Generator
) -> Samples:
    """Return many voices at once, far away in a large room."""
    total = np.zeros(n_samples, dtype=np.float32)
    clips = [clip.samples for own in speakers for clip in own]
    for _ in range(8):
        order = generator.permutation(len(clips))[:12]
        track = np.concatenate([clips[i] / max(float(clips[i].std()), 1e-5) for i in order])
        total += np.roll(np.resize(track, n_samples), int(generator.integers(n_samples)))
    return room(total, 1.0, -10.0, generator)


def _at_level(samples: Samples, level_db: float) -> Samples:
    level = max(float(np.sqrt(np.mean(samples**2))), 1e-5)
    return np.asarray(samples * (10.0 ** (level_db / 20.0) / level), dtype=np.float32)


def _active_level(samples: Samples) -> float:
    """Return the level of the louder parts, 0.1 where there is nothing."""
    power = np.square(samples[: samples.size // 640 * 640].reshape(-1, 640)).mean(axis=1)
    loud = power[power > 0.01 * power.max()]
    return float(np.sqrt(loud.mean())) if loud.size and power.max() > 0 else 0.1


def _recorded(samples: Samples, settings: SceneSettings, generator: np.random.Generator) -> Samples:
    """Return what some microphone makes of it: band, gain, now and then clipping."""
    if generator.random() < 0.5:
        low_hz = float(generator.uniform(40, 300))
        samples = np.asarray(
            sosfilt(butter(1, low_hz, "high", fs=RATE_HZ, output="sos"), samples), np.float32
        )
    if generator.random() < 0.4:
        high_hz = float(generator.uniform(3_000, 7_500))
        samples = np.asarray(
            sosfilt(butter(3, high_hz, "low", fs=RATE_HZ, output="sos"), samples), np.float32
        )
    peak = max(float(np.abs(samples).max()), 1e-6)
    gain = 10.0 ** (generator.uniform(*settings.level_db) / 20.0) / peak
    if generator.random() < 0.08:
        gain = float(generator.uniform(1.5, 4.0)) / peak
    return np.clip(samples * np.float32(gain), np.float32(-1.0), np.float32(1.0))
