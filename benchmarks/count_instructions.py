"""Instructions of a frame and of a second of sound, counted by callgrind: no clock, no noise.

python benchmarks/count_instructions.py [--budget benchmarks/budget.toml]

Each way is run once under valgrind, on drawn inputs and at a pace that stands still; some frames or
seconds are let by first, then callgrind counts. Valgrind's processor has AVX2 at most, and other
versions of the packages have other instructions, so the figures say nothing about a board: they are
there to be compared with themselves, on one machine. Takes minutes, as valgrind is fifty times
slower. Ends with 1 if one is further from the budget than the tolerance in it, dearer or cheaper,
with 69 without valgrind.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).resolve()
ROOT = HERE.parents[1]
BUDGET = HERE.with_name("budget.toml")
WAYS = ("frame", "second_of_sound")
N_BEFORE, N_COUNTED = 2, 4
"""Frames, or seconds of sound: let by, so that caches are full, and counted."""
N_COLLECTED = re.compile(r"Collected : (\d+)")
DIFFERS, UNAVAILABLE = 1, 69


def counted(work: Callable[[], object]) -> None:
    """Do some work behind libffi's ``ffi_call``, at which callgrind starts and stops to count.

    Callgrind knows functions of C, not those of Python; nothing in the work itself goes that way.
    """
    ctypes.CFUNCTYPE(None)(work)()


def work(way: str) -> None:
    """Do the work whose instructions are counted; runs inside valgrind."""
    sys.path.insert(0, str(ROOT / "tests"))
    import fixed_scenes as scenes

    if way == "frame":
        path, clock = scenes.path_of_pictures()
        frames = scenes.frames_of(scenes.one_face(N_BEFORE + N_COUNTED))
        scenes.see(path, clock, frames[:N_BEFORE])
        counted(lambda: scenes.see(path, clock, frames[N_BEFORE:]))
        return
    path, clock = scenes.path_of_sound()
    blocks = scenes.blocks_of(scenes.speech(N_BEFORE + N_COUNTED))
    n_before = N_BEFORE * scenes.RATE_HZ // scenes.BLOCK
    scenes.hear(path, clock, blocks[:n_before])
    counted(lambda: scenes.hear(path, clock, blocks[n_before:]))


def count(way: str) -> int:
    """Return the instructions of one frame or second."""
    command = [
        "valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
        "--collect-atstart=no", "--toggle-collect=ffi_call",
        sys.executable, str(HERE), "--work", way,
    ]  # fmt: skip
    fixed = {"PYTHONHASHSEED": "0", "OPENBLAS_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        command, env={**os.environ, **fixed}, capture_output=True, text=True, check=False
    )
    found = N_COLLECTED.search(done.stderr)
    if done.returncode or found is None:
        sys.exit(f"valgrind did not count {way}:\n{done.stderr[-2000:]}")
    return int(found[1]) // N_COUNTED


def main() -> None:
    """Count, print and compare."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--budget", type=Path, default=BUDGET)
    parser.add_argument("--work", choices=WAYS, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.work:
        work(args.work)
        return
    if shutil.which("valgrind") is None:
        print("There is no valgrind; install it (apt install valgrind).", file=sys.stderr)
        sys.exit(UNAVAILABLE)
    budget = tomllib.loads(args.budget.read_text(encoding="utf-8"))["instructions"]
    differs = False
    for way in WAYS:
        found, allowed = count(way), budget[way]
        off = found / allowed - 1.0
        is_off = abs(off) > budget["tolerance"]
        differs |= is_off
        verdict = "NOT within" if is_off else "within"
        print(
            f"{way}: {found:_} instructions, the budget says {allowed:_} ({off:+.2%}), "
            f"{verdict} {budget['tolerance']:.0%}",
            flush=True,
        )
    if differs:
        sys.exit(DIFFERS)


if __name__ == "__main__":
    main()
