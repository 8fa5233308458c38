"""The two networks: plain residual nets of convolutions that survive full int8."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn


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
    """A stem of stride 2, residual blocks, mean over the plane, one linear layer."""

    def __init__(
        self, stem: int, stages: tuple[Stage, ...], n_classes: int, dropout: float
    ) -> None:
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
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(width, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_classes)`` of inputs ``(n, 1, height, width)``."""
        return self.head(self.dropout(self.blocks(self.stem(x)).mean((2, 3))))


def face_net(n_classes: int) -> ResidualNet:
    """Return the face net: 719 k parameters, 78 MMAC at 48 x 48."""
    stages = (Stage(48, 1), Stage(96, 2), Stage(96, 1), Stage(160, 2))
    return ResidualNet(32, stages, n_classes, dropout=0.3)


def voice_net(n_classes: int) -> ResidualNet:
    """Return the voice net for 248 frames of 64 mel bands."""
    stages = (Stage(32, 2), Stage(64, 2), Stage(128, 2), Stage(128, 1))
    return ResidualNet(16, stages, n_classes, dropout=0.3)


def n_parameters(net: nn.Module) -> int:
    """Return the number of trainable numbers."""
    return sum(parameter.numel() for parameter in net.parameters())
