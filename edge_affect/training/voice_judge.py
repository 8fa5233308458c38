"""How good a net is on the development speakers, whole clips as the product scores them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.metrics import confusion_matrix, uar
from edge_affect.perception.acoustic import clip_log_probabilities
from edge_affect.perception.interpreter import softmax
from edge_affect.training.loop import predict
from edge_affect.training.trunk_features import lower_features
from edge_affect.training.voice_data import VOICE_LABELS, scoring_windows

K = len(VOICE_LABELS)

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
        speakers: Numbers from 0, shape ``(n,)``.
        windows: What nets are given, the window first.
    """

    def __init__(self, recordings: tuple[Recording, ...], acoustic: AcousticSettings) -> None:
        self.recordings = recordings
        self.labels = np.array([VOICE_LABELS.index(r.label) for r in recordings], dtype=np.int64)
        names = sorted({r.speaker for r in recordings})
        self.speakers = np.array([names.index(r.speaker) for r in recordings], dtype=np.int64)
        self.windows, self._clips = scoring_windows(recordings, acoustic)

    def behind(self, lower: nn.Module) -> DevVoices:
        """Return a judge of nets that take what ``lower`` makes of windows."""
        features = lower_features(lower, self.windows[:, 0].numpy())
        judge = copy.copy(self)
        judge.windows = torch.from_numpy(features.astype(np.float32))
        return judge

    def answers(self, net: nn.Module) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return log-probabilities and scores of whole clips, both of shape ``(n, 6)``."""
        per_window = predict(net, self.windows).numpy()
        probabilities = softmax(per_window[:, :K])
        clips = [self._clips == clip for clip in range(self.labels.size)]
        logs = [clip_log_probabilities(probabilities[rows]) for rows in clips]
        scores = [per_window[rows, K:].mean(axis=0) for rows in clips]
        return np.stack(logs), np.stack(scores).astype(np.float64)

    def own(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return scores less the mean of all clips of their speaker."""
        means = [scores[self.speakers == n].mean(axis=0) for n in range(self.speakers.max() + 1)]
        return scores - np.stack(means)[self.speakers]

    def uar_of(self, scores: NDArray[np.float64]) -> float:
        """Return the UAR of the largest scores, shape ``(n, 6)``."""
        return uar(confusion_matrix(self.labels, scores.argmax(axis=1), K))

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return the UAR over whole clips: as they are, and against what is normal for a voice."""
        logs, scores = self.answers(net)
        own = self.own(scores)
        return {
            "dev_uar": self.uar_of(logs),
            "dev_own_uar": self.uar_of(own),
            "dev_both_uar": self.uar_of(logs + own),
        }


def halves_and_whole(judge: DevVoices, residual: nn.Module, trunk: nn.Module) -> dict[str, float]:
    """Return the UAR of both halves and of their mean, before quantisation.

    The mean of logits is, up to a constant for each window, the mean of log-probabilities.
    """
    answers = {"residual": judge.answers(residual), "trunk": judge.answers(trunk)}
    both = [0.5 * (one + other) for one, other in zip(*answers.values(), strict=True)]
    answers["both"] = both[0], both[1]
    found = {}
    for name, (logs, scores) in answers.items():
        own = judge.own(scores)
        found[name] = judge.uar_of(logs)
        found[f"{name}_own"] = judge.uar_of(own)
        found[f"{name}_with_own"] = judge.uar_of(logs + own)
    return found
