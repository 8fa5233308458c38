"""What the voice path says of labelled clips, one speaker's after the other as in one long call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.clock import NS_PER_S
from edge_affect.config import Config
from edge_affect.evaluation.progress import with_progress
from edge_affect.evaluation.recordings import read_samples
from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.sensing.assembly import build_voice_reader
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, SoundObservation

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.evaluation.event_clips import EventClip
    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.voice import VoiceReader
    from edge_affect.states import StateTable
    from edge_affect.types import VoiceObservation

PAUSE_S = 1.5
"""Silence before and after every clip, so that its windows are full as in a live stream."""
BETWEEN_S = 8.0
"""From clip to clip: long enough to forget what was shown, too short to forget the voice."""


@dataclass(frozen=True, slots=True)
class HeardClip:
    """One clip as the box hears it.

    Attributes:
        recording: What is known of it.
        observations: In order of time; the clock runs on from clip to clip of one speaker.
    """

    recording: Recording
    observations: tuple[VoiceObservation | SoundObservation, ...]


def hear(recordings: Sequence[Recording], seed: int = 0) -> list[HeardClip]:
    """Return every clip heard through the product's voice path, speaker by speaker.

    Args:
        recordings: In any order.
        seed: Of the order of each speaker's clips, which is drawn, since corpora sort by emotion.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(recordings)).tolist()
    by_speaker = sorted(order, key=lambda row: recordings[row].speaker)
    reader = build_voice_reader(Config())
    heard: list[HeardClip] = []
    start_ns, speaker = 0, None
    for row in with_progress(by_speaker, len(by_speaker), "clips"):
        recording = recordings[row]
        if recording.speaker != speaker:
            start_ns, speaker = 0, recording.speaker
        samples = read_samples(recording.path)
        heard.append(HeardClip(recording, _listen(reader, samples, start_ns)))
        start_ns += round((samples.size / SAMPLE_RATE_HZ + 2 * PAUSE_S + BETWEEN_S) * NS_PER_S)
    return heard


def clip_states(heard: Sequence[HeardClip], table: StateTable) -> NDArray[np.float64]:
    """Return the states of every clip, shape ``(n, 6)``, order of ``STATES``; NaN where unknown.

    Each is the mean over the windows of the clip in which a voice could be read.
    """
    found = np.full((len(heard), len(table.states)), np.nan)
    derived, speaker = DerivedStates(table), None
    for row, clip in enumerate(heard):
        if clip.recording.speaker != speaker:
            derived.forget()
            speaker = clip.recording.speaker
        told = []
        for observation in clip.observations:
            if isinstance(observation, SoundObservation):
                derived.add_sound(observation)
                continue
            derived.add_voice(observation)
            if observation.estimate is not None:
                told.append(derived.at(observation.observed_ns))
        if told:
            values = np.array(told, dtype=np.float64)
            is_known = ~np.isnan(values)
            n_known = is_known.sum(axis=0)
            sums = np.where(is_known, values, 0.0).sum(axis=0)
            found[row] = np.where(n_known > 0, sums / np.maximum(n_known, 1), np.nan)
    return found


def sound_states(clips: Sequence[EventClip], table: StateTable) -> NDArray[np.float64]:
    """Return the highest value that each state reaches in a clip of sound, shape ``(n, 6)``.

    Order of ``STATES``; NaN where a state is never known.

    Raises:
        MediaError: If a clip cannot be decoded.
    """
    found = np.full((len(clips), len(table.states)), np.nan)
    reader = build_voice_reader(Config())
    for row, clip in enumerate(with_progress(clips, len(clips), "clips")):
        derived = DerivedStates(table)
        told = []
        for observation in _listen(reader, read_samples(clip.path), 0):
            if isinstance(observation, SoundObservation):
                derived.add_sound(observation)
            else:
                derived.add_voice(observation)
            told.append(derived.at(observation.observed_ns))
        found[row] = np.fmax.reduce(np.array(told, dtype=np.float64), axis=0)
    return found


def _listen(
    reader: VoiceReader, samples: NDArray[np.float32], start_ns: int
) -> tuple[VoiceObservation | SoundObservation, ...]:
    reader.clear()
    pause = np.zeros(round(PAUSE_S * SAMPLE_RATE_HZ), dtype=np.float32)
    return reader.feed(AudioBlock(np.concatenate((pause, samples, pause)), start_ns))
