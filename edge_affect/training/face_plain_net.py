"""Face nets of plain 3 x 3 convolutions from random weights.

They see the crop as it is, 48 px, where the other kind of net starts from pictures of a thousand
kinds of things and an enlarged crop. Nets that err differently teach better together than alone.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from edge_affect.training.nets import ResidualBlock, Stage


class Layout(NamedTuple):
    """Channels of the stem, then the residual blocks."""

    n_stem: int
    stages: tuple[Stage, ...]


SMALL = Layout(24, (Stage(48, 2), Stage(48, 1), Stage(96, 2), Stage(96, 1), Stage(160, 2)))
"""757 k parameters, about 100 million multiplications: what is released."""
DEEP = Layout(
    24,
    (
        Stage(48, 2),
        Stage(48, 1),
        Stage(48, 1),
        Stage(96, 2),
        Stage(96, 1),
        Stage(96, 1),
        Stage(144, 2),
    ),
)
"""905 k parameters, about 120 million multiplications."""
FINE = Layout(
    16,
    (Stage(24, 1), Stage(48, 2), Stage(48, 1), Stage(96, 2), Stage(96, 1), Stage(160, 2)),
)
"""766 k parameters; one block works on all of the crop's 48 x 48 places."""


class PlainFaceNet(nn.Module):
    """Logits of normalised grey crops.

    Attributes:
        side_px: Crops of another side are scaled to this one first; may change while training.
    """

    FULL_PX = 48
    SMALL_PX = 36

    def __init__(self, n_classes: int, layout: Layout, dropout: float = 0.3) -> None:
        super().__init__()
        self.side_px = self.FULL_PX
        self.stem = nn.Sequential(
            nn.Conv2d(1, layout.n_stem, 3, 1, 1, bias=False),
            nn.BatchNorm2d(layout.n_stem),
            nn.ReLU(inplace=True),
        )
        blocks: list[nn.Module] = []
        width = layout.n_stem
        for stage in layout.stages:
            blocks.append(ResidualBlock(width, stage.n_channels, stage.stride))
            width = stage.n_channels
        self.blocks = nn.Sequential(*blocks)
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(width, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_classes)`` of crops ``(n, 1, size_px, size_px)``."""
        if x.shape[-1] != self.side_px:
            size = (self.side_px, self.side_px)
            x = functional.interpolate(
                x, size=size, mode="bilinear", align_corners=False, antialias=True
            )
        features = self.blocks(self.stem(x)).mean((2, 3))
        logits: torch.Tensor = self.classes(self.dropout(features))
        return logits
