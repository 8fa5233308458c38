"""The programs in ``examples`` as a user starts them, with a real broker and a real box."""

import contextlib
import http.server
import json
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_affect.config import parse
from edge_affect.publishing.daemon import Publisher
from edge_affect.record import AbstainReason, AffectRecord, Modality, encode

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 120.0
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
def feed(broker):
    """A box at the broker; call it with a record to send one."""
    records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    publisher = Publisher(parse(f"{TEXT}port = {broker.port}\n"), inlet)
    thread = threading.Thread(target=publisher.run)
    thread.start()
    yield lambda record: records.send(encode(record))
    publisher.stop()
    thread.join(WAIT_S)
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
            # Where these tests run in a shell's background Ctrl-C is ignored, and is inherited so.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
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

    def kill(self):
        self._process.kill()
        self._process.wait(WAIT_S)
        self._reader.join()
        self._process.stdout.close()


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


class Writer:
    """Publishes numbered messages as many boxes would."""

    def __init__(self, port):
        self.n_sent = 0
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()

    def send(self, n_messages):
        for _ in range(n_messages):
            said = {"time": "then", "expression": None, "valence": None, "arousal": None}
            said["sequence"] = self.n_sent
            topic = f"edge-affect/fleet/box{self.n_sent % 7}/affect"
            self._client.publish(topic, json.dumps(said), 1).wait_for_publish(WAIT_S)
            self.n_sent += 1

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def written(path):
    with contextlib.closing(sqlite3.connect(path)) as database:
        return [number for (number,) in database.execute("SELECT sequence FROM affect")]


@pytest.mark.parametrize("session_s", [0, 300])
def test_consumers_share_a_load_and_take_over(broker, tmp_path, session_s):
    """Each message once in total; with one killed, the rest goes on."""

    def start(name):
        path = tmp_path / f"{name}.sqlite"
        options = ("--name", name, "--database", str(path), "--session", str(session_s))
        example = Example("shared_consumer.py", broker.port, *options)
        wait(lambda: "ready" in example.lines, lambda: example.lines)
        return example, path

    def all_written():
        return sorted(written(first) + written(second))

    with contextlib.closing(Writer(broker.port)) as writer:
        one, first = start("one")
        two, second = start("two")
        with contextlib.closing(two):
            writer.send(100)
            wait(lambda: len(all_written()) >= 100, all_written)
            assert all_written() == list(range(100))
            assert min(len(written(first)), len(written(second))) >= 40
            writer.send(20)
            one.kill()
            writer.send(80)
            on_its_way = 11
            if session_s:
                # The broker keeps the dead one's share for it.
                one, first = start("one")
                on_its_way = 0
                with contextlib.closing(one):
                    wait(lambda: len(all_written()) >= 200, all_written)
            else:
                wait(lambda: set(all_written()) >= set(range(120, 200)), all_written)
        numbers = all_written()
        assert len(numbers) == len(set(numbers)) >= 200 - on_its_way
