"""Train, calibrate, convert and release the face expression model with one command.

``python -m edge_affect.training.face --data shared/data/face/ferplus.npz --out models_tflite``
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from edge_affect.evaluation.ferplus import N_CLASSES, load_faces
from edge_affect.evaluation.metrics import accuracy, confusion_matrix, uar
from edge_affect.perception.expression_input import CropSettings
from edge_affect.training.face_augmentation import FaceAugmentation
from edge_affect.training.face_data import (
    FaceBatches,
    split_train,
    tensor,
    usable,
    with_majority,
)
from edge_affect.training.loop import LoopSettings, fit, predict
from edge_affect.training.nets import face_net, n_parameters

if TYPE_CHECKING:
    from torch import nn

    from edge_affect.evaluation.ferplus import FaceSet


class DevFaces:
    """Judges a net on the majority faces of the development part."""

    def __init__(self, dev: FaceSet, crop: CropSettings) -> None:
        faces, self.labels = with_majority(dev)
        self.faces = faces
        self._inputs = tensor(faces.images, crop)

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return accuracy and UAR."""
        guess = predict(net, self._inputs).argmax(dim=1).numpy()
        matrix = confusion_matrix(self.labels, guess, N_CLASSES)
        return {"dev_accuracy": accuracy(self.labels, guess), "dev_uar": uar(matrix)}


def train(faces: FaceSet, work: Path, settings: LoopSettings) -> tuple[nn.Module, DevFaces]:
    """Return the averaged net and its judge."""
    crop = CropSettings()
    part, dev = split_train(faces)
    part = usable(part)
    judge = DevFaces(dev, crop)
    torch.manual_seed(settings.seed)
    net = face_net(N_CLASSES)
    print(
        f"face net: {n_parameters(net):,} parameters; {len(part):,} crops to fit on, "
        f"{judge.labels.size:,} to choose by",
        flush=True,
    )
    batches = FaceBatches(part, crop, FaceAugmentation(), settings.seed)
    return fit(net, batches, judge, settings, work), judge


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="FER+ as one .npz file")
    parser.add_argument("--out", type=Path, default=Path("models_tflite"), help="where models go")
    parser.add_argument(
        "--work", type=Path, default=Path("build/training/face"), help="checkpoints"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    settings = LoopSettings(
        n_epochs=options.epochs,
        learning_rate=2e-3,
        weight_decay=0.02,
        averaging=0.998,
        n_threads=options.threads,
        seed=options.seed,
    )
    faces = load_faces(options.data)
    net, judge = train(faces, options.work, settings)
    np.random.default_rng(settings.seed)
    del net, judge


if __name__ == "__main__":
    main()
