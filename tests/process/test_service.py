"""Both processes as systemd starts them: passed sockets, path sockets, life signs, credentials.

PID 1 is not systemd here; ``systemd-socket-activate`` passes the sockets in its place, and
``unshare`` and ``setpriv`` build the walls that the unit of sensing builds.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from edge_affect import config as configuration
from edge_affect import service
from edge_affect.broker import LocalBroker
from edge_affect.clock import MonotonicClock
from edge_affect.config import Fusion, Mqtt
from edge_affect.errors import ConfigError, ExitCode, UnavailableError, UsageError
from edge_affect.fusion.scene import SceneFusion
from edge_affect.privacy.gate import Gate
from edge_affect.publishing.access import broker_access
from edge_affect.publishing.daemon import Publisher
from edge_affect.record import AbstainReason, AffectRecord, encode
from edge_affect.sdnotify import Notifier
from edge_affect.sensing.daemon import Ports, Schedule, SensingDaemon, workers_over
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import VideoFrame
from tests.patience import WAIT_S, wait_for
from tests.process.test_consent import CONFIG
from tests.process.test_end_to_end import Reader

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "edge_affect"]
WALLS = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--ambient-caps=-all",
         "--no-new-privs"]  # fmt: skip


class Manager:
    """What systemd is to a service: a folder of sockets, and an ear for life signs."""

    def __init__(self, folder):
        self.folder = folder
        self.processes = []
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(str(folder / "notify"))
        self.notify.settimeout(WAIT_S)

    def start(self, name, command, walls=(), **environment):
        """Listen in ``folder/name`` and start a command when something arrives there."""
        tool = shutil.which("systemd-socket-activate")
        if tool is None:
            pytest.fail("systemd-socket-activate is missing; tools/setup.sh dev installs systemd")
        passed = [f"--setenv={key}={value}" for key, value in environment.items()]
        passed += [f"--setenv={key}" for key in ("PATH", "HOME", "PYTHONPATH")]
        process = subprocess.Popen(
            [tool, "--datagram", f"--listen={self.folder / name}", f"--fdname={name}", *passed,
             *walls, *PROGRAM, *command],
            cwd=ROOT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        self.processes.append(process)
        wait_for(lambda: (self.folder / name).exists() or process.poll() is not None, name)
        assert process.poll() is None, process.stderr.read()
        return process

    def send(self, name, data):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.connect(str(self.folder / name))
            sender.send(data)

    def hear(self, message):
        """Wait for a message, and return how many others came before it."""
        n_others = 0
        while self.notify.recv(256) != message:
            n_others += 1
        return n_others

    def close(self):
        for process in self.processes:
            process.terminate()
            process.wait(WAIT_S)
            process.stderr.close()
        self.notify.close()


@pytest.fixture
def manager(tmp_path):
    made = Manager(tmp_path)
    yield made
    made.close()


def test_records_and_commands_pass_through_the_sockets_of_systemd(manager, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("an empty network without a user namespace needs root")
    with LocalBroker() as broker:
        reader = Reader(broker.port)
        config = tmp_path / "box.toml"
        config.write_text(CONFIG.format(port=broker.port))
        folder = f"--systemd={tmp_path}"
        sense = manager.start(
            "commands", ["sense", folder, "--config", str(config)], ["unshare", "--net", *WALLS],
            NOTIFY_SOCKET=str(tmp_path / "notify"), WATCHDOG_USEC="2000000",
        )  # fmt: skip
        manager.start("records", ["publish", folder, "--config", str(config)])
        # Something has to arrive for the process to be started; this byte is no command.
        manager.send("commands", b"\xff")
        manager.hear(b"READY=1")
        manager.hear(b"WATCHDOG=1")
        reader.wait_for("affect", 5)

        def microphone():
            return json.loads(reader.of("affect")[-1])["sensing"]["microphone"]

        wait_for(lambda: microphone() == "ok", "ok")
        publish_command(broker.port, "pause")
        wait_for(lambda: microphone() == "paused", "paused")
        publish_command(broker.port, "resume")
        wait_for(lambda: microphone() == "ok", "ok")
        sense.terminate()
        manager.hear(b"STOPPING=1")
        assert "cage proven" in sense.stderr.read()
        assert sense.wait(WAIT_S) == 0
        reader.close()


def publish_command(port, name):
    subprocess.run(
        ["mosquitto_pub", "-p", str(port), "-n", "-t", f"edge-affect/test/box/set/{name}"],
        check=True,
    )


def test_sensing_behind_half_a_wall_refuses(manager, tmp_path):
    """With the machine's network around it, sensing ends with 77 before it opens anything."""
    config = tmp_path / "box.toml"
    config.write_text(CONFIG.format(port=1))
    sense = manager.start(
        "commands", ["sense", f"--systemd={tmp_path}", "--config", str(config)], WALLS
    )
    records = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    with records:
        records.bind(str(tmp_path / "records"))
        records.settimeout(0.0)
        manager.send("commands", b"\xff")
        assert sense.wait(WAIT_S) == ExitCode.CAGE_NOT_PROVEN
        with pytest.raises(BlockingIOError):
            records.recv(64)
    assert "leaks" in sense.stderr.read()


@pytest.mark.parametrize("command", ["sense", "publish", "switches"])
def test_without_passed_sockets_each_says_so(tmp_path, command):
    config = tmp_path / "box.toml"
    config.write_text(CONFIG.format(port=1) + "[switches]\nmute_pin = 17\n")
    done = subprocess.run(
        [*PROGRAM, command, "--systemd", "--config", str(config)], cwd=ROOT, capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == ExitCode.USAGE
    assert "systemd passed no socket" in done.stderr


def test_passed_sockets_are_found_by_name():
    mine = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "x:records"}
    assert service.passed_fd("records", mine) == 4
    for wrong in (
        {}, {**mine, "LISTEN_PID": "1"}, {**mine, "LISTEN_FDS": "1"}, {**mine, "LISTEN_FDS": "two"},
        {**mine, "LISTEN_FDNAMES": "records:records"}, {**mine, "LISTEN_FDNAMES": "x"},
    ):  # fmt: skip
        with pytest.raises(UsageError, match="systemd passed no socket called 'records'"):
            service.passed_fd("records", wrong)


def test_an_absent_socket_is_told(tmp_path):
    with pytest.raises(UnavailableError, match="cannot be reached"):
        service.connected(tmp_path / "records")


def test_the_password_comes_from_a_credential(tmp_path, monkeypatch):
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    secret = tmp_path / "edge-affect.mqtt-password"
    mqtt = Mqtt(username="box")
    assert broker_access(mqtt).password == ""
    secret.write_text("s3cret\n")
    secret.chmod(0o440)
    assert broker_access(mqtt).password == "s3cret"  # noqa: S105 (not one)
    assert broker_access(Mqtt()).password == ""
    own = tmp_path / "own"
    own.write_text("other\n")
    own.chmod(0o600)
    assert broker_access(Mqtt(username="box", password_file=str(own))).password == "other"  # noqa: S105 (not one)
    own.chmod(0o640)
    with pytest.raises(ConfigError, match="Others can read"):
        broker_access(Mqtt(username="box", password_file=str(own)))


class Frames:
    """A camera that looks at noise, which is neither dark nor frozen."""

    def __init__(self):
        self._random = np.random.default_rng(1)

    def open(self):
        pass

    def read(self, timeout_s):
        time.sleep(0.02)
        pixels = self._random.integers(0, 256, (64, 64, 3), np.uint8)
        return VideoFrame(pixels, MonotonicClock().now_ns())

    def close(self):
        pass


class Nowhere:
    def send(self, record):
        pass


class Held:
    """Takes whatever comes, and holds it while told to."""

    def __init__(self):
        self._may_go_on, self._holds = threading.Event(), threading.Event()
        self._may_go_on.set()

    def __call__(self, *_args, **_named):
        if not self._may_go_on.is_set():
            self._holds.set()
            self._may_go_on.wait(2 * WAIT_S)

    def hold(self, send=lambda: None):
        """Hold the next one, which ``send`` may have to send, and return when it is held."""
        self._holds.clear()
        self._may_go_on.clear()
        send()
        assert self._holds.wait(WAIT_S), "nothing came to be held"

    def let_go(self):
        self._may_go_on.set()


def life_signs(manager, seconds):
    """Count the life signs of so many seconds."""
    manager.notify.settimeout(0.05)
    n_signs, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            n_signs += manager.notify.recv(64) == b"WATCHDOG=1"
        except TimeoutError:
            continue
    return n_signs


def wait_for_life_signs(manager, n_signs):
    """Wait for so many life signs, for as long as a busy machine may need."""
    signs = []
    wait_for(lambda: signs.append(life_signs(manager, 0.2)) or sum(signs) >= n_signs, "life signs")


def wait_for_silence(manager):
    """Wait for a time in which a life sign is due several times and none comes."""
    wait_for(lambda: life_signs(manager, 1.2) == 0, "the life signs to end")


def test_a_frozen_stage_of_sensing_stops_the_life_signs(manager, tmp_path):
    notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "800000"})
    clock = MonotonicClock()
    pipeline = Pipeline(Stages(None, None, SceneFusion(Fusion()), Gate(1)), clock)
    stage = pipeline.on_frame = Held()
    daemon = SensingDaemon(
        pipeline, workers_over(None, Frames(), pipeline, clock),
        Ports(Nowhere(), None, notifier=notifier), Schedule(10.0, 60.0, None), clock,
    )  # fmt: skip
    thread = threading.Thread(target=daemon.run)
    thread.start()
    try:
        wait_for_life_signs(manager, 3)
        stage.hold()
        # Half a period is forgiven, and what was said until then is still in the socket.
        wait_for_silence(manager)
        stage.let_go()
        wait_for_life_signs(manager, 2)
    finally:
        stage.let_go()
        daemon.stop()
        thread.join(WAIT_S)
        notifier.close()
    assert not thread.is_alive()


def test_a_frozen_publisher_gives_no_life_sign(manager, tmp_path, monkeypatch):
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
    monkeypatch.setenv("WATCHDOG_USEC", "1000000")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    publisher = Publisher(configuration.parse("[publish]\ntick_hz = 5.0\n[mqtt]\nport = 9"), theirs)
    outbox = Held()
    thread = threading.Thread(target=publisher.run)
    thread.start()
    try:
        wait_for_life_signs(manager, 4)
        monkeypatch.setattr(publisher._outbox, "put", outbox, raising=False)
        outbox.hold(lambda: ours.send(encode(AffectRecord(abstained=AbstainReason.NOBODY))))
        wait_for_silence(manager)
        outbox.let_go()
        wait_for_life_signs(manager, 2)
    finally:
        outbox.let_go()
        publisher.stop()
        thread.join(WAIT_S)
        ours.close()
    assert not thread.is_alive()
