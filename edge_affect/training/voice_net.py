"""The voice net: a residual net learned from scratch beside a trunk that had heard much speech.

Both hear the same window of log-mels, and their logits are averaged. Each is worse alone: one hears
all bands and knows this task only, the other knows speech and hears only what lies below 3.8 kHz.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from edge_affect.perception.acoustic import mel_from_hz
from edge_affect.training.speech_trunk import (
    FEATURES,
    HIGH_HZ,
    LOW_HZ,
    LowerTrunk,
    UpperTrunk,
    band_matrix,
    start_from,
)

if TYPE_CHECKING:
    from pathlib import Path

    from edge_affect.perception.acoustic import AcousticSettings

LEVEL, CONTRAST = 6.7686, 1.5495
"""Mean and deviation of active frames in the unit of the trunk, which is tens of decibels.

Measured on 150 training clips brought to a peak of 0.3; our windows have mean 0 and deviation 1.
"""


class StatisticsHead(nn.Module):
    """One linear layer over the mean and the mean rise above it, over time, of several maps.

    The rise above the mean is half the mean absolute deviation: it says how much a feature moves,
    as a standard deviation would, without a square root, which int8 has not.
    """

    def __init__(self, sizes: tuple[int, ...], n_outputs: int, dropout: float) -> None:
        super().__init__()
        every = [size for size in sizes for _ in range(2)]
        self.scales = nn.ModuleList(nn.BatchNorm1d(size, affine=False) for size in every)
        self.layers = nn.ModuleList(
            nn.Linear(size, n_outputs, bias=number == 0) for number, size in enumerate(every)
        )
        for layer in self.layers:
            nn.init.zeros_(layer.weight)
        self._dropout = dropout

    def forward(self, maps: list[torch.Tensor]) -> torch.Tensor:
        """Return logits of maps ``(n, n_channels, n_times, n_bands)``."""
        statistics: list[torch.Tensor] = []
        for each in maps:
            mean = each.mean(2, keepdim=True)
            statistics += [mean.flatten(1), torch.relu(each - mean).mean(2).flatten(1)]
        logits = [
            layer(functional.dropout(scale(values), self._dropout, self.training))
            for layer, scale, values in zip(self.layers, self.scales, statistics, strict=True)
        ]
        return sum(logits[1:], logits[0])


class LowerNet(nn.Module):
    """Reads the trunk's bands off our finer ones; then the part of it that stays as published."""

    def __init__(self, acoustic: AcousticSettings) -> None:
        super().__init__()
        ends = mel_from_hz(np.array([acoustic.low_hz, acoustic.high_hz, LOW_HZ, HIGH_HZ]))
        centres = np.linspace(ends[0], ends[1], acoustic.n_mels + 2)[1:-1]
        weights = band_matrix(centres, float(ends[2]), float(ends[3]))
        self.bands = nn.Linear(acoustic.n_mels, weights.shape[1])
        with torch.no_grad():
            self.bands.weight.copy_(CONTRAST * weights.T)
            self.bands.bias.fill_(LEVEL)
        self.trunk = LowerTrunk()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return features ``(n, 72, 57, 4)`` of windows ``(n, 1, 248, n_mels)``."""
        features: torch.Tensor = self.trunk(self.bands(x))
        return features


class UpperNet(nn.Module):
    """The part that is trained: the last blocks, and a head over three of the maps."""

    def __init__(self, n_outputs: int, dropout: float) -> None:
        super().__init__()
        self.trunk = UpperTrunk()
        self.head = StatisticsHead(FEATURES, n_outputs, dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of what `LowerNet` returned."""
        logits: torch.Tensor = self.head(self.trunk(x))
        return logits


class TrunkNet(nn.Module):
    """Answers to normalised windows by way of the trunk."""

    def __init__(self, acoustic: AcousticSettings, n_outputs: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.lower: nn.Module = LowerNet(acoustic)
        self.upper: nn.Module = UpperNet(n_outputs, dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return answers ``(n, n_outputs)`` of windows ``(n, 1, n_frames, n_mels)``."""
        answers: torch.Tensor = self.upper(self.lower(x))
        return answers


class VoiceNet(nn.Module):
    """The mean of both nets' answers: logits, and scores to be read against a voice's normal."""

    def __init__(self, residual: nn.Module, trunk: nn.Module) -> None:
        super().__init__()
        self.residual = residual
        self.trunk = trunk

    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return logits and scores, half of the outputs each, of windows as above."""
        answers: torch.Tensor = 0.5 * (self.residual(x) + self.trunk(x))
        logits, scores = answers.chunk(2, dim=1)
        return logits, scores


def trunk_net(acoustic: AcousticSettings, n_outputs: int, published: Path) -> TrunkNet:
    """Return the net on the trunk with its published weights and an empty head.

    Raises:
        SystemExit: If the file is not the one expected.
    """
    net = TrunkNet(acoustic, n_outputs)
    start_from(net.lower.trunk, net.upper.trunk, published)
    return net
