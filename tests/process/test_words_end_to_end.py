"""A spoken phrase through both real processes to an alert on a real broker."""

import json
import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import pytest
from test_end_to_end import Reader, children_of, end, reader, resident_mb, start, validate

__all__ = ["Reader", "reader"]

SPOTTING_LIMIT_MB = 260.0
"""Resident memory of sensing with the voice models, PocketSphinx and its acoustic model."""
EXTRA = """[words]
enabled = true
[phrase.cancellation]
say = ["cancel my contract", "close my account"]
severity = "warn"
message = "Somebody wants to leave."
"""


@pytest.fixture
def sentence(tmp_path):
    """A wav file in which espeak-ng says a sentence with the phrase, and then pauses."""
    pytest.importorskip("pocketsphinx", reason="needs the extra [words]")
    if shutil.which("espeak-ng") is None:
        pytest.skip("espeak-ng speaks the phrase; apt-get install espeak-ng")
    path = tmp_path / "said.wav"
    said = "I am calling because I want to cancel my contract today"
    spoken = tmp_path / "spoken.wav"
    command = ["espeak-ng", "-v", "en-us+f2", "-s", "150", "-w", str(spoken), said]
    subprocess.run(command, check=True)
    with wave.open(str(spoken)) as source, wave.open(str(path), "wb") as target:
        silence = bytes(2 * source.getframerate())
        target.setparams(source.getparams())
        once = silence + source.readframes(source.getnframes()) + 2 * silence
        target.writeframes(3 * once)  # the first utterance after a start is often missed
    return path


def test_a_phrase_raises_its_alert_from_inside_the_cage(tmp_path, broker, reader, sentence):
    process = start(tmp_path, broker.port, "--audio", str(sentence), "--loop", extra=EXTRA)
    try:
        # The first message says that the alert is not raised.
        alerts = reader.wait_for("alert/cancellation", 2)
        reader.wait_for("affect", 3)
        pids = children_of(process.pid)
        memory_mb = resident_mb(pids["sense"])
        environment = ""
        if os.geteuid() == 0:
            environment = Path(f"/proc/{pids['sense']}/environ").read_text()
    finally:
        code, errors = end(process)
    assert code == 0, errors
    assert "cage proven" in errors
    assert memory_mb < SPOTTING_LIMIT_MB
    if environment:
        assert "PYTHONMALLOC=malloc" in environment, "freed text would stay in Python's pools"
    raised = [alert for alert in validate("alert", alerts) if alert["state"] == "raised"]
    assert raised
    assert raised[0]["message"] == "Somebody wants to leave."
    vectors = validate("affect", reader.of("affect"))
    assert any(vector["words"]["phrases"] == [1] for vector in vectors)
    about = validate("about", reader.of("about"))[0]
    assert about["phrases"] == ["cancellation"]
    assert "words" in about["sensed"]
    everything = b"".join(data for _, data, _ in reader.messages).lower() + errors.lower().encode()
    for word in (b"contract", b"calling", b"account"):
        assert word not in everything, "what was said, or is listened for, got out"


def replay(tmp_path, text, recording):
    """Return what ``replay --fast`` of a recording ended with."""
    path = tmp_path / "box.toml"
    path.write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "edge_affect", "replay", "--audio", str(recording), "--fast",
         "--json", "--config", str(path)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def phrases_in(done):
    """Return the phrases of each vector that a replay told."""
    assert done.returncode == 0, done.stderr
    return [json.loads(line)["words"]["phrases"] for line in done.stdout.splitlines()]


def test_an_engine_without_its_model_is_one_sentence_and_66(tmp_path, sentence):
    pytest.importorskip("vosk", reason="pip install vosk")
    text = '[words]\nenabled = true\nengine = "vosk"\nmodel = "/nowhere"\n'
    done = replay(tmp_path, text, sentence)
    assert done.returncode == 66
    assert "there is no folder /nowhere" in done.stderr
    assert "Traceback" not in done.stderr


def test_replay_without_a_broker_tells_the_phrase(tmp_path, sentence):
    assert [1] in phrases_in(replay(tmp_path, EXTRA, sentence))


def test_a_phrase_at_the_very_end_of_a_file_is_told(tmp_path, sentence):
    # The same without the silence after it: the last utterance ends with the file.
    cut = tmp_path / "cut.wav"
    with wave.open(str(sentence)) as source, wave.open(str(cut), "wb") as target:
        target.setparams(source.getparams())
        n_frames = source.getnframes() - 2 * source.getframerate()
        target.writeframes(source.readframes(n_frames))
    assert phrases_in(replay(tmp_path, EXTRA, cut))[-1] == [1]
