"""`edge-affect models add`: tried in a caged process, installed whole or not at all."""

import hashlib
import json
import os
import re
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from edge_affect import config, own_models
from edge_affect.cli import main
from edge_affect.commands import models_own
from edge_affect.errors import ExitCode, InputMissingError
from edge_affect.perception.interpreter import load_model
from edge_affect.perception.model_store import shipped_models_dir
from edge_affect.publishing.about import models_in_use, shipped_models
from edge_affect.sensing.assembly import build_pipeline

SHIPPED = shipped_models_dir()
needs_cage = pytest.mark.skipif(
    os.environ.get("EDGE_AFFECT_REQUIRE_CAGE") != "1" and not Path("/proc/self/ns/user").exists(),
    reason="this kernel has no namespaces",
)


@pytest.fixture
def clip(tmp_path):
    """Half a second of noise: the quickest recording."""
    path = tmp_path / "noise.wav"
    noise = np.random.default_rng(0).normal(0, 1000, 8000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(noise.tobytes())
    return path


@pytest.fixture
def dest(tmp_path, monkeypatch):
    folder = tmp_path / "own"
    monkeypatch.setenv(own_models.ENV_OWN_MODELS, str(folder))
    return folder


@pytest.fixture
def mine(tmp_path):
    """A copy of the shipped face model under a name of its own."""
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "smiles.tflite").write_bytes((SHIPPED / "face_expression.tflite").read_bytes())
    text = (SHIPPED / "face_expression.toml").read_text()
    text = text.replace('name = "face_expression"', 'name = "smiles"', 1)
    text = text.replace('file = "face_expression.tflite"', 'file = "smiles.tflite"')
    (folder / "smiles.toml").write_text(text)
    (folder / "smiles.md").write_text("# Smiles\n")
    return folder / "smiles.toml"


def change(manifest, pattern, new):
    text, n = re.subn(pattern, new, manifest.read_text(), count=1, flags=re.MULTILINE)
    assert n == 1
    manifest.write_text(text)


def change_model(manifest, content):
    """Give the model file another content, and the manifest its checksum."""
    (manifest.parent / "smiles.tflite").write_bytes(content)
    change(manifest, r'^sha256 = ".*"', f'sha256 = "{hashlib.sha256(content).hexdigest()}"')


def add(manifest, *options):
    return main(["models", "add", str(manifest), *map(str, options)])


def sentence(capsys):
    """The one line that a failed command says."""
    said = capsys.readouterr().err.strip().splitlines()
    assert len(said) == 1, said
    return said[0]


@needs_cage
def test_a_model_is_added_listed_used_and_removed(dest, mine, clip, tmp_path, capsys):
    assert add(mine, "--clip", clip) == ExitCode.DONE
    said = capsys.readouterr().out
    version = load_model("face_expression").manifest.version
    assert f"smiles {version} (face_expression)" in said
    assert 'face_expression = "smiles"' in said
    folder = dest / "smiles"
    assert sorted(path.name for path in dest.iterdir()) == ["smiles"]
    assert sorted(path.name for path in folder.iterdir()) == [
        "golden.npz", "manifest.toml", "smiles.md", "smiles.tflite",
    ]  # fmt: skip

    box = tmp_path / "box.toml"
    box.write_text('[models]\nface_expression = "smiles"\n')
    settings = config.load(box)
    cards = {card.name: card for card in models_in_use(settings)}
    assert "face_expression" not in cards
    assert len(cards) == len(shipped_models())
    assert cards["smiles"].sha256 == load_model("face_expression").manifest.sha256
    from edge_affect.clock import ManualClock

    build_pipeline(settings, ManualClock(), has_sound=False, has_pictures=True)

    assert main(["models", "list", "--json", "--config", str(box)]) == ExitCode.DONE
    (row,) = json.loads(capsys.readouterr().out)["models"]
    assert (row["name"], row["state"], row["in_use"]) == ("smiles", "ok", True)
    assert main(["models", "remove", "smiles", "--config", str(box)]) == ExitCode.USAGE
    assert "change that first" in sentence(capsys)
    assert main(["models", "remove", "smiles", "--config", "/nowhere"]) == ExitCode.DONE
    assert list(dest.iterdir()) == []
    with pytest.raises(InputMissingError, match="no own model called 'smiles'"):
        models_in_use(settings)


@needs_cage
def test_a_check_says_where_each_model_comes_from(dest, mine, clip, capsys):
    assert add(mine, "--clip", clip) == ExitCode.DONE
    capsys.readouterr()
    main(["models", "check"])
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    origins = {row[0]: row[3] for row in rows}
    assert (origins["smiles"], origins["face_expression"]) == ("own", "shipped")
    assert origins["face_landmark"] == "fetched"
    (dest / "smiles" / "manifest.toml").write_text("name = 1")
    assert main(["models", "check", "--json"]) == ExitCode.BAD_DATA
    rows = json.loads(capsys.readouterr().out)["models"]
    assert [row["name"] for row in rows if row["origin"] == "own"] == ["smiles"]


@needs_cage
def test_what_was_kept_is_compared_when_models_are_checked(dest, mine, clip, capsys):
    assert add(mine, "--clip", clip) == ExitCode.DONE
    assert main(["models", "list"]) == ExitCode.DONE
    assert " ok " in capsys.readouterr().out
    golden = dest / "smiles" / "golden.npz"
    with np.load(golden) as file:
        arrays = dict(file)
    arrays["output_0"] = arrays["output_0"] // 2
    np.savez(golden, **arrays)
    assert main(["models", "list", "--json"]) == ExitCode.DONE
    (row,) = json.loads(capsys.readouterr().out)["models"]
    assert row["state"] == "bad"
    assert "does not give the kept answers" in row["message"]


@needs_cage
def test_kept_answers_of_the_user_decide(dest, mine, clip, tmp_path, capsys):
    model = load_model("face_expression")
    rows = [np.full((1, 48, 48, 1), value, np.int8) for value in (-100, 0, 90)]
    right = {
        "input_0": np.stack(rows),
        "output_0": np.stack([model.run(row)[0] for row in rows]),
    }
    answers = tmp_path / "answers.npz"
    np.savez(answers, **right)
    assert add(mine, "--clip", clip, "--golden", answers, "--json") == ExitCode.DONE
    found = json.loads(capsys.readouterr().out)
    assert found["golden"] == {"cases": 3, "values": 24}
    assert (dest / "smiles" / "golden.npz").read_bytes() == answers.read_bytes()

    np.savez(answers, **{**right, "output_0": right["output_0"] + 2})
    assert add(mine, "--clip", clip, "--golden", answers, "--replace") == ExitCode.BAD_DATA
    assert "is off by 2, at most 1 is allowed" in sentence(capsys)
    np.savez(answers, input_0=right["input_0"].astype(np.float32), output_0=right["output_0"])
    assert add(mine, "--clip", clip, "--golden", answers, "--replace") == ExitCode.BAD_DATA
    assert "have float32 of shape" in sentence(capsys)
    answers.write_bytes(b"PK\x03\x04 not really")
    assert add(mine, "--clip", clip, "--golden", answers, "--replace") == ExitCode.BAD_DATA
    assert "cannot be read" in sentence(capsys)
    assert [path.name for path in dest.iterdir()] == ["smiles"]


@pytest.mark.parametrize(
    ("pattern", "new", "words"),
    [
        (r"^kind = .*", 'kind = "face_landmarks"', "cannot be one's own"),
        (r"^kind = .*", 'kind = "mind_reading"', "is not one of"),
        (r"^name = .*", 'name = "../smiles"', "small letters"),
        (r"^name = .*", 'name = ".adding"', "small letters"),
        (r"^file = .*", 'file = "../../etc/shadow"', "plain file name"),
        (r"^file = .*", 'file = "manifest.toml"', "cannot be called"),
        (r"^sha256 = .*", f'sha256 = "{"0" * 64}"', "is not the one of its manifest"),
        (r"^temperature", "[[temperature", "TOML"),
        (r"^weights_licence = .*", "", "weights_licence"),
    ],
)
def test_manifests_that_do_not_fit(  # noqa: PLR0917 (fixtures)
    dest, mine, clip, capsys, pattern, new, words
):
    change(mine, pattern, new)
    assert add(mine, "--clip", clip) == ExitCode.BAD_DATA
    said = sentence(capsys)
    assert words in said
    assert str(mine) in said or "smiles.tflite" in said
    assert list(dest.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "no TFLite model"), (b"GIF89a", "no TFLite model"),
     (b"\x1c\0\0\0TFL3" + b"\xff" * 4000, "does not load")],
    ids=["empty", "another format", "nothing behind its name"],
)  # fmt: skip
@needs_cage
def test_files_that_are_no_model(dest, mine, clip, capsys, content, words):
    change_model(mine, content)
    assert add(mine, "--clip", clip) == ExitCode.BAD_DATA
    assert words in sentence(capsys)
    assert list(dest.iterdir()) == []


@needs_cage
def test_a_damaged_model_and_one_of_other_tensors(dest, mine, clip, capsys):
    whole = (mine.parent / "smiles.tflite").read_bytes()
    change_model(mine, whole[: len(whole) // 2])
    assert add(mine, "--clip", clip) == ExitCode.BAD_DATA
    assert "does not load" in sentence(capsys)
    change_model(mine, (SHIPPED / "voice_activity.tflite").read_bytes())
    assert add(mine, "--clip", clip) == ExitCode.BAD_DATA
    assert "its manifest says" in sentence(capsys)
    assert list(dest.iterdir()) == []


def test_sizes_are_bounded(dest, mine, clip, capsys, monkeypatch):
    monkeypatch.setattr(models_own, "MAX_MODEL_BYTES", 1000)
    assert add(mine, "--clip", clip) == ExitCode.BAD_DATA
    assert "is larger than" in sentence(capsys)
    (mine.parent / "smiles.tflite").unlink()
    os.mkfifo(mine.parent / "smiles.tflite")
    assert add(mine, "--clip", clip) == ExitCode.INPUT_MISSING
    assert "There is no model file" in sentence(capsys)
    assert list(dest.iterdir()) == []


STAND_IN = """\
import sys
sys.argv[:] = ["trial"]
{body}
"""


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "down (SIGSEGV)"),
        ("import time; time.sleep(60)", "did not end within"),
        ("sys.exit('the interpreter gave up')", "the interpreter gave up"),
    ],
    ids=["crash", "no end", "no answer"],
)
def test_a_process_that_crashes_hangs_or_says_nothing(  # noqa: PLR0917 (fixtures)
    dest, mine, clip, tmp_path, capsys, monkeypatch, body, words
):
    python = tmp_path / "python"
    python.write_text(f"#!{sys.executable}\n{STAND_IN.format(body=body)}")
    python.chmod(0o755)
    monkeypatch.setattr(models_own.sys, "executable", str(python))
    if "sleep" in body:
        monkeypatch.setattr(models_own, "TRIAL_TIMEOUT_S", 2.0)
    assert add(mine, "--clip", clip) == ExitCode.BAD_DATA
    assert words in sentence(capsys)
    assert list(dest.iterdir()) == []


@needs_cage
def test_bounds_hold_inside_the_process(dest, mine, clip, capsys):
    """Memory, time for one inference, and files: with the limits too low nothing passes."""
    lines = (
        "import sys; from edge_affect import model_trial as t; ",
        "t.MORE_MEMORY_BYTES = 30_000_000; sys.exit(t.main())",
    )
    assert _with_trial(mine, clip, "".join(lines)) == ExitCode.BAD_DATA
    sentence(capsys)
    assert _with_trial(
        mine, clip, f"{lines[0]} t.MAX_INFERENCE_MS = 0.0001; sys.exit(t.main())"
    ) == ExitCode.BAD_DATA  # fmt: skip
    assert "ms that it may" in sentence(capsys)
    assert _with_trial(
        mine, clip, f"{lines[0]} t.MAX_GROWTH_MB = -1.0; sys.exit(t.main())"
    ) == ExitCode.BAD_DATA  # fmt: skip
    assert "MB that it may" in sentence(capsys)
    assert list(dest.iterdir()) == []


def _with_trial(mine, clip, program):
    """Add a model with another program as the process of the trial."""
    real = models_own.subprocess.run

    def run(command, **options):
        return real([sys.executable, "-c", program], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models_own.subprocess, "run", run)
        return add(mine, "--clip", clip)


def test_what_is_there_is_not_replaced_unasked(dest, mine, clip, capsys):
    (dest / "smiles").mkdir(parents=True)
    assert add(mine, "--clip", clip) == ExitCode.CANNOT_WRITE
    assert "use --replace" in sentence(capsys)


def test_the_shipped_voice_model_can_be_left_alone():
    assert config.parse("").models == own_models.Models()
    assert own_models.REPLACEABLE == ("face_expression", "voice_expression", "sound_events")
