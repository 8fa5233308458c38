"""Mute, consent, hours and pause with all real processes, a real broker and mock pins."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_affect.broker import LocalBroker
from edge_affect.errors import ExitCode
from tests.patience import WAIT_S, Stopwatch, wait_for
from tests.process.test_end_to_end import Reader
from tests.wires import CONSENT, MUTE

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 1.0
"""From a mute to every device closed, as sensing itself reports it."""
CONFIG = """\
[deployment]
setting = "home"
jurisdiction = "other"
purpose = "test"
contact = "nobody"
[device]
site = "test"
[audio]
source = "synthetic"
[video]
source = "synthetic"
width_px = 160
height_px = 120
[publish]
tick_hz = 5.0
[mqtt]
host = "127.0.0.1"
port = {port}
"""
SWITCHES = f"[switches]\nmute_pin = {MUTE}\nconsent_pin = {CONSENT}\nlight_pin = 22\n"


class Box:
    """A running box, its log and its messages."""

    def __init__(self, command, reader):
        self.reader = reader
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.lines = []
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self):
        for line in self.process.stderr:
            self.lines.append(line)

    def wait_line(self, text, begin=0):
        """Wait for a line of the log after line number ``begin``, and return the seconds."""
        with Stopwatch() as watch:
            wait_for(
                lambda: any(text in line for line in self.lines[begin:]), lambda: (text, self.lines)
            )
        return watch.took_s

    def states(self):
        """What the newest message says of the sources and of affect."""
        message = json.loads(self.reader.of("affect")[-1])
        sensing = message["sensing"]
        return message["abstained"], sensing["microphone"], sensing["camera"]

    def wait_states(self, *states):
        wait_for(lambda: self.reader.of("affect") and self.states() == states, lambda: self.lines)

    def wait_open(self):
        wait_for(
            lambda: self.reader.of("affect") and self.states()[1:] == ("ok", "ok"),
            lambda: self.lines,
        )

    def end(self):
        self.process.send_signal(signal.SIGINT)
        code = self.process.wait(WAIT_S)
        self._thread.join()
        self.process.stderr.close()
        return code


@pytest.fixture
def start(tmp_path):
    running = []
    with LocalBroker() as broker:
        reader = Reader(broker.port)

        def start_box(extra, *command):
            config = tmp_path / "box.toml"
            config.write_text(CONFIG.format(port=broker.port) + extra)
            words = [str(word) for word in command] or ["-m", "edge_affect", "run", "--config"]
            running.append(Box([sys.executable, *words, str(config)], reader))
            return running[-1]

        yield start_box
        for box in running:
            if box.process.poll() is None:
                box.end()
        reader.close()


PAUSED = ("paused", "paused", "paused")


def test_the_switch_mutes_the_real_box_and_no_command_lifts_it(start, tmp_path):
    (tmp_path / "grounded").write_text(f"{MUTE} {CONSENT}")
    box = start(SWITCHES, Path(__file__).with_name("launch_wired.py"), tmp_path)
    box.wait_open()
    wait_light(tmp_path, "on")
    assert any("cage proven" in line for line in box.lines)

    n_lines = len(box.lines)
    (tmp_path / "grounded").write_text(f"{CONSENT}")
    assert box.wait_line("devices closed: muted by a switch", n_lines) < LIMIT_S
    box.wait_states(*PAUSED)
    wait_light(tmp_path, "off")

    command(box.reader, "resume")
    time.sleep(1.0)
    assert box.states() == PAUSED

    (tmp_path / "grounded").write_text(f"{MUTE} {CONSENT}")
    box.wait_open()
    n_lines = len(box.lines)
    (tmp_path / "trouble").touch()
    assert box.wait_line("devices closed: muted by a switch", n_lines) < LIMIT_S
    box.wait_line("the chip has gone", n_lines)
    box.wait_states(*PAUSED)
    (tmp_path / "trouble").unlink()
    box.wait_open()
    wait_light(tmp_path, "on")
    assert box.end() == 0


def wait_light(folder, state):
    wait_for(lambda: (folder / "light").read_text() == state, f"the light to be {state}")


def command(reader, name):
    """Publish a command with the real client."""
    subprocess.run(
        ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(reader.port), "-n", "-t",
         f"edge-affect/test/box/set/{name}"],
        check=True,
    )  # fmt: skip


def test_pause_and_resume_close_and_open_within_a_second(start):
    box = start("")
    box.wait_open()
    n_lines = len(box.lines)
    command(box.reader, "pause")
    assert box.wait_line("devices closed: paused by command", n_lines) < LIMIT_S
    box.wait_states(*PAUSED)
    command(box.reader, "resume")
    box.wait_open()
    assert box.end() == 0


def test_outside_its_hours_the_box_opens_nothing(start):
    day = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(time.localtime().tm_wday + 3) % 7]
    box = start(f'[consent]\nhours = "{day} 10:00-11:00"\n')
    box.wait_states(*PAUSED)
    command(box.reader, "resume")
    time.sleep(0.7)
    assert box.states() == PAUSED
    assert not any("starting" in line for line in box.lines)
    assert box.end() == 0


def test_without_a_gpio_chip_nothing_is_sensed(start):
    """The real pin library finds no chip here, and so every attempt to sense fails."""
    box = start(SWITCHES)
    if importlib.util.find_spec("lgpio") is None:
        box.wait_line("pip install 'edge-affect[pi]'")
        assert box.process.wait(WAIT_S) == ExitCode.CONFIGURATION
        return
    box.wait_line("nothing is permitted: The GPIO pins cannot be had")
    box.wait_states(*PAUSED)
    assert box.end() == 0
    assert not list(ROOT.glob(".lgd-nfy*"))
