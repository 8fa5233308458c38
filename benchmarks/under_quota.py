"""What sensing does under a CPU quota that is too small for it, with its governor and without.

Usage, as root: python benchmarks/under_quota.py [--quota 0.08] [--seconds 40] [--rigid]

A process of its own goes into a control group with that quota (in processors) and senses one face
at ten frames a second, and the noise of a room, both made beforehand. Printed is what its records
say, every ten seconds: the most common buckets of frame rate, latency and lost input, as they are
in `health`. With `--rigid` nothing governs it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parent))

from empty_room import Hush, Room

from edge_affect.clock import MonotonicClock
from edge_affect.config import Config
from edge_affect.publishing.payload import sensing_payload
from edge_affect.sensing.allowance import Allowance
from edge_affect.sensing.assembly import build_governor, build_pipeline
from edge_affect.sensing.daemon import Ports, Schedule, SensingDaemon, workers_over

if TYPE_CHECKING:
    from edge_affect.record import AffectRecord

PERIOD_US = 100_000
PART_S = 10.0
TOLD = ("frame_rate_hz", "latency_ms", "dropped")


class Counted:
    """Counts what records say of the health of sensing."""

    def __init__(self) -> None:
        self.told: Counter[tuple[str, ...]] = Counter()

    def send(self, record: AffectRecord) -> None:
        """Count one."""
        payload = sensing_payload(record)
        self.told[tuple(str(payload[name]) for name in TOLD)] += 1


def sense(seconds: float, *, is_rigid: bool) -> None:
    """Sense and print."""
    clock, room, counted = MonotonicClock(), Room(), Counted()
    room.has_face = True
    pipeline = build_pipeline(Config(), clock, has_sound=True, has_pictures=True)
    workers = workers_over(Hush(), room, pipeline, clock)
    governor = build_governor(Config(), clock, Allowance.here(), pipeline, room)
    daemon = SensingDaemon(
        pipeline,
        workers,
        Ports(counted, None),
        Schedule(4.0, 3600.0),
        clock,
        None if is_rigid else governor,
    )
    print(f"may use {Allowance.here().n_processors():g} processors", flush=True)
    thread = threading.Thread(target=daemon.run)
    thread.start()
    for part in range(round(seconds / PART_S)):
        counted.told.clear()
        began_cpu_s = time.process_time()
        time.sleep(PART_S)
        used = (time.process_time() - began_cpu_s) / PART_S
        if not counted.told:
            print(f"{(part + 1) * PART_S:4.0f} s: not a single record", flush=True)
            continue
        [(told, _)] = counted.told.most_common(1)
        shown = ", ".join(f"{name} {value}" for name, value in zip(TOLD, told, strict=True))
        print(f"{(part + 1) * PART_S:4.0f} s: {shown}; used {used:.3f} processors", flush=True)
    daemon.stop()
    thread.join()


def limited_group(quota: float) -> Path:
    """Make a control group with a quota, of whichever kind this machine has."""
    top = Path("/sys/fs/cgroup")
    older = next((top / n for n in ("cpu", "cpu,cpuacct") if (top / n).is_dir()), None)
    group = (older or top) / f"edge-affect-quota-{os.getpid()}"
    group.mkdir()
    if older is None:
        (group / "cpu.max").write_text(f"{round(quota * PERIOD_US)} {PERIOD_US}")
    else:
        (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (group / "cpu.cfs_quota_us").write_text(str(round(quota * PERIOD_US)))
    return group


def main() -> None:
    """Put a process into a group of its own and let it sense."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quota", type=float, default=0.08)
    parser.add_argument("--seconds", type=float, default=40.0)
    parser.add_argument("--rigid", action="store_true")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.inside is not None:
        (args.inside / "cgroup.procs").write_text(str(os.getpid()))
        sense(args.seconds, is_rigid=args.rigid)
        return
    group = limited_group(args.quota)
    try:
        subprocess.run([sys.executable, *sys.argv, "--inside", str(group)], check=True)
    finally:
        group.rmdir()


if __name__ == "__main__":
    main()
