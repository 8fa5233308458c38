"""The system-call filter: the rules translated to a BPF program and loaded into the kernel."""

from __future__ import annotations

import ctypes
import struct

from edge_affect.sensing import kernel, syscalls
from edge_affect.sensing.filter_rules import Check, Rule

AUDIT_ARCH: dict[str, int] = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7, "arm": 0x40000028}
ARM_PRIVATE_CALLS = 0x0F0000
"""32-bit Arm keeps set_tls and cacheflush from here on; the thread library needs them."""
ENOSYS = 38

ALLOW = 0x7FFF0000
KILL_PROCESS = 0x80000000
ERRNO = 0x00050000

LOAD = 0x20
AND = 0x54
JUMP_EQUAL = 0x15
JUMP_GREATER = 0x25
JUMP_AT_LEAST = 0x35
RETURN = 0x06
OFFSET_NUMBER = 0
OFFSET_ARCH = 4
OFFSET_ARGUMENTS = 16

_SET_MODE_FILTER = 1
_ALL_THREADS = 1

Instruction = tuple[int, int, int, int]
"""Operation, jump if true, jump if false, operand: the kernel's ``struct sock_filter``."""


def program(rules: tuple[Rule, ...], architecture: str) -> list[Instruction]:
    """Return the filter for one architecture, to run over the kernel's ``struct seccomp_data``.

    A call of another architecture (32-bit calls of a 64-bit process) ends the process; x32 calls
    and calls newer than the table answer ENOSYS.
    """
    code: list[Instruction] = [
        (LOAD, 0, 0, OFFSET_ARCH),
        (JUMP_EQUAL, 1, 0, AUDIT_ARCH[architecture]),
        (RETURN, 0, 0, KILL_PROCESS),
        (LOAD, 0, 0, OFFSET_NUMBER),
    ]
    if architecture == "arm":
        code += [(JUMP_AT_LEAST, 0, 1, ARM_PRIVATE_CALLS), (RETURN, 0, 0, ALLOW)]
    code += [(JUMP_GREATER, 0, 1, syscalls.NEWEST_KNOWN), (RETURN, 0, 0, ERRNO | ENOSYS)]
    for rule in rules:
        body = _body(rule)
        for name in rule.names:
            number = syscalls.number(name, architecture)
            if number is not None:
                code += [(JUMP_EQUAL, 0, len(body), number), *body]
    code.append((RETURN, 0, 0, ALLOW))
    return code


def _body(rule: Rule) -> list[Instruction]:
    """Return what runs once the number matched; every path ends in a return."""
    refuse: Instruction = (RETURN, 0, 0, ERRNO | rule.errno)
    allow: Instruction = (RETURN, 0, 0, ALLOW)
    checks, hit, miss = rule.allowed_if, allow, refuse
    if rule.denied_if:
        checks, hit, miss = rule.denied_if, refuse, allow
    code: list[Instruction] = []
    for check in checks:
        code += [*_comparison(check), hit]
    return [*code, miss]


def _comparison(check: Check) -> list[Instruction]:
    """Return instructions that fall through if ``check`` holds and skip one more if not.

    Arguments are 64 bits, low half first on all three (little-endian) architectures.
    """
    low = OFFSET_ARGUMENTS + 8 * check.argument
    code: list[Instruction] = [(LOAD, 0, 0, low), (AND, 0, 0, check.mask)]
    if not check.is_pointer:
        return [*code, (JUMP_EQUAL, 0, 1, check.value)]
    return [
        *code,
        (JUMP_EQUAL, 0, 3, check.value),
        (LOAD, 0, 0, low + 4),
        (JUMP_EQUAL, 0, 1, 0),
    ]


def install(rules: tuple[Rule, ...]) -> None:
    """Load the filter into all threads of this process, for good.

    Raises:
        OSError: If the kernel has no filter support or refuses.
        CageError: If the architecture is unknown.
    """
    architecture = kernel.architecture()
    code = program(rules, architecture)
    packed = b"".join(struct.pack("HBBI", *instruction) for instruction in code)
    buffer = ctypes.create_string_buffer(packed, len(packed))
    header = struct.pack(
        "HxxxxxxP" if ctypes.sizeof(ctypes.c_void_p) == 8 else "HxxP",
        len(code),
        ctypes.addressof(buffer),
    )
    call = syscalls.number("seccomp", architecture)
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    kernel.system_call(call or 0, _SET_MODE_FILTER, _ALL_THREADS, ctypes.c_char_p(header))
