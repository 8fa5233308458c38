"""Train, calibrate, convert and release the face expression model with one command.

``python -m edge_affect.training.face --data shared/data/face/ferplus.npz --release``
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.faces import face_figures
from edge_affect.evaluation.ferplus import N_CLASSES, FaceSet, load_faces
from edge_affect.evaluation.figures import classification_figures
from edge_affect.evaluation.metrics import accuracy, confusion_matrix, uar
from edge_affect.perception.expression_input import CropSettings
from edge_affect.perception.expression_model import FaceExpressionModel
from edge_affect.perception.interpreter import softmax
from edge_affect.perception.manifest import Manifest, TrainingData
from edge_affect.record import EXPRESSIONS, Expression
from edge_affect.training.command import keep_figures, training_parser
from edge_affect.training.export import to_int8
from edge_affect.training.face_data import (
    split_train,
    tensor,
    usable,
    with_majority,
)
from edge_affect.training.face_lessons import LAST, TAUGHT, Classroom, bank_of
from edge_affect.training.face_teachers import FileTeacher
from edge_affect.training.loop import predict
from edge_affect.training.release import (
    Calibration,
    calibrate,
    calibrated,
    calibration_text,
    confusion_table,
    figures_table,
    manifest_figures,
    new_manifest,
    write_release,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import nn

VERSION = "4"
REPORT_SPLIT = "valid"
N_RANGE_CROPS = 512
MIN_QUALITY = 0.4
"""Crops below are not read; chosen on spoilt crops of the development part (decision 10)."""
TRAINING_DATA = (
    TrainingData(
        name="FER+",
        licence="votes MIT; pictures are web crops without a licence of their own",
        part="train split without the development part (a tenth, whole twin groups)",
    ),
    TrainingData(
        name="ImageNet",
        licence="weights Apache-2.0; pictures from the web, their owners keep their rights",
        part="not read here: a teacher started from the published EfficientNet-Lite0",
    ),
)


class DevFaces:
    """Judges a net on the majority faces of the development part."""

    def __init__(self, dev: FaceSet, crop: CropSettings) -> None:
        self.faces, self.labels = with_majority(dev)
        self._inputs = tensor(self.faces.images, crop)

    def __call__(self, net: nn.Module) -> dict[str, float]:
        """Return accuracy and UAR."""
        guess = predict(net, self._inputs).argmax(dim=1).numpy()
        matrix = confusion_matrix(self.labels, guess, N_CLASSES)
        return {"dev_accuracy": accuracy(self.labels, guess), "dev_uar": uar(matrix)}


def convert(net: nn.Module, part: FaceSet) -> tuple[Manifest, bytes]:
    """Return the int8 model and its manifest, not yet calibrated."""
    rows = np.random.default_rng(0).choice(len(part), N_RANGE_CROPS, replace=False)
    content = to_int8(net, tensor(part.images[rows], CropSettings()))
    manifest = new_manifest(
        "face_expression", VERSION, content, EXPRESSIONS, CropSettings(), TRAINING_DATA
    )
    return replace(manifest, thresholds={"min_quality": MIN_QUALITY}), content


def fit_on_dev(manifest: Manifest, content: bytes, judge: DevFaces) -> Calibration:
    """Return the calibration of the int8 model on the development part."""
    reader = FaceExpressionModel(calibrated(manifest, content, 1.0))
    at_one = np.stack([reader.probabilities(crop) for crop in judge.faces.images])
    # Logits are known up to a constant, which softmax does not see.
    return calibrate(np.log(np.maximum(at_one, 1e-12)), judge.labels)


def report_once(
    net: nn.Module, manifest: Manifest, content: bytes, faces: FaceSet
) -> dict[str, Any]:
    """Return the figures on the report split: int8 as shipped, uncalibrated, and float."""
    rows, labels = with_majority(faces.select(faces.split == REPORT_SPLIT))
    alone: NDArray[np.bool_] = np.ones(len(rows), dtype=np.bool_)
    if rows.duplicate_of_train is not None:
        alone = ~rows.duplicate_of_train
    shipped = FaceExpressionModel(calibrated(manifest, content, manifest.temperature))
    plain = FaceExpressionModel(calibrated(manifest, content, 1.0))
    floating = softmax(
        predict(net, tensor(rows.images, CropSettings())).numpy(), manifest.temperature
    )
    classes = tuple(Expression)
    return {
        "int8": face_figures(rows.select(alone), shipped, REPORT_SPLIT),
        "int8_with_twins": face_figures(rows, shipped, REPORT_SPLIT),
        "int8_temperature_1": face_figures(rows.select(alone), plain, REPORT_SPLIT),
        "float": classification_figures(labels[alone], floating[alone], classes),
    }


def release(out: Path, manifest: Manifest, content: bytes, found: dict[str, Any]) -> None:
    """Write the three files."""
    figures = (
        *manifest_figures(found["valid"]["int8"], "FER+ valid, majority, without twins of train"),
        *manifest_figures(found["valid"]["int8_with_twins"], "FER+ valid, majority"),
    )
    manifest = replace(manifest, figures=figures)
    calibration = Calibration(**found["calibration"])
    int8, plain = found["valid"]["int8"], found["valid"]["int8_temperature_1"]
    values = {
        "n_bytes": f"{len(content):,}",
        "n_fit": f"{found['n_fit']:,}",
        "n_dev": f"{calibration.n:,}",
        "seed": str(found["seed"]),
        "taught_epochs": str(TAUGHT.n_epochs),
        "last_epochs": str(LAST.n_epochs),
        "dev_float": f"{100 * found['dev_float']:.1f} %",
        "dev_accuracy": f"{100 * found['dev']['accuracy']:.1f} %",
        "dev_uar": f"{100 * found['dev']['uar']:.1f} %",
        "figures": figures_table(
            [
                ("FER+ valid without twins, int8 as shipped", int8),
                ("FER+ valid with twins, int8 as shipped", found["valid"]["int8_with_twins"]),
                ("FER+ valid without twins, before quantisation", found["valid"]["float"]),
            ]
        ),
        "confusion": confusion_table(int8),
        "calibration": calibration_text(calibration, plain["ece"], int8["ece"], int8["n"]),
        "median_ms": f"{int8['median_ms_per_item']:.2f}",
        "sha256": manifest.sha256,
    }
    write_release(out, manifest, content, values)


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = training_parser(
        __doc__, "face", "FER+ as one .npz file", "measure it on the report split"
    )
    parser.add_argument(
        "--teachers",
        type=Path,
        nargs="*",
        default=[],
        help="manifests of finished face models to learn from, instead of one more net of our own",
    )
    options = parser.parse_args()
    faces = load_faces(options.data)
    part, dev = split_train(faces)
    part, judge = usable(part), DevFaces(dev, CropSettings())
    room = Classroom(bank_of(part), judge, options.work, options.seed, options.threads)
    net = room.whole_course([FileTeacher(manifest) for manifest in options.teachers])
    manifest, content = convert(net, part)
    calibration = fit_on_dev(manifest, content, judge)
    manifest = replace(manifest, temperature=calibration.temperature)
    reader = FaceExpressionModel(calibrated(manifest, content, calibration.temperature))
    found = {
        "n_fit": len(part),
        "seed": options.seed,
        "dev_float": judge(net)["dev_accuracy"],
        "calibration": {name: getattr(calibration, name) for name in calibration.__slots__},
        "dev": face_figures(judge.faces, reader, "dev"),
    }
    if options.release:
        found["valid"] = report_once(net, manifest, content, faces)
    keep_figures(options.work, found)
    if options.release:
        release(options.out, manifest, content, found)


if __name__ == "__main__":
    main()
