"""A camera or a microphone fails in the real, caged process: told, and the other goes on.

How soon it is told is measured by benchmarks/device_faults.py.
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from edge_affect.broker import LocalBroker
from tests.patience import WAIT_S, wait_for
from tests.process.test_consent import CONFIG, Box
from tests.process.test_end_to_end import Reader

FOLDER = Path(__file__).parent
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
            box.process.wait(WAIT_S)
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


def wait_for_state(box, device, state, topic="affect"):
    """Wait until the newest message of a topic says so."""
    wait_for(
        lambda: (newest(box, topic) or {"sensing": {}})["sensing"].get(device) == state,
        lambda: (device, state, newest(box, topic), box.lines),
    )


def wait_until(box, condition):
    wait_for(condition, lambda: (newest(box), box.lines))


def since(box, n_before):
    return [json.loads(text) for text in box.reader.of("affect")[n_before:]]


def test_whatever_happens_to_the_camera_is_told_and_the_voice_goes_on(box):
    wait_for_state(box, "camera", "ok")
    wait_for_state(box, "microphone", "ok")
    wait_until(box, lambda: newest(box)["speech_share"] is not None)
    pid = sense_pid(box)
    for state in CAMERA_TROUBLES:
        n_before = len(box.reader.of("affect"))
        os.kill(pid, signal.SIGUSR1)
        wait_for_state(box, "camera", state)
        wait_for_state(box, "camera", state, topic="health")
        if state != "poor":
            # What was seen ages away: nobody is called present, and nobody absent.
            wait_until(box, lambda: newest(box)["people"] is None)
        # What was heard would be as old by now, had the voice not gone on.
        wait_until(box, lambda: newest(box)["speech_share"] is not None)
        os.kill(pid, signal.SIGUSR1)
        wait_for_state(box, "camera", "ok")
        said = since(box, n_before)
        assert {m["sensing"]["microphone"] for m in said} == {"ok"}
        numbers = [m["sequence"] for m in said]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    assert sense_pid(box) == pid


def test_a_microphone_that_dies_leaves_the_camera_alone(box):
    wait_for_state(box, "camera", "ok")
    wait_for_state(box, "microphone", "ok")
    wait_until(box, lambda: newest(box)["people"] is not None)
    pid, n_before = sense_pid(box), len(box.reader.of("affect"))
    os.kill(pid, signal.SIGUSR2)
    wait_for_state(box, "microphone", "missing")
    wait_for_state(box, "microphone", "missing", topic="health")
    # What was heard ages away; who is seen is told still.
    wait_until(box, lambda: newest(box)["speech_share"] is None)
    wait_until(box, lambda: newest(box)["people"] is not None)
    wait_until(box, lambda: newest(box)["sensing"]["frame_rate_hz"] != "<0.5")
    os.kill(pid, signal.SIGUSR2)
    wait_for_state(box, "microphone", "ok")
    said = since(box, n_before)
    assert {m["sensing"]["camera"] for m in said} == {"ok"}
    assert sense_pid(box) == pid
