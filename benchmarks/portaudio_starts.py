"""What starting PortAudio anew costs: it makes its list of devices only then, and leaks.

python benchmarks/portaudio_starts.py
"""

from __future__ import annotations

import argparse
import ctypes
import time
from pathlib import Path

import sounddevice  # type: ignore[import-untyped]  # ships no types

from edge_affect.capture.sound_host import started_anew

PAGE_KB = 4
N_WARM = 20
"""The first starts load libraries and configuration that stay."""


def resident_kb() -> int:
    """Return what this process holds in memory, what is free in its heap left out."""
    ctypes.CDLL(None).malloc_trim(0)
    return PAGE_KB * int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])


def main() -> None:
    """Start it again and again, and print what each start took and kept."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--starts", type=int, default=200, help="how many; default: %(default)d")
    n_starts = parser.parse_args().starts
    for _ in range(N_WARM):
        started_anew(sounddevice)
    before_kb, began_s = resident_kb(), time.process_time()
    for _ in range(n_starts):
        started_anew(sounddevice)
    took_ms = 1000 * (time.process_time() - began_s) / n_starts
    kept_kb = (resident_kb() - before_kb) / n_starts
    print(f"{n_starts} starts: {kept_kb:.1f} kB kept and {took_ms:.1f} ms of processor time each")


if __name__ == "__main__":
    main()
