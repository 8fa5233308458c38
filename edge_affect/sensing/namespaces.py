"""The walls of the cage: namespaces, a read-only view of the files, and no capabilities.

Everything that is a home of sockets or of other people's files is covered by an empty read-only
tmpfs; what must stay readable below a cover is bound into it. ``/dev`` is made anew with the few
harmless nodes and the devices that were asked for.
"""

from __future__ import annotations

import errno
import importlib.util
import os
import sys
from contextlib import suppress
from pathlib import Path

from edge_affect.errors import CageError
from edge_affect.sensing import device_keeper, kernel, syscalls

COVERED: tuple[str, ...] = (
    "/run", "/tmp", "/var", "/home", "/root", "/media", "/mnt", "/srv",  # noqa: S108 (hidden, not used)
)  # fmt: skip
"""Hidden in every cage, with ``$XDG_RUNTIME_DIR`` and ``$HOME`` if they lie elsewhere."""
PLAIN_NODES: tuple[str, ...] = ("null", "zero", "full", "random", "urandom")
LAST_CAPABILITY_FILE = Path("/proc/sys/kernel/cap_last_cap")
_TMPFS_FLAGS = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
_TMPFS_DATA = "mode=755,size=256k,nr_inodes=1k"

_NAMESPACES = (
    kernel.CLONE_NEWUSER | kernel.CLONE_NEWNS | kernel.CLONE_NEWNET | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS | kernel.CLONE_NEWCGROUP
)  # fmt: skip

_REMEDIES: tuple[tuple[str, str, str], ...] = (
    (
        "/proc/sys/kernel/unprivileged_userns_clone",
        "0",
        "allow them with: sysctl kernel.unprivileged_userns_clone=1",
    ),
    (
        "/proc/sys/user/max_user_namespaces",
        "0",
        "allow them with: sysctl user.max_user_namespaces=1000",
    ),
    (
        "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
        "1",
        "allow them with: sysctl kernel.apparmor_restrict_unprivileged_userns=0",
    ),
)


_left_network: list[int] = []
"""Number of the network namespace that `unshare_all` had to leave."""


def unshare_all() -> None:
    """Enter new user, mount, network, IPC, UTS and cgroup namespaces as the same user.

    Raises:
        CageError: If threads already run, or the kernel forbids it; names the remedy.
    """
    n_threads = len(list(Path("/proc/self/task").iterdir()))
    if n_threads != 1:
        raise CageError(
            f"The cage must be built before threads start, but {n_threads} already run."
        )
    user, group = os.geteuid(), os.getegid()
    flags = _NAMESPACES
    if not Path("/proc/self/ns/cgroup").exists():  # built without control groups
        flags &= ~kernel.CLONE_NEWCGROUP
    _left_network.append(_network())
    try:
        kernel.unshare(flags)
        _write("/proc/self/setgroups", "deny")
        _write("/proc/self/uid_map", f"{user} {user} 1")
        _write("/proc/self/gid_map", f"{group} {group} 1")
    except OSError as error:
        raise CageError(
            f"The kernel does not let this user build a cage ({error.strerror}); {remedy()}."
        ) from None


def is_in_left_network() -> bool:
    """Return whether `unshare_all` changed nothing: this process has the network that it had.

    Where nothing but ``lo`` is plugged in, that cannot be seen by looking for interfaces.
    """
    return _network() in _left_network


def _network() -> int:
    return Path("/proc/self/ns/net").stat().st_ino


def _write(path: str, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.write(descriptor, text.encode())
    finally:
        os.close(descriptor)


def remedy() -> str:
    """Return what to do when the kernel forbids user namespaces, as the end of a sentence."""
    for path, forbidding, advice in _REMEDIES:
        with suppress(OSError):  # most kernels have only some of these switches
            if Path(path).read_text(encoding="ascii").strip() == forbidding:
                return advice
    return "inside a container, allow user namespaces in its seccomp profile"


def build_mounts(readable: tuple[Path, ...], devices: tuple[str, ...]) -> None:
    """Hide the homes of sockets, make ``/dev`` anew, and everything else read-only.

    Args:
        readable: Existing files and folders that stay readable below a cover.
        devices: Patterns below ``/dev`` of nodes or folders that stay, such as ``video*``.

    Raises:
        CageError: If the kernel refuses one of the steps.
    """
    try:
        kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
        _forbid_nested_namespaces()
        covers = covered_folders()
        kept = [(path, _hold(path)) for path in paths_below(covers, readable)]
        nodes = [(path, _hold(path)) for path in device_nodes(devices)]
        for cover in covers:
            kernel.mount("tmpfs", str(cover), "tmpfs", _TMPFS_FLAGS, _TMPFS_DATA)
        if devices:
            device_keeper.stash_devices()
        kernel.mount("tmpfs", "/dev", "tmpfs", _TMPFS_FLAGS, _TMPFS_DATA)
        for path, descriptor in (*kept, *nodes):
            _bind(path, descriptor)
        _make_read_only()
        if devices:
            device_keeper.start(devices)
        os.chdir("/")  # a working folder below a cover would still reach what is covered
    except OSError as error:
        raise CageError(
            f"The kernel does not let the cage change its mounts ({error}); {remedy()}."
        ) from None


def covered_folders() -> tuple[Path, ...]:
    """Return the real folders to cover, none inside another."""
    names = [*COVERED, os.environ.get("XDG_RUNTIME_DIR", ""), os.environ.get("HOME", "")]
    found = {Path(name).resolve() for name in names if name and Path(name).is_dir()}
    found -= {Path("/"), Path("/nonexistent")}
    return tuple(sorted(p for p in found if not any(p != o and p.is_relative_to(o) for o in found)))


def interpreter_paths() -> tuple[Path, ...]:
    """Return where this Python, its packages and this product are loaded from.

    The working folder that ``python -m`` puts in front does not count: it may be anybody's home.
    """
    here = _working_folder()
    names = [sys.prefix, sys.base_prefix, sys.exec_prefix]
    names += [name for name in sys.path if name and Path(name).resolve() != here]
    for package in ("edge_affect", "edge_affect.models_tflite"):
        spec = importlib.util.find_spec(package)
        names += [] if spec is None else spec.submodule_search_locations or []
    names.append(str(Path(__file__).parents[2] / "models_tflite"))  # of an uninstalled checkout
    return tuple(Path(name).resolve() for name in names if Path(name).exists())


def _working_folder() -> Path | None:
    try:
        return Path.cwd().resolve()
    except FileNotFoundError:  # somebody removed it
        return None


def paths_below(covers: tuple[Path, ...], readable: tuple[Path, ...]) -> tuple[Path, ...]:
    """Return those of ``readable`` and of the interpreter's paths that a cover would hide.

    Raises:
        CageError: If a path of ``readable`` is missing, or is itself what must be covered.
    """
    wanted = set()
    for path in readable:
        real = path.resolve()
        if not real.exists():
            raise CageError(f"The cage cannot keep {path} readable because it does not exist.")
        if any(cover.is_relative_to(real) for cover in covers):
            raise CageError(
                f"The cage hides {real} as a home of sockets; keep files in a folder below it."
            )
        wanted.add(real)
    wanted |= {p for p in interpreter_paths() if not any(c.is_relative_to(p) for c in covers)}
    below = {p for p in wanted if any(p.is_relative_to(cover) for cover in covers)}
    return tuple(sorted(p for p in below if not any(p != o and p.is_relative_to(o) for o in below)))


def device_nodes(patterns: tuple[str, ...]) -> tuple[Path, ...]:
    """Return the nodes and folders below ``/dev`` that stay."""
    found = {Path("/dev") / name for name in PLAIN_NODES}
    for pattern in patterns:
        found |= set(Path("/dev").glob(pattern))
    return tuple(sorted(path for path in found if path.exists()))


def _hold(path: Path) -> int:
    """Return a descriptor that still names ``path`` when it is covered."""
    return os.open(path, os.O_PATH | os.O_CLOEXEC)


def _bind(path: Path, descriptor: int) -> None:
    """Make what ``descriptor`` holds appear at ``path`` inside its cover."""
    source = f"/proc/self/fd/{descriptor}"
    if Path(source).is_dir():
        path.mkdir(parents=True, exist_ok=True)
    else:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    kernel.mount(source, str(path), None, kernel.MS_BIND | kernel.MS_REC)
    os.close(descriptor)


def _forbid_nested_namespaces() -> None:
    """Set the limit of user namespaces inside this one to none.

    A second lock behind the filter, hence no error where the kernel keeps the key.
    """
    with suppress(OSError):
        _write("/proc/sys/user/max_user_namespaces", "0")


def _make_read_only() -> None:
    number = syscalls.number("mount_setattr", kernel.architecture())
    try:
        kernel.read_only_below("/", number or 0)
    except OSError as error:
        if error.errno != errno.ENOSYS:
            raise
        remount_read_only()


def remount_read_only() -> None:
    """Make every reachable mount read-only one by one; for kernels before 5.12."""
    flag_bits = {"nosuid": kernel.MS_NOSUID, "nodev": kernel.MS_NODEV, "noexec": kernel.MS_NOEXEC}
    atime_bits = {"noatime": 0x400, "nodiratime": 0x800, "relatime": 0x200000}
    bits = flag_bits | atime_bits
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        target, options = line.split()[4:6]
        target = target.encode().decode("unicode_escape")
        flags = sum(bits.get(option, 0) for option in options.split(","))
        flags |= kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.MS_NOSUID
        try:
            kernel.mount(None, target, None, flags)
        except OSError as error:
            # what lies below a cover has no path any more, and so cannot be written either
            if error.errno not in {errno.ENOENT, errno.EINVAL, errno.EACCES, errno.ENOTDIR}:
                raise


def drop_capabilities() -> None:
    """Give up every capability, and every way to gain one.

    Raises:
        CageError: If the kernel keeps one.
    """
    try:
        kernel.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)
        for capability in range(int(LAST_CAPABILITY_FILE.read_text(encoding="ascii")) + 1):
            kernel.prctl(kernel.PR_CAPBSET_DROP, capability)
        kernel.prctl(kernel.PR_SET_SECUREBITS, kernel.SECUREBITS_LOCKED)
        kernel.clear_capabilities()
    except OSError as error:
        raise CageError(f"The cage cannot give up its capabilities ({error}).") from None
