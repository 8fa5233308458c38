"""Two real processes: what they are given, how they end, and that none is left behind."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edge_affect import launcher
from edge_affect.errors import UnavailableError

LAUNCH = Path(__file__).with_name("launch_stand_ins.py")
SECRETS = {
    "DBUS_SESSION_BUS_ADDRESS": "unix:path=/run/user/0/bus",
    "HTTPS_PROXY": "http://proxy.example",
    "AWS_SECRET_ACCESS_KEY": "key",
    "EDGE_AFFECT_TEST": "kept",
}


class Launched:
    """A launcher in a process of its own."""

    def __init__(self, folder, sense=(), publish=(), prefix=(), **options):
        self.folder = folder
        arguments = [str(folder), list(sense), list(publish), options]
        self.process = subprocess.Popen(
            [*prefix, sys.executable, str(LAUNCH), *map(json.dumps, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **SECRETS, "PYTHONPATH": str(LAUNCH.parents[2])},
            # Whoever runs the tests under nohup must not have these processes ignore it, too.
            preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL),  # noqa: PLW1509
        )

    def report(self, name):
        path = self.folder / f"{name}.json"
        wait_until(path.exists)
        return json.loads(path.read_text())

    def both(self):
        return self.report("sense"), self.report("publish")

    def end(self):
        self.stdout, self.stderr = self.process.communicate(timeout=120)
        return self.process.returncode


def wait_until(condition):
    deadline = time.monotonic() + 120.0
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def is_alive(pid):
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def no_child_is_left(*reports):
    return not any(is_alive(report["pid"]) for report in reports)


def test_each_gets_its_channels_and_nothing_else(tmp_path):
    launched = Launched(tmp_path)
    sense, publish = launched.both()
    launched.process.terminate()
    assert launched.end() == 0
    for report in (sense, publish):
        assert len(report["channels"]) == 2
        assert report["sockets"] == report["channels"]
        assert report["fds"] == [0, 1, 2, *report["channels"]]
    assert (sense["is_caged"], publish["is_caged"]) == (True, False)
    assert sense["is_unsandboxed"] is False


def test_sensing_sees_no_bus_no_proxy_no_secret(tmp_path):
    launched = Launched(tmp_path)
    sense, publish = launched.both()
    launched.process.terminate()
    launched.end()
    kept = {name: sense["environment"].get(name) for name in SECRETS}
    assert kept == {**dict.fromkeys(SECRETS), "EDGE_AFFECT_TEST": "kept"}
    assert {name: publish["environment"].get(name) for name in SECRETS} == SECRETS


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_signal_takes_sensing_down_first(tmp_path, number):
    launched = Launched(tmp_path)
    reports = launched.both()
    launched.process.send_signal(number)
    assert launched.end() == 0
    assert (tmp_path / "stopped.txt").read_text() == "sense\npublish\n"
    assert no_child_is_left(*reports)


def test_under_nohup_a_terminal_that_is_closed_ends_nothing(tmp_path):
    launched = Launched(tmp_path, prefix=["nohup"])
    reports = launched.both()
    launched.process.send_signal(signal.SIGHUP)
    with pytest.raises(subprocess.TimeoutExpired):
        launched.process.wait(0.5)
    assert all(is_alive(report["pid"]) for report in reports)
    launched.process.terminate()
    assert launched.end() == 0
    assert no_child_is_left(*reports)


def test_a_burst_of_signals_ends_it_all_the_same(tmp_path):
    """One comes while another is being handled: the handler must not wait for itself."""
    launched = Launched(tmp_path)
    reports = launched.both()
    for _ in range(300):
        for number in launcher.STOP_SIGNALS:
            launched.process.send_signal(number)
    # Those that come when all is over end it as they end any process.
    assert launched.end() in {0, *(-number for number in launcher.STOP_SIGNALS)}
    assert no_child_is_left(*reports)


def test_ctrl_c_reaches_the_launcher_alone(tmp_path):
    launched = Launched(tmp_path)
    sense, publish = launched.both()
    sessions = {sense["session"], publish["session"], os.getsid(launched.process.pid)}
    assert len(sessions) == 3
    launched.process.terminate()
    launched.end()


@pytest.mark.parametrize(
    ("sense", "publish", "code"),
    [
        (["--seconds", "0"], [], 0),
        (["--seconds", "0", "--code", "77"], [], 77),
        (["--seconds", "0", "--code", "77"], ["--code", "69"], 77),
        (["--seconds", "0"], ["--code", "69"], 69),
        ([], ["--seconds", "0", "--code", "78"], 78),
        (["--code", "66"], ["--seconds", "0"], 66),
    ],
)
def test_exit_code_is_that_of_the_first_that_failed(tmp_path, sense, publish, code):
    launched = Launched(tmp_path, sense, publish)
    reports = launched.both()
    assert launched.end() == code
    assert no_child_is_left(*reports)


def test_deaf_process_is_killed_in_time(tmp_path):
    launched = Launched(tmp_path, ["--deaf"], [], stop_timeout_s=0.3)
    reports = launched.both()
    started = time.monotonic()
    launched.process.terminate()
    assert launched.end() == 128 + signal.SIGKILL
    assert time.monotonic() - started < 50
    assert "sense did not end within 0.3 s and was killed" in launched.stderr
    assert (tmp_path / "stopped.txt").read_text() == "publish\n"
    assert no_child_is_left(*reports)


def test_child_killed_from_outside_counts_as_failed(tmp_path):
    launched = Launched(tmp_path)
    sense, publish = launched.both()
    os.kill(sense["pid"], signal.SIGKILL)
    assert launched.end() == 128 + signal.SIGKILL
    assert "sense was killed by signal 9\n" in launched.stderr
    assert no_child_is_left(sense, publish)


def test_nobody_outlives_a_killed_launcher(tmp_path):
    launched = Launched(tmp_path, ["--deaf"], ["--deaf"])
    reports = launched.both()
    launched.process.kill()
    launched.process.communicate(timeout=120)
    wait_until(lambda: no_child_is_left(*reports))


def test_no_caged_process_outlives_a_killed_launcher(tmp_path):
    """The kernel forgets the wish to die with the parent when credentials change; ours do not."""
    launched = Launched(tmp_path, ["--really"], [])
    publish = launched.report("publish")
    lines = sorted(launched.process.stderr.readline().strip() for _ in range(3))
    sense_pid = int(lines[-1].removeprefix("sense started (pid ").removesuffix(")"))
    alive_in_the_cage = is_alive(sense_pid)
    launched.process.kill()
    launched.process.communicate(timeout=120)
    wait_until(lambda: no_child_is_left({"pid": sense_pid}, publish))
    if lines[0].startswith("no cage"):
        pytest.skip(lines[0])
    assert lines[0].startswith("caged ")
    assert alive_in_the_cage


def test_log_has_one_line_for_each_event(tmp_path):
    launched = Launched(tmp_path, ["--seconds", "0"])
    sense, publish = launched.both()
    launched.end()
    assert launched.stderr.splitlines() == [
        f"sense started (pid {sense['pid']})",
        f"publish started (pid {publish['pid']})",
        "sense ended with exit code 0",
        "publish ended with exit code 0",
    ]


def test_caged_sensing_has_no_standard_output(tmp_path):
    launched = Launched(tmp_path, ["--seconds", "0"])
    launched.both()
    launched.end()
    assert launched.stdout == "publish says hello\n"


def test_unsandboxed_sensing_prints_and_has_no_channel(tmp_path):
    launched = Launched(tmp_path, ["--seconds", "0"], is_unsandboxed=True)
    sense = launched.report("sense")
    assert launched.end() == 0
    assert launched.stdout == "sense says hello\n"
    assert sense["sockets"] == []
    assert (sense["is_unsandboxed"], sense["is_caged"]) == (True, False)
    assert not (tmp_path / "publish.json").exists()


def test_program_that_does_not_exist_leaves_nobody(tmp_path):
    stand_in = (sys.executable, str(LAUNCH.with_name("stand_in.py")), "sense", str(tmp_path))
    settings = launcher.LaunchSettings(
        sense_program=stand_in, publish_program=("/nonexistent/publish",), stop_timeout_s=2.0
    )
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(UnavailableError, match="publish cannot be started"):
        launcher.launch([], [], settings)
    assert signal.getsignal(signal.SIGTERM) is before
    path = tmp_path / "sense.json"
    assert not path.exists() or not is_alive(json.loads(path.read_text())["pid"])


def test_channel_runs_one_way():
    sender, receiver = launcher.one_way_channel()
    with sender, receiver:
        sender.send(b"record")
        assert receiver.recv(16) == b"record"
        with pytest.raises(BrokenPipeError):
            receiver.send(b"back")
        sender.settimeout(0)
        with pytest.raises(BlockingIOError):
            sender.recv(16)


def test_channel_keeps_datagrams_apart():
    sender, receiver = launcher.one_way_channel()
    with sender, receiver:
        sender.send(b"first")
        sender.send(b"second")
        assert [receiver.recv(16), receiver.recv(16)] == [b"first", b"second"]
        assert receiver.type == socket.SOCK_DGRAM
