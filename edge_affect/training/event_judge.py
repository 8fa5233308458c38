"""Judges a sound-event net on the development part while it learns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, normalise
from edge_affect.perception.interpreter import TfliteModel, quantise, softmax
from edge_affect.training.event_data import EVENT_LABELS, SPEECH_CORPUS
from edge_affect.training.event_thresholds import N_SMOOTHED, DevHearing, precisions, smoothed
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
            for event, n_smoothed in enumerate(N_SMOOTHED.values()):
                peaks[number, event] = smoothed(mine[:, event], n_smoothed).max()
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
