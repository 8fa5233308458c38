"""``edge-affect watch`` on a real terminal and in a pipe, with a real broker and a real box."""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time

import pytest

from edge_affect.broker import free_port
from edge_affect.commands.broker_arguments import mqtt_of, topic_of
from edge_affect.config import parse
from edge_affect.errors import UsageError
from edge_affect.publishing.daemon import Publisher
from edge_affect.record import AbstainReason, AffectRecord, Modality, encode
from edge_affect.terminal.screen import _CLOSE, _OPEN
from tests.patience import no_longer_than

WAIT_S = 120.0
HAPPY = AffectRecord(
    expressions=(2, 13, 0, 0, 0, 0, 0, 0), modalities=Modality.FACE, confidence=9, valence=12,
    arousal=3,
)  # fmt: skip
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)
CODES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TEXT = """
[device]
site = "hall"
name = "one"
[publish]
tick_hz = 5.0
[mqtt]
host = "127.0.0.1"
"""


class RealBox:
    """The publisher, with records at its inlet until it is closed."""

    def __init__(self, port, record=HAPPY):
        self.record = record
        self._records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._publisher = Publisher(parse(f"{TEXT}port = {port}\n"), inlet)
        self._is_over = threading.Event()
        self._threads = [
            threading.Thread(target=self._publisher.run),
            threading.Thread(target=self._feed),
        ]
        for thread in self._threads:
            thread.start()

    def _feed(self):
        while not self._is_over.wait(0.1):
            if self.record is not None:
                self._records.send(encode(self.record))

    def close(self):
        self._is_over.set()
        self._threads[1].join()
        self._publisher.stop()
        self._threads[0].join(20.0)
        self._records.close()


@pytest.fixture
def box(broker):
    with contextlib.closing(RealBox(broker.port)) as real:
        yield real


class Terminal:
    """A pseudo-terminal with the command on it."""

    def __init__(self, *options, size=(80, 24), **environment):
        self._master, slave = pty.openpty()
        self._slave = slave
        self.before = termios.tcgetattr(slave)
        self.resize(*size)
        self.seen = ""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "edge_affect", "watch", *options],
            stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
            env={**os.environ, "TERM": "xterm-256color", **environment},
        )  # fmt: skip

    def resize(self, width, height):
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def press(self, keys):
        os.write(self._master, keys)

    def _read(self):
        while select.select([self._master], [], [], 0.1)[0]:
            self.seen += os.read(self._master, 65536).decode("utf-8", "replace")

    @property
    def rows(self):
        """The rows of the newest whole frame."""
        frames = self.seen.split("\x1b[H")
        whole = [frame for frame in frames[1:] if frame.endswith("\x1b[J")]
        return CODES.sub("", whole[-1]).split("\r\n") if whole else []

    def wait(self, condition, what):
        deadline_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline_s, f"waited in vain for {what}: {self.rows}"
            assert self.process.poll() is None, self.seen
            self._read()

    def shows(self, text):
        self.wait(lambda: any(text in one for one in self.rows), text)

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.ended()

    def ended(self):
        deadline_s = time.monotonic() + WAIT_S
        while self.process.poll() is None and time.monotonic() < deadline_s:
            self._read()
        self._read()
        return self.process.wait(WAIT_S)

    @property
    def is_as_found(self):
        tidy = self.seen.count(_OPEN) == self.seen.count(_CLOSE) == 1
        return tidy and termios.tcgetattr(self._slave) == self.before

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)
        os.close(self._slave)


def test_a_terminal_shows_the_room_through_a_broker_restart(broker, box):
    address = f"127.0.0.1:{broker.port}"
    with contextlib.closing(Terminal("--broker", address)) as terminal:
        terminal.shows("HAPPINESS")
        assert len(terminal.rows) == 24
        assert "live" in terminal.rows[0]
        box.record = NOBODY
        terminal.shows("no affect: nobody there")
        box.record = None
        terminal.shows("SILENT")
        assert not [row for row in terminal.rows if "HAPPINESS" in row]
        box.record = HAPPY
        terminal.shows("HAPPINESS")
        broker.stop()
        terminal.shows("CUT")
        assert not [row for row in terminal.rows if "HAPPINESS" in row]
        broker.start()
        terminal.shows("HAPPINESS")
        assert "live" in terminal.rows[0]
        terminal.resize(120, 40)
        terminal.wait(lambda: len(terminal.rows) == 40, "the larger screen")
        assert terminal.end() == 0
        assert terminal.is_as_found
        assert "Traceback" not in terminal.seen


def test_keys_open_and_leave_a_box(broker, box):
    with contextlib.closing(Terminal("--broker", f"127.0.0.1:{broker.port}")) as terminal:
        terminal.shows("HAPPINESS")
        terminal.press(b"b")
        terminal.shows("1 box")
        terminal.press(b"\r")
        terminal.shows("HAPPINESS")
        terminal.press(b"q")
        assert terminal.ended() == 0
        assert terminal.is_as_found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_the_terminal_is_left_as_it_was(broker, number):
    options = ("--broker", f"127.0.0.1:{broker.port}", "--box", "hall/nine")
    with contextlib.closing(Terminal(*options)) as terminal:
        terminal.shows("Nothing was heard of hall/nine yet.")
        assert terminal.end(number) == 0
        assert terminal.is_as_found


def test_no_color_is_respected(broker, box):
    address = f"127.0.0.1:{broker.port}"
    with contextlib.closing(Terminal("--broker", address, NO_COLOR="1")) as terminal:
        terminal.shows("HAPPINESS")
        terminal.end()
        assert not re.search(r"\x1b\[[0-9;]*3[0-9]", terminal.seen)
        assert "\x1b[1m" in terminal.seen


def test_a_pipe_gets_lines(broker, box):
    command = [sys.executable, "-m", "edge_affect", "watch"]
    watching = subprocess.Popen(
        [*command, "--broker", f"127.0.0.1:{broker.port}"], stdout=subprocess.PIPE, text=True
    )
    lines = []
    with no_longer_than(watching), watching:
        while sum("happiness" in line for line in lines) < 5:
            lines.append(watching.stdout.readline())
            assert lines[-1], lines
        watching.terminate()
        lines += watching.stdout.readlines()
    assert watching.returncode == 0
    assert "hall/one is live\n" in lines
    assert "\x1b" not in "".join(lines)
    # It ends by itself where it is told to.
    done = subprocess.run(
        [*command, "--broker", f"127.0.0.1:{broker.port}", "--seconds", "0.5"],
        capture_output=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0
    # A reader that leaves early is no error.
    address = f"127.0.0.1:{broker.port}"
    head = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m edge_affect watch --broker {address} | head -3"],
        capture_output=True, text=True, check=True, timeout=300,
    )  # fmt: skip
    assert len(head.stdout.splitlines()) == 3
    assert head.stderr == ""


def test_a_broker_that_is_not_there_is_one_sentence():
    done = subprocess.run(
        [sys.executable, "-m", "edge_affect", "watch", "--broker", f"127.0.0.1:{free_port()}"],
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 69
    assert done.stderr.count("\n") == 1
    assert "cannot be reached" in done.stderr


@pytest.mark.parametrize("broker_text", ["", ":1883", "host:", "host:0", "host:70000"])
def test_brokers_that_are_none(broker_text):
    with pytest.raises(UsageError):
        mqtt_of(None, broker_text)


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [("h", "h", 1883), ("h:8883", "h", 8883), ("[::1]:9", "::1", 9), ("::1", "::1", 1883)],
)
def test_brokers_that_are_some(text, host, port):
    mqtt = mqtt_of(None, text)
    assert (mqtt.host, mqtt.port) == (host, port)


@pytest.mark.parametrize("text", ["", "hall", "hall/one/two", "hall/+", "#/one", "/one"])
def test_boxes_that_are_none(text):
    with pytest.raises(UsageError):
        topic_of(text)
