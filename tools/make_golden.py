"""Keep the answers of the shipped models to our synthetic inputs; run it once for each release."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "golden")]

from golden_inputs import faces, sounds  # noqa: E402  path first

from edge_affect.perception.acoustic import log_mel_db, window_tensor  # noqa: E402  path first
from edge_affect.perception.expression_input import crop_tensor  # noqa: E402  path first
from edge_affect.perception.expression_model import (  # noqa: E402  path first
    FaceExpressionModel,
    VoiceExpressionModel,
)
from edge_affect.perception.interpreter import load_model  # noqa: E402  path first

FOLDER = ROOT / "tests" / "golden"
EVERY_FRAME = 8


def keep(name: str, inputs: np.ndarray, probabilities: np.ndarray, **more: np.ndarray) -> None:
    """Write ``tests/golden/NAME.npz``."""
    model = load_model(name)
    np.savez_compressed(
        FOLDER / f"{name}.npz",
        sha256=np.array(model.manifest.sha256),
        inputs=inputs,
        outputs=np.stack([model.run(tensor)[0] for tensor in inputs]),
        probabilities=probabilities,
        **more,
    )
    print(f"wrote {FOLDER / name}.npz")


def main() -> None:
    """Write the files of both expression models."""
    voice = VoiceExpressionModel.load()
    mels_db = [log_mel_db(samples, voice.acoustic) for samples in sounds().values()]
    spec = voice.manifest.inputs[0]
    keep(
        "voice_expression",
        np.stack([window_tensor(frames, voice.acoustic, spec) for frames in mels_db]),
        np.stack([voice.probabilities(frames) for frames in mels_db]),
        mels_db=np.stack([frames[::EVERY_FRAME] for frames in mels_db]),
    )
    face = FaceExpressionModel.load()
    spec = face.manifest.inputs[0]
    keep(
        "face_expression",
        np.stack([crop_tensor(crop, face.crop, spec) for crop in faces().values()]),
        np.stack([face.probabilities(crop) for crop in faces().values()]),
    )


if __name__ == "__main__":
    main()
