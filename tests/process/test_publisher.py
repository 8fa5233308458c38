"""The publishing process as it is started for real: signals, memory, imports, exit codes."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_affect.broker import LocalBroker, free_port
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.mqtt import ClientIdentity, Connection
from edge_affect.record import AbstainReason, AffectRecord, encode

MEMORY_LIMIT_MB = 45
WAIT_S = 120.0
NOBODY = encode(AffectRecord(abstained=AbstainReason.NOBODY))
CONFIG = '[device]\nsite = "hall"\nname = "one"\n[publish]\ntick_hz = 5.0\n'


class Process:
    """``edge-affect publish`` with both sockets inherited."""

    def __init__(self, folder, port, *options, config=CONFIG, environment=None):
        path = folder / "box.toml"
        path.write_text(config)
        self.records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        outlet, self.commands = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.commands.settimeout(WAIT_S)
        fds = (inlet.fileno(), outlet.fileno())
        self.popen = subprocess.Popen(
            [
                *(sys.executable, "-m", "edge_affect", "publish", "--config", path),
                *("--records-fd", str(fds[0]), "--commands-fd", str(fds[1])),
                *("--host", "127.0.0.1", "--port", str(port), *options),
            ],
            pass_fds=fds,
            env={**os.environ, **(environment or {})},
            stderr=subprocess.PIPE,
            text=True,
        )
        inlet.close()
        outlet.close()

    def memory_mb(self):
        for text in Path(f"/proc/{self.popen.pid}/status").read_text().splitlines():
            if text.startswith("VmHWM:"):
                return int(text.split()[1]) * 1024 / 1_000_000
        raise AssertionError("no VmHWM")

    def wait_until_it_minds_signals(self):
        """Wait until SIGTERM is caught, however busy the machine is."""
        deadline_s = time.monotonic() + WAIT_S
        status = Path(f"/proc/{self.popen.pid}/status")
        while not int(status.read_text().split("SigCgt:")[1].split()[0], 16) >> 14 & 1:
            assert time.monotonic() < deadline_s, "waited in vain for the signal handler"
            time.sleep(0.05)

    def end(self):
        """Return exit code and what it said."""
        _, said = self.popen.communicate(timeout=WAIT_S)
        return self.popen.returncode, said

    def close(self):
        self.popen.kill()
        self.popen.communicate()
        self.records.close()
        self.commands.close()


class Reader:
    """Reads topics of the box with our own connection."""

    def __init__(self, port):
        self.seen = []
        self._connection = Connection(
            BrokerAccess("127.0.0.1", port),
            ClientIdentity("reader"),
            on_message=lambda topic, data, _retain: self.seen.append((topic, data)),
        )
        self._connection.open()
        self._connection.subscribe("edge-affect/#")

    def of(self, name):
        return [data for topic, data in self.seen if topic == f"edge-affect/hall/one/{name}"]

    def wait_for(self, condition, feed=None):
        deadline_s = time.monotonic() + WAIT_S
        while not condition():
            assert time.monotonic() < deadline_s, self.seen
            if feed is not None:
                feed.send(NOBODY)
            self._connection.step(0.1)

    def close(self):
        self._connection.close()


@pytest.fixture
def reader(broker):
    reader = Reader(broker.port)
    yield reader
    reader.close()


@pytest.fixture
def process(broker, tmp_path, request):
    process = Process(tmp_path, broker.port, config=CONFIG + getattr(request, "param", ""))
    yield process
    process.close()


SMART_HOMES = "[home_assistant]\nenabled = true\n[homie]\nenabled = true\n"


@pytest.mark.parametrize("process", ["", SMART_HOMES], indirect=True, ids=["plain", "smart-homes"])
def test_it_publishes_within_its_memory_and_ends_cleanly_on_sigterm(process, reader):
    reader.wait_for(lambda: len(reader.of("affect")) >= 5, feed=process.records)
    assert process.memory_mb() <= MEMORY_LIMIT_MB
    print(f"{process.memory_mb():.1f} MB at most")
    process.popen.send_signal(signal.SIGTERM)
    reader.wait_for(lambda: reader.of("status") == [b"online", b"offline"])
    code, said = process.end()
    assert code == 0
    assert "Traceback" not in said


def test_the_will_is_seen_after_kill_9(process, reader):
    reader.wait_for(lambda: reader.of("affect"), feed=process.records)
    process.popen.kill()
    reader.wait_for(lambda: reader.of("status") == [b"online", b"offline"])


def test_a_command_crosses_as_one_byte(process, reader, broker):
    reader.wait_for(lambda: reader.of("status") == [b"online"])
    publish = [
        "mosquitto_pub",
        "-p",
        str(broker.port),
        "-n",
        "-t",
        "edge-affect/hall/one/set/pause",
    ]
    # The subscription follows the status by a moment.
    deadline_s = time.monotonic() + WAIT_S
    process.commands.settimeout(0.5)
    received = None
    while received is None and time.monotonic() < deadline_s:
        subprocess.run(publish, check=True)
        try:
            received = process.commands.recv(100)
        except TimeoutError:
            continue
    assert received == b"\x01"


def test_a_daemon_outlives_a_broker_that_is_away(tmp_path):
    port = free_port()
    process = Process(tmp_path, port)
    try:
        time.sleep(1.5)
        assert process.popen.poll() is None
        with LocalBroker(port):
            reader = Reader(port)
            reader.wait_for(lambda: reader.of("status") == [b"online"])
            process.popen.send_signal(signal.SIGINT)
            reader.wait_for(lambda: reader.of("status") == [b"online", b"offline"])
            reader.close()
        assert process.end()[0] == 0
    finally:
        process.close()


def test_it_ends_by_itself_after_its_time(broker, tmp_path):
    process = Process(tmp_path, broker.port, "--seconds", "1")
    try:
        assert process.end()[0] == 0
    finally:
        process.close()


def test_systemd_hears_of_start_life_and_end(broker, tmp_path):
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(path))
        manager.settimeout(WAIT_S)
        process = Process(
            tmp_path, broker.port, "--seconds", "1", environment={"NOTIFY_SOCKET": str(path)}
        )
        try:
            assert process.end()[0] == 0
        finally:
            process.close()
        manager.settimeout(0)
        heard = []
        try:
            while True:
                heard.append(manager.recv(100).decode())
        except BlockingIOError:
            pass
    assert heard[0] == "READY=1"
    assert heard[-1] == "STOPPING=1"
    assert 1 <= heard.count("WATCHDOG=1") == len(heard) - 2


def test_sigterm_ends_it_when_there_is_no_broker(tmp_path):
    process = Process(tmp_path, free_port())
    try:
        process.wait_until_it_minds_signals()
        time.sleep(0.5)
        process.popen.send_signal(signal.SIGTERM)
        started_s = time.monotonic()
        assert process.end()[0] == 0
        assert time.monotonic() - started_s < 60.0
    finally:
        process.close()


@pytest.mark.parametrize(
    ("options", "config", "code", "says"),
    [
        (("--give-up", "1"), CONFIG, 69, "cannot be reached: connection refused"),
        (("--records-fd", "0"), CONFIG, 64, "--records-fd 0 is not"),
        ((), f'{CONFIG}[mqtt]\npassword_file = "/nonexistent/password"\n', 66, "no password file"),
        ((), f"{CONFIG}[mqtt]\nkeepalive = 3\n", 78, "unknown key 'keepalive'"),
    ],
    ids=["no-broker", "not-a-socket", "no-password-file", "configuration"],
)
def test_what_a_user_can_cause_is_one_sentence_and_a_code(tmp_path, options, config, code, says):
    process = Process(tmp_path, free_port(), *options, config=config)
    try:
        returned, said = process.end()
    finally:
        process.close()
    assert returned == code
    (sentence,) = [text for text in said.splitlines() if text.startswith("edge-affect: ")]
    assert says in sentence
    assert "Traceback" not in said


def test_the_publisher_loads_nothing_that_could_hold_raw_data():
    program = (
        "import sys, edge_affect.commands.publish as p;"
        "bad = [m for m in sys.modules if m.split('.')[0] in"
        " ('numpy', 'scipy', 'av', 'PIL', 'sounddevice', 'ai_edge_litert', 'tflite_runtime')"
        " or m == 'edge_affect.types' or m.startswith(('edge_affect.capture',"
        " 'edge_affect.perception', 'edge_affect.fusion', 'edge_affect.sensing'))];"
        "assert 'edge_affect.publishing.daemon' in sys.modules;"
        "print(bad)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "[]"
