"""The cage around the sensing process: built, closed, and proven before anything is sensed.

``enter`` builds it without privileges (``run`` and ``demo``); under systemd the unit has built the
walls already and ``seal`` adds the system-call filter. Either way ``prove`` tries every exit and
hands out the ``CageProof`` without which there is no way to send a record.
"""

from __future__ import annotations

import importlib
import os
import resource
import stat
from dataclasses import dataclass
from pathlib import Path

from edge_affect.errors import CageError, DeviceError
from edge_affect.sensing import filter_rules, kernel, landlock, namespaces, probes, seccomp

MICROPHONE_DEVICES: tuple[str, ...] = ("snd",)
CAMERA_DEVICES: tuple[str, ...] = (
    "video*", "media*", "v4l-subdev*", "v4l", "dma_heap", "vchiq", "vcsm-cma", "udmabuf",
)  # fmt: skip
"""V4L2 cameras, and what libcamera needs on a Raspberry Pi."""
MAX_OPEN_FILES = 256

_STANDARD_FDS = (0, 1, 2)
_PROOF_TOKEN = object()
_NEEDS = {
    "sounddevice": "PortAudio with: sudo apt install libportaudio2",
    "picamera2": "it with: sudo apt install python3-picamera2, and make the virtual environment "
    "with --system-site-packages",
}


@dataclass(frozen=True, slots=True)
class CagePolicy:
    """What the sensing process keeps.

    Attributes:
        readable: Model and media files and folders that must stay readable; needed only where
            they lie below a folder that the cage covers, harmless elsewhere.
        devices: Patterns below ``/dev``; without any, no file can be opened for writing at all,
            with some, nothing but what is below ``/dev`` (where the kernel has Landlock).
        keep_fds: Descriptors that stay open besides 0, 1 and 2.
        preload: Modules to import inside the walls before the filter closes, because their import
            runs a program; sounddevice asks ldconfig for PortAudio.
    """

    readable: tuple[Path, ...] = ()
    devices: tuple[str, ...] = ()
    keep_fds: tuple[int, ...] = ()
    preload: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for pattern in self.devices:
            if pattern.startswith(("/", ".")) or ".." in pattern:
                raise CageError(f"A device pattern is relative to /dev; {pattern!r} is not.")
        for descriptor in self.keep_fds:
            if descriptor < 0:
                raise CageError(f"{descriptor} is no file descriptor.")


class CageProof:
    """That every exit was tried in this process and refused; only ``prove`` makes one."""

    __slots__ = ("pid", "refused")

    def __init__(self, token: object, refused: tuple[str, ...]) -> None:
        if token is not _PROOF_TOKEN:
            raise CageError("A cage is proven by cage.prove(), not by declaring it.")
        self.refused = refused
        self.pid = os.getpid()

    @property
    def is_valid_here(self) -> bool:
        """Whether it was this very process that was tried."""
        return self.pid == os.getpid()


def enter(policy: CagePolicy) -> None:
    """Build the cage around this process, for good.

    Must come before threads and before anything worth hiding. Relative paths mean nothing
    afterwards: the working folder is ``/``.

    Raises:
        CageError: If the kernel does not allow it, in one sentence with the remedy.
    """
    close_other_descriptors(policy.keep_fds)
    namespaces.unshare_all()
    namespaces.build_mounts(policy.readable, policy.devices)
    namespaces.drop_capabilities()
    seal(policy)


def seal(policy: CagePolicy) -> None:
    """Close the part of the cage that needs no privilege: limits and the system-call filter.

    Under systemd this is all that is left to do, since the unit cannot forbid the very calls that
    start a service.

    Raises:
        CageError: If the kernel has no system-call filter.
        DeviceError: If a preloaded module, or the library that it needs, is missing.
    """
    try:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = min(MAX_OPEN_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        landlock.forbid_writing_outside_dev()
        for module in policy.preload:
            _preload(module)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
        rules = filter_rules.rules(os.getpid(), may_write_devices=bool(policy.devices))
        seccomp.install(rules)
    except DeviceError:  # which is an OSError, too
        raise
    except OSError as error:
        raise CageError(
            f"The kernel does not close the cage ({error}); it needs CONFIG_SECCOMP_FILTER."
        ) from None


def _preload(module: str) -> None:
    """Import a module of a device; what its library raises says nothing about the cage."""
    try:
        importlib.import_module(module)
    except Exception as error:  # noqa: BLE001 (libraries raise what they like: told below)
        needs = _NEEDS.get(module, "the library that it needs")
        raise DeviceError(
            f"{module} cannot be loaded ({str(error).rstrip('.')}); install {needs}."
        ) from None


def close_other_descriptors(keep_fds: tuple[int, ...]) -> None:
    """Close everything but the standard descriptors and ``keep_fds``.

    Raises:
        CageError: If one that stays is not open, or is a folder, through which all files below
            and beside it could be reached.
    """
    kept = (*_STANDARD_FDS, *keep_fds)
    for descriptor in kernel.open_file_descriptors():
        if descriptor not in kept:
            try:
                os.close(descriptor)
            except OSError:  # the descriptor that listed them is closed already
                continue
    for descriptor in kept:
        try:
            is_folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        except OSError:
            if descriptor in _STANDARD_FDS:
                continue
            raise CageError(f"Descriptor {descriptor} should stay open but is not.") from None
        if is_folder:
            raise CageError(f"Descriptor {descriptor} is a folder, a way around the cage.")


def prove() -> CageProof:
    """Try every exit and return the proof that none works.

    Comes before threads; stops at the first exit that works.

    Raises:
        CageError: Naming what worked.
    """
    refused = []
    for probe in probes.all_probes():
        if not probe.is_refused():
            raise _leak(f"{probe.name} works")
        refused.append(probe.name)
    if namespaces.is_in_left_network():
        raise _leak("its network is the machine's")
    return CageProof(_PROOF_TOKEN, tuple(refused))


def _leak(what: str) -> CageError:
    return CageError(
        f"The cage around sensing leaks: {what}; nothing is sensed. "
        "Start sensing with --cage or its systemd unit."
    )
