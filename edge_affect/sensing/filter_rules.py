"""What the sensing process may not ask of the kernel: the rules of its system-call filter.

A list of what is refused rather than of what is allowed: camera stacks and C libraries differ too
much between boards for a complete list, while the ways out of the process are few and known. Calls
newer than the table are refused unseen.

Allowed on purpose: ``memfd_create`` (memory that nobody else can reach, since no descriptor can be
passed), System V and POSIX queues (the IPC namespace is empty), ``seccomp`` and ``landlock_*``
(they only take away). What is left open: locks on readable files, load on the processor and the
like, which a colluding process on the same machine could watch.
"""

from __future__ import annotations

import errno
from dataclasses import dataclass

from edge_affect.sensing import kernel

O_WRITE_MODES = 0o3
O_CREATE = 0o100 | 0o1000 | 0o2000 | 0o20000000
"""O_CREAT, O_TRUNC, O_APPEND and the bit of O_TMPFILE, the same on all three architectures."""
TIOCSTI = 0x5412
TIOCLINUX = 0x541C
NEW_NAMESPACES = (
    kernel.CLONE_NEWNS | kernel.CLONE_NEWCGROUP | kernel.CLONE_NEWUTS | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUSER | kernel.CLONE_NEWPID | kernel.CLONE_NEWNET
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Check:
    """A comparison with one argument of a system call.

    Attributes:
        argument: Which argument, from 0.
        value: What its masked low 32 bits must equal.
        mask: Bits that count; the kernel ignores the upper half of an int.
        is_pointer: Whether the upper 32 bits must be zero too.
    """

    argument: int
    value: int
    mask: int = 0xFFFFFFFF
    is_pointer: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """What happens to some system calls.

    Attributes:
        names: The calls.
        errno: What a refused call answers.
        reason: Why they are refused.
        allowed_if: Refused unless one of these holds.
        denied_if: Allowed unless one of these holds.
    """

    names: tuple[str, ...]
    errno: int
    reason: str
    allowed_if: tuple[Check, ...] = ()
    denied_if: tuple[Check, ...] = ()


def rules(own_pid: int, *, may_write_devices: bool) -> tuple[Rule, ...]:
    """Return the whole filter.

    Args:
        own_pid: Process that may be signalled: this one.
        may_write_devices: Whether files may be opened for writing, as sound cards and cameras
            must be; never to create or truncate one.
    """
    only_self = Check(0, own_pid)
    open_mask = O_CREATE if may_write_devices else O_CREATE | O_WRITE_MODES
    no_file = "sensing writes no file; named pipes can be written even on a read-only mount"
    return (
        Rule(
            ("socket", "socketpair"),
            errno.EAFNOSUPPORT,
            "no socket of any family, AF_UNIX included: the record, command and notify sockets "
            "are open and connected before the filter closes, and D-Bus, syslog and sound "
            "servers are all AF_UNIX",
        ),
        Rule(
            ("connect", "bind", "listen", "accept", "accept4"),
            errno.EPERM,
            "an inherited socket keeps its peer: connect() would turn it to somebody else",
        ),
        Rule(
            ("sendto",),
            errno.EPERM,
            "a datagram socket can send to any address; plain send() has none",
            allowed_if=(Check(4, 0, is_pointer=True),),
        ),
        Rule(
            ("sendmsg", "sendmmsg"),
            errno.EPERM,
            "the address and the descriptors in a message cannot be seen from here",
        ),
        Rule(
            ("recvmsg", "recvmmsg", "recvmmsg_time64"),
            errno.EPERM,
            "nobody hands this process a network socket",
        ),
        Rule(("clone3",), errno.ENOSYS, "its flags cannot be seen; the C library falls back"),
        Rule(
            ("clone",),
            errno.EPERM,
            "threads only: no new process, no new namespace",
            allowed_if=(
                Check(0, kernel.CLONE_THREAD, mask=NEW_NAMESPACES | kernel.CLONE_THREAD),
            ),
        ),
        Rule(("fork", "vfork"), errno.EPERM, "threads only"),
        Rule(("execve", "execveat"), errno.EPERM, "nothing is executed once caged"),
        Rule(("unshare", "setns"), errno.EPERM, "a nested namespace has capabilities again"),
        Rule(
            (
                "mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "fsopen",
                "fsconfig", "fsmount", "fspick", "mount_setattr", "name_to_handle_at",
                "open_by_handle_at",
            ),
            errno.EPERM,
            "umount /run would bring the sockets back; file handles reach below mounts",
        ),
        Rule(
            (
                "ptrace", "process_vm_readv", "process_vm_writev", "process_madvise",
                "process_mrelease", "kcmp", "pidfd_open", "pidfd_getfd", "move_pages",
                "migrate_pages",
            ),
            errno.EPERM,
            "other processes of the same user have the network",
        ),
        Rule(
            ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"),
            errno.EPERM,
            "signals carry bits; abort() and raise() still reach this process",
            allowed_if=(only_self,),
        ),
        Rule(
            ("tkill", "pidfd_send_signal"),
            errno.EPERM,
            "signals whose target process cannot be seen from here",
        ),
        Rule(
            ("prlimit64",),
            errno.EPERM,
            "limits of other processes can be read by them",
            allowed_if=(Check(0, 0), only_self),
        ),
        Rule(
            ("setpriority",),
            errno.EPERM,
            "priorities of other processes can be read by them",
            allowed_if=(Check(1, 0),),
        ),
        Rule(("open",), errno.EROFS, no_file, allowed_if=(Check(1, 0, mask=open_mask),)),
        Rule(("openat",), errno.EROFS, no_file, allowed_if=(Check(2, 0, mask=open_mask),)),
        Rule(("openat2",), errno.ENOSYS, "its flags cannot be seen; callers fall back to openat"),
        Rule(("creat",), errno.EROFS, no_file),
        Rule(
            ("ioctl",),
            errno.EPERM,
            "typing into a terminal runs commands outside",
            denied_if=(Check(1, TIOCSTI), Check(1, TIOCLINUX)),
        ),
        Rule(
            ("prctl",),
            errno.EPERM,
            "core dumps and tracers stay off; the process name can be read by everybody",
            denied_if=(
                Check(0, kernel.PR_SET_DUMPABLE), Check(0, kernel.PR_SET_PTRACER),
                Check(0, kernel.PR_SET_MM), Check(0, kernel.PR_SET_NAME),
            ),
        ),
        Rule(
            ("io_uring_setup", "io_uring_enter", "io_uring_register"),
            errno.ENOSYS,
            "a ring opens, connects and sends without passing this filter",
        ),
        Rule(
            ("bpf", "perf_event_open", "userfaultfd", "fanotify_init"),
            errno.EPERM,
            "kernel surface that no model, camera or sound card needs",
        ),
        Rule(("keyctl", "add_key", "request_key"), errno.EPERM, "keyrings outlive the process"),
        Rule(
            (
                "acct", "reboot", "swapon", "swapoff", "syslog", "vhangup", "quotactl",
                "quotactl_fd", "init_module", "finit_module", "delete_module", "kexec_load",
                "kexec_file_load", "modify_ldt", "lookup_dcookie",
            ),
            errno.EPERM,
            "the machine's affairs; also refused for want of capabilities",
        ),
    )  # fmt: skip
