"""Who teaches: finished model files, or nets of this very run."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.perception.interpreter import TfliteModel
from edge_affect.perception.manifest import load_manifest
from edge_affect.training.face_data import tensor
from edge_affect.training.loop import predict

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from edge_affect.perception.expression_input import CropSettings


class FileTeacher:
    """A face expression model of this product, by its manifest.

    It speaks at temperature 1: that is how it learned to repeat the shares of the votes, and what a
    calibrated temperature sharpens.

    Attributes:
        name: Says which model it is, by its checksum.
    """

    def __init__(self, manifest: Path) -> None:
        plain = replace(load_manifest(manifest), temperature=1.0)
        self.name = plain.sha256[:16]
        content = manifest.with_name(plain.file).read_bytes()
        self._model = FaceExpressionModel(TfliteModel(plain, content))

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return log-probabilities ``(n, 8)`` of crops ``(n, size_px, size_px)``."""
        said = np.stack([self._model.probabilities(crop) for crop in crops])
        return np.log(np.maximum(said, 1e-6)).astype(np.float32)


class NetTeacher:
    """A trained net.

    Attributes:
        name: Of the lesson that trained it.
    """

    def __init__(self, net: nn.Module, crop: CropSettings, name: str) -> None:
        self._net = net
        self._crop = crop
        self.name = name

    def __call__(self, crops: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Return log-probabilities ``(n, 8)`` of crops ``(n, size_px, size_px)``."""
        with torch.autocast("cpu", dtype=torch.bfloat16):
            logits = predict(self._net, tensor(crops, self._crop)).float()
        return np.asarray(logits.log_softmax(dim=1).numpy(), dtype=np.float32)
