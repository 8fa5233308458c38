"""What devices do wrong: how soon it is told, how soon it is mended, what was lost meanwhile.

Usage: python benchmarks/device_faults.py [--only vanishes] [--real | --synthetic]

Real faults happen to a real `edge-affect sense` that listens to a private PulseAudio and draws its
own pictures; no cage, since none reaches a sound server, so that its records are printed. Faults
that need a device of their own happen to synthetic ones under the same workers and daemon. Times
are taken here, at 20 records a second:

- told after: from the fault to the first record that says so;
- mended after: from the end of the fault to the first record that says that all is well;
- lost: time without that source beyond the fault itself; a device that is silent or clips goes on
  delivering, so nothing is; where the process stopped, the longest time without a record;
- the other device: what the same records say of it meanwhile, at its slowest.

A fault begins when all was well for three seconds, lasts until it was told, and two seconds more.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "contract")]

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.capture.synthetic import SyntheticVideo

TICK_HZ = 5.0
SINK = "stereo48"
PATIENCE_S = 15.0
HOLD_S = 2.0
CALM_S = 3.0
LEAST_HZ = (0.0, 0.5, 2.0, 5.0, 8.0, 12.0, 20.0)
MUCH = 5
"""Bucket of lost input, a quarter and more, that tells of a stop; a busy machine loses a little."""
GONE = ("missing", "stalled")
CONFIG = f"""
[deployment]
setting = "home"
jurisdiction = "other"
purpose = "measuring faults"
contact = "nobody@example.org"
[audio]
device = "{SINK}"
[video]
source = "synthetic"
[sensing]
no_source_timeout_s = 3600.0
[publish]
tick_hz = {TICK_HZ}
"""
OTHER = {"microphone": "camera", "camera": "microphone"}


class Records:
    """The latest records with the time at which each came; one writer, one reader."""

    def __init__(self) -> None:
        self._kept: deque[tuple[float, dict[str, Any]]] = deque(maxlen=4096)
        self._changed = threading.Condition()

    def add(self, record: dict[str, Any]) -> None:
        """Add a record that came just now."""
        with self._changed:
            self._kept.append((time.monotonic(), record))
            self._changed.notify()

    def first(self, after_s: float, is_meant: Callable[[dict[str, Any]], bool]) -> float | None:
        """Return when the first record that is meant came after a moment, or None in vain."""
        end_s = after_s + PATIENCE_S
        with self._changed:
            while True:
                for at_s, record in self._kept:
                    if at_s > after_s and is_meant(record):
                        return at_s
                if not self._changed.wait(max(0.0, end_s - time.monotonic())):
                    return None

    def between(self, from_s: float, to_s: float) -> list[tuple[float, dict[str, Any]]]:
        """Return what came in a stretch of time, and when."""
        with self._changed:
            return [(at_s, record) for at_s, record in self._kept if from_s < at_s <= to_s]

    def wait_until_calm(self, is_well: Callable[[dict[str, Any]], bool]) -> bool:
        """Return whether all was well for ``CALM_S`` within twice the patience."""
        end_s = time.monotonic() + 2 * PATIENCE_S
        while time.monotonic() < end_s:
            now_s = time.monotonic()
            latest = self.between(now_s - CALM_S, now_s)
            if len(latest) > 2 * CALM_S * TICK_HZ and all(is_well(record) for _, record in latest):
                return True
            time.sleep(0.2)
        return False


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong.

    ``told`` are the states that tell of it; None is told by lost input instead.
    """

    name: str
    device: str
    begin: Callable[[], object]
    end: Callable[[], object]
    told: tuple[str, ...] | None

    def is_told(self, record: dict[str, Any]) -> bool:
        """Return whether a record tells of the fault."""
        if self.told is None:
            return int(record["drops"]) >= MUCH
        return record[self.device] in self.told

    def saying(self, record: dict[str, Any]) -> str:
        """Return what tells of it."""
        return f"drops, bucket {record['drops']}" if self.told is None else record[self.device]

    def is_mended(self, record: dict[str, Any]) -> bool:
        """Return whether a record says that all is well."""
        loses_much = self.told is None and record["drops"] >= MUCH
        return record[self.device] == "ok" and not loses_much


@dataclass(frozen=True)
class Outcome:
    """What came of a fault; times in s, None where it never came."""

    fault: str
    told_after_s: float | None
    told_as: str
    mended_after_s: float | None
    lost_s: float | None
    other: str

    @property
    def row(self) -> tuple[str, ...]:
        """The row of the table."""
        return (
            self.fault,
            _shown(self.told_after_s),
            self.told_as,
            _shown(self.mended_after_s),
            _shown(self.lost_s),
            self.other,
        )


HEADER = ("fault", "told after s", "as", "mended after s", "lost s", "the other device")


def _shown(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f}"


def suffer(fault: Fault, records: Records) -> Outcome:
    """Let one thing go wrong and come right again."""
    if not records.wait_until_calm(lambda record: fault.is_mended(record) and is_fine(record)):
        raise SystemExit(f"{fault.name}: not all is well before the fault.")
    began_s = time.monotonic()
    fault.begin()
    told_s = records.first(began_s, fault.is_told)
    time.sleep(HOLD_S if fault.told is not None else 0.0)
    ended_s = time.monotonic()
    fault.end()
    mended_s = records.first(ended_s, fault.is_mended)
    until_s = time.monotonic() if mended_s is None else mended_s
    meanwhile = records.between(began_s, until_s)
    told_as = next((fault.saying(record) for at_s, record in meanwhile if at_s == told_s), "-")
    return Outcome(
        fault.name,
        None if told_s is None else told_s - began_s,
        told_as,
        None if mended_s is None else mended_s - ended_s,
        _lost_s(fault, told_as, [began_s, *(at_s for at_s, _ in meanwhile)], until_s - ended_s),
        _other(fault, [record for _, record in meanwhile]),
    )


def is_fine(record: dict[str, Any]) -> bool:
    """Return whether neither device has anything to say."""
    return (record["microphone"], record["camera"]) == ("ok", "ok")


def _lost_s(fault: Fault, told_as: str, times_s: list[float], mending_s: float) -> float:
    if fault.told is None:
        return max(b - a for a, b in pairwise(times_s))
    return mending_s if told_as in GONE else 0.0


def _other(fault: Fault, meanwhile: list[dict[str, Any]]) -> str:
    other = OTHER[fault.device]
    states = "/".join(sorted({record[other] for record in meanwhile}))
    slowest_hz = LEAST_HZ[min(record["frame_rate"] for record in meanwhile)]
    return f"{other} {states}" + (f", at least {slowest_hz:g} Hz" if other == "camera" else "")


def sensing(
    folder: Path, env: dict[str, str], stack: ExitStack, records: Records
) -> subprocess.Popen[str]:
    """Start a real sensing process without a cage, whose records go to ``records``."""
    path = folder / "box.toml"
    path.write_text(CONFIG, encoding="utf-8")
    command = ["-m", "edge_affect", "sense", "--allow-unsandboxed", "--config", str(path)]
    log = stack.enter_context((folder / "sense.log").open("w", encoding="utf-8"))
    process = subprocess.Popen(
        [sys.executable, *command],
        env={**os.environ, **env},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=log,
        text=True,
    )
    stack.enter_context(process)

    def collect() -> None:
        for line in process.stdout or ():
            records.add(json.loads(line))

    reader = threading.Thread(target=collect)
    reader.start()
    stack.callback(reader.join)
    stack.callback(process.terminate)
    return process


def real_faults(folder: Path, stack: ExitStack, records: Records) -> list[Fault]:
    """Start a sound server and a sensing process, and return what can happen to them."""
    from pulse import LEVEL, PulseServer

    server = PulseServer(folder / "pulse", {SINK: (48_000, 2)})
    stack.callback(server.stop)
    server.start()
    process = sensing(folder, server.env, stack, records)

    def stop_and_go() -> None:
        process.send_signal(signal.SIGSTOP)
        time.sleep(4.0)
        process.send_signal(signal.SIGCONT)

    return [
        Fault(
            "microphone vanishes and comes back",
            "microphone",
            lambda: server.vanish(SINK),
            lambda: server.appear(SINK),
            ("missing",),
        ),
        Fault(
            "microphone delivers zeros",
            "microphone",
            lambda: server.hush(SINK),
            lambda: server.play(SINK),
            ("silent",),
        ),
        Fault(
            "microphone clips",
            "microphone",
            lambda: server.play(SINK, 8 * LEVEL),
            lambda: server.play(SINK),
            ("poor",),
        ),
        Fault("process stopped for 4 s", "microphone", stop_and_go, lambda: None, None),
        Fault(
            "sound server dies and comes back",
            "microphone",
            server.kill,
            server.start,
            ("missing",),
        ),
    ]


def synthetic_faults(stack: ExitStack, records: Records) -> list[Fault]:
    """Start the workers and the daemon over synthetic devices; return what can happen to them."""
    from edge_affect.capture.synthetic import SyntheticAudio, SyntheticVideo
    from edge_affect.clock import MonotonicClock
    from edge_affect.config import Config
    from edge_affect.sensing.assembly import build_pipeline
    from edge_affect.sensing.daemon import Ports, Schedule, SensingDaemon, workers_over
    from edge_affect.sensing.outlet import PrintingOutlet

    class Stream:
        def write(self, line: str) -> None:
            records.add(json.loads(line))

        def flush(self) -> None:
            pass

    clock = MonotonicClock()
    sound, pictures = SyntheticAudio(clock), SyntheticVideo(clock)
    pipeline = build_pipeline(Config(), clock, has_sound=True, has_pictures=True)
    outlet: Any = PrintingOutlet(Stream())  # type: ignore[arg-type]  # all that it needs
    daemon = SensingDaemon(
        pipeline,
        workers_over(sound, pictures, pipeline, clock),
        Ports(outlet, None),
        Schedule(4 * TICK_HZ, 3600.0),
        clock,
    )
    thread = threading.Thread(target=daemon.run)
    thread.start()
    stack.callback(thread.join)
    stack.callback(daemon.stop)

    def pulled_and_taken() -> None:
        sound.occupy()
        sound.unplug()

    def free_again() -> None:
        sound.replug()
        time.sleep(5.0)
        sound.vacate()

    return [
        Fault("microphone unplugged", "microphone", sound.unplug, sound.replug, ("missing",)),
        Fault(
            "microphone comes back busy for 5 s",
            "microphone",
            pulled_and_taken,
            free_again,
            ("missing",),
        ),
        Fault("microphone hangs", "microphone", sound.freeze, sound.thaw, ("stalled", "missing")),
        Fault("microphone zeros", "microphone", sound.mute, sound.tune, ("silent",)),
        Fault("microphone clips", "microphone", sound.overdrive, sound.tune, ("poor",)),
        *camera_faults(pictures),
    ]


def camera_faults(camera: SyntheticVideo) -> list[Fault]:
    """Return what can happen to a camera."""

    def light(share: float) -> Callable[[], None]:
        return lambda: camera.light(share)

    return [
        Fault("camera unplugged", "camera", camera.unplug, camera.replug, ("missing",)),
        Fault("camera hangs", "camera", camera.freeze, camera.thaw, ("stalled",)),
        Fault("camera repeats one picture", "camera", camera.hold, camera.let_go, ("stalled",)),
        Fault("lens covered", "camera", light(0.0), light(1.0), ("silent",)),
        Fault("lamp into the lens", "camera", light(4.0), light(1.0), ("poor",)),
        Fault("lights out but for a little", "camera", light(0.2), light(1.0), ("poor",)),
    ]


def measure(faults: list[Fault], records: Records, only: str) -> list[Outcome]:
    """Suffer the faults whose name holds ``only``, one after the other."""
    return [suffer(fault, records) for fault in faults if only in fault.name]


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="part of a fault's name")
    parser.add_argument("--real", action="store_true", help="leave the synthetic devices out")
    parser.add_argument("--synthetic", action="store_true", help="leave the real processes out")
    args = parser.parse_args()
    rows: list[tuple[str, ...]] = [HEADER, ("---",) * len(HEADER)]
    with tempfile.TemporaryDirectory() as folder:
        if not args.synthetic:
            with ExitStack() as stack:
                records = Records()
                faults = real_faults(Path(folder), stack, records)
                rows += [outcome.row for outcome in measure(faults, records, args.only)]
        if not args.real:
            with ExitStack() as stack:
                records = Records()
                faults = synthetic_faults(stack, records)
                rows += [
                    (f"{o.fault} (synthetic)", *o.row[1:])
                    for o in measure(faults, records, args.only)
                ]
    for row in rows:
        print("| " + " | ".join(row) + " |")


if __name__ == "__main__":
    main()
