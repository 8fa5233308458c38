"""How much faster than real time recordings are analysed, and how that grows with workers.

Usage: python benchmarks/analysis_throughput.py --data DATA [--minutes 5] [--workers 1 2]

Makes calls out of the meetings (speech in turns, 16 kHz) and a film out of the demo's clip (640 x
480, 25 frames a second, one or two faces, sound), and analyses both as users do. Two figures
come of each: media time over wall time, which depends on what else the machine does, and hours
of media for an hour of one core, which hardly does: processor time of all processes, starts
and cages included. With --workers the calls are analysed once more by a Dask cluster on this
machine, with so many workers of one thread each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from edge_affect import demo_clip
from edge_affect.evaluation.recordings import read_samples
from edge_affect.types import SAMPLE_RATE_HZ

N_CALLS = 4


def make_calls(data: Path, folder: Path, minutes: float) -> float:
    """Write calls of so many minutes each and return their length in all, in seconds."""
    clips = [read_samples(path) for path in sorted((data / "audio" / "ami-debug").glob("*.opus"))]
    speech = np.concatenate([clip for clip in clips if clip.size > 10 * SAMPLE_RATE_HZ])
    n_samples = round(minutes * 60 * SAMPLE_RATE_HZ)
    for number in range(N_CALLS):
        samples = np.resize(np.roll(speech, number * 7 * SAMPLE_RATE_HZ), n_samples)
        with wave.open(str(folder / f"call-{number}.wav"), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(SAMPLE_RATE_HZ)
            file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    return N_CALLS * minutes * 60


def make_film(folder: Path, n_rounds: int) -> float:
    """Write the demo's clip with its sound, several times over; return its length in seconds."""
    import av

    video, audio = demo_clip.ensure()
    path = folder / "film.mkv"
    sources = {"video": video, "audio": audio}
    with av.open(str(path), "w") as out:
        streams: dict[str, Any] = {}
        for kind, source in sources.items():
            with av.open(str(source)) as container:
                streams[kind] = out.add_stream_from_template(container.streams.get({kind: 0})[0])
        for number in range(n_rounds):
            for kind, source in sources.items():
                with av.open(str(source)) as container:
                    stream = container.streams.get({kind: 0})[0]
                    shift = round(number * demo_clip.duration_s() / stream.time_base)
                    for packet in container.demux(stream):
                        if packet.dts is None:
                            continue
                        packet.pts += shift
                        packet.dts += shift
                        packet.stream = streams[kind]
                        out.mux(packet)
    return n_rounds * demo_clip.duration_s()


def analyse(media: Path, out: Path, *options: str) -> float:
    """Return the wall time of one analysis, in seconds."""
    before_s = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "edge_affect", "analyze", str(media), "--out", str(out), *options],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = process.communicate()
    wall_s = time.monotonic() - before_s
    if process.returncode not in {0, 75}:
        raise SystemExit(f"The analysis ended with {process.returncode}:\n{said[1]}")
    return wall_s


def processor_s() -> float:
    """Return the processor time of all children that have ended."""
    spent = os.times()
    return spent.children_user + spent.children_system


@contextlib.contextmanager
def cluster(n_workers: int) -> Iterator[str]:
    """Start a scheduler and workers on this machine and yield the scheduler's address."""
    options = ["--host", "127.0.0.1", "--no-dashboard"]
    with contextlib.ExitStack() as stack:

        def start(module: str, *arguments: str) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", f"distributed.cli.{module}", *options, *arguments],
                stderr=subprocess.PIPE, text=True,
            )  # fmt: skip
            stack.callback(process.wait)
            stack.callback(process.terminate)
            return process

        scheduler = start("dask_scheduler", "--port", "0")
        address = wait_for(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        for _ in range(n_workers):
            worker = start("dask_worker", address, "--nthreads", "1", "--no-nanny")
            wait_for(worker, r"Registered to:\s+(tcp://\S+)")
        yield address


def wait_for(process: subprocess.Popen[str], pattern: str) -> str:
    """Return what a process says once it says it."""
    for line in process.stderr or ():
        if found := re.search(pattern, line):
            return found[1]
    raise SystemExit("The cluster did not start.")


def main() -> None:
    """Measure and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=5.0, help="length of each of four calls")
    parser.add_argument("--rounds", type=int, default=5, help="of the demo's 40 s in the film")
    parser.add_argument("--workers", type=int, nargs="*", default=[], help="sizes of clusters")
    args = parser.parse_args()
    told: dict[str, Any] = {"cores": len(os.sched_getaffinity(0)), "load": os.getloadavg()[0]}
    with tempfile.TemporaryDirectory(prefix="edge-affect-") as name:
        calls, films = Path(name) / "calls", Path(name) / "films"
        calls.mkdir()
        films.mkdir()
        lengths_s = {
            "calls": (calls, make_calls(args.data, calls, args.minutes)),
            "film": (films, make_film(films, args.rounds)),
        }
        for what, (folder, media_s) in lengths_s.items():
            before_s = processor_s()
            wall_s = analyse(folder, Path(name) / f"out-{what}")
            spent_s = processor_s() - before_s
            told[what] = {
                "media_s": media_s,
                "times_real_time": round(media_s / wall_s, 1),
                "media_hours_per_core_hour": round(media_s / spent_s, 1),
            }
        for n_workers in args.workers:
            before_s = processor_s()
            with cluster(n_workers) as address:
                wall_s = analyse(calls, Path(name) / f"out-{n_workers}", "--dask", address)
            told[f"{n_workers} workers"] = {
                "wall_s": round(wall_s, 1),
                "times_real_time": round(lengths_s["calls"][1] / wall_s, 1),
                "processor_s": round(processor_s() - before_s, 1),
            }
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
