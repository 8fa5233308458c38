"""Test-only entry point: enter the cage, or a room that is open on purpose, and try to get out.

``prisoner.py caged|devices|open|plain FOLDER READABLE RECORDS_FD FOLDER_FD OTHER_PID`` prints one
JSON object, attempt name to ``null`` (it worked) or the name of the error that stopped it;
``devices`` is the cage of a live microphone and camera, ``plain`` has no cage and no room. With
``prove`` instead, it prints what ``cage.prove`` says outside a cage. With ``leaky`` it reads a JSON
list of builds, each with an attempt and the walls to leave out, and prints what came of each.
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import os
import resource
import socket
import struct
import sys
from functools import partial
from pathlib import Path

import walls
from attacks import DEADLY
from attempts import ATTEMPTS, GOT_THROUGH, Surroundings, must_still_work

from edge_affect.errors import CageError
from edge_affect.sensing import cage, kernel, probes

SIOCADDRT, SIOCSIFFLAGS, SIOCSIFADDR, SIOCSIFNAME = 0x890B, 0x8914, 0x8916, 0x8923
IFF_UP = RTF_UP = 1


def outcome(attempt):
    try:
        attempt()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error.errno))
    return None


def probe_outcome(probe):
    """Return an error's name only if the product takes it for a refusal."""
    stopped_by = outcome(probe.attempt)
    if stopped_by is None or getattr(errno, stopped_by) not in probe.refusals:
        return None
    return stopped_by


def attempt_outcome(name, outside):
    stopped_by = outcome(partial(ATTEMPTS[name], outside))
    if stopped_by is not None and getattr(errno, stopped_by) in GOT_THROUGH.get(name, ()):
        return None
    return stopped_by


def everything(outside):
    found = {f"probe:{p.name}": partial(probe_outcome, p) for p in probes.all_probes()}
    return found | {name: partial(attempt_outcome, name, outside) for name in ATTEMPTS}


def survivable(outside):
    return {name: a for name, a in everything(outside).items() if name not in DEADLY}


def in_a_child(function):
    """Run in a forked child, so that what works there harms nobody."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        with contextlib.suppress(BaseException):
            os.write(writing, json.dumps(function()).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    os.waitpid(child, 0)
    return json.loads(text)


def open_room():
    """Give this process everything a leak could want, cut off from the machine.

    Own mounts with the device nodes and sockets that probes look for; all capabilities; as an
    ordinary user in a user and a network namespace, where these capabilities count.
    """
    if os.geteuid():
        user, group = os.geteuid(), os.getegid()
        kernel.unshare(kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWNET)
        Path("/proc/self/setgroups").write_text("deny", encoding="ascii")
        Path("/proc/self/uid_map").write_text(f"0 {user} 1", encoding="ascii")
        Path("/proc/self/gid_map").write_text(f"0 {group} 1", encoding="ascii")
    else:
        kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET)
    make_a_way_out()
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    for folder in ("/run", "/var/tmp", "/dev"):
        kernel.mount("tmpfs", folder, "tmpfs", 0)
    Path("/dev/shm").mkdir()
    listeners = []
    for node in (*probes.EXIT_NODES, "/dev/null"):
        Path(node).parent.mkdir(parents=True, exist_ok=True)
        Path(node).touch()
    for address in probes.UNIX_ADDRESSES.values():
        if not address.startswith("\0"):
            Path(address).parent.mkdir(parents=True, exist_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(address)
        listener.listen()
        listeners.append(listener)
    return listeners


def make_a_way_out():
    """Give the network namespace of an open room an interface and a route, both to nowhere.

    The loopback device under another name: nothing can leave by it, and it looks like a real one.
    """
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        fcntl.ioctl(control, SIOCSIFNAME, struct.pack("16s16s8x", b"lo", b"way-out"))
        for label, address in ((b"way-out", "127.0.0.1"), (b"way-out:1", "192.0.2.2")):
            inet = struct.pack("HH4s8x", socket.AF_INET, 0, socket.inet_aton(address))
            fcntl.ioctl(control, SIOCSIFADDR, struct.pack("16s16s8x", label, inet))
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH22x", b"way-out", IFF_UP))
        target, nowhere, mask = (
            struct.pack("HH4s8x", socket.AF_INET, 0, bytes(address))
            for address in ((198, 51, 100, 0), (0, 0, 0, 0), (255, 255, 255, 0))
        )
        name = ctypes.create_string_buffer(b"way-out")
        entry = (0, target, nowhere, mask, RTF_UP, 0, 0, 0, 0, ctypes.addressof(name), 0, 0, 0)
        fcntl.ioctl(control, SIOCADDRT, struct.pack("L16s16s16sHhLPhPLLH", *entry))


def enter_cage(outside, answer_fd=None, *, is_live=False):
    devices = (*cage.MICROPHONE_DEVICES, *cage.CAMERA_DEVICES) if is_live else ()
    keep = (outside.records_fd,) if answer_fd is None else (outside.records_fd, answer_fd)
    cage.enter(cage.CagePolicy(readable=(outside.readable,), devices=devices, keep_fds=keep))


def try_build(outside, build, answer_fd):
    """Return what the attempts come to in a cage without some walls.

    Instead of attempts, ``proof`` asks for what ``cage.prove`` says there.
    """
    if build["in_room"]:
        kernel.unshare(kernel.CLONE_NEWNS)  # what it mounts is gone with it
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (most, most))
    walls.leave_out(build["missing"])
    enter_cage(outside, answer_fd)
    if build["attempts"] == "proof":
        try:
            cage.prove()
        except CageError as error:
            return str(error)
        return None
    known = everything(outside)
    return {name: known[name]() for name in build["attempts"]}


@contextlib.contextmanager
def fresh_channels(outside):
    """Replace what an earlier build may have filled up: the record channel and the listener."""
    path = outside.folder / "listener"
    path.unlink()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        sender, receiver = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with sender, receiver:
            os.dup2(sender.fileno(), outside.records_fd)
            yield


def empty(listeners):
    """Take the calls that wait, so that the next build finds room."""
    for listener in listeners:
        listener.settimeout(0)
        with contextlib.suppress(BlockingIOError):
            while True:
                listener.accept()[0].close()


def build_outcome(outside, build):
    """Make one build in a child of its own."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        code = 1
        try:
            found = try_build(outside, build, writing)
            os.write(writing, json.dumps(found).encode())
            code = 0
        except Exception as error:  # noqa: BLE001 (told to the parent, which fails)
            sys.stderr.write(f"{build}: {error!r}\n")
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    _, status = os.waitpid(child, 0)
    if build["attempts"] == ["dump-core"] and os.WIFSIGNALED(status):
        return {"dump-core": None if os.WCOREDUMP(status) else "EPERM"}
    if not text:
        raise RuntimeError(f"{build} gave no answer but status {status}")
    return json.loads(text)


def leaky_builds(outside):
    """Make all builds asked for: first those that need no room, then those in the open room."""
    builds = json.load(sys.stdin)
    found = {}
    in_order = sorted(range(len(builds)), key=lambda n: builds[n]["in_room"])
    listeners = []
    for number in in_order:
        if builds[number]["in_room"] and not listeners:
            listeners = open_room()
        with fresh_channels(outside):
            found[number] = build_outcome(outside, builds[number])
        empty(listeners)
    return [found[number] for number in range(len(builds))]


def main():
    mode = sys.argv[1]
    outside = Surroundings(*sys.argv[2:])
    os.chdir(outside.folder)
    if mode in {"open", "plain"}:
        listeners = open_room() if mode == "open" else []
        results = {name: in_a_child(attempt) for name, attempt in survivable(outside).items()}
        del listeners
    elif mode == "prove":
        try:
            cage.prove()
        except CageError as error:
            results = str(error)
    elif mode == "leaky":
        results = leaky_builds(outside)
    else:
        enter_cage(outside, is_live=mode == "devices")
        must_still_work(outside)
        cage.prove()
        results = {name: attempt() for name, attempt in survivable(outside).items()}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
