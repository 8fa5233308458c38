"""Scenes for the sound-event model: which recordings go into them, and what they hold."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.evaluation.event_clips import OTHER, EventClip
from edge_affect.evaluation.recordings import read_samples
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db
from edge_affect.training.event_mixing import (
    MixingSettings,
    active_frames,
    breathing,
    changed,
    coloured_noise,
    placed,
    with_company,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Samples = NDArray[np.float32]

EVENT_LABELS: tuple[str, ...] = ("laughter", "applause", "crying", OTHER)
"""Classes of the model in the order of its output."""

SPEECH_CORPUS = "crema-d"
MIXED_WITH_ITSELF = ("laughter", "applause")


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded clip."""

    clip: EventClip
    samples: Samples = field(repr=False)


@dataclass(frozen=True, slots=True)
class SceneShares:
    """How many scenes of each kind, in one hundred.

    Attributes:
        laughter: With laughter.
        applause: With applause.
        crying: With crying.
        voice: Of one voice.
        babble: Of two to five voices at once.
        sound: Of one other sound.
        both: Of a voice and another sound.
        noise: Of steady noise alone.
        breath: Of imitated breathing and coughing.
    """

    laughter: int = 19
    applause: int = 12
    crying: int = 14
    voice: int = 20
    babble: int = 8
    sound: int = 17
    both: int = 6
    noise: int = 2
    breath: int = 8


@dataclass(frozen=True, slots=True)
class Scenes:
    """Finished scenes.

    Attributes:
        frames_db: Log-mels, shape ``(n, n_frames, n_mels)``, float16.
        active: Which frames hold the event, shape ``(n, n_frames)``.
        labels: Index into ``EVENT_LABELS``, shape ``(n,)``.
    """

    frames_db: NDArray[np.float16]
    active: NDArray[np.bool_]
    labels: NDArray[np.int64]


def read_sounds(clips: Sequence[EventClip]) -> tuple[Sound, ...]:
    """Decode clips; errors as `read_samples`."""
    return tuple(Sound(clip, read_samples(clip.path)) for clip in clips)


class SceneMaker:
    """Makes random scenes.

    Args:
        sounds: What may be learned from: events, other sounds, speech.
        settings: How scenes are mixed.
        acoustic: The front end.
        seed: Of everything random.
    """

    def __init__(
        self,
        sounds: Sequence[Sound],
        settings: MixingSettings,
        acoustic: AcousticSettings,
        seed: int,
    ) -> None:
        self._settings = settings
        self._acoustic = acoustic
        self._generator = np.random.default_rng((seed, 31))
        self._of_event = {
            event: [sound for sound in sounds if sound.clip.event == event]
            for event in EVENT_LABELS[:-1]
        }
        others = [sound for sound in sounds if sound.clip.event == OTHER]
        self._voices = [sound for sound in others if sound.clip.corpus == SPEECH_CORPUS]
        self._others = [sound for sound in others if sound.clip.corpus != SPEECH_CORPUS]

    def make(self, n_scenes: int, shares: SceneShares) -> Scenes:
        """Return ``n_scenes`` scenes in random order of kinds."""
        kinds = list(shares.__slots__)
        chances = np.array([getattr(shares, kind) for kind in kinds], dtype=np.float64)
        n_frames = 1 + (self._settings.n_scene - self._acoustic.n_frame) // self._acoustic.n_step
        frames_db = np.empty((n_scenes, n_frames, self._acoustic.n_mels), dtype=np.float16)
        active = np.zeros((n_scenes, n_frames), dtype=np.bool_)
        labels = np.full(n_scenes, len(EVENT_LABELS) - 1, dtype=np.int64)
        for row in range(n_scenes):
            kind = kinds[int(self._generator.choice(len(kinds), p=chances / chances.sum()))]
            if kind in self._of_event:
                samples, holds = self._event_scene(kind)
                active[row] = holds[:n_frames]
                labels[row] = EVENT_LABELS.index(kind)
            else:
                samples = self._other_scene(kind)
            scene = placed(samples, self._settings, self._generator)
            frames_db[row] = log_mel_db(scene, self._acoustic)
            if row % 2000 == 0:
                print(f"scenes: {row}/{n_scenes}", flush=True)
        return Scenes(frames_db, active, labels)

    def _event_scene(self, event: str) -> tuple[Samples, NDArray[np.bool_]]:
        samples = self._one_of_source(self._of_event[event])
        if event in MIXED_WITH_ITSELF:
            while self._generator.random() < self._settings.crowd:
                level = np.float32(self._generator.uniform(0.3, 1.0))
                samples = samples + level * self._one_of_source(self._of_event[event])
        holds = active_frames(samples, self._settings)
        if self._generator.random() < self._settings.company:
            kind = ("voice", "babble", "sound")[int(self._generator.integers(3))]
            company = self._other_scene(kind)
            samples = with_company(samples, company, self._settings, self._generator)
        return samples, holds

    def _other_scene(self, kind: str) -> Samples:
        generator = self._generator
        if kind == "noise":
            return coloured_noise(self._settings.n_scene, generator)
        if kind == "breath":
            return breathing(self._settings.n_scene, self._settings.sample_rate_hz, generator)
        if kind == "sound":
            return self._one(self._others)
        if kind == "voice":
            return self._one(self._voices, self._settings.voice_speed)
        if kind == "both":
            return with_company(
                self._one(self._voices), self._one(self._others), self._settings, generator
            )
        samples = self._one(self._voices)
        for _ in range(int(generator.integers(1, 5))):
            level = np.float32(generator.uniform(0.2, 1.0))
            samples = samples + level * self._one(self._voices)
        return samples

    def _one(self, sounds: list[Sound], speed: float | None = None) -> Samples:
        sound = sounds[int(self._generator.integers(len(sounds)))]
        return changed(sound.samples, self._settings, self._generator, speed)

    def _one_of_source(self, sounds: list[Sound]) -> Samples:
        """Return one sound of a random source: no source counts for having many clips."""
        sources = sorted({sound.clip.source for sound in sounds})
        source = sources[int(self._generator.integers(len(sources)))]
        return self._one([sound for sound in sounds if sound.clip.source == source])
