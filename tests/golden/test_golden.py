"""Front ends and models against answers kept from the day the models were released.

The files are written by ``tools/make_golden.py`` on purpose, never by a test run.
"""

from pathlib import Path

import numpy as np
import pytest
from golden_inputs import faces, sounds

from edge_affect.perception.acoustic import AcousticSettings, log_mel_db, window_tensor
from edge_affect.perception.expression_input import CropSettings, crop_tensor
from edge_affect.perception.expression_model import FaceExpressionModel, VoiceExpressionModel
from edge_affect.perception.interpreter import load_model

FOLDER = Path(__file__).parent
EVERY_FRAME = 8


def golden(name: str) -> dict[str, np.ndarray]:
    with np.load(FOLDER / f"{name}.npz") as archive:
        return {key: archive[key] for key in archive.files}


@pytest.mark.parametrize("name", ["face_expression", "voice_expression"])
def test_the_answers_belong_to_the_shipped_model(name):
    assert str(golden(name)["sha256"]) == load_model(name).manifest.sha256


def test_log_mels_are_as_kept():
    kept = golden("voice_expression")["mels_db"]
    made = [log_mel_db(samples, AcousticSettings())[::EVERY_FRAME] for samples in sounds().values()]
    assert kept.shape == (5, 31, 64)
    assert np.abs(np.stack(made) - kept).max() < 1e-2


def test_voice_tensors_are_as_kept():
    model = load_model("voice_expression").manifest
    settings = AcousticSettings.from_manifest(model)
    made = [
        window_tensor(log_mel_db(samples, settings), settings, model.inputs[0])
        for samples in sounds().values()
    ]
    kept = golden("voice_expression")["inputs"]
    assert kept.shape == (5, *model.inputs[0].shape)
    assert np.abs(np.stack(made).astype(int) - kept.astype(int)).max() <= 1


def test_face_tensors_are_as_kept():
    model = load_model("face_expression").manifest
    settings = CropSettings.from_manifest(model)
    made = [crop_tensor(crop, settings, model.inputs[0]) for crop in faces().values()]
    kept = golden("face_expression")["inputs"]
    assert kept.shape == (6, *model.inputs[0].shape)
    assert np.abs(np.stack(made).astype(int) - kept.astype(int)).max() <= 1


@pytest.mark.parametrize(("name", "n_items"), [("face_expression", 6), ("voice_expression", 5)])
def test_models_answer_as_kept_within_one_step_of_256(name, n_items):
    kept = golden(name)
    assert len(kept["inputs"]) == n_items
    model = load_model(name)
    made = np.stack([model.run(tensor)[0] for tensor in kept["inputs"]])
    assert np.abs(made.astype(int) - kept["outputs"].astype(int)).max() <= 1


def test_different_items_get_different_answers():
    for name in ("face_expression", "voice_expression"):
        outputs = golden(name)["outputs"].reshape(-1, golden(name)["outputs"].shape[-1])
        assert len({tuple(row) for row in outputs.tolist()}) == len(outputs)


def test_the_whole_path_from_sound_and_picture():
    voice = VoiceExpressionModel.load()
    kept = golden("voice_expression")["probabilities"]
    made = [voice.window_probabilities(samples) for samples in sounds().values()]
    assert np.abs(np.stack(made) - kept).max() < 0.02
    face = FaceExpressionModel.load()
    kept = golden("face_expression")["probabilities"]
    made = [face.probabilities(crop) for crop in faces().values()]
    assert np.abs(np.stack(made) - kept).max() < 0.02
