"""A camera or a microphone fails in the real, caged process: told in time, the other goes on."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_affect.broker import LocalBroker
from tests.process.test_consent import CONFIG, Box
from tests.process.test_end_to_end import Reader

FOLDER = Path(__file__).parent
TOLD_WITHIN_S = 5.0
SLACK_S = 2.0
"""What a busy machine may add in a test; device_faults.py measures."""
MENDED_WITHIN_S = 10.0
AGED_WITHIN_S = 6.0
"""[fusion] max_age_s is 3 s."""
CAMERA_TROUBLES = ("missing", "stalled", "silent", "poor")
"""Unplugged, the same picture again and again, a covered lens, a lamp into it."""


@pytest.fixture
def box(tmp_path):
    with LocalBroker() as broker:
        reader = Reader(broker.port)
        path = tmp_path / "box.toml"
        path.write_text(CONFIG.format(port=broker.port))
        box = Box([sys.executable, str(FOLDER / "launch_frail.py"), str(path)], reader)
        try:
            yield box
        finally:
            box.process.send_signal(signal.SIGTERM)
            box.process.wait(20)
            box._thread.join()
            box.process.stderr.close()
            reader.close()


def sense_pid(box):
    """Return the process that holds the devices: in its cage it has children of its own."""
    found = subprocess.run(
        ["pgrep", "-P", str(box.process.pid), "-f", "frail_sense.py"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    return int(found.stdout.split()[0])


def newest(box, topic="affect"):
    messages = box.reader.of(topic)
    return json.loads(messages[-1]) if messages else None


def wait_for_state(box, device, state, limit_s, topic="affect"):
    """Wait until the newest message of a topic says so, and return the seconds it took."""
    began_s = time.monotonic()
    while (newest(box, topic) or {"sensing": {}})["sensing"].get(device) != state:
        assert time.monotonic() - began_s < limit_s, (device, state, newest(box, topic), box.lines)
        time.sleep(0.02)
    return time.monotonic() - began_s


def wait_until(box, condition, limit_s):
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, (newest(box), box.lines)
        time.sleep(0.02)


def since(box, n_before):
    return [json.loads(text) for text in box.reader.of("affect")[n_before:]]


def test_whatever_happens_to_the_camera_is_told_and_the_voice_goes_on(box):
    wait_for_state(box, "camera", "ok", 40.0)
    wait_for_state(box, "microphone", "ok", 10.0)
    wait_until(box, lambda: newest(box)["speech_share"] is not None, 20.0)
    pid = sense_pid(box)
    for state in CAMERA_TROUBLES:
        n_before = len(box.reader.of("affect"))
        os.kill(pid, signal.SIGUSR1)
        wait_for_state(box, "camera", state, TOLD_WITHIN_S + SLACK_S)
        wait_for_state(box, "camera", state, SLACK_S, topic="health")
        if state != "poor":
            # What was seen ages away: nobody is called present, and nobody absent.
            wait_until(box, lambda: newest(box)["people"] is None, AGED_WITHIN_S)
        meanwhile = since(box, n_before)
        assert [m["speech_share"] is None for m in meanwhile] == [False] * len(meanwhile)
        os.kill(pid, signal.SIGUSR1)
        wait_for_state(box, "camera", "ok", MENDED_WITHIN_S)
        said = since(box, n_before)
        assert {m["sensing"]["microphone"] for m in said} == {"ok"}
        numbers = [m["sequence"] for m in said]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert sense_pid(box) == pid


def test_a_microphone_that_dies_leaves_the_camera_alone(box):
    wait_for_state(box, "camera", "ok", 40.0)
    wait_for_state(box, "microphone", "ok", 10.0)
    wait_until(box, lambda: newest(box)["people"] is not None, 20.0)
    pid, n_before = sense_pid(box), len(box.reader.of("affect"))
    os.kill(pid, signal.SIGUSR2)
    wait_for_state(box, "microphone", "missing", TOLD_WITHIN_S + SLACK_S)
    wait_for_state(box, "microphone", "missing", SLACK_S, topic="health")
    # What was heard ages away; who is seen is told still.
    wait_until(box, lambda: newest(box)["speech_share"] is None, AGED_WITHIN_S)
    assert newest(box)["people"] is not None
    os.kill(pid, signal.SIGUSR2)
    wait_for_state(box, "microphone", "ok", MENDED_WITHIN_S)
    said = since(box, n_before)
    assert {m["sensing"]["camera"] for m in said} == {"ok"}
    assert "<0.5" not in {m["sensing"]["frame_rate_hz"] for m in said}
    assert sense_pid(box) == pid
