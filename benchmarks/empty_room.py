"""What the whole sensing process costs in an empty, silent room, and how soon it wakes.

Usage: python benchmarks/empty_room.py [--seconds 20] [--awake]

Frames (640 x 480, 10 a second, with a sensor's noise) and sound (the noise of a room, -70 dB) are
made beforehand and handed out by sources that cost nothing, so that what is measured is ours: the
threads, the models, fusion, gate and records. What a camera's driver takes to decode comes on top.
The processor time is that of all threads together; 1 % is a hundredth of one core. With `--awake`
detectors look at the empty room as often as ever and frames come as often, which is how it was
before they could rest.

After the empty room somebody steps in: the time from the first frame that shows the face to the
first record that counts it. Records come four times a second.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from edge_affect.capture.drawing import draw_face, draw_wall
from edge_affect.capture.source import BLOCK_SAMPLES
from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.config import Config
from edge_affect.perception import stillness
from edge_affect.sensing.allowance import Allowance
from edge_affect.sensing.assembly import build_governor, build_pipeline
from edge_affect.sensing.daemon import (
    RECORDS_PER_TICK,
    Ports,
    Schedule,
    SensingDaemon,
    workers_over,
)
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame

if TYPE_CHECKING:
    from edge_affect.record import AffectRecord

RATE_HZ = 10.0
WARM_UP_S = 8.0
N_PREPARED = 16


class Prepared(ABC):
    """A source that hands out what it was given, at a rate."""

    name = "prepared"

    def __init__(self, interval_s: float) -> None:
        self._interval_s = interval_s
        self._due_s = time.monotonic()
        self._number = 0

    def open(self) -> None:
        """Begin."""
        self._due_s = time.monotonic()

    def close(self) -> None:  # noqa: B027 (nothing to end, and no duty to say so)
        """End."""

    def read(self, timeout_s: float) -> Any:
        """Wait for the next one."""
        wait_s = self._due_s - time.monotonic()
        time.sleep(max(0.0, min(timeout_s, wait_s)))
        if wait_s > timeout_s:
            return None
        self._due_s += self._interval_s
        self._number += 1
        return self.item(self._number)

    @abstractmethod
    def item(self, number: int) -> Any:
        """Return an item."""


class Room(Prepared):
    """A camera: the wall, or from some moment on a face.

    Attributes:
        entered_s: When the face was first handed out.
    """

    def __init__(self) -> None:
        super().__init__(1.0 / RATE_HZ)
        numbers = range(N_PREPARED)
        self._walls = [draw_wall(640, 480, 1, n) for n in numbers]
        self._faces = [draw_face(640, 480, n / RATE_HZ, 1, n) for n in numbers]
        self.has_face = False
        self.entered_s = 0.0

    def pace(self, frame_rate_hz: float) -> None:
        """Hand out so many frames a second."""
        self._interval_s = 1.0 / frame_rate_hz

    def item(self, number: int) -> VideoFrame:
        """Return a copy, since whoever takes it overwrites it."""
        if self.has_face and not self.entered_s:
            self.entered_s = time.monotonic()
        frames = self._faces if self.has_face else self._walls
        return VideoFrame(frames[number % N_PREPARED].copy(), time.monotonic_ns())


class Hush(Prepared):
    """A microphone in a silent room."""

    def __init__(self) -> None:
        super().__init__(BLOCK_SAMPLES / SAMPLE_RATE_HZ)
        noise = np.random.default_rng(0).normal(0.0, 10 ** (-70 / 20), (64, BLOCK_SAMPLES))
        self._blocks = noise.astype(np.float32)

    def item(self, number: int) -> AudioBlock:
        """Return a copy, as above."""
        end_ns = round(self._due_s * NS_PER_S)
        start_ns = end_ns - BLOCK_SAMPLES * NS_PER_S // SAMPLE_RATE_HZ
        return AudioBlock(self._blocks[number % 64].copy(), start_ns)


class Latest:
    """Takes records."""

    def __init__(self) -> None:
        self.people: int | None = None
        self.counted = threading.Event()

    def send(self, record: AffectRecord) -> None:
        """Note whether anybody is counted."""
        if record.people:
            self.counted.set()


def cpu_share(seconds: float) -> float:
    """Return the share of a core that this process takes for a while."""
    began_s, began_cpu_s = time.monotonic(), time.process_time()
    time.sleep(seconds)
    return (time.process_time() - began_cpu_s) / (time.monotonic() - began_s)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--awake", action="store_true")
    args = parser.parse_args()
    if args.awake:
        vars(stillness)["REST_AFTER_S"] = 1e9
    clock, room, latest = MonotonicClock(), Room(), Latest()
    pipeline = build_pipeline(Config(), clock, has_sound=True, has_pictures=True)
    workers = workers_over(Hush(), room, pipeline, clock)
    schedule = Schedule(RECORDS_PER_TICK * 1.0, 3600.0)
    governor = None
    if not args.awake:
        governor = build_governor(Config(), clock, Allowance.here(), pipeline, room)
    daemon = SensingDaemon(pipeline, workers, Ports(latest, None), schedule, clock, governor)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    time.sleep(WARM_UP_S)
    print(f"empty and silent: {100 * cpu_share(args.seconds):.2f} % of a core")
    room.has_face = True
    latest.counted.wait(10.0)
    waited_s = time.monotonic() - room.entered_s
    print(f"somebody steps in: counted by a record after {waited_s:.2f} s")
    time.sleep(2.0)
    print(f"one face, silent: {100 * cpu_share(args.seconds):.2f} % of a core")
    daemon.stop()
    thread.join()


if __name__ == "__main__":
    main()
