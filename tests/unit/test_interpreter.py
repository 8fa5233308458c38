"""Models against their manifests: what runs, what is refused, and that the terminal stays clean."""

import hashlib
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from edge_affect.errors import InputMissingError, ModelError, ShapeError
from edge_affect.perception.interpreter import (
    TfliteModel,
    dequantise,
    load_model,
    quantise,
    softmax,
)
from edge_affect.perception.manifest import TensorSpec
from edge_affect.perception.model_store import find_manifest, find_model_file

SPEC = TensorSpec("t", (4,), "int8", 0.5, 3)
NAME = "face_expression"


@pytest.fixture(scope="module")
def manifest():
    return find_manifest(NAME)


@pytest.fixture(scope="module")
def content(manifest):
    return find_model_file(manifest).read_bytes()


def test_softmax_sums_to_one_and_follows_the_temperature():
    assert softmax([0.0, np.log(3.0)]).tolist() == pytest.approx([0.25, 0.75])
    assert softmax([0.0, 2 * np.log(3.0)], 2.0).tolist() == pytest.approx([0.25, 0.75])
    assert softmax([[1e4, 0.0], [0.0, -1e4]]).tolist() == [[1.0, 0.0], [1.0, 0.0]]


def test_quantise_rounds_and_saturates():
    codes = quantise([0.0, 0.5, -1000.0, 1000.0], SPEC)
    assert (codes.tolist(), codes.dtype) == ([3, 4, -128, 127], np.int8)
    assert dequantise(codes, SPEC).tolist() == [0.0, 0.5, -65.5, 62.0]


def test_float_tensors_pass_through():
    values = np.array([0.25, -7.0], dtype=np.float32)
    assert dequantise(values, TensorSpec("t", (2,), "float32")) is values


def test_runs_and_gives_probabilities(manifest, content):
    model = TfliteModel(manifest, content)
    spec = manifest.inputs[0]
    tensor = quantise(np.zeros(spec.shape), spec)
    (raw,) = model.run(tensor)
    assert (raw.shape, raw.dtype.name) == (manifest.outputs[0].shape, "int8")
    (real,) = model.run_real(tensor)
    assert real.dtype == np.float32
    expected = softmax(real.reshape(-1), manifest.temperature)
    assert model.probabilities(tensor).tolist() == pytest.approx(expected.tolist())
    assert model.probabilities(tensor).sum() == pytest.approx(1.0)


def test_an_answer_does_not_change_under_the_next_inference(manifest, content):
    model = TfliteModel(manifest, content)
    spec = manifest.inputs[0]
    (first,) = model.run(np.full(spec.shape, -100, np.int8))
    kept = first.copy()
    ramp = np.linspace(-100, 100, int(np.prod(spec.shape))).astype(np.int8).reshape(spec.shape)
    (second,) = model.run(ramp)
    assert (first == kept).all()
    assert (first != second).any()


@pytest.mark.parametrize(
    "tensor",
    [np.zeros((1, 48, 48), np.int8), np.zeros((1, 48, 48, 1), np.float32)],
)
def test_refuses_a_wrong_input(manifest, content, tensor):
    with pytest.raises(ShapeError, match="takes int8 of shape"):
        TfliteModel(manifest, content).run(tensor)


def test_refuses_a_wrong_number_of_inputs(manifest, content):
    with pytest.raises(ShapeError, match="takes 1 inputs, not 0"):
        TfliteModel(manifest, content).run()


def test_refuses_a_corrupt_file(manifest, content):
    with pytest.raises(ModelError, match="is corrupt or another version"):
        TfliteModel(manifest, content[:-1] + bytes([content[-1] ^ 1]))


def test_refuses_a_file_that_is_no_model(manifest):
    rubbish = b"rubbish" * 100
    said = replace(manifest, sha256=hashlib.sha256(rubbish).hexdigest())
    with pytest.raises(ModelError, match="does not load"):
        TfliteModel(said, rubbish)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"shape": (1, 47, 48, 1)}, "has shape"),
        ({"dtype": "uint8"}, "has dtype"),
        ({"scale": 0.5}, "has scale"),
        ({"zero_point": 99}, "has zero point"),
        ({"name": "door"}, "its manifest says door"),
    ],
)
def test_refuses_tensors_that_the_manifest_does_not_describe(manifest, content, change, message):
    wrong = replace(manifest, inputs=(replace(manifest.inputs[0], **change),))
    with pytest.raises(ModelError, match=message):
        TfliteModel(wrong, content)


def test_a_model_that_cannot_be_read(tmp_path, manifest):
    path = tmp_path / "face_expression.toml"
    path.write_text(manifest.path.read_text(encoding="utf-8"), encoding="utf-8")
    (tmp_path / manifest.file).mkdir()
    with pytest.raises((InputMissingError, ModelError), match=r"face_expression\.tflite"):
        load_model(str(path))


def test_loading_leaves_the_terminal_clean():
    code = f"from edge_affect.perception.interpreter import load_model; load_model({NAME!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert (done.stdout, done.stderr) == (b"", b"")


def test_loading_works_without_a_standard_error():
    code = (
        "import os; os.close(2)\n"
        "from edge_affect.perception.interpreter import load_model\n"
        f"print(load_model({NAME!r}).manifest.name)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert done.stdout == b"face_expression\n"
