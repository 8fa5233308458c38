"""The sound-event model against answers kept from the day it was released.

`python tests/golden/test_events_golden.py` writes the answers anew; run it once for each release.
"""

from pathlib import Path

import numpy as np
from golden_inputs import sounds

from edge_affect.perception.acoustic import log_mel_db, window_tensor
from edge_affect.perception.interpreter import load_model
from edge_affect.perception.sound_events import SoundEventModel

ANSWERS = Path(__file__).parent / "sound_events.npz"
MIDDLE = slice(12_000, 28_000)


def kept() -> dict[str, np.ndarray]:
    with np.load(ANSWERS) as archive:
        return {key: archive[key] for key in archive.files}


def tensors(model: SoundEventModel) -> np.ndarray:
    spec = model.manifest.inputs[0]
    windows = [log_mel_db(samples[MIDDLE], model.acoustic) for samples in sounds().values()]
    return np.stack([window_tensor(window, model.acoustic, spec) for window in windows])


def probabilities(model: SoundEventModel) -> np.ndarray:
    windows = [log_mel_db(samples[MIDDLE], model.acoustic) for samples in sounds().values()]
    return np.stack([model.probabilities(window) for window in windows])


def test_the_answers_belong_to_the_shipped_model():
    assert str(kept()["sha256"]) == load_model("sound_events").manifest.sha256


def test_tensors_are_as_kept():
    model = SoundEventModel.load()
    assert kept()["inputs"].shape == (5, *model.manifest.inputs[0].shape)
    assert np.abs(tensors(model).astype(int) - kept()["inputs"].astype(int)).max() <= 1


def test_the_model_answers_as_kept_within_one_step_of_256():
    answers, model = kept(), load_model("sound_events")
    made = np.stack([model.run(tensor)[0] for tensor in answers["inputs"]])
    assert np.abs(made.astype(int) - answers["outputs"].astype(int)).max() <= 1
    assert len({tuple(row) for row in answers["outputs"].reshape(5, -1).tolist()}) == 5


def test_the_whole_path_from_sound():
    assert np.abs(probabilities(SoundEventModel.load()) - kept()["probabilities"]).max() < 0.02


def main() -> None:
    """Write the answers of the shipped model."""
    model, runner = SoundEventModel.load(), load_model("sound_events")
    inputs = tensors(model)
    np.savez_compressed(
        ANSWERS,
        sha256=np.array(model.manifest.sha256),
        inputs=inputs,
        outputs=np.stack([runner.run(tensor)[0] for tensor in inputs]),
        probabilities=probabilities(model),
    )


if __name__ == "__main__":
    main()
