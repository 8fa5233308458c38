"""The system-call filter, instruction by instruction, for all three architectures.

A BPF interpreter of some lines runs the very program that the kernel is given.
"""

import errno
import os
import signal
import subprocess
import sys

import pytest

from edge_affect.sensing import filter_rules, kernel, seccomp, syscalls

OWN_PID = 4242
POINTER = 0x7FFF_1234_5678
RULES = filter_rules.rules(OWN_PID, may_write_devices=False)
DEVICE_RULES = filter_rules.rules(OWN_PID, may_write_devices=True)
ARCHITECTURES = pytest.mark.parametrize("architecture", syscalls.ARCHITECTURES)
UNCONDITIONAL = sorted(
    name for rule in RULES if not rule.allowed_if and not rule.denied_if for name in rule.names
)


def verdict(program, number, arguments=(), audit_arch=None):
    """Run ``program`` over one system call and return what it returns."""
    words = {0: number, 4: audit_arch}
    for index in range(6):
        value = arguments[index] if index < len(arguments) else 0
        words[16 + 8 * index] = value & 0xFFFFFFFF
        words[20 + 8 * index] = value >> 32 & 0xFFFFFFFF
    position = accumulator = 0
    while True:
        operation, if_true, if_false, operand = program[position]
        position += 1
        if operation == seccomp.RETURN:
            return operand
        if operation == seccomp.LOAD:
            accumulator = words[operand]
        elif operation == seccomp.AND:
            accumulator &= operand
        else:
            is_true = {
                seccomp.JUMP_EQUAL: accumulator == operand,
                seccomp.JUMP_GREATER: accumulator > operand,
                seccomp.JUMP_AT_LEAST: accumulator >= operand,
            }[operation]
            position += if_true if is_true else if_false


def judge(architecture, name, *arguments, rules=RULES):
    """Return the errno of a refused call, 0 for an allowed one, None if it does not exist."""
    number = syscalls.number(name, architecture) if isinstance(name, str) else name
    if number is None:
        return None
    program = seccomp.program(rules, architecture)
    answer = verdict(program, number, arguments, seccomp.AUDIT_ARCH[architecture])
    if answer == seccomp.ALLOW:
        return 0
    assert answer & 0xFFFF0000 == seccomp.ERRNO
    return answer & 0xFFFF


def test_every_rule_has_a_reason_and_known_names():
    names = [name for rule in RULES for name in rule.names]
    assert len(names) == len(set(names)) > 70
    assert set(names) <= set(syscalls.NUMBERS)
    assert [rule for rule in RULES if len(rule.reason) < 12] == []


@ARCHITECTURES
def test_program_fits_the_kernel(architecture):
    program = seccomp.program(DEVICE_RULES, architecture)
    assert len(program) <= 4096
    assert max(max(true, false) for _, true, false, _ in program) <= 255


@ARCHITECTURES
def test_numbers_are_not_listed_twice(architecture):
    numbers = [syscalls.number(name, architecture) for name in syscalls.NUMBERS]
    present = [number for number in numbers if number is not None]
    assert len(present) == len(set(present))


@ARCHITECTURES
@pytest.mark.parametrize("name", UNCONDITIONAL)
def test_call_is_refused_whatever_its_arguments(name, architecture):
    assert judge(architecture, name) != 0
    assert judge(architecture, name, *[POINTER] * 6) != 0


@ARCHITECTURES
def test_sockets_answer_that_the_family_is_unknown(architecture):
    assert judge(architecture, "socket", 2, 1, 0) == errno.EAFNOSUPPORT
    assert judge(architecture, "socket", 1, 1, 0) == errno.EAFNOSUPPORT


@ARCHITECTURES
def test_send_needs_no_address_and_gets_none(architecture):
    assert judge(architecture, "sendto", 5, POINTER, 18, 0, 0, 0) == 0
    assert judge(architecture, "sendto", 5, POINTER, 18, 0, 0x1000, 110) == errno.EPERM
    assert judge(architecture, "sendto", 5, POINTER, 18, 0, 0x1_0000_0000, 110) == errno.EPERM


@ARCHITECTURES
def test_clone_makes_threads_only(architecture):
    thread = 0x3D0F00
    assert judge(architecture, "clone", thread) == 0
    assert judge(architecture, "clone", signal.SIGCHLD) == errno.EPERM
    for flag in (1 << bit for bit in range(32) if filter_rules.NEW_NAMESPACES >> bit & 1):
        assert judge(architecture, "clone", thread | flag) == errno.EPERM
    assert judge(architecture, "clone3", POINTER, 88) == errno.ENOSYS


@ARCHITECTURES
@pytest.mark.parametrize("name", ["kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"])
def test_signals_reach_this_process_only(name, architecture):
    assert judge(architecture, name, OWN_PID, 6) == 0
    for other in (1, OWN_PID + 1, 0, 0xFFFFFFFF, -OWN_PID & 0xFFFFFFFF):
        assert judge(architecture, name, other, 6) == errno.EPERM


@ARCHITECTURES
def test_limits_of_this_process_only(architecture):
    assert judge(architecture, "prlimit64", 0, 7) == 0
    assert judge(architecture, "prlimit64", OWN_PID, 7) == 0
    assert judge(architecture, "prlimit64", 1, 7) == errno.EPERM


@ARCHITECTURES
@pytest.mark.parametrize(("name", "at"), [("open", 1), ("openat", 2)])
def test_files_open_for_reading(name, at, architecture):
    if syscalls.number(name, architecture) is None:
        pytest.skip(f"{architecture} has no {name}")
    before = [POINTER] * at
    reading = os.O_RDONLY | os.O_CLOEXEC | os.O_DIRECTORY
    assert judge(architecture, name, *before, reading) == 0
    assert judge(architecture, name, *before, reading, rules=DEVICE_RULES) == 0
    for mode in (os.O_WRONLY, os.O_RDWR):
        assert judge(architecture, name, *before, mode) == errno.EROFS
        assert judge(architecture, name, *before, mode, rules=DEVICE_RULES) == 0
    for flag in (os.O_CREAT, os.O_TRUNC, os.O_APPEND, 0o20000000):
        for rules in (RULES, DEVICE_RULES):
            assert judge(architecture, name, *before, os.O_RDWR | flag, rules=rules) == errno.EROFS


@ARCHITECTURES
def test_terminals_are_not_typed_into(architecture):
    assert judge(architecture, "ioctl", 0, 0x5401) == 0
    assert judge(architecture, "ioctl", 0, 0x5412) == errno.EPERM
    assert judge(architecture, "ioctl", 0, 0x5412 | 0xABCD << 32) == errno.EPERM
    assert judge(architecture, "ioctl", 0, 0x541C) == errno.EPERM


@ARCHITECTURES
def test_process_attributes_that_matter_stay(architecture):
    refused = {kernel.PR_SET_DUMPABLE, kernel.PR_SET_NAME, kernel.PR_SET_MM, kernel.PR_SET_PTRACER}
    for option in refused:
        assert judge(architecture, "prctl", option, 1) == errno.EPERM
    assert judge(architecture, "prctl", kernel.PR_GET_DUMPABLE) == 0


@ARCHITECTURES
def test_calls_newer_than_the_table_do_not_exist(architecture):
    assert judge(architecture, syscalls.NEWEST_KNOWN) == 0
    assert judge(architecture, syscalls.NEWEST_KNOWN + 1) == errno.ENOSYS
    assert judge(architecture, 0x4000_0029) == errno.ENOSYS or architecture == "arm"


def test_x32_calls_do_not_exist():
    x32 = 0x4000_0000
    assert [judge("x86_64", x32 | number) for number in (0, 41, 59, 545)] == [errno.ENOSYS] * 4


def test_arm_keeps_its_thread_pointer():
    assert judge("arm", 0x0F0005) == 0
    assert judge("aarch64", 0x0F0005) == errno.ENOSYS


@ARCHITECTURES
def test_calls_of_another_architecture_end_the_process(architecture):
    program = seccomp.program(RULES, architecture)
    for other in {0x40000003, *seccomp.AUDIT_ARCH.values()} - {seccomp.AUDIT_ARCH[architecture]}:
        assert verdict(program, 20, (), other) == seccomp.KILL_PROCESS


INT80 = """
import ctypes, mmap, sys
if sys.argv[1] == "caged":
    from edge_affect.sensing import cage
    cage.enter(cage.CagePolicy())
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write(bytes.fromhex("53b814000000cd805bc3"))  # getpid() by int 0x80
call = ctypes.CFUNCTYPE(ctypes.c_int)(ctypes.addressof(ctypes.c_char.from_buffer(code)))
print(call())
"""


@pytest.mark.usefixtures("cage_is_possible")
@pytest.mark.skipif(kernel.architecture() != "x86_64", reason="32-bit calls of x86-64")
def test_32_bit_call_kills_the_caged_process():
    def run(mode):
        return subprocess.run(
            [sys.executable, "-c", INT80, mode], capture_output=True, check=False
        ).returncode

    if run("open") != 0:
        pytest.skip("this kernel makes no 32-bit calls at all")
    assert run("caged") == -signal.SIGSYS
