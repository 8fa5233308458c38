"""Whether the box keeps to its budgets: verdicts over the real caged processes, on one core.

Usage: taskset -c 0 python benchmarks/budgets.py [--json FILE] [--page] [--only PART ...] [--short]

Parts:

- faces, sound: in a loop in this process. Times are processor time of one thread. A face is read
  by itself, as a picture without a past; a further one is what a frame with three costs more than a
  frame with one, by two.
- busy: `sense` in its cage and `publish` at a mosquitto. One face at VGA sways, ten frames a
  second, and somebody reads aloud without a pause. The time of a frame is when a camera would have
  had it ready; a record's when it was taken from the other end of the slit. In: waking up, all
  stages, fusion, the gate, the wait for the next record. Out: the sensor's exposure, the driver's
  decoding, and the publisher's tick, which comes on top. Processor time is that of both processes,
  in parts of 5 s; frames and sound cost nothing.
- empty: the same before a wall, in silence, when detectors rest.
- start: `edge-affect sense` and `publish` as they are, on a clip that shows a face from its first
  frame, from just before the first process starts to the first vector that is not withheld. Starts
  are spread over a second, because the publisher's ticks lie on a grid of the clock. Cold:
  the kernel was asked to drop the pages of every file of the program, its packages, models and
  clip; what other programs hold stays.
- memory: the same on the demo's clip, round and round, after 2 minutes.

Run it with `chrt --rr 1` where other programs want the same core.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import wave
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import av
import numpy as np
from budget_box import TOLD
from budget_pair import Box, Setup, share_of_core
from budget_pictures import VGA, Pixels, Samples, crowd, film, hush, speech
from budget_report import BUDGETS, judged, machine, put_into_page, table

from edge_affect import demo_clip
from edge_affect.capture.source import BLOCK_SAMPLES
from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.config import Config, Face
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.reading_pace import unhurried
from edge_affect.record import AbstainReason, decode
from edge_affect.sensing.assembly import build_voice_reader
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

ROOT = Path(__file__).resolve().parents[1]
PROCESSES = ("sense", "publish")
MANY_FACES = 3
N_FRAMES = 10
REST_S = 12.0
"""Long enough for detectors to find that nobody is there and nothing moves."""
PART_S = 5.0
START_LIMIT_S = 60.0
Figures = dict[str, Sequence[float]]


@dataclass(frozen=True, slots=True)
class Lengths:
    """How long each part takes.

    Attributes:
        n_loops: Frames of each kind.
        sound_s: Of sound of each kind.
        busy_s: Of the busy box.
        empty_s: Of the empty room.
        n_starts: Of each kind.
        memory_s: Until memory is looked at.
        warm_up_s: Of the busy box, not measured.
    """

    n_loops: int = 500
    sound_s: float = 60.0
    busy_s: float = 60.0
    empty_s: float = 30.0
    n_starts: int = 6
    memory_s: float = 120.0
    warm_up_s: float = 5.0


SHORT = Lengths(
    n_loops=5, sound_s=4.0, busy_s=5.0, empty_s=5.0, n_starts=1, memory_s=3.0, warm_up_s=1.0
)


def measure_faces(lengths: Lengths, _work: Path) -> Figures:
    """Read pictures one by one, both kinds in turns."""
    reader = FaceReader(FaceModels.load(), Face(), unhurried())
    frames = {n: film(n, N_FRAMES) for n in (1, MANY_FACES)}
    times_ms: dict[int, list[float]] = {n: [] for n in frames}
    for turn in range(lengths.n_loops):
        for n, pictures in frames.items():
            begin_ns = time.thread_time_ns()
            found = reader.read(pictures[turn % N_FRAMES])
            times_ms[n].append((time.thread_time_ns() - begin_ns) / 1e6)
            if len(found) != n:
                sys.exit(f"{len(found)} faces were read where {n} are.")
    # The first turns fill caches.
    one, many = (np.array(times_ms[n][len(times_ms[n]) // 10 :]) for n in frames)
    return {"one_face": one, "further_face": (many - one) / (MANY_FACES - 1)}


def measure_sound(lengths: Lengths, _work: Path) -> Figures:
    """Feed sound to the live path's reader, in blocks."""
    sounds = {"sound_speech": speech(lengths.sound_s), "sound_silence": hush(lengths.sound_s)}
    return {name: shares_of_sound(sound) for name, sound in sounds.items()}


def shares_of_sound(sound: Samples) -> list[float]:
    """Return the processor time of each second of sound, in % of a core."""
    reader = build_voice_reader(Config())
    shares, used_ns, n_done = [], 0, 0
    for start in range(0, sound.size - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        block = AudioBlock(
            sound[start : start + BLOCK_SAMPLES].copy(), start * NS_PER_S // SAMPLE_RATE_HZ
        )
        begin_ns = time.thread_time_ns()
        reader.feed(block)
        used_ns += time.thread_time_ns() - begin_ns
        n_done += BLOCK_SAMPLES
        if n_done >= SAMPLE_RATE_HZ:
            shares.append(100 * used_ns / NS_PER_S * SAMPLE_RATE_HZ / n_done)
            used_ns = n_done = 0
    # The first windows are not whole yet.
    return shares[min(3, len(shares) - 1) :]


def prepared(work: Path, frames: Pixels, sound: Samples) -> Path:
    """Write what the box is to see and hear, and return the folder."""
    folder = work / "prepared"
    folder.mkdir()
    np.save(folder / "frames.npy", frames)
    np.save(folder / "sound.npy", sound)
    return folder


def shares_of_box(box: Box, seconds: float) -> list[float]:
    """Return the processor time of both processes in each part, in % of a core."""
    shares = []
    before = [box.usage(name) for name in PROCESSES]
    for _ in range(max(1, round(seconds / PART_S))):
        box.wait(PART_S)
        after = [box.usage(name) for name in PROCESSES]
        shares.append(sum(map(share_of_core, before, after)))
        before = after
    return shares


def measure_busy(lengths: Lengths, work: Path) -> Figures:
    """Let the box see a face and hear somebody read."""
    folder = prepared(work, film(1, N_FRAMES), speech(30.0))
    with Box(Setup(folder=folder), work) as box:
        wait_until_seen(box)
        box.wait(lengths.warm_up_s)
        from_ns = MonotonicClock().now_ns()
        shares = shares_of_box(box, lengths.busy_s)
        box.stop()
        told = json.loads(box.log().partition(TOLD)[2].partition("\n")[0])
        arrived_ns = [at_ns for at_ns, _ in box.records]
        people = [decode(record).people for at_ns, record in box.records if at_ns > from_ns]
    if len(arrived_ns) != len(told["records"]):
        sys.exit(f"{len(told['records'])} records were sent, {len(arrived_ns)} came.")
    if not all(people):
        sys.exit("The face was not seen all the time.")
    return {"face_and_speech": shares, **delays(told, arrived_ns, from_ns)}


def wait_until_seen(box: Box) -> None:
    """Wait for the first record that counts somebody."""
    until_s = time.monotonic() + START_LIMIT_S
    while not any(decode(record).people for _, record in box.records[-1:]):
        if time.monotonic() > until_s:
            sys.exit(f"Nobody was seen within {START_LIMIT_S:g} s:\n{box.log()}")
        box.wait(0.1)


def delays(told: dict[str, list[int]], arrived_ns: list[int], from_ns: int) -> Figures:
    """Return how old frames are when they come through the slit, in ms.

    Args:
        told: When each frame was taken; the newest frame in each record, 0 for none.
        arrived_ns: When each record came.
        from_ns: Frames before it do not count.

    Returns:
        For each frame, until the first record with it came; for each record, since its newest
        frame was taken.
    """
    records = list(zip(told["records"], arrived_ns, strict=True))
    firsts, place = [], 0
    for taken_ns in told["frames"]:
        while place < len(records) and records[place][0] < taken_ns:
            place += 1
        if place < len(records) and taken_ns >= from_ns:
            firsts.append((records[place][1] - taken_ns) / 1e6)
    newest = [(at_ns - taken_ns) / 1e6 for taken_ns, at_ns in records if taken_ns >= from_ns]
    return {"slit": firsts, "slit_newest": newest}


def measure_empty(lengths: Lengths, work: Path) -> Figures:
    """Let the box look at a wall in silence."""
    folder = prepared(work, film(0, N_FRAMES), hush(10.0))
    with Box(Setup(folder=folder), work) as box:
        box.wait(REST_S)
        return {"empty_room": shares_of_box(box, lengths.empty_s)}


def measure_start(lengths: Lengths, work: Path) -> Figures:
    """Start the box again and again, with the files in memory and without, in turns."""
    clip, sound = work / "face.mp4", work / "speech.wav"
    write_clip(clip, [crowd(1, VGA, moment) for moment in range(100)])
    with wave.open(str(sound), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE_HZ)
        out.writeframes(np.rint(32767 * speech(30.0)).astype("<i2").tobytes())
    setup = Setup(("--video", str(clip), "--audio", str(sound), "--loop"))
    taken: dict[str, list[float]] = {name: [] for name in BUDGETS if name.startswith("start_")}
    first_vectors(setup, work)  # so that warm is warm
    for number in range(lengths.n_starts):
        for kind in ("warm", "cold"):
            if kind == "cold":
                drop_pages(clip, sound)
            wait_for_phase((number + 0.5) / lengths.n_starts)
            slit_s, mqtt_s = first_vectors(setup, work)
            taken[f"start_slit_{kind}"].append(slit_s)
            taken[f"start_mqtt_{kind}"].append(mqtt_s)
    return dict(taken)


def wait_for_phase(share: float) -> None:
    """Wait until this share of a second of the clock has gone by, on which ticks lie."""
    clock = MonotonicClock()
    ahead_ns = round(share * NS_PER_S) - clock.now_ns() % NS_PER_S
    clock.sleep(ahead_ns % NS_PER_S / NS_PER_S)


def write_clip(path: Path, frames: Sequence[Pixels]) -> None:
    """Write frames as the demo's clip is written."""
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(demo_clip.ENCODER, rate=demo_clip.FRAME_RATE_HZ)
        stream.height, stream.width = frames[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.bit_rate = demo_clip.BIT_RATE
        for pixels in frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


def first_vectors(setup: Setup, work: Path) -> tuple[float, float]:
    """Return when the first vector came, at the slit and over MQTT, in s from the start."""
    with Box(setup, work) as box:
        until_s = time.monotonic() + START_LIMIT_S
        while time.monotonic() < until_s:
            box.check()
            told = [at_ns for at_ns, message in box.messages if message["abstained"] is None]
            if told:
                slit_ns = next(
                    at_ns
                    for at_ns, datagram in box.records
                    if decode(datagram).abstained is AbstainReason.NONE
                )
                return tuple((at - box.started_ns) / NS_PER_S for at in (slit_ns, told[0]))
            time.sleep(0.02)
        sys.exit(f"No vector came within {START_LIMIT_S:g} s:\n{box.log()}")


def drop_pages(*more: Path) -> None:
    """Ask the kernel to forget the files of the program: the next start reads them from disk."""
    folders = [ROOT / "edge_affect", ROOT / "models_tflite", Path(os.__file__).parent]
    folders += [Path(av.__file__).parents[1]]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    os.sync()
    for path in (*files, *more):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        finally:
            os.close(descriptor)


def measure_memory(lengths: Lengths, work: Path) -> Figures:
    """Let the box play the demo's clip, and look at what it holds."""
    video, audio = demo_clip.ensure(print)
    setup = Setup(("--video", str(video), "--audio", str(audio), "--loop"))
    with Box(setup, work) as box:
        box.wait(lengths.memory_s)
        held = {name: box.usage(name) for name in PROCESSES}
    told: Figures = {}
    for name, usage in held.items():
        told[f"{name}_resident"] = [usage.rss_mb]
        told[f"{name}_private"] = [usage.private_mb]
    return told


PARTS: dict[str, Callable[[Lengths, Path], Figures]] = {
    "faces": measure_faces,
    "sound": measure_sound,
    "busy": measure_busy,
    "empty": measure_empty,
    "start": measure_start,
    "memory": measure_memory,
}


def measured(parts: Sequence[str], lengths: Lengths) -> dict[str, Any]:
    """Return the verdicts of some parts, in the order of the budgets."""
    rows: dict[str, Any] = {}
    for part in parts:
        print(f"== {part}", flush=True)
        with tempfile.TemporaryDirectory(prefix="edge-affect-") as work:
            for key, values in PARTS[part](lengths, Path(work)).items():
                row = rows[key] = judged(key, values)
                print(
                    f"{row['what']}: {row['statistic']} {row[row['statistic']]:g} {row['unit']}, "
                    f"budget {row['limit']:g}: {row['verdict']} "
                    f"(p50 {row['p50']:g}, p95 {row['p95']:g}, n {row['n']})",
                    flush=True,
                )
    return {"machine": machine(), "budgets": {key: rows[key] for key in BUDGETS if key in rows}}


def main() -> int:
    """Measure, print, write; 1 where a budget is broken."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--json", type=Path, help="write them here; keeps those of other parts")
    parser.add_argument("--page", action="store_true", help="write the table into the page")
    parser.add_argument("--short", action="store_true", help="a few seconds each, to try it")
    args = parser.parse_args()
    results = measured(args.only, SHORT if args.short else Lengths())
    if args.json is not None:
        if args.json.exists():
            rows = json.loads(args.json.read_text(encoding="utf-8"))["budgets"] | results["budgets"]
            results["budgets"] = {key: rows[key] for key in BUDGETS if key in rows}
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if args.page:
        put_into_page("budgets", table(results))
    n_broken = sum(row["verdict"] != "held" for row in results["budgets"].values())
    print(f"{len(results['budgets']) - n_broken} budgets held, {n_broken} broken")
    return 1 if n_broken else 0


if __name__ == "__main__":
    sys.exit(main())
