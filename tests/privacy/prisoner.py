"""Test-only entry point: enter the cage, or a room that is open on purpose, and try to get out.

``prisoner.py caged|devices|open|plain FOLDER READABLE RECORDS_FD FOLDER_FD OTHER_PID`` prints one
JSON object, attempt name to ``null`` (it worked) or the name of the error that stopped it;
``devices`` is the cage of a live microphone and camera, ``plain`` has no cage and no room. With
``prove`` instead, it prints what ``cage.prove`` says outside a cage.
"""

import contextlib
import errno
import json
import os
import socket
import sys
from functools import partial
from pathlib import Path

from attempts import ATTEMPTS, GOT_THROUGH, Surroundings, must_still_work

from edge_affect.errors import CageError
from edge_affect.sensing import cage, kernel, probes


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
        kernel.unshare(kernel.CLONE_NEWNS)
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


def main():
    mode = sys.argv[1]
    outside = Surroundings(*sys.argv[2:])
    os.chdir(outside.folder)
    if mode in {"open", "plain"}:
        listeners = open_room() if mode == "open" else []
        results = {name: in_a_child(attempt) for name, attempt in everything(outside).items()}
        del listeners
    elif mode == "prove":
        try:
            cage.prove()
        except CageError as error:
            results = str(error)
    else:
        devices = (*cage.MICROPHONE_DEVICES, *cage.CAMERA_DEVICES) if mode == "devices" else ()
        cage.enter(
            cage.CagePolicy(
                readable=(outside.readable,), devices=devices, keep_fds=(outside.records_fd,)
            )
        )
        must_still_work(outside)
        cage.prove()
        results = {name: attempt() for name, attempt in everything(outside).items()}
    print(json.dumps(results))


if __name__ == "__main__":
    main()
