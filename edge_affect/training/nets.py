"""The sound networks: plain residual nets of convolutions that survive full int8."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional


class Stage(NamedTuple):
    """One residual block: output channels and stride."""

    n_channels: int
    stride: int


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut (He et al., 2016)."""

    def __init__(self, n_in: int, n_out: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(n_in, n_out, 3, stride, 1, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
            nn.Conv2d(n_out, n_out, 3, 1, 1, bias=False),
            nn.BatchNorm2d(n_out),
        )
        is_same = n_in == n_out and stride == 1
        self.shortcut: nn.Module = nn.Identity()
        if not is_same:
            self.shortcut = nn.Sequential(
                nn.Conv2d(n_in, n_out, 1, stride, bias=False), nn.BatchNorm2d(n_out)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        return torch.relu(self.body(x) + self.shortcut(x))


class ResidualNet(nn.Module):
    """A stem of stride 2 and residual blocks; what comes after is `head`."""

    def __init__(self, stem: int, stages: tuple[Stage, ...], head: nn.Module) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(1, stem, 5, 2, 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU(inplace=True)
        )
        blocks: list[nn.Module] = []
        width = stem
        for stage in stages:
            blocks.append(ResidualBlock(width, stage.n_channels, stage.stride))
            width = stage.n_channels
        self.blocks = nn.Sequential(*blocks)
        self.head = head

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_classes)`` of inputs ``(n, 1, height, width)``."""
        return self.head(self.blocks(self.stem(x)))


class BandsHead(nn.Linear):
    """Mean over time alone: where in the spectrum something was heard still matters."""

    def __init__(self, n_channels: int, n_bands: int, n_classes: int, dropout: float) -> None:
        super().__init__(n_channels * n_bands, n_classes)
        self._dropout = dropout

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of maps ``(n, n_channels, n_times, n_bands)``."""
        features = x.mean(2).flatten(1)
        return super().forward(functional.dropout(features, self._dropout, self.training))


def voice_net(n_outputs: int) -> ResidualNet:
    """Return the voice net for 248 frames of 64 mel bands, of which 4 bands are left at the end."""
    stages = (Stage(32, 2), Stage(64, 2), Stage(128, 2), Stage(128, 1))
    return ResidualNet(16, stages, BandsHead(128, 4, n_outputs, dropout=0.3))


def n_parameters(net: nn.Module) -> int:
    """Return the number of trainable numbers."""
    return sum(parameter.numel() for parameter in net.parameters())
