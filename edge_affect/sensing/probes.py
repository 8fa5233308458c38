"""What must not work inside the cage, tried one by one.

Each probe is harmless where it does work: it opens nothing it does not close, connects to nobody
but a listener that should not be reachable, and calls that would change the machine are made with
arguments that the kernel refuses after it has checked the permission.
"""

from __future__ import annotations

import errno
import os
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from edge_affect.sensing import kernel, syscalls

MNT_EXPIRE = 4
PTRACE_PEEKDATA = 2
NO_DESCRIPTOR = -1
SOCKET_FAMILIES: dict[str, tuple[int, int, int]] = {
    "inet-socket": (socket.AF_INET, socket.SOCK_STREAM, 0),
    "inet-datagram-socket": (socket.AF_INET, socket.SOCK_DGRAM, 0),
    "inet6-socket": (socket.AF_INET6, socket.SOCK_STREAM, 0),
    "raw-socket": (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    "netlink-socket": (socket.AF_NETLINK, socket.SOCK_RAW, 0),
    "packet-socket": (socket.AF_PACKET, socket.SOCK_RAW, 0),
    "vsock-socket": (socket.AF_VSOCK, socket.SOCK_STREAM, 0),
    "unix-socket": (socket.AF_UNIX, socket.SOCK_STREAM, 0),
}
UNIX_ADDRESSES: dict[str, str] = {
    "dbus-path": "/run/dbus/system_bus_socket",
    "dbus-abstract": "\0/tmp/dbus-edge-affect",
    "syslog": "/dev/log",
    "journal": "/run/systemd/journal/stdout",
    "resolved": "/run/systemd/resolve/io.systemd.Resolve",
}
EXIT_NODES: tuple[str, ...] = (
    "/dev/kmsg", "/dev/console", "/dev/ttyS0", "/dev/ttyAMA0", "/dev/serial0", "/dev/ttyUSB0",
    "/dev/net/tun", "/dev/uinput", "/dev/vsock", "/dev/i2c-1", "/dev/spidev0.0",
    "/dev/gpiochip0", "/dev/mem", "/dev/vda", "/dev/sda", "/dev/mmcblk0", "/dev/fuse",
)  # fmt: skip
"""Nodes through which bytes leave the process: serial lines, buses, disks, the kernel log."""

EMPTY_NETWORK = frozenset({
    "lo", "tunl0", "sit0", "gre0", "gretap0", "erspan0", "ip_vti0", "ip6_vti0", "ip6tnl0",
    "ip6gre0",
})  # fmt: skip
"""What the kernel itself puts into a new network namespace, down and without an address."""

_REFUSED = frozenset({errno.EPERM, errno.EACCES, errno.ENOSYS})
_NO_SOCKET = _REFUSED | {errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT, errno.ESOCKTNOSUPPORT}
_NO_PEER = _NO_SOCKET | {errno.ENOENT, errno.ECONNREFUSED}
_NO_FILE = _REFUSED | {errno.EROFS, errno.ENOENT}
_NO_NODE = _NO_FILE | {errno.ENXIO, errno.ENODEV}
_NO_SPACE = _REFUSED | {errno.ENOSPC, errno.EUSERS}


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt at something forbidden.

    Attributes:
        name: What it tries, as shown to people.
        attempt: Raises ``OSError`` when it is refused.
        refusals: Errors that count as a refusal; any other one means the attempt got through to
            the kernel's work.
    """

    name: str
    attempt: Callable[[], None]
    refusals: frozenset[int] = _REFUSED

    def is_refused(self) -> bool:
        """Make the attempt and tell whether it was refused."""
        try:
            self.attempt()
        except OSError as error:
            return error.errno in self.refusals
        return False


def all_probes() -> tuple[Probe, ...]:
    """Return everything that is tried at start, the most harmless first."""
    return (
        *(Probe(name, partial(_open_socket, *kind), _NO_SOCKET)
          for name, kind in SOCKET_FAMILIES.items()),
        *(Probe(name, partial(_connect_unix, address), _NO_PEER)
          for name, address in UNIX_ADDRESSES.items()),
        Probe("inet-connect", _connect_inet, _NO_SOCKET),
        Probe("network-interface", _find_interface),
        Probe("network-route", _find_route),
        *(Probe(f"write-{name}", partial(_write_file, folder), _NO_FILE)
          for name, folder in _folders().items()),
        *(Probe(f"device-{node[5:]}", partial(_open_node, node), _NO_NODE) for node in EXIT_NODES),
        Probe("core-dump", _expect_no_core_dump),
        Probe("capabilities", _expect_no_capabilities),
        Probe("unfiltered-system-calls", _expect_filter),
        Probe("signal-parent", _signal_parent),
        Probe("execute", _execute),
        *(Probe(call.replace("_", "-"), partial(_call, call, *arguments))
          for call, arguments in _CALLS.items()),
        Probe("terminal-input", _type_into_terminal),
        Probe("umount-run", partial(kernel.umount, "/run", MNT_EXPIRE)),
        Probe("mount", partial(kernel.mount, "none", "/", "edge-affect-no-such-kind", 0)),
        Probe("setns", _join_own_network),
        Probe("unshare-user", partial(kernel.unshare, kernel.CLONE_NEWUSER), _NO_SPACE),
    )  # fmt: skip


_CALLS: dict[str, tuple[int, ...]] = {
    "sendmsg": (NO_DESCRIPTOR, 0, 0),
    "recvmsg": (NO_DESCRIPTOR, 0, 0),
    "ptrace": (PTRACE_PEEKDATA, 1, 0, 0),
    "process_vm_readv": (1, 0, 0, 0, 0, 1),
    "pidfd_open": (1, 0),
    "pidfd_getfd": (NO_DESCRIPTOR, 0, 0),
    "clone3": (0, 0),
    "io_uring_setup": (0, 0),
    "bpf": (-1, 0, 0),
    "perf_event_open": (0, 0, -1, -1, 0),
    "keyctl": (-1, 0, 0, 0, 0),
    "userfaultfd": (-1,),
}
"""Calls with arguments that no kernel accepts: refused by permission, or got through."""


def _call(name: str, *arguments: int) -> None:
    number = syscalls.number(name, kernel.architecture())
    if number is None:
        raise OSError(errno.ENOSYS, "not on this architecture")
    kernel.system_call(number, *arguments)


def _open_socket(family: int, kind: int, protocol: int) -> None:
    socket.socket(family, kind, protocol).close()


def _connect_unix(address: str) -> None:
    kinds = (socket.SOCK_STREAM, socket.SOCK_DGRAM)
    for kind in kinds:
        with socket.socket(socket.AF_UNIX, kind) as probe:
            try:
                probe.connect(address)
            except OSError as error:
                if error.errno != errno.EPROTOTYPE or kind == kinds[-1]:
                    raise
            else:
                return


def _connect_inet() -> None:
    """Connect a datagram socket to a documentation address: needs a route, sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))


def _find_interface() -> None:
    lines = Path("/proc/self/net/dev").read_text(encoding="ascii").splitlines()[2:]
    names = {line.split(":")[0].strip() for line in lines}
    if names <= EMPTY_NETWORK:
        raise PermissionError(errno.EPERM, "no interface but lo")


def _find_route() -> None:
    if not Path("/proc/self/net/route").read_text(encoding="ascii").splitlines()[1:]:
        raise PermissionError(errno.EPERM, "no route")


def _folders() -> dict[str, str]:
    return {
        "root": "/",
        "run": "/run",
        "tmp": "/tmp",  # noqa: S108 (tried, not used)
        "var-tmp": "/var/tmp",  # noqa: S108 (tried, not used)
        "dev": "/dev",
        "shared-memory": "/dev/shm",  # noqa: S108 (tried, not used)
        "home": os.environ.get("HOME", "/"),
        "working-folder": ".",
        "package": str(Path(__file__).parent),
    }


def _write_file(folder: str) -> None:
    path = Path(folder) / f".edge-affect-probe-{os.getpid()}"
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600))
    path.unlink()


def _open_node(node: str) -> None:
    os.close(os.open(node, os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC))


def _expect_no_core_dump() -> None:
    if resource.getrlimit(resource.RLIMIT_CORE) == (0, 0) and not kernel.prctl(
        kernel.PR_GET_DUMPABLE
    ):
        raise PermissionError(errno.EPERM, "core dumps are off")


def _status() -> dict[str, str]:
    text = Path("/proc/self/status").read_text(encoding="utf-8")
    return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)


def _expect_no_capabilities() -> None:
    status = _status()
    sets = [int(status[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")]
    if not any(sets) and status["NoNewPrivs"] == "1":
        raise PermissionError(errno.EPERM, "no capabilities")


def _expect_filter() -> None:
    if _status()["Seccomp"] == "2":
        raise PermissionError(errno.EPERM, "a filter is loaded")


def _signal_parent() -> None:
    os.kill(os.getppid() or 1, 0)


def _execute() -> None:
    os.execv("/edge-affect-no-such-program", ["none"])  # noqa: S606 (must fail either way)


def _type_into_terminal() -> None:
    number = syscalls.number("ioctl", kernel.architecture())
    kernel.system_call(number or 0, NO_DESCRIPTOR, 0x5412, 0)


def _join_own_network() -> None:
    descriptor = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.setns(descriptor, kernel.CLONE_NEWNET)
    finally:
        os.close(descriptor)
