"""The network that Google trained on the speech of 200 million clips, as a trunk to start from.

J. Lin, K. Kilgour, D. Roblek, M. Sharifi, "Training Keyword Spotters with Limited and Synthesized
Speech Data", 2020; published as ``google/speech_embedding`` under Apache-2.0. The package
openwakeword carries it as an ONNX file; nothing else of that package is used.
"""

from __future__ import annotations

import hashlib
from importlib import util
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from edge_affect.training.onnx_weights import read_tensors

if TYPE_CHECKING:
    from numpy.typing import NDArray

PRETRAINED_PACKAGE = "openwakeword"
PRETRAINED_FILE = "resources/models/embedding_model.onnx"
PRETRAINED_SHA256 = "ba754db3cd768a524c655ea90655ee5e6055a43b8dfd29366a11e93716ae9e51"
PREFIX = "model/"
FIRST = "conv2d/StatefulPartitionedCall/StatefulPartitionedCall/Conv2D/ReadVariableOp:0"
N_MELS = 32
LOW_HZ, HIGH_HZ = 60.0, 3_800.0
LEAK, FLOOR = 0.2, -0.4
NORMALISATION_EPSILON = 1e-3


class Row(NamedTuple):
    """Convolutions of one block: numbers in the original, channels, pooling of time and bands."""

    numbers: range
    n_channels: int
    pooling: tuple[int, int]


ROWS = (
    Row(range(3), 24, (2, 2)),
    Row(range(3, 7), 48, (1, 2)),
    Row(range(7, 11), 72, (2, 2)),
    Row(range(11, 15), 96, (1, 2)),
    Row(range(15, 17), 96, (2, 2)),
)
"""Of the original's twenty convolutions the first seventeen; the others would not fit in 1 MB."""

N_LOWER = 3
FEATURES = (72 * 4, 96 * 2, 96)
"""Channels times bands after the last of the lower blocks and after each of the upper ones."""


def activation(x: torch.Tensor) -> torch.Tensor:
    """Return the rectifier of the original: leaky, and never below -0.4.

    Written as the larger of two, because the quantizer does not know a leaky rectifier.
    """
    return torch.maximum(x, (LEAK * x).clamp_min(FLOOR))


class TrunkBlock(nn.Module):
    """Convolutions along bands and along time by turns, then pooling; time is never padded."""

    def __init__(self, n_in: int, row: Row) -> None:
        super().__init__()
        layers = []
        for number in row.numbers:
            along_bands = number % 2 == 1
            kernel = (3, 3) if number == 0 else (1, 3) if along_bands else (3, 1)
            padding = (0, kernel[1] // 2)
            layers.append(nn.Conv2d(n_in, row.n_channels, kernel, padding=padding))
            n_in = row.n_channels
        self.layers = nn.ModuleList(layers)
        self.pooling = row.pooling

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the pooled map."""
        for layer in self.layers:
            x = activation(layer(x))
        return functional.max_pool2d(x, self.pooling, self.pooling)


class FirstBlock(TrunkBlock):
    """The first block rectifies its first convolution before it scales and shifts it."""

    def __init__(self, n_in: int, row: Row) -> None:
        super().__init__(n_in, row)
        self.scale = nn.Parameter(torch.ones(1, row.n_channels, 1, 1))
        self.shift = nn.Parameter(torch.zeros(1, row.n_channels, 1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the pooled map."""
        x = activation(torch.relu(self.layers[0](x)) * self.scale + self.shift)
        for layer in self.layers[1:]:
            x = activation(layer(x))
        return functional.max_pool2d(x, self.pooling, self.pooling)


class LowerTrunk(nn.Sequential):
    """From the trunk's own bands to the output of its third block; never trained here."""

    def __init__(self) -> None:
        blocks: list[nn.Module] = [FirstBlock(1, ROWS[0])]
        for before, row in pairwise(ROWS[:N_LOWER]):
            blocks.append(TrunkBlock(before.n_channels, row))
        super().__init__(*blocks)


class UpperTrunk(nn.ModuleList):
    """The last blocks."""

    def __init__(self) -> None:
        pairs = pairwise(ROWS[N_LOWER - 1 :])
        super().__init__(TrunkBlock(before.n_channels, row) for before, row in pairs)

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        """Return the lower trunk's output itself and the maps after each block."""
        maps = [x]
        for block in self:
            maps.append(block(maps[-1]))
        return maps


def pretrained_file() -> Path:
    """Return where the package keeps the network.

    Raises:
        SystemExit: If the package is missing or its file is another one.
    """
    found = util.find_spec(PRETRAINED_PACKAGE)
    if found is None or not found.submodule_search_locations:
        raise SystemExit(f"The package {PRETRAINED_PACKAGE} is missing; install the extra [train].")
    return Path(found.submodule_search_locations[0]) / PRETRAINED_FILE


@torch.no_grad()
def start_from(lower: LowerTrunk, upper: UpperTrunk, path: Path) -> None:
    """Copy the published weights.

    Raises:
        SystemExit: If the file is missing or another one.
    """
    if not path.is_file():
        raise SystemExit(f"{path} is missing; install the extra [train].")
    content = path.read_bytes()
    if hashlib.sha256(content).hexdigest() != PRETRAINED_SHA256:
        raise SystemExit(f"{path} is another file than the one expected.")
    tensors = {name: torch.from_numpy(array) for name, array in read_tensors(content).items()}
    blocks = [*lower, *upper]
    for row, block in zip(ROWS, blocks, strict=True):
        for number, layer in zip(row.numbers, block.layers, strict=True):
            _copy(layer, tensors, number)
    gain, bias, mean, variance = (
        tensors[f"{PREFIX}batch_normalization/{name}"]
        for name in (
            "ReadVariableOp:0",
            "ReadVariableOp_1:0",
            "FusedBatchNormV3/ReadVariableOp:0",
            "FusedBatchNormV3/ReadVariableOp_1:0",
        )
    )
    scale = gain / torch.sqrt(variance + NORMALISATION_EPSILON)
    first = lower[0]
    first.scale.copy_(scale.view(1, -1, 1, 1))
    first.shift.copy_((bias - mean * scale).view(1, -1, 1, 1))


def _copy(layer: nn.Conv2d, tensors: dict[str, torch.Tensor], number: int) -> None:
    if number == 0:
        layer.weight.copy_(tensors[PREFIX + FIRST])
        layer.bias.zero_()
        return
    name = f"{PREFIX}conv2d_{number}/Conv2D"
    layer.weight.copy_(tensors[f"{name}_weights_fused_bn"])
    layer.bias.copy_(tensors[f"{name}_bias_fused_bn"])


def band_matrix(centres_mel: NDArray[np.float64], low_mel: float, high_mel: float) -> torch.Tensor:
    """Return weights ``(n_bands, N_MELS)`` that read the trunk's bands off other, finer ones.

    Args:
        centres_mel: Of the finer bands, ``(n_bands,)``.
        low_mel: Lower edge of the trunk's lowest band.
        high_mel: Upper edge of the trunk's highest band.
    """
    step = (high_mel - low_mel) / (N_MELS + 1)
    wanted = low_mel + step * np.arange(1, N_MELS + 1)
    weights = np.maximum(0.0, 1.0 - np.abs(centres_mel[:, None] - wanted) / step)
    return torch.from_numpy((weights / weights.sum(axis=0)).astype(np.float32))
