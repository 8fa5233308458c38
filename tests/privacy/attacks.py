"""The table of attacks: what is tried, and which walls each stop it on their own.

``stopped_by`` is complete and minimal, and the tests hold it to that: without all of these walls
the attack works, and any one of them put back stops it. ``docs/attacks.md`` is made from this
table; ``python tests/privacy/attacks.py`` prints it.
"""

from dataclasses import dataclass
from pathlib import Path

from edge_affect.sensing import probes

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "attacks.md"

READ_ONLY, LANDLOCK, NO_CAPABILITIES = "read-only mounts", "Landlock", "no capabilities"
OWN_DEV, NETWORK, NO_NESTED = "own /dev", "network namespace", "no nested namespaces"
RUN, TMP, VAR = "cover: /run", "cover: /tmp", "cover: /var"
SOCKET, CONNECT, SENDTO = "filter: socket", "filter: connect", "filter: sendto"
OPEN, MOUNT, UNSHARE = "filter: openat", "filter: mount", "filter: unshare"
EXECVE, CLONE, KILL = "filter: execve", "filter: clone", "filter: kill"
WRITING = (READ_ONLY, LANDLOCK, OPEN)
MOUNTING = (NO_CAPABILITIES, LANDLOCK, MOUNT)

DEADLY = frozenset({"dump-core"})
"""Attempts that end the process that makes them; tried in a build of their own only."""


@dataclass(frozen=True)
class Attack:
    """One way out.

    Attributes:
        title: For people.
        attempts: Names of what is tried, all stopped by the same walls.
        stopped_by: Every wall that stops it alone.
        needs_room: Whether it needs the open room's nodes and listeners to work at all.
        also_missing: Walls that stop nothing here but stand in the way of trying.
    """

    title: str
    attempts: tuple[str, ...]
    stopped_by: tuple[str, ...]
    needs_room: bool = True
    also_missing: tuple[str, ...] = ()

    @property
    def name(self):
        """For test identifiers: the first attempt's."""
        return self.attempts[0].removeprefix("probe:")

    @property
    def missing(self):
        return (*self.stopped_by, *self.also_missing)

    def all_but(self, wall):
        """Return what is missing when one of the walls is put back."""
        return tuple(w for w in self.missing if w != wall)

    @property
    def is_probed(self):
        return all(name.startswith("probe:") for name in self.attempts)


def _probe(*names):
    return tuple(f"probe:{name}" for name in names)


NODES = _probe(*(f"device-{node[5:]}" for node in probes.EXIT_NODES))

ATTACKS = (
    Attack("open an INET, INET6, netlink, vsock or Unix socket",
           _probe("inet-socket", "inet-datagram-socket", "inet6-socket", "netlink-socket",
                  "vsock-socket", "unix-socket"), (SOCKET,)),
    Attack("open a raw or a packet socket", _probe("raw-socket", "packet-socket"),
           (SOCKET, NO_CAPABILITIES)),
    Attack("connect to an internet address", _probe("inet-connect"), (SOCKET, CONNECT)),
    Attack("find a network interface or a route",
           _probe("network-interface", "network-route"), (NETWORK,)),
    Attack("ask DNS", ("send-datagram-to-resolver",), (NETWORK, SOCKET, SENDTO)),
    Attack("reach D-Bus, the journal or the resolver by path",
           _probe("dbus-path", "journal", "resolved"), (RUN, SOCKET, CONNECT)),
    Attack("reach D-Bus by abstract name", _probe("dbus-abstract"), (NETWORK, SOCKET, CONNECT)),
    Attack("listen on an abstract name", ("listen-on-abstract-name",), (SOCKET, CONNECT)),
    Attack("make a pair of sockets", ("make-socket-pair",), (SOCKET,)),
    Attack("reach syslog", _probe("syslog"), (OWN_DEV, SOCKET, CONNECT)),
    Attack("send records to another address", ("send-records-elsewhere",), (TMP, SENDTO)),
    Attack("turn the record socket to another peer", ("reconnect-records",), (TMP, CONNECT)),
    Attack("pass a descriptor out", ("pass-descriptor", "probe:sendmsg"), ("filter: sendmsg",)),
    Attack("take a descriptor in", ("receive-descriptor", "probe:recvmsg"), ("filter: recvmsg",)),
    Attack("write a file in any folder",
           (*_probe("write-root", "write-run", "write-tmp", "write-dev", "write-working-folder",
                    "write-package"), "write-to-any-mount", "write-kept-folder"), WRITING),
    Attack("write below /var", _probe("write-var-tmp"), (*WRITING, VAR)),
    Attack("write below a home", _probe("write-home"), (*WRITING, TMP)),
    Attack("write shared memory", _probe("write-shared-memory"), (*WRITING, OWN_DEV)),
    Attack("make a folder or a link", ("make-folder", "make-link", "rename-kept-file"),
           (READ_ONLY, LANDLOCK)),
    Attack("mark or shorten a readable file", ("mark-kept-file", "truncate-kept-file"),
           (READ_ONLY,)),
    Attack("write into a named pipe", ("write-named-pipe",), (LANDLOCK, OPEN)),
    Attack("write to a device node: serial lines, buses, disks, the kernel log", NODES,
           (OWN_DEV, READ_ONLY, OPEN)),
    Attack("read what is hidden, by path", ("read-covered-file",), (TMP,)),
    Attack("read what is hidden, from the working folder", ("read-working-folder",),
           ("working folder",)),
    Attack("read what is hidden, through an inherited folder", ("use-inherited-folder",),
           ("closed descriptors",)),
    Attack("find System V shared memory", ("find-shared-memory",), ("IPC namespace",)),
    Attack("dump core", ("dump-core",), ("core limit", "not dumpable"),
           also_missing=(READ_ONLY, LANDLOCK, "working folder", OPEN)),
    Attack("raise the limit of core dumps",
           ("raise-core-limit", *_probe("core-dump")), ("core limit",)),
    Attack("become dumpable again", ("allow-core-dumps",), ("filter: prctl",)),
    Attack("tell something by the process name, set by prctl", ("set-own-name",),
           ("filter: prctl",)),
    Attack("tell something by the process name, written in /proc", ("write-own-name",), WRITING,
           also_missing=("not dumpable",)),
    Attack("hold a capability", _probe("capabilities"), (NO_CAPABILITIES,)),
    Attack("make system calls unfiltered", _probe("unfiltered-system-calls"), ("filter",)),
    Attack("umount", (*_probe("umount-run"), "unmount-run"), MOUNTING),
    Attack("mount, or remount writable",
           (*_probe("mount"), "mount-over-tmp", "remount-writable"), MOUNTING),
    Attack("chroot", ("change-root",), (NO_CAPABILITIES, MOUNT)),
    Attack("setns", _probe("setns"), (NO_CAPABILITIES, UNSHARE)),
    Attack("unshare a user namespace", _probe("unshare-user"), (NO_NESTED, UNSHARE)),
    Attack("clone into a user namespace", ("make-namespace-by-clone",), (NO_NESTED, CLONE)),
    Attack("start a process", ("fork",), (CLONE,)),
    Attack("start a program", (*_probe("execute"), "run-program", "spawn-program"), (EXECVE,),
           also_missing=(CLONE, "filter: fork")),
    Attack("ptrace, or reach into another process by system call",
           _probe("ptrace", "process-vm-readv", "pidfd-open", "pidfd-getfd"), ("filter: ptrace",)),
    Attack("read memory or files of another process in /proc",
           ("read-memory-of-other", "reach-files-of-other"),
           ("namespaces", NO_CAPABILITIES, LANDLOCK), needs_room=False),
    Attack("read the environment of another process in /proc", ("read-environment-of-other",),
           ("namespaces", NO_CAPABILITIES), needs_room=False, also_missing=(LANDLOCK,)),
    Attack("signal another process",
           (*_probe("signal-parent"), "signal-other", "signal-own-group", "thread-signal-other"),
           (KILL,)),
    Attack("signal a thread by number", ("blind-thread-signal",), ("filter: tkill",)),
    Attack("change the priority of another process", ("slow-down-other",),
           ("filter: setpriority",), also_missing=(NO_CAPABILITIES,)),
    Attack("read or set limits of another process", ("limit-other",), ("filter: prlimit64",)),
    Attack("type into the terminal", _probe("terminal-input"), ("filter: ioctl",)),
    Attack("ask by io_uring", _probe("io-uring-setup"), ("filter: io_uring_setup",)),
    Attack("use bpf, perf or userfaultfd", _probe("bpf", "perf-event-open", "userfaultfd"),
           ("filter: bpf",)),
    Attack("leave something in a keyring", _probe("keyctl"), ("filter: keyctl",)),
    Attack("hide flags from the filter: clone3", _probe("clone3"), ("filter: clone3",)),
    Attack("hide flags from the filter: openat2", ("openat2-reachable",), ("filter: openat2",)),
    Attack("open files by handle", ("network-file-handle",), (MOUNT,)),
    Attack("use a system call newer than the filter", ("future-call",),
           ("filter: calls newer than the table",)),
)  # fmt: skip


def document():
    """Return the table as Markdown, as ``docs/attacks.md`` holds it."""
    rows = [
        "| attack | walls, each of which stops it alone | tried |",
        "|---|---|---|",
    ]
    for attack in ATTACKS:
        walls = ", ".join(f"`{wall}`" for wall in attack.stopped_by)
        when = "at every start" if attack.is_probed else "by the tests"
        if any(name.startswith("probe:") for name in attack.attempts) and not attack.is_probed:
            when = "in part at every start"
        rows.append(f"| {attack.title} | {walls} | {when} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    print(document(), end="")
