"""Where each millisecond of the sensing process goes, against the floor under it.

python benchmarks/where_time_goes.py [--seconds 30] [--json build/where.json]
python benchmarks/where_time_plot.py BEFORE.json AFTER.json docs/where-time-goes.svg

Plays fifteen seconds of the demo clip round and round, one face and speech, in real time: ten
frames and thirty-one blocks of sound a second, each from a thread of its own, as on a box with
devices, whose memory is overwritten when it is freed. Every stage has a stopwatch of the processor
time of its thread, without that of the stages inside it. The pictures are decoded beforehand: what
a camera's driver costs depends on the camera.

The floor of an inference is its kernels alone, inputs already set, in a tight loop with nothing
else going on: the best of many rounds, at the start, in the middle and at the end. That of a stage
that moves pixels is the plain copy of the bytes it has to read and write. Everything else has no
floor: in principle it could be nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect import demo_clip
from edge_affect.capture.media_file import MediaReader
from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.config import Config
from edge_affect.fusion.derived_states import DerivedStates
from edge_affect.fusion.scene import SceneFusion
from edge_affect.perception import (
    activity,
    chunk_activity,
    expression_model,
    face_detection,
    face_following,
    face_gaze,
    face_landmarks,
    face_reading,
    interpreter,
    sound_events,
    speech_net,
    voice,
)
from edge_affect.perception.acoustic import LogMelHistory
from edge_affect.perception.face_showing import SignalReader
from edge_affect.perception.prosody import ProsodyHistory
from edge_affect.record import SourceState
from edge_affect.sensing import memory, pipeline
from edge_affect.sensing.assembly import build_pipeline
from edge_affect.types import AudioBlock, VideoFrame

if TYPE_CHECKING:
    from collections.abc import Callable

ENVIRONMENT = {"OPENBLAS_NUM_THREADS": "1", "GLIBC_TUNABLES": "glibc.malloc.tcache_count=0"}
"""With this the launcher and the units start sensing; it counts from the start of a program on."""
FIRST_S, LAST_S = 3.0, 18.0
"""Of the clip: one face all the time, another one from the middle on, and speech."""
FRAME_RATE_HZ, RECORD_RATE_HZ = 10, 4
RATE_HZ, BLOCK = 16_000, 512
PICTURES, SOUND, TELLING = "pictures", "sound", "telling"
BYTES_IN_VALUE = 4


class Stopwatches:
    """Processor time by stage, without what stages inside took; one stack for each thread."""

    def __init__(self) -> None:
        self.spent_ns: dict[str, int] = defaultdict(int)
        self.n_calls: dict[str, int] = defaultdict(int)
        self.floor_bytes: dict[str, int] = defaultdict(int)
        self._local = threading.local()

    def timed(
        self,
        label: str,
        work: Callable[..., Any],
        n_bytes: Callable[..., int] | None = None,
    ) -> Callable[..., Any]:
        """Return ``work`` with a stopwatch; ``n_bytes`` of its result and arguments must move."""

        def run(*arguments: Any, **options: Any) -> Any:
            stack = self._local.__dict__.setdefault("stack", [])
            stack.append(0)
            start_ns = time.thread_time_ns()
            try:
                result = work(*arguments, **options)
            finally:
                took_ns = time.thread_time_ns() - start_ns
                self.spent_ns[label] += took_ns - stack.pop()
                self.n_calls[label] += 1
                if stack:
                    stack[-1] += took_ns
            if n_bytes is not None:
                self.floor_bytes[label] += n_bytes(result, *arguments)
            return result

        return run

    def clear(self) -> None:
        """Begin anew."""
        for table in (self.spent_ns, self.n_calls, self.floor_bytes):
            table.clear()


class Kernels:
    """An interpreter whose inference has a stopwatch; everything else goes through."""

    def __init__(self, runner: Any, watches: Stopwatches, label: str) -> None:
        self._runner = runner
        self.invoke = watches.timed(label, runner.invoke)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._runner, name)


def watch_classes(watches: Stopwatches) -> dict[str, Any]:
    """Put stopwatches on the stages, and return the models as they are loaded, by name."""
    models: dict[str, Any] = {}
    begin = interpreter.TfliteModel.__init__

    def loaded(self: Any, manifest: Any, content: bytes) -> None:
        begin(self, manifest, content)
        models[manifest.name] = self._interpreter
        self._interpreter = Kernels(self._interpreter, watches, f"{manifest.name}: kernels")

    interpreter.TfliteModel.__init__ = loaded  # type: ignore[method-assign]
    stages: list[tuple[Any, str, str, Callable[..., int] | None]] = [
        (interpreter.TfliteModel, "run", "tensors in and out of models", _of_tensors),
        (face_detection, "letterbox", "frame shrunk for a detector", _of_letterbox),
        (face_detection.FaceDetector, "candidates", "detector: its tensor and answers", None),
        (face_landmarks, "cut", "mesh: crop", _of_cut),
        (face_landmarks.FaceLandmarker, "locate", "mesh: its tensor and points", None),
        (face_gaze, "cut", "eye: crop", _of_cut),
        (face_gaze.GazeReader, "read", "eye: its tensor and gaze", None),
        (face_reading, "cut", "expression: crop", _of_cut),
        (face_reading, "crop_quality", "expression: quality of the crop", None),
        (expression_model.FaceExpressionModel, "probabilities", "expression: its tensor", None),
        (face_following, "head_pose", "pose of the head", None),
        (SignalReader, "signals", "signals of the mesh", None),
        (face_following.FaceFollower, "observe", "following", None),
        (pipeline, "overwrite", "overwriting what was analysed", _of_overwrite),
        (speech_net.SpeechModel, "probabilities", "speech: the net", None),
        (chunk_activity.ChunkActivity, "extend", "speech: level gate and chunks", None),
        (LogMelHistory, "latest_db", "log-mels", None),
        (sound_events.SoundEventReader, "hear", "events: their tensor and thresholds", None),
        (activity.SpeechActivity, "extend", "several voices: tensor and steps", None),
        (ProsodyHistory, "window", "prosody", None),
        (expression_model.VoiceExpressionModel, "read", "voice: its tensor", None),
        (voice, "manner", "voice: manner of speaking", None),
        (voice.VoiceReader, "feed", "steps and hops of sound", None),
        (SceneFusion, "add_faces", "fusion of pictures", None),
        (SceneFusion, "add_voice", "fusion of sound", None),
        (SceneFusion, "add_sound", "fusion of sound", None),
        (DerivedStates, "add_faces", "states of pictures", None),
        (DerivedStates, "add_voice", "states of sound", None),
        (DerivedStates, "add_sound", "states of sound", None),
        (pipeline.Pipeline, "on_frame", "rest of the path of pictures", None),
        (pipeline.Pipeline, "on_block", "rest of the path of sound", None),
        (pipeline.Pipeline, "record", "records", None),
    ]
    for owner, name, label, n_bytes in stages:
        setattr(owner, name, watches.timed(label, getattr(owner, name), n_bytes))
    return models


def _of_tensors(outputs: Any, _model: Any, *inputs: Any) -> int:
    return sum(array.nbytes for array in (*outputs, *inputs))


def _of_letterbox(boxed: Any, pixels: Any, *_rest: Any) -> int:
    return int(pixels.nbytes + boxed.pixels.size * BYTES_IN_VALUE)


def _of_cut(crop: Any, pixels: Any, square: Any, *_rest: Any) -> int:
    shown = min(3 * square.side_px**2, pixels.nbytes)
    return int(shown + crop.size * BYTES_IN_VALUE)


def _of_overwrite(_nothing: Any, array: Any) -> int:
    return int(array.nbytes)


SIDES = {
    PICTURES: (
        "face_detection_near: kernels", "face_detection_far: kernels", "face_landmark: kernels",
        "iris_landmark: kernels", "face_expression: kernels", "frame shrunk for a detector",
        "detector: its tensor and answers", "mesh: crop", "mesh: its tensor and points",
        "eye: crop", "eye: its tensor and gaze", "expression: crop",
        "expression: quality of the crop", "expression: its tensor", "pose of the head",
        "signals of the mesh", "following", "fusion of pictures", "states of pictures",
        "overwriting what was analysed", "tensors in and out of models",
        "rest of the path of pictures",
    ),
    SOUND: (
        "sound_events: kernels", "voice_activity: kernels", "voice_expression: kernels",
        "speech: the net", "speech: level gate and chunks", "log-mels",
        "events: their tensor and thresholds", "several voices: tensor and steps",
        "prosody", "voice: its tensor", "voice: manner of speaking",
        "steps and hops of sound", "fusion of sound", "states of sound",
        "rest of the path of sound",
    ),
    TELLING: ("records",),
}  # fmt: skip


def frames_and_sound() -> tuple[list[Any], Any]:
    """Return ten frames a second of the part of the clip, and its sound."""
    video, audio = demo_clip.ensure()
    reader = MediaReader(video, "video")
    frames, step = [], demo_clip.FRAME_RATE_HZ / FRAME_RATE_HZ
    for number, picture in enumerate(reader.pictures()):
        is_due = round(len(frames) * step) <= number - round(FIRST_S * demo_clip.FRAME_RATE_HZ)
        if FIRST_S <= picture.start_s < LAST_S and is_due:
            frames.append(picture.pixels())
    reader.close()
    hearer = MediaReader(audio, "audio")
    sound = np.concatenate([part.frames[:, 0] for part in hearer.sounds()])
    hearer.close()
    return frames, sound[round(FIRST_S * RATE_HZ) : round(LAST_S * RATE_HZ)]


def play(
    path: pipeline.Pipeline, frames: list[Any], sound: Any, seconds: float, clock: MonotonicClock
) -> dict[str, float]:
    """Play in real time on three threads; return the processor time of each in s."""
    start_ns = clock.now_ns() + NS_PER_S // 5
    used_s: dict[str, float] = {}

    def every(label: str, rate_hz: float, step: Callable[[int, int], None]) -> None:
        began_s = time.thread_time()
        for number in range(int(seconds * rate_hz)):
            due_ns = start_ns + round(number / rate_hz * NS_PER_S)
            time.sleep(max(0.0, (due_ns - clock.now_ns()) / NS_PER_S))
            step(number, due_ns)
        used_s[label] = time.thread_time() - began_s

    def see(number: int, due_ns: int) -> None:
        path.on_frame(VideoFrame(frames[number % len(frames)].copy(), due_ns))

    n_blocks = sound.size // BLOCK

    def hear(number: int, due_ns: int) -> None:
        first = number % n_blocks * BLOCK
        path.on_block(AudioBlock(sound[first : first + BLOCK].copy(), due_ns))

    def tell(_number: int, _due_ns: int) -> None:
        path.record(SourceState.OK, SourceState.OK)

    plans = ((PICTURES, FRAME_RATE_HZ, see), (SOUND, RATE_HZ / BLOCK, hear))
    threads = [threading.Thread(target=every, args=plan) for plan in plans]
    for thread in threads:
        thread.start()
    every(TELLING, RECORD_RATE_HZ, tell)
    for thread in threads:
        thread.join()
    return used_s


def floor_of_kernels(models: dict[str, Any], best_ns: dict[str, float], n: int = 60) -> None:
    """Lower the floor of each model to its best inference in a tight loop."""
    for name, runner in models.items():
        for _ in range(n):
            start_ns = time.thread_time_ns()
            runner.invoke()
            best_ns[name] = min(best_ns[name], time.thread_time_ns() - start_ns)


def copy_ns_per_byte() -> float:
    """Return what a plain copy of a frame costs at best, for each byte read and written."""
    source, target = np.ones(640 * 480 * 3, np.uint8), np.empty(640 * 480 * 3, np.uint8)
    best = float("inf")
    for _ in range(300):
        start_ns = time.thread_time_ns()
        np.copyto(target, source)
        best = min(best, time.thread_time_ns() - start_ns)
    return best / (2 * source.nbytes)


def measure(seconds: float) -> dict[str, Any]:
    """Return everything that is measured."""
    watches = Stopwatches()
    models = watch_classes(watches)
    clock = MonotonicClock()
    path = build_pipeline(Config(), clock, has_sound=True, has_pictures=True)
    frames, sound = frames_and_sound()
    memory.overwrite_freed()
    best_ns: dict[str, float] = defaultdict(lambda: float("inf"))
    play(path, frames, sound, 4.0, clock)
    floor_of_kernels(models, best_ns)
    watches.clear()
    used_s = play(path, frames, sound, seconds, clock)
    floor_of_kernels(models, best_ns)
    per_byte_ns = copy_ns_per_byte()
    rows = {}
    for side, labels in SIDES.items():
        for label in labels:
            n_calls = watches.n_calls[label]
            floor_ms = watches.floor_bytes[label] * per_byte_ns / 1e6
            if label.endswith(": kernels"):
                floor_ms = n_calls * best_ns[label.removesuffix(": kernels")] / 1e6
            rows[label] = {
                "side": side,
                "calls_per_s": n_calls / seconds,
                "ms_per_s": watches.spent_ns[label] / 1e6 / seconds,
                "floor_ms_per_s": floor_ms / seconds,
            }
    return {
        "machine": f"{platform.machine()}, {processor()}",
        "seconds": seconds,
        "copy_gb_per_s": 1.0 / per_byte_ns,
        "threads_ms_per_s": {label: 1e3 * s / seconds for label, s in used_s.items()},
        "stages": rows,
    }


def processor() -> str:
    """Return what the kernel calls the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith(("model name", "Model")):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def show(result: dict[str, Any]) -> None:
    """Print the table."""
    print(f"{result['machine']}; one core is 1000 ms a second")
    print(f"{'stage':38s}{'calls a s':>10s}{'ms a s':>9s}{'floor':>9s}{'gap':>9s}")
    for side in SIDES:
        rows = {k: v for k, v in result["stages"].items() if v["side"] == side}
        for label, row in sorted(rows.items(), key=lambda item: -item[1]["ms_per_s"]):
            _line(label, row["calls_per_s"], row["ms_per_s"], row["floor_ms_per_s"])
        whole, floor = (
            sum(row[k] for row in rows.values()) for k in ("ms_per_s", "floor_ms_per_s")
        )
        _line(f"= {side}", None, whole, floor)
    print("threads, waking up included: " + ", ".join(
        f"{label} {value:.1f}" for label, value in result["threads_ms_per_s"].items()
    ))  # fmt: skip


def _line(label: str, calls: float | None, ms: float, floor_ms: float) -> None:
    shown = "" if calls is None else f"{calls:.1f}"
    print(f"{label:38s}{shown:>10s}{ms:9.2f}{floor_ms:9.2f}{ms - floor_ms:9.2f}")


def main() -> None:
    """Measure, print and keep."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    args = parser.parse_args()
    if not ENVIRONMENT.items() <= os.environ.items():
        again = {**os.environ, **ENVIRONMENT}
        os.execve(sys.executable, sys.orig_argv, again)  # noqa: S606 (this program itself)
    result = measure(args.seconds)
    show(result)
    if args.json is not None:
        args.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
