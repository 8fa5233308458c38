"""The activity net: bands are folded away first, then a few long kernels look along time."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional


class _Conv(nn.Sequential):
    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: tuple[int, int],
        stride: tuple[int, int] = (1, 1),
        padding: tuple[int, int] = (1, 1),
    ) -> None:
        super().__init__(
            nn.Conv2d(n_in, n_out, kernel, stride, padding, bias=False),
            nn.BatchNorm2d(n_out),
            nn.ReLU(inplace=True),
        )


class ActivityNet(nn.Module):
    """From 300 frames of 64 bands to 75 steps of two logits: somebody speaks, several speak."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.front = nn.Sequential(
            _Conv(1, 16, (5, 5), (2, 2), (2, 2)),
            _Conv(16, 24, (3, 3), (2, 2)),
            _Conv(24, 32, (3, 3), (1, 2)),
            _Conv(32, 48, (3, 3), (1, 2)),
            _Conv(48, width, (3, 4), padding=(1, 0)),
        )
        self.along = nn.ModuleList(_Conv(width, width, (9, 1), padding=(4, 0)) for _ in range(3))
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_steps, 2)`` of windows ``(n, 1, n_frames, 64)``."""
        x = self.front(x)
        for layer in self.along:
            x = x + layer(x)
        return self.head(x).squeeze(3).permute(0, 2, 1)


def activity_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Return the mean cross-entropy of both answers."""
    return functional.binary_cross_entropy_with_logits(logits, target)
