"""Judges a sound-event net on the development part while it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.config import Voice
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, normalise
from edge_affect.perception.chunk_activity import ChunkActivity
from edge_affect.perception.interpreter import TfliteModel, quantise, softmax
from edge_affect.perception.speech_net import CHUNK_SAMPLES, SpeechModel
from edge_affect.training.event_data import EVENT_LABELS, SPEECH_CORPUS
from edge_affect.training.event_thresholds import (
    N_SMOOTHED,
    SPEECH_VETO,
    DevHearing,
    precisions,
    smoothed,
)
from edge_affect.training.loop import predict

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.training.event_data import Sound


class DevSounds:
    """Judges a net on clips, window by window as the product does."""

    def __init__(self, sounds: tuple[Sound, ...], acoustic: AcousticSettings) -> None:
        self._sounds = sounds
        windows: list[NDArray[np.float32]] = []
        owners: list[int] = []
        for number, sound in enumerate(sounds):
            # Half a window of silence before: an event is met on its way in.
            padding = (acoustic.n_window // 2, max(0, acoustic.n_window // 2 - sound.samples.size))
            frames_db = log_mel_db(np.pad(sound.samples, padding), acoustic)
            n_hop = acoustic.n_hop // acoustic.n_step
            for start in range(0, frames_db.shape[0] - acoustic.n_frames + 1, n_hop):
                windows.append(normalise(frames_db[start : start + acoustic.n_frames], acoustic))
                owners.append(number)
        self._spoken = _spoken_shares(sounds, acoustic, owners)
        self._windows = torch.from_numpy(np.stack(windows)[:, None])
        self._owners = np.array(owners, dtype=np.int64)

    def hear(self, net: nn.Module | TfliteModel) -> DevHearing:
        """Return what a net, or the int8 model made of it, hears in the clips."""
        if isinstance(net, TfliteModel):
            spec = net.manifest.inputs[0]
            raw = np.stack(
                [
                    net.probabilities(quantise(window.numpy().reshape(spec.shape), spec))
                    for window in self._windows
                ]
            )[:, :-1]
        else:
            raw = softmax(predict(net, self._windows).numpy())[:, :-1]
        peaks = np.zeros((len(self._sounds), raw.shape[1]))
        for number in range(len(self._sounds)):
            mine = raw[self._owners == number]
            spoken = self._spoken[self._owners == number]
            for event, name in enumerate(N_SMOOTHED):
                levels = mine[:, event] * (1.0 - SPEECH_VETO[name] * spoken)
                peaks[number, event] = smoothed(levels, N_SMOOTHED[name]).max()
        clips = [sound.clip for sound in self._sounds]
        return DevHearing(
            peaks,
            np.array([EVENT_LABELS.index(clip.event) for clip in clips], dtype=np.int64),
            np.array([clip.corpus == SPEECH_CORPUS for clip in clips]),
            tuple(clip.label for clip in clips),
        )

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return average precision where there are events, and what speech comes to at most."""
        heard = self.hear(net)
        figures: dict[str, float] = {}
        for event, found in precisions(heard).items():
            figures[f"ap_{event}"] = found
        if heard.is_speech.any():
            figures["speech_peak"] = float(heard.peaks[heard.is_speech].max())
        return figures


def _spoken_shares(
    sounds: tuple[Sound, ...], acoustic: AcousticSettings, owners: list[int]
) -> NDArray[np.float64]:
    """Return the share of speech in each window, as the live path has it, shape ``(n,)``."""
    n_chunks = acoustic.n_window // CHUNK_SAMPLES
    activity = ChunkActivity(SpeechModel.load(), Voice(), n_chunks)
    shares: list[float] = []
    for number, sound in enumerate(sounds):
        activity.clear()
        behind = np.zeros(acoustic.n_window // 2, dtype=np.float32)
        samples = np.concatenate((behind, sound.samples, behind))
        activity.extend(samples[: acoustic.n_window])
        for end in range(owners.count(number)):
            shares.append(activity.recent_share(n_chunks))
            first = acoustic.n_window + end * acoustic.n_hop
            activity.extend(samples[first : first + acoustic.n_hop])
    return np.array(shares)
