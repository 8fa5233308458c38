"""The cage's prisoner, once in the cage and once in a room that is open on purpose."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRISONER = Path(__file__).with_name("prisoner.py")
LIBC = ctypes.CDLL(None, use_errno=True)
IPC_CREAT, IPC_RMID = 0o1000, 0
SHARED_MEMORY_KEY = 0x0EDAFFEC
NOBODY = 65534


class Outside:
    """Everything around a prisoner: folders, sockets and a piece of shared memory."""

    def __init__(self, user):
        self.user = user
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
        self.environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
        self.folder = Path(tempfile.mkdtemp(prefix="cage-", dir="/tmp"))
        self.hidden = self.folder / "hidden"
        self.readable = self.folder / "readable"
        for folder in (self.hidden, self.readable):
            folder.mkdir()
            os.mkfifo(folder / "fifo")
        (self.hidden / "secret.txt").write_text("secret")
        (self.readable / "model.bin").write_bytes(b"model")
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(self.hidden / "listener"))
        self.home = self.folder / "home"
        self.home.mkdir()
        self.environment["HOME"] = str(self.home)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, user, user) if os.geteuid() == 0 else None
        self.records, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.folder_fd = os.open(self.hidden, os.O_RDONLY)
        self.other = subprocess.Popen(["sleep", "600"], **self._identity())
        self.segment = LIBC.shmget(SHARED_MEMORY_KEY, 4096, IPC_CREAT | 0o666)

    def _identity(self):
        if os.geteuid() == self.user:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def _python(self):
        """Return an interpreter that this user may run and that finds the product."""
        for candidate in (sys.executable, "/usr/bin/python3"):
            check = "import sys, edge_affect.sensing.cage; assert sys.version_info >= (3, 10)"
            try:
                done = subprocess.run(
                    [candidate, "-c", check], check=False, capture_output=True, cwd="/",
                    env=self.environment, **self._identity(),
                )  # fmt: skip
            except PermissionError:
                continue
            if done.returncode == 0:
                return candidate
        pytest.skip(f"no Python that user {self.user} may run can read {ROOT}")

    def run(self, mode):
        """Run ``prisoner.py`` as the user, and return the finished process."""
        fds = (self.records.fileno(), self.folder_fd)
        arguments = [mode, self.hidden, self.readable, *fds, self.other.pid]
        return subprocess.run(
            [self._python(), str(PRISONER), *map(str, arguments)],
            **self._identity(),
            pass_fds=fds,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd="/",
            env=self.environment,
        )

    def close(self):
        self.other.kill()
        self.other.wait()
        LIBC.shmctl(self.segment, IPC_RMID, None)
        os.close(self.folder_fd)
        for end in (self.listener, self.records, self.receiver):
            end.close()
        shutil.rmtree(self.folder)


def user_ids():
    """Root and an ordinary user where the tests run as root, else the user they run as."""
    if os.geteuid() != 0:
        return {"this-user": os.geteuid()}
    return {"root": 0, "ordinary-user": NOBODY}


@pytest.fixture(scope="session", params=user_ids().items(), ids=lambda item: item[0])
def outside(request):
    user = request.param[1]
    surroundings = Outside(user)
    yield surroundings
    surroundings.close()


def answers(outside, mode):
    done = outside.run(mode)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def caged(outside):
    """Attempt to the error that stopped it, or None, tried inside the cage of a replay."""
    return answers(outside, "caged")


@pytest.fixture(scope="session")
def caged_live(outside):
    """The same inside the cage of a live microphone and camera."""
    return answers(outside, "devices")


@pytest.fixture(scope="session")
def uncaged(outside):
    """The same attempts in the open room and, for an ordinary user, in no room at all.

    Root is not tried without a room: what works there would harm the machine.
    """
    found = answers(outside, "open")
    if outside.user != 0:
        found |= {name: None for name, error in answers(outside, "plain").items() if error is None}
    return found


@pytest.fixture(scope="session")
def cage_is_possible():
    """Skip, with the product's own sentence, where the kernel allows no cage.

    EDGE_AFFECT_REQUIRE_CAGE=1 turns that into a failure, so that CI cannot lose these tests.
    """
    code = (
        "from edge_affect.errors import CageError\nfrom edge_affect.sensing import cage\n"
        "try:\n    cage.enter(cage.CagePolicy())\nexcept CageError as error:\n    print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    if done.stdout and os.environ.get("EDGE_AFFECT_REQUIRE_CAGE"):
        pytest.fail(done.stdout)
    if done.stdout:
        pytest.skip(done.stdout.strip())
