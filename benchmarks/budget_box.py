"""Runs `sense` for the budgets: the real command in its real cage, on frames and sound made before.

Usage: python benchmarks/budget_box.py FOLDER OPTIONS...

FOLDER holds `frames.npy` and `sound.npy`; a source whose file is not there is off in the
configuration too. Both are handed out at the pace of devices by sources that cost nothing, and go
round. Everything else is the product: command line, cage, workers, governor, models, gate, slit.

When it ends, it says on its error output, as one line of JSON, when each frame was taken, and for
each record which was the newest frame in it. Nothing more goes through the slit.
"""

from __future__ import annotations

import json
import os
import sys
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np

from edge_affect.capture.source import BLOCK_SAMPLES
from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame

TOLD = "frames and records: "


class Prepared(ABC):
    """A device that has the next item ready at a known time; what nobody fetched is lost.

    Args:
        interval_s: Between two items.
    """

    name = "prepared"

    def __init__(self, interval_s: float) -> None:
        self._clock = MonotonicClock()
        self._interval_ns = round(interval_s * NS_PER_S)
        self._due_ns = 0
        self._number = 0

    def open(self) -> None:
        """Begin."""
        self._due_ns = self._clock.now_ns()

    def close(self) -> None:  # noqa: B027 (nothing to end, and no duty to say so)
        """End."""

    def pace(self, frame_rate_hz: float) -> None:
        """Have so many items a second ready from the next on."""
        self._interval_ns = round(NS_PER_S / frame_rate_hz)

    def read(self, timeout_s: float) -> Any:
        """Wait for the next item, or until the time is over."""
        wait_s = (self._due_ns - self._clock.now_ns()) / NS_PER_S
        self._clock.sleep(max(0.0, min(timeout_s, wait_s)))
        if wait_s > timeout_s:
            return None
        n_lost = max(0, (self._clock.now_ns() - self._due_ns) // self._interval_ns)
        taken_ns = self._due_ns + n_lost * self._interval_ns
        self._number += n_lost + 1
        self._due_ns = taken_ns + self._interval_ns
        return self.item(self._number, taken_ns, n_lost)

    @abstractmethod
    def item(self, number: int, taken_ns: int, n_lost: int) -> Any:
        """Return an item."""


class Camera(Prepared):
    """Frames; the moment of each is when a camera would have taken it.

    Args:
        frames: Shape ``(n_frames, height, width, 3)``, uint8, RGB.
        rate_hz: Frames a second.
    """

    def __init__(self, frames: Any, rate_hz: float) -> None:
        super().__init__(1.0 / rate_hz)
        self._frames = frames

    def item(self, number: int, taken_ns: int, n_lost: int) -> VideoFrame:
        """Return a copy, since whoever takes it overwrites it."""
        pixels = self._frames[number % len(self._frames)].copy()
        return VideoFrame(pixels, taken_ns, n_lost)


class Microphone(Prepared):
    """Sound.

    Args:
        sound: Shape ``(n_samples,)``, float32, 16 kHz.
    """

    def __init__(self, sound: Any) -> None:
        super().__init__(BLOCK_SAMPLES / SAMPLE_RATE_HZ)
        self._blocks = sound[: sound.size // BLOCK_SAMPLES * BLOCK_SAMPLES].reshape(
            -1, BLOCK_SAMPLES
        )

    def read(self, timeout_s: float) -> Any:
        """Wait for the next block; a microphone's driver keeps those that nobody fetched."""
        wait_s = (self._due_ns - self._clock.now_ns()) / NS_PER_S
        self._clock.sleep(max(0.0, min(timeout_s, wait_s)))
        if wait_s > timeout_s:
            return None
        self._number += 1
        self._due_ns += self._interval_ns
        return self.item(self._number, self._due_ns - 2 * self._interval_ns, 0)

    def item(self, number: int, taken_ns: int, n_lost: int) -> AudioBlock:
        """Return a copy, as above."""
        return AudioBlock(self._blocks[number % len(self._blocks)].copy(), taken_ns, n_lost)


def note_what_is_told() -> dict[str, list[int]]:
    """Make the pipeline and the slit keep a list; return it.

    A record may hold a frame that ended in the same instant and is noted after it, never the other
    way round: times come out too long, not too short.
    """
    from edge_affect.sensing.outlet import DatagramOutlet
    from edge_affect.sensing.pipeline import Pipeline

    told: dict[str, list[int]] = {"frames": [], "records": []}
    on_frame, send = Pipeline.on_frame, DatagramOutlet.send

    def noting_on_frame(self: Pipeline, frame: VideoFrame) -> None:
        on_frame(self, frame)
        told["frames"].append(frame.captured_ns)

    def noting_send(self: DatagramOutlet, record: Any) -> None:
        newest, n_before = told["frames"][-1:] or [0], self.n_sent
        send(self, record)
        told["records"] += newest * (self.n_sent - n_before)

    Pipeline.on_frame = noting_on_frame  # type: ignore[method-assign]
    DatagramOutlet.send = noting_send  # type: ignore[method-assign]
    return told


def main() -> int:
    """Put the sources in place and run the command."""
    folder = Path(sys.argv[1])
    files = [folder / name for name in ("sound.npy", "frames.npy")]
    # Read now: inside the cage there is no such folder.
    sound, frames = (np.load(path) if path.exists() else None for path in files)
    from edge_affect.cli import main as run
    from edge_affect.commands import sense

    def sources(_args: Any, settings: Any, _clock: Any) -> tuple[Any, Any]:
        rate_hz = settings.video.frame_rate_hz
        return (
            None if sound is None else Microphone(sound),
            None if frames is None else Camera(frames, rate_hz),
        )

    vars(sense)["_sources"] = sources
    told = note_what_is_told()
    code = run(["sense", *sys.argv[2:]])
    print(TOLD + json.dumps(told), file=sys.stderr, flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
