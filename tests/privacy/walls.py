"""The walls of the cage by name, and how a test builds a cage in which some are missing.

Each wall is left out by changing the product's own functions in the process that calls
``leave_out``; everything else is built by the product as ever. For tests only.
"""

import os
import resource
from pathlib import Path

from edge_affect.sensing import (
    cage,
    filter_rules,
    kernel,
    landlock,
    namespaces,
    seccomp,
    syscalls,
)

FILTER = "filter: "
NEWER_CALLS = FILTER + "calls newer than the table"
COVER = "cover: "


def _calls_of(rule):
    return FILTER + rule.names[0]


def filter_walls():
    """One wall for each rule, named after its first system call."""
    rules = filter_rules.rules(1, may_write_devices=False)
    return [*(_calls_of(rule) for rule in rules), NEWER_CALLS]


def cover_walls():
    return [COVER + folder for folder in ("/run", "/tmp", "/var")]


def _without_flag(flag):
    def leave_out():
        namespaces._NAMESPACES &= ~flag

    return leave_out


def _nothing(*_arguments, **_options):
    """Stand in for a step that is left out."""


def _without_namespaces():
    namespaces.unshare_all = _nothing
    namespaces.build_mounts = _nothing


def _without_own_dev():
    mount = kernel.mount

    def mount_all_but_dev(source, target, kind, flags, data=""):
        if (target, kind) != ("/dev", "tmpfs"):
            mount(source, target, kind, flags, data)

    kernel.mount = mount_all_but_dev
    namespaces.device_nodes = lambda _patterns: ()


def _without_core_limit():
    set_limit = resource.setrlimit

    def set_other_limits(kind, limits):
        if kind != resource.RLIMIT_CORE:
            set_limit(kind, limits)

    resource.setrlimit = set_other_limits


def _without_prctl(option, value):
    prctl = kernel.prctl

    def other_prctl(asked, first=0, second=0):
        return 0 if (asked, first) == (option, value) else prctl(asked, first, second)

    kernel.prctl = other_prctl


def _without_filter():
    seccomp.install = _nothing


OTHER_WALLS = {
    "namespaces": _without_namespaces,
    "network namespace": _without_flag(kernel.CLONE_NEWNET),
    "IPC namespace": _without_flag(kernel.CLONE_NEWIPC),
    "own /dev": _without_own_dev,
    "read-only mounts": lambda: setattr(namespaces, "_make_read_only", _nothing),
    "working folder": lambda: setattr(os, "chdir", _nothing),
    "no nested namespaces": lambda: setattr(namespaces, "_forbid_nested_namespaces", _nothing),
    "no capabilities": lambda: setattr(namespaces, "drop_capabilities", _nothing),
    "closed descriptors": lambda: setattr(cage, "close_other_descriptors", _nothing),
    "core limit": _without_core_limit,
    "not dumpable": lambda: _without_prctl(kernel.PR_SET_DUMPABLE, 0),
    "Landlock": lambda: setattr(landlock, "forbid_writing_outside_dev", _nothing),
    "filter": _without_filter,
}
WALLS = (*OTHER_WALLS, *cover_walls(), *filter_walls())


def leave_out(missing):
    """Make this process build its cage without some walls.

    Args:
        missing: Names of ``WALLS``.
    """
    unknown = set(missing) - set(WALLS)
    if unknown:
        raise ValueError(f"no such walls: {sorted(unknown)}")
    for name, without in OTHER_WALLS.items():
        if name in missing:
            without()
    names = [name.removeprefix(COVER) for name in missing if name.startswith(COVER)]
    open_folders = {Path(name).resolve() for name in names}
    covered = namespaces.covered_folders
    namespaces.covered_folders = lambda: tuple(p for p in covered() if p not in open_folders)
    rules = filter_rules.rules
    filter_rules.rules = lambda own_pid, *, may_write_devices: tuple(
        rule
        for rule in rules(own_pid, may_write_devices=may_write_devices)
        if _calls_of(rule) not in missing
    )
    if NEWER_CALLS in missing:
        syscalls.NEWEST_KNOWN = 0x3FFFFFFF
