"""One contestant in a process of its own, spoken to over pipes: JSON line in, nanoseconds out.

python bench_worker.py CONTESTANT INPUTS CORE

Runs in the environment of the contestant, which may have nothing of this project installed.
``{"runs": 5}`` is answered by ``{"cpu_ns": [...], "wall_ns": [...]}``; an empty line or the end of
the input ends it. What libraries print goes to standard error.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS",
           "TF_NUM_INTEROP_THREADS", "NUMEXPR_NUM_THREADS")  # fmt: skip


def memory_mb() -> float:
    """Return the resident memory of this process, in MB."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def main() -> None:
    """Load, answer requests, end."""
    contestant, inputs = sys.argv[1], Path(sys.argv[2])
    os.sched_setaffinity(0, {int(sys.argv[3])})
    for name in THREADS:
        os.environ.setdefault(name, "1")
    # Libraries that print must not get between the answers.
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    sys.path.insert(0, str(Path(__file__).resolve().parent))

    def answer(**told: object) -> None:
        answers.write(json.dumps(told) + "\n")
        answers.flush()

    from bench_contestants import CONTESTANTS

    started_ns = time.monotonic_ns()
    try:
        work = CONTESTANTS[contestant](inputs)
        loaded_ns = time.monotonic_ns()
        shown = work()
    except Exception as error:
        answer(failed=f"{type(error).__name__}: {error}"[:300])
        raise SystemExit(1) from error
    answer(
        load_s=(loaded_ns - started_ns) / 1e9,
        first_s=(time.monotonic_ns() - started_ns) / 1e9,
        shown=str(shown)[:200],
    )
    for line in sys.stdin:
        if not line.strip():
            break
        cpu_ns, wall_ns = [], []
        for _ in range(json.loads(line)["runs"]):
            cpu, wall = time.process_time_ns(), time.perf_counter_ns()
            work()
            wall_ns.append(time.perf_counter_ns() - wall)
            cpu_ns.append(time.process_time_ns() - cpu)
        answer(cpu_ns=cpu_ns, wall_ns=wall_ns, memory_mb=memory_mb())


if __name__ == "__main__":
    main()
