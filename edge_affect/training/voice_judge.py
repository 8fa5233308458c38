"""How good a net is on the development speakers, whole clips as the product scores them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.metrics import confusion_matrix, macro_f1, uar
from edge_affect.perception.acoustic import clip_log_probabilities
from edge_affect.perception.interpreter import softmax
from edge_affect.training.loop import predict
from edge_affect.training.trunk_batches import lower_features
from edge_affect.training.voice_data import VOICE_LABELS, scoring_windows

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.evaluation.recordings import Recording
    from edge_affect.perception.acoustic import AcousticSettings


class DevVoices:
    """Judges a net on the recordings of the development speakers.

    Attributes:
        recordings: Of these speakers.
        labels: Acted ones, as positions in `VOICE_LABELS`, shape ``(n,)``.
        windows: What nets are given, the window first.
    """

    def __init__(self, recordings: tuple[Recording, ...], acoustic: AcousticSettings) -> None:
        self.recordings = recordings
        self.labels = np.array([VOICE_LABELS.index(r.label) for r in recordings], dtype=np.int64)
        self.windows, self._clips = scoring_windows(recordings, acoustic)

    def behind(self, lower: nn.Module) -> DevVoices:
        """Return a judge of nets that take what ``lower`` makes of windows."""
        features = lower_features(lower, self.windows[:, 0].numpy())
        judge = copy.copy(self)
        judge.windows = torch.from_numpy(features.astype(np.float32))
        return judge

    def probabilities(self, net: nn.Module, temperature: float) -> NDArray[np.float64]:
        """Return probabilities of whole clips, shape ``(n, 6)``."""
        per_window = softmax(predict(net, self.windows).numpy(), temperature)
        clips = range(self.labels.size)
        scores = [clip_log_probabilities(per_window[self._clips == clip]) for clip in clips]
        return np.exp(np.stack(scores))

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return UAR and macro-F1 over whole clips."""
        guess = self.probabilities(net, 1.0).argmax(axis=1)
        matrix = confusion_matrix(self.labels, guess, len(VOICE_LABELS))
        return {"dev_uar": uar(matrix), "dev_macro_f1": macro_f1(matrix)}


def halves_and_whole(judge: DevVoices, residual: nn.Module, trunk: nn.Module) -> dict[str, float]:
    """Return the UAR of both halves and of their mean, before quantisation.

    The mean of logits is, up to a constant for each window, the mean of log-probabilities.
    """
    logs = {
        "residual": np.log(judge.probabilities(residual, 1.0)),
        "trunk": np.log(judge.probabilities(trunk, 1.0)),
    }
    logs["both"] = 0.5 * (logs["residual"] + logs["trunk"])
    n = len(VOICE_LABELS)
    return {
        name: uar(confusion_matrix(judge.labels, scores.argmax(axis=1), n))
        for name, scores in logs.items()
    }
