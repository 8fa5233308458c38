"""How cost grows: faces, size of frames, ticks, length of recordings.

Usage: taskset -c 0 python benchmarks/growth.py [--json FILE] [--plot FILE] [--page] [--only PART]

- faces: processor time of a frame at VGA, ten a second, of 0 to 20 followed faces: with every face
  read in every frame, and within the budget of 30 ms that the configuration has.
- size: the same of one face that fills the same share of frames from 320 x 240 to 1920 x 1080.
- tick: processor time of `sense` in its cage and of `publish` at a mosquitto, with one face and
  speech, at 1 to 5 ticks a second.
- analysis: `edge-affect analyze`, its caged process included, on the demo's clip once to eight
  times over: processor time and the largest resident memory of a process.
- report: half an hour to ten hours. What grows with length there is the row of records, so that is
  what is made: a made-up room's (people come and go, moods change) in the place of those of an
  analysed recording. `edge-affect analyze` then finds segments, events and alerts and writes the
  tables anew, and `edge-affect report` reads them.

Rounds of one part are interleaved. Run it with `chrt --rr 1` where other programs want the core.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from analysis_throughput import make_film
from budget_pair import Box, Setup, share_of_core
from budget_pictures import Pixels, film, speech
from budget_report import machine, put_into_page
from fleet_room import Room
from growth_fit import curve, draw, table

from edge_affect import demo_clip
from edge_affect.clock import NS_PER_S
from edge_affect.config import Face
from edge_affect.perception.face import FaceModels, FaceReader
from edge_affect.perception.reading_pace import ReadingPace, unhurried
from edge_affect.record import encode
from edge_affect.types import VideoFrame

FACES = (0, 1, 2, 4, 6, 8, 12, 16, 20)
SIZES = ((320, 240), (480, 360), (640, 480), (960, 720), (1280, 720), (1920, 1080))
TICKS_HZ = (1.0, 2.0, 3.0, 4.0, 5.0)
CLIPS = (1, 2, 3, 4, 6, 8)
HOURS = (0.5, 1.0, 2.0, 5.0, 10.0)
FRAME_NS = NS_PER_S // 10
N_FRAMES = 10
DONE_CODES = (0, 75)
CONFIG = """config_version = 2
[deployment]
setting = "venue"
jurisdiction = "other"
purpose = "measuring"
contact = "owner@example.org"
"""
Points = dict[float, list[float]]


@dataclass(frozen=True, slots=True)
class Effort:
    """How thoroughly it is measured.

    Attributes:
        n_rounds: Of each part that runs in this process, and of reports.
        n_warm: Frames before those that count.
        n_timed: Frames that count, in each round.
        tick_s: For each tick.
    """

    n_rounds: int = 3
    n_warm: int = 6
    n_timed: int = 20
    tick_s: float = 10.0


def followed_ms(reader: FaceReader, pictures: Pixels, effort: Effort) -> tuple[float, float]:
    """Return the mean processor time of a frame, in ms, and how many faces were followed."""
    reader.clear()
    times_ms, n_seen = [], []
    for number in range(effort.n_warm + effort.n_timed):
        frame = VideoFrame(pictures[number % len(pictures)].copy(), (number + 1) * FRAME_NS)
        begin_ns = time.thread_time_ns()
        seen = reader.observe(frame)
        times_ms.append((time.thread_time_ns() - begin_ns) / 1e6)
        n_seen.append(seen.n_faces)
    return float(np.mean(times_ms[effort.n_warm :])), float(np.median(n_seen[effort.n_warm :]))


def measure_faces(effort: Effort, _work: Path) -> dict[str, Any]:
    """Follow crowds."""
    films = {n: film(n, N_FRAMES) for n in FACES}
    kinds: dict[str, Callable[[], ReadingPace | None]] = {
        "every face in every frame": unhurried,
        "within 30 ms": lambda: None,
    }
    costs: dict[str, Points] = {kind: defaultdict(list) for kind in kinds}
    models = FaceModels.load()
    for _ in range(effort.n_rounds):
        for n, pictures in films.items():
            for kind, pace in kinds.items():
                reader = FaceReader(models, Face(), pace())
                cost_ms, n_seen = followed_ms(reader, pictures, effort)
                if n_seen != n:
                    sys.exit(f"{n_seen:g} faces were followed where {n} are.")
                costs[kind][n].append(cost_ms)
    return {
        f"faces_{place}": curve("faces", kind, ("faces", "ms a frame"), points)
        for place, (kind, points) in enumerate(costs.items())
    }


def measure_size(effort: Effort, _work: Path) -> dict[str, Any]:
    """Follow one face, and nobody, in frames of many sizes."""
    costs: dict[str, Points] = {"one face": defaultdict(list), "nobody": defaultdict(list)}
    films = {(n, size): film(n, 4, size) for size in SIZES for n in (0, 1)}
    models = FaceModels.load()
    for _ in range(effort.n_rounds):
        for (n, (width_px, height_px)), pictures in films.items():
            reader = FaceReader(models, Face(), unhurried())
            cost_ms, n_seen = followed_ms(reader, pictures, effort)
            if n_seen != n:
                sys.exit(f"{n_seen:g} faces were followed at {width_px} x {height_px}.")
            costs["one face" if n else "nobody"][width_px * height_px / 1e6].append(cost_ms)
    return {
        f"size_{place}": curve("size of a frame", kind, ("megapixels", "ms a frame"), points)
        for place, (kind, points) in enumerate(costs.items())
    }


def measure_tick(effort: Effort, work: Path) -> dict[str, Any]:
    """Run both processes at several ticks."""
    folder = work / "prepared"
    folder.mkdir()
    np.save(folder / "frames.npy", film(1, N_FRAMES))
    np.save(folder / "sound.npy", speech(30.0))
    costs: dict[str, Points] = {"sense": defaultdict(list), "publish": defaultdict(list)}
    for tick_hz in TICKS_HZ:
        with Box(Setup(folder=folder, tick_hz=tick_hz), work) as box:
            box.wait(5.0)
            before = {name: box.usage(name) for name in costs}
            box.wait(effort.tick_s)
            for name, points in costs.items():
                points[tick_hz].append(share_of_core(before[name], box.usage(name)))
    return {
        f"tick_{name}": curve("tick", name, ("ticks a second", "% of a core"), points)
        for name, points in costs.items()
    }


def run_command(*arguments: str) -> tuple[float, float]:
    """Run `edge-affect`; return processor time in s and the most resident memory in MB.

    Both are of it and of all processes that it started, memory of the largest.
    """
    with tempfile.TemporaryFile() as said:
        pid = os.posix_spawn(
            sys.executable,
            [sys.executable, "-m", "edge_affect", *arguments],
            os.environ,
            file_actions=[
                (os.POSIX_SPAWN_DUP2, said.fileno(), 1),
                (os.POSIX_SPAWN_DUP2, said.fileno(), 2),
            ],
        )
        _, status, used = os.wait4(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if code not in DONE_CODES:
            said.seek(0)
            sys.exit(f"edge-affect {arguments[0]} ended with {code}:\n{said.read().decode()}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss * 1024 / 1e6


def two_curves(
    name: str, panel: str, what: str, unit: str, used: dict[float, list[tuple[float, float]]]
) -> dict[str, Any]:
    """Return the curves of processor time and of memory of one command."""
    kinds = (("cpu", "s of processor time"), ("memory", "MB at most"))
    return {
        f"{name}_{kind}": curve(
            panel, what, (unit, cost), {x: [one[place] for one in all_] for x, all_ in used.items()}
        )
        for place, (kind, cost) in enumerate(kinds)
    }


def measure_analysis(_effort: Effort, work: Path) -> dict[str, Any]:
    """Analyse clips of several lengths."""
    used: dict[float, list[tuple[float, float]]] = {}
    for n_clips in CLIPS:
        folder = work / f"film-{n_clips}"
        folder.mkdir()
        minutes = make_film(folder, n_clips) / 60
        out = str(work / f"out-{n_clips}")
        used[round(minutes, 3)] = [run_command("analyze", str(folder), "--out", out, "--jobs", "1")]
    return two_curves("analysis", "analysis", "analyze, caged", "minutes of film", used)


def lengthen(results: Path, n_records: int) -> None:
    """Put the records of a made-up room in the place of those of the one recording."""
    room = Room(random.Random(1))  # noqa: S311 (a made-up room, not a key)
    records = b"".join(encode(room.next()) for _ in range(n_records))
    [note] = (results / "records").glob("*.json")
    noted = json.loads(note.read_text(encoding="ascii"))
    noted |= {
        "n_records": n_records,
        "end_ns": n_records * NS_PER_S,
        "records_sha256": hashlib.sha256(records).hexdigest(),
        "finding": "to be made anew",
    }
    note.with_suffix(".bin").write_bytes(records)
    note.write_text(json.dumps(noted), encoding="ascii")


def measure_report(effort: Effort, work: Path) -> dict[str, Any]:
    """Make tables and reports of long recordings."""
    folder, config, base = work / "film", work / "box.toml", work / "base"
    folder.mkdir()
    make_film(folder, 1)
    config.write_text(CONFIG, encoding="utf-8")
    analyze = ["analyze", str(folder), "--config", str(config), "--jobs", "1", "--out"]
    run_command(*analyze, str(base))
    tables: dict[float, list[tuple[float, float]]] = defaultdict(list)
    reports: dict[float, list[tuple[float, float]]] = defaultdict(list)
    for _ in range(max(1, effort.n_rounds // 2)):
        for hours in HOURS:
            out = work / "long"
            shutil.copytree(base, out)
            lengthen(out, round(hours * 3600))
            tables[hours].append(run_command(*analyze, str(out)))
            page = work / "report.html"
            reports[hours].append(
                run_command("report", str(out), "--kind", "show", "--out", str(page))
            )
            shutil.rmtree(out)
    return {
        **two_curves("tables", "tables of records", "analyze", "hours", tables),
        **two_curves("report", "report", "report", "hours", reports),
    }


PARTS: dict[str, Callable[[Effort, Path], dict[str, Any]]] = {
    "faces": measure_faces,
    "size": measure_size,
    "tick": measure_tick,
    "analysis": measure_analysis,
    "report": measure_report,
}


def measured(parts: Sequence[str], effort: Effort) -> dict[str, Any]:
    """Return the curves of some parts."""
    curves: dict[str, Any] = {}
    for part in parts:
        with tempfile.TemporaryDirectory(prefix="edge-affect-") as work:
            for key, row in PARTS[part](effort, Path(work)).items():
                curves[key] = row
                points = ", ".join(
                    f"{x:g}: {y:.3g}" for x, y in zip(row["x"], row["y"], strict=True)
                )
                print(
                    f"{row['panel']}, {row['what']}, {row['y_unit']} by {row['x_unit']}: {points}; "
                    f"exponent {row['exponent']}, top {row['top_slope']}: {row['verdict']}",
                    flush=True,
                )
    return {"machine": machine(), "curves": curves}


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--json", type=Path, help="write the curves here; keeps other parts' there")
    parser.add_argument("--plot", type=Path, help="draw them here, as SVG")
    parser.add_argument("--page", action="store_true", help="write the table into the page")
    parser.add_argument("--short", action="store_true", help="less of each, to try it")
    args = parser.parse_args()
    demo_clip.ensure(print)
    effort = Effort(n_rounds=2, n_warm=3, n_timed=6, tick_s=3.0) if args.short else Effort()
    results = measured(args.only, effort)
    if args.json is not None:
        if args.json.exists():
            earlier = json.loads(args.json.read_text(encoding="utf-8"))["curves"]
            results["curves"] = {**earlier, **results["curves"]}
        args.json.write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    if args.plot is not None:
        args.plot.write_text(draw(results), encoding="utf-8")
    if args.page:
        put_into_page("growth", table(results))


if __name__ == "__main__":
    main()
