"""A second lock on files, where the kernel has Landlock (5.13 and newer, if it is switched on).

With devices configured the system-call filter must let files be opened for writing, and a
read-only mount does not stop writing to a named pipe. Landlock does: only what lies below ``/dev``
can be written, and ``/dev`` holds nothing but the devices asked for.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct

from edge_affect.sensing import kernel, syscalls

WRITE_FILE = 1 << 1
CHANGES = WRITE_FILE | sum(1 << bit for bit in range(4, 13))
"""Writing, removing and making: the rights of the first version of the interface."""
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_UNAVAILABLE = frozenset({errno.ENOSYS, errno.EOPNOTSUPP})


def version() -> int:
    """Return the version of the kernel's Landlock interface, 0 where there is none."""
    try:
        return _call("landlock_create_ruleset", 0, 0, _ASK_VERSION)
    except OSError as error:
        if error.errno in _UNAVAILABLE:
            return 0
        raise


def forbid_writing_outside_dev() -> None:
    """Let this process write nothing but what lies below ``/dev``; must precede threads.

    Does nothing on a kernel without Landlock.

    Raises:
        OSError: If the kernel has it but refuses.
    """
    if not version():
        return
    attributes = struct.pack("Q", CHANGES)
    ruleset = _call("landlock_create_ruleset", ctypes.c_char_p(attributes), len(attributes), 0)
    folder = os.open("/dev", os.O_PATH | os.O_CLOEXEC)
    try:
        rule = ctypes.c_char_p(struct.pack("=Qi", WRITE_FILE, folder))
        _call("landlock_add_rule", ruleset, _RULE_PATH_BENEATH, rule, 0)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        _call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(folder)
        os.close(ruleset)


def _call(name: str, *arguments: object) -> int:
    number = syscalls.number(name, kernel.architecture())
    return kernel.system_call(number or 0, *arguments)
