"""Fit the weights of late fusion with one command.

``python -m edge_affect.training.fusion --data shared/data --release``

There are no clips with voice, face and label that weights may be fitted on and shipped, so only
what each modality's own data can tell is fitted: how far each model's distribution can be taken at
its word, on data it was not trained on (development part of FER+, development actors of CREMA-D).
That voice and face err independently given the expression cannot be fitted from these. It is
assumed, so both exponents of a model are the same; ``edge-affect evaluate fusion`` shows how far
the assumption holds on clips that may be measured on only.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.evaluation.ferplus import load_faces, majority_labels, split_train
from edge_affect.evaluation.fusion_fit import exponents_of_least_loss
from edge_affect.evaluation.metrics import expected_calibration_error
from edge_affect.evaluation.recordings import parse_speakers, read_samples
from edge_affect.fusion.joint import FILE_NAME, JointWeights, ModalityWeights
from edge_affect.perception.acoustic import clip_windows
from edge_affect.perception.expression_model import FaceExpressionModel, VoiceExpressionModel
from edge_affect.record import EXPRESSIONS
from edge_affect.training.voice_baseline import TRAINING_SPEAKERS
from edge_affect.training.voice_data import split_speakers

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.perception.manifest import Manifest

LEAST = 1e-12


def face_readings(data: Path) -> tuple[NDArray[np.float64], NDArray[np.int64], FaceExpressionModel]:
    """Return what the face model says of the development part, and the majority labels."""
    reader = FaceExpressionModel.load()
    _, dev = split_train(load_faces(data / "face" / "ferplus.npz"))
    labels = majority_labels(dev.votes)
    rows = np.flatnonzero(labels >= 0)
    said = np.stack([reader.probabilities(dev.images[row]) for row in rows])
    order = [EXPRESSIONS[int(one)] for one in reader.expressions]
    if order != list(EXPRESSIONS):
        raise ValueError("the face model's labels are in another order")
    return said, labels[rows].astype(np.int64), reader


def voice_readings(
    data: Path,
) -> tuple[NDArray[np.float64], NDArray[np.int64], VoiceExpressionModel]:
    """Return what the live path says of each window of the development actors, and what was heard.

    The live path says what people would hear, so windows on which most listeners did not agree are
    left out.
    """
    reader = VoiceExpressionModel.load()
    _, dev = split_speakers(data / "audio", "crema-d", parse_speakers(TRAINING_SPEAKERS))
    said, truth = [], []
    for recording in dev:
        if recording.heard is None or recording.heard not in reader.expressions:
            continue
        for window in clip_windows(read_samples(recording.path), reader.acoustic):
            said.append(reader.as_heard(reader.window_probabilities(window)))
            truth.append(reader.expressions.index(recording.heard))
    return np.stack(said), np.array(truth, dtype=np.int64), reader


def fitted(
    said: NDArray[np.float64], truth: NDArray[np.int64], manifest: Manifest, part: str
) -> tuple[NDArray[np.float64], dict[str, Any]]:
    """Return the exponent of a model, shape ``(1,)``, and where it comes from."""
    logs = np.log(np.maximum(said, LEAST))
    exponent = exponents_of_least_loss(logs[None], truth)
    powers = np.exp(exponent[0] * logs)
    after = powers / powers.sum(axis=1, keepdims=True)
    return exponent, {
        "model": manifest.name,
        "version": manifest.version,
        "sha256": manifest.sha256,
        "part": part,
        "n": int(truth.size),
        "log_loss_before": round(_log_loss(said, truth), 4),
        "log_loss_after": round(_log_loss(after, truth), 4),
        "ece_before": round(expected_calibration_error(truth, said), 4),
        "ece_after": round(expected_calibration_error(truth, after), 4),
    }


def _log_loss(said: NDArray[np.float64], truth: NDArray[np.int64]) -> float:
    return -float(np.log(np.maximum(said[np.arange(truth.size), truth], LEAST)).mean())


def main() -> None:
    """Run the whole recipe; see ``--help``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with face and audio")
    parser.add_argument("--out", type=Path, default=Path("models_tflite"), help="where it goes")
    parser.add_argument("--release", action="store_true", help="write the weights")
    options = parser.parse_args()
    said, truth, face = face_readings(options.data)
    of_face, face_source = fitted(said, truth, face.manifest, "FER+ train, development part")
    said, truth, voice = voice_readings(options.data)
    of_voice, voice_source = fitted(
        said, truth, voice.manifest, "CREMA-D, development actors, windows, labels as heard"
    )
    weights = JointWeights(
        classes=EXPRESSIONS,
        modalities={
            "face": ModalityWeights((face.manifest.name,), of_face, of_face),
            "voice": ModalityWeights((voice.manifest.name,), of_voice, of_voice),
        },
        provenance={
            "fitted_on": [face_source, voice_source],
            "joint": "assumed equal to alone: independent errors given the expression",
            "licence": "Apache-2.0",
        },
    )
    print(json.dumps(json.loads(weights.text()), indent=1), flush=True)
    if options.release:
        (options.out / FILE_NAME).write_text(weights.text(), encoding="utf-8")


if __name__ == "__main__":
    main()
