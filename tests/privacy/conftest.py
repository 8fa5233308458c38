"""The cage's prisoner, once in the cage and once in a room that is open on purpose."""

import ctypes
import json
import os
import shutil
import socket
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from attacks import ATTACKS, DEADLY

ROOT = Path(__file__).resolve().parents[2]
PRISONER = Path(__file__).with_name("prisoner.py")
LIBC = ctypes.CDLL(None, use_errno=True)
IPC_CREAT, IPC_RMID = 0o1000, 0
SHARED_MEMORY_KEY = 0x0EDAFFEC
NOBODY = 65534


class Outside:
    """Everything around a prisoner: folders, sockets and a piece of shared memory.

    The product and the prisoner run from a copy that belongs to the user, so that neither the
    place of the checkout nor its owner decides what is tried.
    """

    def __init__(self, user):
        self.user = user
        self.folder = Path(tempfile.mkdtemp(prefix="cage-", dir="/tmp"))
        self.product = self.folder / "product"
        bytecode = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "edge_affect", self.product / "edge_affect", ignore=bytecode)
        shutil.copytree(PRISONER.parent, self.product / "privacy", ignore=bytecode)
        self.environment = {"PATH": os.environ["PATH"], "PYTHONPATH": str(self.product)}
        self.environment |= {"PYTHONDONTWRITEBYTECODE": "1"}
        self.hidden = self.folder / "hidden"
        self.readable = self.folder / "readable"
        for folder in (self.hidden, self.readable):
            folder.mkdir()
            os.mkfifo(folder / "fifo")
        (self.hidden / "secret.txt").write_text("secret")
        (self.readable / "model.bin").write_bytes(b"model")
        self.listener = None
        self.listen()
        self.home = self.folder / "home"
        self.home.mkdir()
        self.environment["HOME"] = str(self.home)
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, user, user) if os.geteuid() == 0 else None
        self.records, self.receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.folder_fd = os.open(self.hidden, os.O_RDONLY)
        self.other = subprocess.Popen(["sleep", "600"], **self._identity())
        self.segment = LIBC.shmget(SHARED_MEMORY_KEY, 4096, IPC_CREAT | 0o666)
        self._found_python = None

    def listen(self):
        """Bind the listener, again where a prisoner took its place."""
        if self.listener is not None:
            self.listener.close()
        path = self.hidden / "listener"
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.listener.bind(str(path))
        os.chown(path, self.user, self.user) if os.geteuid() == 0 else None

    def _identity(self):
        if os.geteuid() == self.user:
            return {}
        return {"user": self.user, "group": self.user, "extra_groups": []}

    def python(self):
        """Return an interpreter that this user may run, at worst a copy of this one."""
        if self._found_python is None:
            known = (sys.executable, "/usr/bin/python3")
            self._found_python = next(filter(self.is_usable, known), None)
        if self._found_python is None:
            self._found_python = copied_python(self.folder / "python")
            assert self.is_usable(self._found_python), "not even a copy of this Python runs"
        return self._found_python

    def is_usable(self, candidate):
        check = "import sys, edge_affect.sensing.cage; assert sys.version_info >= (3, 10)"
        try:
            done = subprocess.run(
                [candidate, "-c", check], check=False, capture_output=True, cwd="/",
                env=self.environment, **self._identity(),
            )  # fmt: skip
        except (PermissionError, FileNotFoundError):
            return False
        return done.returncode == 0

    def run(self, mode, question=None):
        """Run ``prisoner.py`` as the user, and return the finished process."""
        fds = (self.records.fileno(), self.folder_fd)
        arguments = [mode, self.hidden, self.readable, *fds, self.other.pid]
        return subprocess.run(
            [self.python(), self.product / "privacy" / PRISONER.name, *map(str, arguments)],
            **self._identity(),
            pass_fds=fds,
            input=None if question is None else json.dumps(question),
            capture_output=True,
            text=True,
            timeout=600,
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


def copied_python(folder):
    """Copy the interpreter that runs this, with its standard library, and return its path."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    rest = ("site-packages", "dist-packages", "test", "idlelib", "ensurepip", "config-*")
    shutil.copytree(
        library, folder / "lib" / version, ignore=shutil.ignore_patterns("__pycache__", *rest)
    )
    for shared in Path(sysconfig.get_config_var("LIBDIR")).glob("libpython3*.so*"):
        shutil.copy(shared, folder / "lib" / shared.name)
    (folder / "bin").mkdir()
    program = folder / "bin" / version
    shutil.copy(Path(sys.executable).resolve(), program)
    return str(program)


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


def answers(outside, mode, question=None):
    done = outside.run(mode, question)
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


class Builds:
    """Cages without some walls, all made by one prisoner, and what came of them.

    Attempts that ask for the same walls to be missing share one build; one that ends the process
    has a build of its own.
    """

    def __init__(self):
        self._wanted = {}
        self._found = {}

    def want(self, attempts, missing, in_room):
        """Ask for attempts in the cage without ``missing``; None asks for the proof instead."""
        key = self._key(attempts, missing, in_room)
        known = self._wanted.setdefault(key, {})
        known.update(dict.fromkeys(attempts or ()))

    def make(self, outside):
        keys = list(self._wanted)
        questions = [
            {"attempts": list(self._wanted[key]) or "proof", "missing": key[1], "in_room": key[2]}
            for key in keys
        ]
        found = answers(outside, "leaky", questions)
        outside.listen()
        self._found = dict(zip(keys, found, strict=True))

    def of(self, attempts, missing, in_room):
        """Return attempt to error or None, or what the proof said."""
        found = self._found[self._key(attempts, missing, in_room)]
        return found if attempts is None else {name: found[name] for name in attempts}

    def _key(self, attempts, missing, in_room):
        kind = "proof" if attempts is None else "tried"
        if attempts is not None and DEADLY & set(attempts):
            kind = attempts
        return kind, tuple(sorted(missing)), in_room


def asked_of(outside):
    """Return which questions of the table this user asks.

    Whether each wall alone suffices does not depend on the user, so one of them is enough.
    """
    is_first = outside.user == os.geteuid()
    for attack in ATTACKS:
        yield attack, attack.missing
        if attack.needs_room or outside.user == 0:
            yield attack, attack.also_missing
            if is_first:
                yield from ((attack, attack.all_but(wall)) for wall in attack.stopped_by)


@pytest.fixture(scope="session")
def built(outside):
    """The builds of the table of attacks."""
    builds = Builds()
    for attack, missing in asked_of(outside):
        builds.want(attack.attempts, missing, attack.needs_room)
        if missing == attack.missing:
            builds.want(None, missing, attack.needs_room)
    builds.make(outside)
    return builds
