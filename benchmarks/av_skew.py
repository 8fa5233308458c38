"""How far sound and pictures of the same moment lie apart by the time they are analysed.

Usage: python benchmarks/av_skew.py [--seconds 20]

Flashes and clicks that coincide go through the real sources and their workers, and the stamps that
perception would see are compared:

- a recording, played in real time, whose flashes and clicks are at the same moment of the file;
- live: a click is written to a private PulseAudio sound server in the moment in which a lamp is
  switched on before a camera of 30 frames a second. What the server itself says that it takes to
  play (``playing_ms``) is in the skew, though no room has it; what a real camera takes before it
  stamps is not;
- loaded: the same while each processor has a program that never waits, with no priority.

Positive means that the sound is stamped later. A picture is stamped up to one interval, 33 ms,
after the light came on.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import termios
import threading
import time
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "contract")]

import numpy as np  # noqa: E402 (after its threads were limited)
from late_sound import SOUND_RATE_HZ, busy_programs  # noqa: E402

from edge_affect.capture.camera_asked import CameraSettings  # noqa: E402
from edge_affect.capture.frame_pump import PumpedSource, Shot  # noqa: E402
from edge_affect.capture.microphone import Microphone  # noqa: E402
from edge_affect.capture.recording import Playing, recording  # noqa: E402
from edge_affect.clock import MonotonicClock  # noqa: E402
from edge_affect.sensing.source_worker import Source, SourceWorker  # noqa: E402
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame  # noqa: E402

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulse import PulseServer

    from edge_affect.clock import Clock

FRAME_RATE_HZ = 30
EVERY_S = 0.7
"""Not a multiple of the interval of frames, blocks or buffers."""
LASTS_S = 0.15
LIMIT_MS = 80.0
NS_PER_MS = 1_000_000
CHUNK_S = 0.01


@dataclass
class Witness:
    """Notes when it became loud and when it became light, as stamped."""

    loud_ns: list[int] = field(default_factory=list)
    light_ns: list[int] = field(default_factory=list)
    _was_loud_ns: int = -(10**18)
    _was_light: bool = False
    _seen_ns: int = 0

    def hear(self, block: AudioBlock) -> None:
        """Take one block."""
        loud = np.flatnonzero(np.abs(block.samples) > 0.1)
        if not loud.size:
            return
        first_ns = block.start_ns + int(loud[0]) * 1_000_000_000 // SAMPLE_RATE_HZ
        if first_ns - self._was_loud_ns > 0.3 * 1e9:
            self.loud_ns.append(first_ns)
        self._was_loud_ns = block.end_ns

    def see(self, frame: VideoFrame) -> None:
        """Take one frame."""
        is_light = bool(frame.pixels[::8, ::8].mean() > 120)
        # Where a frame was dropped just before, nobody saw when it became light.
        was_seen = frame.captured_ns - self._seen_ns < 1.6e9 / FRAME_RATE_HZ
        if is_light and not self._was_light and was_seen:
            self.light_ns.append(frame.captured_ns)
        self._was_light, self._seen_ns = is_light, frame.captured_ns

    def skews_ms(self) -> list[float]:
        """Return by how much each click is stamped later than its flash."""
        skews = []
        for light_ns in self.light_ns:
            nearest = min(self.loud_ns, key=lambda loud_ns: abs(loud_ns - light_ns), default=None)
            if nearest is not None and abs(nearest - light_ns) < EVERY_S / 2 * 1e9:
                skews.append((nearest - light_ns) / NS_PER_MS)
        return skews


@dataclass(frozen=True)
class Skews:
    """What came of one way.

    Attributes:
        n_events: Flashes with clicks.
        each_ms: By how much each click that was heard is stamped later than its flash.
        playing_ms: What the sound server took to play, in each of them.
    """

    n_events: int
    each_ms: list[float]
    playing_ms: float = 0.0


def attend(audio: Source, video: Source, clock: Clock, seconds: float) -> Witness:
    """Let real workers deliver both sources to a witness."""
    witness = Witness()
    workers = [
        SourceWorker("microphone", audio, witness.hear, clock),
        SourceWorker("camera", video, witness.see, clock),
    ]
    for worker in workers:
        worker.start()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s and not all(worker.is_done for worker in workers):
        time.sleep(0.05)
    for worker in workers:
        worker.stop()
        worker.check()
    return witness


def write_recording(path: Path, seconds: float) -> int:
    """Write a clip of coinciding flashes and clicks, and return how many."""
    import av

    begins = [number * EVERY_S for number in range(1, int(seconds / EVERY_S))]
    # A flash can only begin with a frame.
    begins = [round(begin * FRAME_RATE_HZ) / FRAME_RATE_HZ for begin in begins]

    def is_on(at_s: float) -> bool:
        return any(begin <= at_s + 1e-6 < begin + LASTS_S for begin in begins)

    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=FRAME_RATE_HZ)
        video.width, video.height, video.pix_fmt = 320, 240, "yuv420p"
        audio = container.add_stream("aac", rate=SOUND_RATE_HZ)
        n_piece = SOUND_RATE_HZ // FRAME_RATE_HZ
        for number in range(round(seconds * FRAME_RATE_HZ)):
            level = 230 if is_on(number / FRAME_RATE_HZ) else 20
            pixels = np.full((240, 320, 3), level, np.uint8)
            container.mux(video.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
            tone = _tone(number * n_piece, n_piece) * is_on(number / FRAME_RATE_HZ)
            piece = av.AudioFrame.from_ndarray(
                tone[None, :].astype(np.float32), format="fltp", layout="mono"
            )
            piece.sample_rate, piece.pts = SOUND_RATE_HZ, number * n_piece
            piece.time_base = Fraction(1, SOUND_RATE_HZ)
            container.mux(audio.encode(piece))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return len(begins)


def _tone(first: int, n_samples: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return 0.6 * np.sin(2 * np.pi * 1000.0 * (first + np.arange(n_samples)) / SOUND_RATE_HZ)


def of_recording(folder: Path, seconds: float) -> Skews:
    """Play a recording."""
    path = folder / "flashes.mp4"
    n_events = write_recording(path, seconds)
    clock = MonotonicClock()
    playing = Playing(is_paced=True, is_looped=False, channel=0, frame_rate_hz=FRAME_RATE_HZ)
    media = recording(path, path, clock, playing)
    if media.audio is None or media.video is None:
        raise SystemExit("The recording lacks sound or pictures.")
    return Skews(n_events, attend(media.audio, media.video, clock, seconds + 5.0).skews_ms())


class Lamp:
    """A lamp and a loudspeaker that are switched together.

    Args:
        loudspeaker: The end of a pipe that the player's sound is written to.
        player: The end that the player reads from. What waits there when a click is written is
            played first, so that the lamp goes on so much later.
    """

    def __init__(self, loudspeaker: int, player: int) -> None:
        self.n_events = 0
        self._loudspeaker, self._player = loudspeaker, player
        self._flashes: list[tuple[float, float]] = []

    @property
    def is_on(self) -> bool:
        """Whether there is light now."""
        now_s = time.monotonic()
        return any(begin_s <= now_s < end_s for begin_s, end_s in self._flashes[-2:])

    def run(self, seconds: float) -> None:
        """Switch both on and off; sound is written as it is due, not ahead."""
        n_chunk = round(CHUNK_S * SOUND_RATE_HZ)
        was_on = False
        began_s = time.monotonic()
        for number in range(round(seconds / CHUNK_S)):
            time.sleep(max(0.0, began_s + number * CHUNK_S - time.monotonic()))
            phase_s = number * CHUNK_S % EVERY_S
            is_on = 2.0 < number * CHUNK_S < seconds - 1.0 and phase_s < LASTS_S
            if is_on and not was_on:
                begin_s = time.monotonic() + self._waiting_s()
                self._flashes.append((begin_s, begin_s + LASTS_S))
                self.n_events += 1
            was_on = is_on
            chunk = _tone(number * n_chunk, n_chunk) * is_on
            os.write(self._loudspeaker, (chunk * 32767).astype("<i2").tobytes())

    def _waiting_s(self) -> float:
        """Return how much sound waits for the player."""
        told = fcntl.ioctl(self._player, termios.FIONREAD, bytes(4))
        return int.from_bytes(told, sys.byteorder) / (2 * SOUND_RATE_HZ)


class LampCamera:
    """A camera before the lamp; it stamps pictures when it takes them, as kernels do."""

    def __init__(self, clock: Clock, lamp: Lamp) -> None:
        self._clock, self._lamp = clock, lamp

    def start(self) -> None:
        """Begin."""
        self._due_s = time.monotonic()

    def shoot(self) -> Shot:
        """Wait for the next picture."""
        self._due_s += 1 / FRAME_RATE_HZ
        time.sleep(max(0.0, self._due_s - time.monotonic()))
        level = 230 if self._lamp.is_on else 20
        return Shot(self._clock.now_ns(), lambda: np.full((240, 320, 3), level, np.uint8))

    def stop(self) -> None:
        """End."""


def playing_ms(server: PulseServer) -> float:
    """Return how long sound takes from the player to the room, as the server says."""
    said = subprocess.run(
        ["pactl", "list", "sink-inputs"],
        env={**os.environ, **server.env, "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return sum(int(us) for us in re.findall(r"(?:Buffer|Sink) Latency: (\d+) usec", said)) / 1000


def live(folder: Path, seconds: float) -> Skews:
    """Switch a lamp and a loudspeaker."""
    from pulse import PulseServer

    server = PulseServer(folder / "pulse", {"room": (SOUND_RATE_HZ, 1)})
    os.environ.update(server.env, PULSE_LATENCY_MSEC="30")
    try:
        server.start()
        server.hush("room")
        play = ["pacat", "--raw", "--device=room", "--format=s16le", "--channels=1"]
        heard, loudspeaker = os.pipe()
        with subprocess.Popen(
            [*play, f"--rate={SOUND_RATE_HZ}", "--latency-msec=20"], stdin=heard
        ) as player:
            lamp = Lamp(loudspeaker, heard)
            switching = threading.Thread(target=lamp.run, args=(seconds,))
            clock = MonotonicClock()
            settings = CameraSettings(frame_rate_hz=FRAME_RATE_HZ)
            camera = PumpedSource(lambda: LampCamera(clock, lamp), settings, "lamp camera")
            switching.start()
            latencies_ms: list[float] = []
            asking = threading.Timer(seconds / 2, lambda: latencies_ms.append(playing_ms(server)))
            asking.start()
            witness = attend(Microphone(clock, "room"), camera, clock, seconds)
            asking.join()
            switching.join()
            player.kill()
        os.close(heard)
        os.close(loudspeaker)
        return Skews(lamp.n_events, witness.skews_ms(), latencies_ms[0])
    finally:
        server.stop()


def loaded(folder: Path, seconds: float) -> Skews:
    """Switch a lamp and a loudspeaker on a busy machine, where nothing of the box goes first."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with busy_programs():
        return live(folder, seconds)


def summary(name: str, skews: Skews) -> dict[str, Any]:
    """Return the figures of one way."""
    spread = np.abs(skews.each_ms) if skews.each_ms else np.array([np.inf])
    return {
        "way": name,
        "events": skews.n_events,
        "seen_and_heard": len(skews.each_ms),
        "median_ms": round(float(np.median(skews.each_ms)), 1) if skews.each_ms else None,
        "p95_abs_ms": round(float(np.quantile(spread, 0.95)), 1),
        "worst_abs_ms": round(float(spread.max()), 1),
        "playing_ms": round(skews.playing_ms, 1),
        "limit_ms": LIMIT_MS,
    }


def go_first() -> bool:
    """Return whether other programs must wait now: what is measured is this box's own doing."""
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(5))
    except OSError:
        return False
    return True


def main() -> None:
    """Measure and print one JSON line for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=20.0, help="of events, each way")
    parser.add_argument("--only", choices=("recording", "live", "loaded"), help="one way alone")
    args = parser.parse_args()
    if not go_first():
        print("other programs may disturb this; run it as root, or alone", file=sys.stderr)
    ways: dict[str, Callable[[Path, float], Skews]] = {
        "recording": of_recording, "live": live, "loaded": loaded,
    }  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        for name, way in ways.items():
            if args.only in (None, name):
                print(json.dumps(summary(name, way(Path(folder), args.seconds))), flush=True)


if __name__ == "__main__":
    main()
