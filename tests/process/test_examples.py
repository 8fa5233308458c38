"""The programs in ``examples`` as a user starts them, with a real broker and a real box."""

import contextlib
import http.server
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from edge_affect.broker import LocalBroker
from edge_affect.config import parse
from edge_affect.publishing.daemon import Publisher
from edge_affect.record import AbstainReason, AffectRecord, Modality, encode

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 30.0
ANGRY = AffectRecord(expressions=(3, 0, 0, 0, 12, 0, 0, 0), modalities=Modality.VOICE)
LAUGHING = AffectRecord(abstained=AbstainReason.NOBODY, events=(5, 0, 0, 0, 0))
QUIET = AffectRecord(abstained=AbstainReason.NOBODY, events=(0, 0, 0, 0, 0))
TEXT = """
[device]
site = "hall"
name = "one"
[publish]
tick_hz = 5.0
[alerts]
preset = "venue"
[alert.anger]
signals = ["anger"]
threshold = 0.6
clear = 0.4
dwell_s = 0.2
steps = [{ severity = "warn", message = "Anger." }]
[mqtt]
host = "127.0.0.1"
"""


@pytest.fixture
def broker():
    with LocalBroker() as local:
        yield local


@pytest.fixture
def feed(broker):
    """A box at the broker; call it with a record to send one."""
    records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    publisher = Publisher(parse(f"{TEXT}port = {broker.port}\n"), inlet)
    thread = threading.Thread(target=publisher.run)
    thread.start()
    yield lambda record: records.send(encode(record))
    publisher.stop()
    thread.join(20.0)
    records.close()


class Example:
    """A running example and the lines it has said."""

    def __init__(self, name, port, *options):
        self.lines = []
        self._process = subprocess.Popen(
            [sys.executable, ROOT / "examples" / name, "--port", str(port), *options],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self.lines.append(line.rstrip())

    def close(self):
        self._process.send_signal(signal.SIGINT)
        assert self._process.wait(WAIT_S) == 0, self.lines
        self._reader.join()
        self._process.stdout.close()
        assert "Traceback" not in "\n".join(self.lines)


def wait(condition, what, feed=None, record=None):
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        assert time.monotonic() < deadline_s, f"waited in vain for {what()}"
        if feed is not None:
            feed(record)
        time.sleep(0.1)


def test_the_subscriber_prints_moods_events_and_alerts(broker, feed):
    with contextlib.closing(Example("subscriber.py", broker.port)) as example:

        def has(text):
            return lambda: any(text in line for line in example.lines)

        said = lambda: example.lines  # noqa: E731 (shown when it fails)
        wait(has("hall/one  is online"), said)
        wait(has("hall/one  alert anger raised: Anger."), said, feed, ANGRY)
        wait(has("hall/one  anger 0%"), said)
        wait(has("hall/one  laughter starts"), said, feed, LAUGHING)
        wait(has("hall/one  nothing (nobody)"), said)


def test_the_effect_trigger_follows_the_level(broker, feed):
    command = (sys.executable, "-c", "import sys; print('light', sys.argv[1], flush=True)")
    with contextlib.closing(Example("effect_trigger.py", broker.port, "--", *command)) as example:
        said = lambda: example.lines  # noqa: E731 (shown when it fails)
        wait(lambda: "light 83" in example.lines, said, feed, LAUGHING)
        wait(lambda: example.lines[-1] == "light 0", said, feed, QUIET)


def test_alerts_reach_a_chat_once(broker, feed):
    posted = []

    class Chat(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Chat)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}/"
    try:
        example = Example("alert_to_chat.py", broker.port, "--webhook", address)
        with contextlib.closing(example):
            wait(lambda: posted, lambda: example.lines, feed, ANGRY)
            for _ in range(5):
                feed(ANGRY)
                feed(LAUGHING)
                time.sleep(0.2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    # Raised once, posted once; laughter is no news for a chat.
    assert posted == [{"text": "hall/one: Anger. (anger, warn)"}]
