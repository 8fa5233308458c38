"""Soaks a box: real processes, a real broker, looped clips, random faults, memory over the ticks.

Usage: python benchmarks/soak.py [--ticks 259200] [--speed 16] [--minutes 60] [--json FILE]

Sensing runs in its cage and the publisher at a real mosquitto on the loopback interface; their
clock is wound up (see `soak_box.py`), nothing else. A tick counts when its vector carries voice
and face. Ends with 1 when a bound is broken, with 75 when the run was too short to tell.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
import wave
from contextlib import ExitStack
from dataclasses import asdict
from fractions import Fraction
from pathlib import Path
from typing import Any

from soak_figures import TICKS_PER_DAY, judged
from soak_plots import plot
from soak_run import FRAMES_A_TICK, Plan, Soak

from edge_affect import demo_clip
from edge_affect.demo_sources import SENTENCES, SMILE, SOBER
from edge_affect.errors import ExitCode

TICKS = 259_200
"""72 hours at one tick a second."""
WARM_UP_TICKS = 3000
BROKEN = 1
WIDTH_PX, HEIGHT_PX = 320, 240
ROUNDS = 20
"""Of the sentences in one loop: FFmpeg's wrapper keeps some 300 bytes each time it opens a file."""


def clip(folder: Path) -> tuple[Path, Path]:
    """Make a loop in which there is always one face and nearly always a voice."""
    import av
    from PIL import Image

    demo_clip.ensure(print)
    sources = demo_clip.folder() / "sources"
    samples = b""
    for sentence in SENTENCES:
        with wave.open(str(sources / sentence.save_as)) as file:
            samples += file.readframes(file.getnframes())
    n_frames_a_round = len(samples) // 2 * Fraction(FRAMES_A_TICK) / demo_clip.SPEECH_RATE_HZ
    samples *= ROUNDS
    audio, video = folder / "soak.wav", folder / "soak.mp4"
    with wave.open(str(audio), "wb") as target:
        target.setnchannels(1)
        target.setsampwidth(2)
        target.setframerate(demo_clip.SPEECH_RATE_HZ)
        target.writeframes(samples)
    # As many as sensing takes: more would only be decoded and dropped.
    rate = Fraction(FRAMES_A_TICK)
    n_frames = int(len(samples) // 2 * rate / demo_clip.SPEECH_RATE_HZ)
    faces = []
    for name, left, top in ((SMILE, 140, 0), (SOBER, 150, 60)):
        with Image.open(sources / name.save_as) as picture:
            faces.append((picture.convert("RGB"), left, top))
    with av.open(str(video), "w") as container:
        stream: Any = container.add_stream(demo_clip.ENCODER, rate=rate)
        stream.width, stream.height = WIDTH_PX, HEIGHT_PX
        stream.pix_fmt, stream.bit_rate = "yuv420p", demo_clip.BIT_RATE
        for number in range(n_frames):
            picture, left, top = faces[int(number * len(faces) / n_frames_a_round) % len(faces)]
            shift = 30 * abs((number % 12) / 6 - 1)
            box = (left + shift, top, left + shift + 720, top + 540)
            frame = picture.resize((stream.width, stream.height), box=box)
            container.mux(stream.encode(av.VideoFrame.from_image(frame)))
        container.mux(stream.encode(None))
    return video, audio


def report(soak: Soak, seconds: float) -> dict[str, Any]:
    """Return everything that was measured, and the verdict."""
    ear, plan = soak.ear, soak.plan
    processes = judged(soak.samples, WARM_UP_TICKS)
    broken = [f"{o.fault}: not told or not mended" for o in soak.outcomes if not o.is_well]
    broken += soak.stuck
    for name, told in processes.items():
        broken += [f"{name}: {what} grew by {told['growth'][what]:g}" for what in told["grew"]]
        if told["slope"] == "broken":
            broken.append(f"{name}: memory grows by {told['slope_mb_a_day']:.1f} MB a day")
    is_enough = ear.n_full >= plan.ticks and all(p["slope"] == "held" for p in processes.values())
    return {
        "verdict": "broken" if broken else "held" if is_enough else "too short to tell",
        "broken": broken,
        "stuck": soak.stuck,
        "plan": asdict(plan),
        "seconds": seconds,
        "ticks": ear.n_ticks,
        "ticks_with_both_modalities": ear.n_full,
        "day_equivalents": ear.n_full / TICKS_PER_DAY,
        "late": ear.n_late,
        "lost_and_counted": ear.n_lost,
        "gaps_that_nobody_can_count": ear.n_uncounted_gaps,
        "processes": processes,
        "faults": [asdict(outcome) for outcome in soak.outcomes],
        "faults_left_out": soak.left_out,
        "restarts": {s.name: [asdict(r) for r in s.restarts] for s in (soak.sense, soak.publish)},
        "life_signs": {s.name: s.n_pings for s in (soak.sense, soak.publish)},
        "inferences": inferences(soak.folder / "sense.log"),
        "samples": {name: [asdict(s) for s in mine] for name, mine in soak.samples.items()},
    }


def inferences(log: Path) -> dict[str, int]:
    """Return how many inferences each model made over all starts; told every ten seconds."""
    total: dict[str, int] = {}
    latest: dict[str, int] = {}

    def add() -> None:
        for name, n in latest.items():
            total[name] = total.get(name, 0) + n

    for line in log.read_text(errors="replace").splitlines():
        if "cage proven" in line:
            add()
            latest = {}
        elif "inferences: " in line:
            pairs = (word.split("=") for word in line.split("inferences: ")[1].split())
            latest = {name: int(n) for name, n in pairs}
    add()
    return total


def parsed() -> argparse.Namespace:
    """Return the options."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ticks", type=int, default=TICKS, help="ticks with both modalities")
    parser.add_argument("--speed", type=float, default=16.0, help="1 is real time")
    parser.add_argument("--tick-hz", type=float, default=1.0, help="of the publisher, at most 5")
    parser.add_argument("--minutes", type=float, help="stop after this long, whatever was reached")
    parser.add_argument("--calm-ticks", type=int, default=600, help="between two faults")
    parser.add_argument("--fatal-share", type=float, default=0.25, help="of the run with kills")
    parser.add_argument("--only", default="", help="part of a fault's name; 'none' for no faults")
    parser.add_argument("--watchdog-s", type=float, default=30.0, help="as the units set it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the report here")
    parser.add_argument("--plot", type=Path, help="write the plot here, as SVG")
    parser.add_argument("--logs", type=Path, help="keep what the processes say in this folder")
    return parser.parse_args()


def main() -> int:
    """Soak, tell and judge."""
    args = parsed()
    end_s = None if args.minutes is None else 60 * args.minutes
    plan = Plan(
        args.ticks, args.speed, args.tick_hz, args.seed, args.calm_ticks, args.fatal_share,
        args.only, end_s, args.watchdog_s,
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        video, audio = clip(folder)
        with ExitStack() as stack:
            soak = Soak(plan, folder, video, audio, stack)
            soak.run()
            told = report(soak, time.monotonic() - soak.started_s)
        if args.logs is not None:
            args.logs.mkdir(parents=True, exist_ok=True)
            for log in folder.glob("*.log"):
                (args.logs / log.name).write_bytes(log.read_bytes())
    if args.plot is not None:
        args.plot.write_text(plot(told), encoding="utf-8")
    if args.json is not None:
        args.json.write_text(json.dumps(told, indent=1), encoding="utf-8")
    hidden = {"samples", "faults", "restarts"}
    print(json.dumps({key: value for key, value in told.items() if key not in hidden}, indent=1))
    codes = {"broken": BROKEN, "held": ExitCode.DONE}
    return codes.get(told["verdict"], ExitCode.FINISHED_IN_PART)


if __name__ == "__main__":
    sys.exit(main())
