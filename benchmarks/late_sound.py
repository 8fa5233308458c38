"""How late sound comes on a busy machine, and how far its stamps move by that.

Usage: python benchmarks/late_sound.py [--seconds 20]

A private PulseAudio sound server is recorded from, first in quiet; then each processor has a
program that never waits, and a thread of this program does not either. ``late_ms`` is how late
buffers came at worst, ``off_ms`` how far that moved the time that their samples are said to be of,
both against what is usual in quiet. Pictures need no such measuring: the kernel stamps them.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "contract")]

import numpy as np  # noqa: E402 (after its threads were limited)

from edge_affect.capture.sound_host import PortAudioHost, StreamShape  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOUND_RATE_HZ = 48_000
SETTLE_S = 2.0


@dataclass
class Told:
    """What a driver said of the time of its sound, buffer by buffer.

    Attributes:
        came_s: When each buffer came.
        age_s: How old its first sample was then.
        heard_s: Length of all sound before it.
        is_busy: Whether the machine was busy.
        n_lost: Times that the driver said it had lost sound.
    """

    came_s: list[float] = field(default_factory=list)
    age_s: list[float] = field(default_factory=list)
    heard_s: list[float] = field(default_factory=list)
    is_busy: list[bool] = field(default_factory=list)
    n_lost: int = 0

    def summary(self) -> dict[str, Any]:
        """Return by how much buffers came late, and stamps were off, of what is usual in quiet."""
        is_busy, heard_s = np.array(self.is_busy), np.array(self.heard_s)
        came_s = np.array(self.came_s) - heard_s
        taken_s = came_s - np.array(self.age_s)
        come = came_s - np.median(came_s[~is_busy])
        taken = taken_s - np.median(taken_s[~is_busy])
        figures: dict[str, Any] = {"buffers": int(is_busy.sum()), "lost": self.n_lost}
        for name, chosen in (("quiet", ~is_busy), ("busy", is_busy)):
            figures[f"{name}_late_ms"] = round(float(come[chosen].max()) * 1000, 1)
            figures[f"{name}_off_ms"] = round(float(np.abs(taken[chosen]).max()) * 1000, 1)
        return figures


def listen(seconds: float, disturb: Callable[[], None]) -> Told:
    """Record from the first device, in quiet and while the machine is disturbed."""
    host, told = PortAudioHost(), Told()
    rate_hz, began_s = float(SOUND_RATE_HZ), time.monotonic()
    is_disturbed = threading.Event()
    n_heard = 0

    def on_buffer(frames: np.ndarray[Any, Any], age_s: float, has_lost: bool) -> None:  # noqa: FBT001 (the host's)
        nonlocal n_heard
        now_s = time.monotonic()
        # The first sound comes in bursts.
        if now_s - began_s > SETTLE_S:
            told.came_s.append(now_s)
            told.age_s.append(age_s)
            told.heard_s.append(n_heard / rate_hz)
            told.is_busy.append(is_disturbed.is_set())
            told.n_lost += has_lost
            n_heard += frames.shape[0]

    shape = StreamShape(rate_hz, 1, round(rate_hz * 0.032))
    stream = host.open(host.inputs()[0], shape, on_buffer, lambda: None)
    try:
        time.sleep(SETTLE_S + seconds)
        is_disturbed.set()
        disturb()
    finally:
        stream.stop()
    return told


def keep_busy(seconds: float) -> None:
    """Let a program for each processor, and a thread of this one, never wait for so long."""
    end_s = time.monotonic() + seconds
    with busy_programs():
        while time.monotonic() < end_s:
            sum(range(20_000))


@contextlib.contextmanager
def busy_programs() -> Iterator[None]:
    """Let a program for each processor never wait."""
    programs = [
        subprocess.Popen([sys.executable, "-c", "while True: pass"])
        for _ in range(os.cpu_count() or 1)
    ]
    try:
        yield
    finally:
        for program in programs:
            program.kill()
            program.wait()


def main() -> None:
    """Measure and print one JSON line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="in quiet, and again busy")
    args = parser.parse_args()

    from pulse import PulseServer

    with tempfile.TemporaryDirectory() as folder:
        server = PulseServer(Path(folder) / "pulse", {"room": (SOUND_RATE_HZ, 1)})
        os.environ.update(server.env, PULSE_LATENCY_MSEC="30")
        try:
            server.start()
            told = listen(args.seconds, lambda: keep_busy(args.seconds))
        finally:
            server.stop()
    print(json.dumps(told.summary()))


if __name__ == "__main__":
    main()
