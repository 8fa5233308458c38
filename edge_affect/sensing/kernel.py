"""The few kernel calls the cage needs that Python 3.10 does not offer.

Thin wrappers over libc with ctypes: each one either succeeds or raises ``OSError`` with the
errno. Nothing here decides anything; the cage does.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
from pathlib import Path
from typing import Any

from edge_affect.errors import CageError

MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000

CLONE_THREAD = 0x10000
CLONE_NEWNS = 0x20000
CLONE_NEWCGROUP = 0x2000000
CLONE_NEWUTS = 0x4000000
CLONE_NEWIPC = 0x8000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

PR_SET_PDEATHSIG = 1
PR_GET_DUMPABLE = 3
PR_SET_DUMPABLE = 4
PR_SET_NAME = 15
PR_CAPBSET_DROP = 24
PR_SET_SECUREBITS = 28
PR_SET_MM = 35
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
PR_SET_PTRACER = 0x59616D61

SECUREBITS_LOCKED = 0b11101111
"""Root is nobody special, its rules cannot be changed back; "keep caps" stays off, locked."""

_LIBC = ctypes.CDLL(None, use_errno=True)
_CAPABILITY_VERSION_3 = 0x20080522
_AT_FDCWD = -100
_AT_RECURSIVE = 0x8000
_MOUNT_ATTR_RDONLY_NOSUID = 0x3


def architecture() -> str:
    """Return ``x86_64``, ``aarch64`` or ``arm``: what this process runs as.

    A 32-bit Raspberry Pi OS on a 64-bit kernel calls the machine aarch64 although its programs
    are 32-bit, hence the look at the pointer size.

    Raises:
        CageError: If it is none of these.
    """
    machine = platform.machine()
    is_32_bit = struct.calcsize("P") == 4
    if machine == "x86_64" and not is_32_bit:
        return "x86_64"
    if machine in {"aarch64", "arm64"} and not is_32_bit:
        return "aarch64"
    if machine == "aarch64" or machine.startswith("armv"):
        return "arm"
    raise CageError(
        f"The cage knows x86_64, aarch64 and 32-bit Arm, not {machine}; "
        "run sensing under one of these."
    )


def checked(result: int, what: str) -> int:
    """Return ``result``, or raise the ``OSError`` behind a -1."""
    if result == -1:
        errno = ctypes.get_errno()
        raise OSError(errno, os.strerror(errno), what)
    return result


def system_call(number: int, *arguments: Any) -> int:
    """Make a system call by number; integers are passed as machine words.

    Raises:
        OSError: If the kernel refuses.
    """
    words = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    return checked(_LIBC.syscall(ctypes.c_long(number), *words), f"system call {number}")


def unshare(flags: int) -> None:
    """Move this process into new namespaces."""
    checked(_LIBC.unshare(ctypes.c_int(flags)), "unshare")


def setns(fd: int, kind: int) -> None:
    """Move this process into the namespace behind ``fd``."""
    checked(_LIBC.setns(ctypes.c_int(fd), ctypes.c_int(kind)), "setns")


def mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    """Mount, bind or remount something; flags and data as in the manual page."""
    result = _LIBC.mount(
        None if source is None else os.fsencode(source),
        os.fsencode(target),
        None if kind is None else os.fsencode(kind),
        ctypes.c_ulong(flags),
        os.fsencode(data) if data else None,
    )
    checked(result, f"mount {target}")


def umount(target: str, flags: int = 0) -> None:
    """Unmount, as umount2(2)."""
    checked(_LIBC.umount2(os.fsencode(target), ctypes.c_int(flags)), f"umount {target}")


def read_only_below(target: str, mount_setattr_number: int) -> None:
    """Make every mount at and below ``target`` read-only and nosuid (Linux 5.12)."""
    attributes = struct.pack("QQQQ", _MOUNT_ATTR_RDONLY_NOSUID, 0, 0, 0)
    system_call(
        mount_setattr_number,
        _AT_FDCWD,
        ctypes.c_char_p(os.fsencode(target)),
        _AT_RECURSIVE,
        ctypes.c_char_p(attributes),
        len(attributes),
    )


def prctl(option: int, first: int = 0, second: int = 0) -> int:
    """Set or read an attribute of this process."""
    words = [ctypes.c_ulong(word) for word in (first, second, 0, 0)]
    return checked(_LIBC.prctl(ctypes.c_int(option), *words), f"prctl {option}")


def clear_capabilities() -> None:
    """Empty the effective, permitted and inheritable sets of the calling thread."""
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    checked(_LIBC.capset(header, struct.pack("6I", *[0] * 6)), "capset")


def open_file_descriptors() -> list[int]:
    """Return the numbers of all open descriptors of this process, ascending.

    The one that lists the folder is closed again by the time this returns; callers meet EBADF.
    """
    return sorted(int(entry.name) for entry in Path("/proc/self/fd").iterdir())
