"""Bringing a camera that is plugged in later into a cage that is already closed.

The cage has a ``/dev`` of its own, so a new node would never appear in it. A second, tiny process
keeps the real one: it is forked before anything is sensed, shares the mount of the cage's ``/dev``
and binds new nodes into it as they come. There is no channel from the caged process to this one:
it cannot be signalled, traced or written to, and it looks at nothing but names in ``/dev``.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import suppress
from pathlib import Path

from edge_affect.sensing import kernel

STASH = Path("/run/devices")
"""Where the real ``/dev`` is mounted while the keeper is started; it alone goes on seeing it."""
POLL_S = 1.0
MNT_DETACH = 2
_SHARED = 0x100000

Identity = tuple[int, int]
"""Inode and device number: what tells a node from one that took its name."""


def stash_devices() -> None:
    """Mount the real ``/dev`` at ``STASH``; before it is covered."""
    STASH.mkdir()
    kernel.mount("/dev", str(STASH), None, kernel.MS_BIND | kernel.MS_REC)


def start(patterns: tuple[str, ...]) -> None:
    """Fork the keeper and forget the real ``/dev``; the cage's own one is mounted and read-only.

    Raises:
        OSError: If the kernel refuses a step in this process.
    """
    kernel.mount(None, "/dev", None, _SHARED)
    parent_pid = os.getpid()
    reading, writing = os.pipe()
    if not os.fork():
        with suppress(BaseException):  # it has nobody to tell; devices then stay as they are
            kernel.prctl(kernel.PR_SET_PDEATHSIG, int(signal.SIGKILL))
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # nobody looks through /proc/PID/root
            kernel.unshare(kernel.CLONE_NEWNS)
            writable = kernel.MS_REMOUNT | kernel.MS_BIND | kernel.MS_NOSUID | kernel.MS_NODEV
            kernel.mount(None, "/dev", None, writable | kernel.MS_NOEXEC)
            _close_all_but(writing)
            os.close(writing)
            _keep(patterns, parent_pid)
        os._exit(0)
    os.close(writing)
    os.read(reading, 1)  # ends when the keeper has its own mounts, or has died
    os.close(reading)
    kernel.umount(str(STASH), MNT_DETACH)


def _close_all_but(kept: int) -> None:
    """Hold none of the caged process's channels open."""
    for descriptor in kernel.open_file_descriptors():
        if descriptor != kept:
            with suppress(OSError):  # the one that listed them is closed already
                os.close(descriptor)


def _keep(patterns: tuple[str, ...], parent_pid: int) -> None:
    known = nodes(patterns)
    while os.getppid() == parent_pid:
        time.sleep(POLL_S)
        found = nodes(patterns)
        for name in known:
            if found.get(name) != known[name]:
                _remove(Path("/dev") / name)
        for name in found:
            if found[name] != known.get(name):
                _bring(name)
        known = found


def nodes(patterns: tuple[str, ...], below: Path = STASH) -> dict[str, Identity]:
    """Return the nodes and folders below the real ``/dev`` that match, by name."""
    found: dict[str, Identity] = {}
    for pattern in patterns:
        for path in below.glob(pattern):
            with suppress(FileNotFoundError):  # unplugged in this very moment
                state = path.stat()
                found[str(path.relative_to(below))] = (state.st_ino, state.st_rdev)
    return found


def _remove(place: Path) -> None:
    with suppress(OSError):  # it may have gone by itself
        kernel.umount(str(place), MNT_DETACH)
    with suppress(OSError):
        place.rmdir() if place.is_dir() else place.unlink()


def _bring(name: str) -> None:
    source, place = STASH / name, Path("/dev") / name
    with suppress(OSError):  # gone again already; the next look will tell
        place.parent.mkdir(parents=True, exist_ok=True)
        place.mkdir(exist_ok=True) if source.is_dir() else place.touch()
        kernel.mount(str(source), str(place), None, kernel.MS_BIND | kernel.MS_REC)
