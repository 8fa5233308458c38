"""A face net of plain 3 x 3 convolutions from random weights: a second opinion for the bank.

It sees the crop as it is, 48 px, where the other net starts from pictures of a thousand kinds of
things and an enlarged crop. Two nets that err differently teach better together than either alone.
"""

from __future__ import annotations

import torch
from torch import nn

from edge_affect.training.nets import ResidualBlock

WIDTHS = (24, 48, 96, 160)


class PlainFaceNet(nn.Module):
    """Logits of normalised grey crops; 757 k parameters, about 100 million multiplications."""

    def __init__(self, n_classes: int, dropout: float = 0.3) -> None:
        super().__init__()
        first, second, third, last = WIDTHS
        self.stem = nn.Sequential(
            nn.Conv2d(1, first, 3, 1, 1, bias=False),
            nn.BatchNorm2d(first),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(
            ResidualBlock(first, second, 2),
            ResidualBlock(second, second, 1),
            ResidualBlock(second, third, 2),
            ResidualBlock(third, third, 1),
            ResidualBlock(third, last, 2),
        )
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(last, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_classes)`` of crops ``(n, 1, 48, 48)``."""
        features = self.blocks(self.stem(x)).mean((2, 3))
        logits: torch.Tensor = self.classes(self.dropout(features))
        return logits
