"""The real sensing process: nothing gets out of it, and nothing uncaged reaches the publisher."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import watermark
from attacks import DEADLY
from attempts import ATTEMPTS
from conftest import Outside

from edge_affect.errors import ExitCode
from edge_affect.launcher import one_way_channel, sense_environment
from edge_affect.record import SIZE_BYTES, decode
from edge_affect.sensing import probes
from tests.patience import WAIT_S, no_longer_than, wait_for

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = Path(__file__).with_name("real_sense.py")
NAMES = [f"probe:{probe.name}" for probe in probes.all_probes()]
NAMES += [name for name in ATTEMPTS if name not in DEADLY]
NEEDS_CAGE = pytest.mark.usefixtures("cage_is_possible")


@pytest.fixture(scope="module")
def surroundings():
    prepared = Outside(os.geteuid())
    yield prepared
    prepared.close()


@pytest.fixture(scope="module")
def clip(surroundings):
    path = surroundings.folder / "clip.mkv"
    watermark.write_clip(path, [(watermark.mark(5), 8)])
    return path


class Slit:
    """Both channels of a sensing process and its standard streams."""

    def __init__(self, walls, *options, around=None, inside=()):
        self.records_out, self.records_in = one_way_channel()
        self.commands_out, self.commands_in = one_way_channel()
        self.records_in.settimeout(0)
        self.received = []
        fds = (self.records_out.fileno(), self.commands_in.fileno())
        channels = ["--records-fd", str(fds[0]), "--commands-fd", str(fds[1])]
        hidden, readable, other = ("", "", "0")
        if around is not None:
            hidden, readable = str(around.hidden), str(around.readable)
            other = str(around.other.pid)
        self.process = subprocess.Popen(
            [*inside, sys.executable, PROGRAM, walls, hidden, readable, other, *channels, *options],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=fds, cwd=ROOT,
            env=sense_environment(os.environ) | {"PYTHONPATH": str(ROOT)},
        )  # fmt: skip

    def receive(self):
        """Take what came through the slit."""
        while True:
            try:
                self.received.append(self.records_in.recv(SIZE_BYTES + 1))
            except BlockingIOError:
                return

    def said_after(self, n_lines=0, n_records=0):
        """Let it run until it has printed and sent so much; end it and return what it printed."""
        with no_longer_than(self.process):
            lines = [self.process.stdout.readline() for _ in range(n_lines)]
        wait_for(lambda: self.receive() or len(self.received) >= n_records, self.received)
        self.process.terminate()
        return "".join(lines)

    def finish(self):
        """Wait for the end; return exit code, output, messages and what came through the slit."""
        output, messages = self.process.communicate(timeout=5 * WAIT_S)
        self.receive()
        for end in (self.records_out, self.records_in, self.commands_out, self.commands_in):
            end.close()
        return self.process.returncode, output, messages, self.received


@pytest.fixture(scope="module")
def tried(surroundings, clip):
    """What every attempt came to inside the running daemon, and the records it sent meanwhile."""
    slit = Slit("", "--cage", "--video", str(clip), "--loop", around=surroundings)
    output = slit.said_after(n_lines=1)
    code, _, messages, received = slit.finish()
    assert code == 0, messages
    return json.loads(output) | {"received": received, "messages": messages}


@NEEDS_CAGE
def test_every_attempt_was_made_inside_the_running_daemon(tried):
    assert sorted(tried["found"]) == sorted(NAMES)
    assert len(NAMES) > 100
    assert tried["threads"] > 3, "models and sources run on threads of their own"
    assert "cage proven" in tried["messages"]


@NEEDS_CAGE
@pytest.mark.parametrize("name", NAMES)
def test_attempt_fails_in_the_real_sensing_process(name, tried):
    assert tried["found"][name] is not None, f"{name} works in the running daemon"


@NEEDS_CAGE
def test_nothing_but_valid_records_came_through(tried):
    strays = [datagram for datagram in tried["received"] if len(datagram) != SIZE_BYTES]
    assert strays == []
    assert len([decode(datagram) for datagram in tried["received"]]) >= 4


UNPROVEN = {
    "no cage at all": ("", ()),
    "sockets allowed": ("filter: socket", ("--cage",)),
    "the machine's network": ("network namespace", ("--cage",)),
    "files writable": ("read-only mounts,Landlock,filter: openat", ("--cage",)),
    "capabilities kept": ("no capabilities", ("--cage",)),
    "core dumps allowed": ("core limit", ("--cage",)),
    "dumpable": ("not dumpable", ("--cage",)),
    "no filter": ("filter", ("--cage",)),
    "signals allowed": ("filter: kill", ("--cage",)),
    "programs allowed": ("filter: execve", ("--cage",)),
    "descriptors passed on": ("filter: sendmsg", ("--cage",)),
    "ptrace allowed": ("filter: ptrace", ("--cage",)),
}


@pytest.fixture(scope="module")
def unproven(clip):
    """All builds that may not send, run side by side."""
    running = {
        name: Slit(walls, *options, "--video", str(clip), "--seconds", "2")
        for name, (walls, options) in UNPROVEN.items()
    }
    return {name: slit.finish() for name, slit in running.items()}


@NEEDS_CAGE
@pytest.mark.parametrize("name", UNPROVEN)
def test_a_process_without_a_proven_cage_never_reaches_the_publisher(name, unproven):
    code, _, messages, received = unproven[name]
    assert received == []
    assert code == ExitCode.CAGE_NOT_PROVEN
    assert "The cage around sensing leaks: " in messages
    assert "Traceback" not in messages


def test_a_process_that_was_allowed_no_cage_prints_and_sends_nothing(clip):
    slit = Slit("", "--allow-unsandboxed", "--video", str(clip), "--loop")
    output = slit.said_after(n_lines=2)
    code, _, messages, received = slit.finish()
    assert code == 0, messages
    assert len(output.splitlines()) == 2
    assert received == []


def test_a_build_that_declares_its_proof_is_seen_to_send(clip):
    """What the tests above look for does happen where the proof is only declared."""
    slit = Slit("declared", "--cage", "--video", str(clip), "--loop")
    slit.said_after(n_records=2)
    code, _, messages, received = slit.finish()
    assert code == 0, messages
    assert len(received) >= 2


@NEEDS_CAGE
def test_a_machine_without_a_network_does_not_hide_that_the_cage_has_it(clip):
    """Nothing but ``lo`` is found, as in an empty network; one may be plugged in later."""
    slit = Slit(
        "network namespace", "--cage", "--video", str(clip), "--seconds", "2",
        inside=("unshare", "--map-root-user", "--net"),
    )  # fmt: skip
    code, _, messages, received = slit.finish()
    assert received == []
    assert code == ExitCode.CAGE_NOT_PROVEN
    assert "The cage around sensing leaks: its network is the machine's;" in messages
