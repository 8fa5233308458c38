"""``replay`` as a script uses it, and what a box says when a device or a model is missing."""

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from edge_affect.perception.model_store import user_models_dirs

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "schemas" / "affect.schema.json").read_text())
LIVE = """
[deployment]
setting = "home"
jurisdiction = "UK"
purpose = "test"
contact = "me"
[sensing]
no_source_timeout_s = 5
[video]
device = "/dev/no-such-camera"
"""


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "edge_affect", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=dict(os.environ) | environment,
    )


def vectors(done: subprocess.CompletedProcess) -> list[dict]:
    assert done.returncode == 0, done.stderr
    decoded = [json.loads(line) for line in done.stdout.splitlines()]
    for vector in decoded:
        jsonschema.validate(vector, SCHEMA)
    return decoded


def write_hum(path: Path, seconds: float) -> Path:
    t = np.arange(round(seconds * 16_000)) / 16_000
    hum = (np.sin(2 * np.pi * 150 * t) * 8000).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(hum.tobytes())
    return path


def test_sound_alone_gives_one_vector_per_tick_in_media_time(tmp_path):
    said = vectors(
        run("replay", "--audio", str(write_hum(tmp_path / "a.wav", 3.7)), "--fast", "--json")
    )
    assert [v["media_time_s"] for v in said] == [1.0, 2.0, 3.0, 3.7]
    assert [v["sequence"] for v in said] == [0, 1, 2, 3]
    assert {v["sensing"]["camera"] for v in said} == {"off"}
    assert {v["people"] for v in said} == {None}


def test_a_tick_of_5_hz_gives_five_vectors_a_second(tmp_path):
    config = tmp_path / "fast.toml"
    config.write_text("[publish]\ntick_hz = 5.0\n")
    sound = str(write_hum(tmp_path / "a.wav", 2.0))
    said = vectors(run("replay", "--audio", sound, "--fast", "--json", "--config", str(config)))
    assert len(said) == 10


@pytest.mark.data
def test_fast_and_paced_replays_say_the_same_of_a_calm_clip(data_dir):
    clip = str(data_dir / "video" / "ravdess" / "01-01-01-01-01-01-01.mp4")
    fast = vectors(run("replay", "--video", clip, "--fast", "--json"))
    paced = vectors(run("replay", "--video", clip, "--json"))
    assert len(fast) >= 3
    assert abs(len(fast) - len(paced)) <= 1
    names = [[v["expression"] for v in said if v["people"] == "1"] for said in (fast, paced)]
    assert set(names[0]) & set(names[1])
    again = vectors(run("replay", "--video", clip, "--fast", "--json"))
    for vector in (*fast, *again):
        del vector["time"]
    assert fast == again


@pytest.mark.data
def test_an_empty_picture_holds_nobody(data_dir):
    clip = str(data_dir / "video" / "clips" / "no_face.mp4")
    said = vectors(run("replay", "--video", clip, "--fast", "--json"))
    assert len(said) >= 2
    assert {(v["abstained"], v["people"]) for v in said} == {("nobody", "0")}


def test_a_missing_device_ends_a_live_box_with_its_code(tmp_path):
    if Path("/proc/asound").exists():
        pytest.skip("this machine has a sound card, so its microphone is not missing")
    config = tmp_path / "live.toml"
    config.write_text(LIVE)
    done = run("sense", "--config", str(config), "--allow-unsandboxed")
    assert done.returncode == 69, done.stderr
    assert "/dev/no-such-camera" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("edge-affect: No microphone or camera")
    records = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(records) >= 4
    assert {r["abstained"] for r in records[-4:]} == {"no_source"}


def test_missing_and_corrupt_models_are_one_sentence(tmp_path):
    sound = str(write_hum(tmp_path / "a.wav", 1.0))
    clip = str(ROOT / "README.md")
    missing = run("models", "check", EDGE_AFFECT_MODELS=str(tmp_path / "none"))
    assert missing.returncode == 66
    deaf = run("replay", "--audio", sound, "--fast", EDGE_AFFECT_MODELS="/none")
    assert deaf.returncode == 66
    assert deaf.stderr.endswith("is not installed; run `edge-affect models fetch`.\n")
    assert run("replay", "--video", clip, "--fast").returncode == 65
    fetched = next((d for d in user_models_dirs() if (d / "face_landmark.tflite").is_file()), None)
    if fetched is None:
        pytest.skip("third-party models are not fetched; run edge-affect models fetch")
    models = tmp_path / "models"
    shutil.copytree(fetched, models)
    content = bytearray((models / "face_landmark.tflite").read_bytes())
    content[5000] ^= 1
    (models / "face_landmark.tflite").write_bytes(content)
    config = tmp_path / "box.toml"
    config.write_text(LIVE + '[audio]\nsource = "none"\n')
    done = run(
        "sense", "--config", str(config), "--allow-unsandboxed", EDGE_AFFECT_MODELS=str(models)
    )
    assert done.returncode == 65
    assert "face_landmark.tflite is corrupt" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_recorded_call_is_heard_on_the_customers_channel_or_not_at_all(tmp_path):
    path = tmp_path / "call.wav"
    t = np.arange(32_000) / 16_000
    call = np.stack([np.zeros(32_000), np.sin(2 * np.pi * 150 * t) * 8000], axis=1)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(2)
        out.setsampwidth(2)
        out.setframerate(16_000)
        out.writeframes(call.astype("<i2").tobytes())

    def replay(channel: int) -> subprocess.CompletedProcess:
        config = tmp_path / "box.toml"
        config.write_text(
            f'[deployment]\nsetting = "contact-centre"\n[audio]\nchannel = {channel}\n'
        )
        return run("replay", "--audio", str(path), "--fast", "--json", "--config", str(config))

    mixed, third = replay(0), replay(3)
    assert (mixed.returncode, mixed.stdout) == (78, "")
    assert "only the customer's channel" in mixed.stderr
    assert (third.returncode, third.stdout) == (65, "")
    assert "has 2 channels of sound, not a channel 3" in third.stderr
    assert all(len(done.stderr.splitlines()) == 1 for done in (mixed, third))
    assert len(vectors(replay(2))) == 2
