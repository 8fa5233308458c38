"""Memory that keeps no trace: what is freed is overwritten, and nothing is swapped to a disk.

Raw samples and pixels pass through many hands that are not ours: decoders, resamplers, numpy, the
model runtime. Instead of trusting each of them, the C library is told to overwrite every block of
memory when it is given back; blocks and frames themselves are overwritten as soon as they are
analysed.
"""

from __future__ import annotations

import ctypes
import os
import resource
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray

FREED_BYTE = 0x5A
"""What freed memory is filled with: recognisable, and neither silence nor black."""
_ALLOCATOR = "PYTHONMALLOC"
_M_PERTURB = -6
_MCL_CURRENT, _MCL_FUTURE, _MCL_ONFAULT = 1, 2, 4
_MB = 1024 * 1024


def lock() -> str:
    """Keep all memory, present and future, out of the swap where this user may.

    Must come before the cage, inside which root can no longer lift the limit. Only pages that are
    used are locked, so that resident memory stays what it was; and never with a limit in force,
    since the first allocation beyond it would fail.

    Returns:
        What came of it, as the end of a sentence.
    """
    limit = _lift_limit()
    if limit is not None:
        return (
            f"not locked against swap: this user may lock {limit // _MB} MB "
            "(LimitMEMLOCK=infinity lifts that)"
        )
    flags = _MCL_CURRENT | _MCL_FUTURE | _MCL_ONFAULT
    if ctypes.CDLL(None, use_errno=True).mlockall(flags):
        return f"not locked against swap: {os.strerror(ctypes.get_errno())}"
    return "locked against swap"


def _lift_limit() -> int | None:
    """Lift the limit of locked memory and return None, or return the limit that stays."""
    without = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    if resource.getrlimit(resource.RLIMIT_MEMLOCK) != without:
        with suppress(OSError, ValueError):  # only root may, and not in every container
            resource.setrlimit(resource.RLIMIT_MEMLOCK, without)
    soft = resource.getrlimit(resource.RLIMIT_MEMLOCK)[0]
    return None if soft == resource.RLIM_INFINITY else soft


def use_c_allocator() -> None:
    """Start this program anew with Python's own pools of small objects switched off.

    What Python frees then goes back to the C library, which overwrites it (`overwrite_freed`); the
    pools keep the text of an utterance until something else needs the place. Returns where that is
    so already. Must come before everything else; descriptors and process number stay.
    """
    if os.environ.get(_ALLOCATOR) != "malloc":
        again = {**os.environ, _ALLOCATOR: "malloc"}
        os.execve(sys.executable, sys.orig_argv, again)  # noqa: S606 (this program itself)


def overwrite_freed() -> str:
    """Make the C library overwrite memory when it is freed.

    To be called once the models are loaded: glibc then also fills fresh memory, and would touch
    tens of megabytes that loading asks for but never uses. Blocks of up to a kilobyte that glibc
    keeps for the next request of their size are left out unless the launcher switched that off.

    Returns:
        What came of it, as the end of a sentence.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None or not mallopt(_M_PERTURB, FREED_BYTE):
        return "not overwritten when freed: this is another C library than glibc"
    return "overwritten when freed"


def overwrite(array: NDArray[Any]) -> None:
    """Overwrite samples or pixels that nobody needs any more; one that is read-only stays."""
    if array.flags.writeable:
        array.fill(0)
