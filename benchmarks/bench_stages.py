"""The stages of the box in rounds, as JSON: ``python bench_stages.py INPUTS SECONDS CORE``.

Prints ``{"stages": [{"name", "of", "rounds": [[ms, ...], ...]}, ...]}``.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from bench_contestants import clip_parts

from edge_affect.stage_times import all_stages, time_in_turns


def main() -> None:
    """Measure and print."""
    inputs, for_s = Path(sys.argv[1]), float(sys.argv[2])
    os.sched_setaffinity(0, {int(sys.argv[3])})
    stages = all_stages(clip_parts(inputs))
    time_in_turns(stages, 0.0, n_warm=10)
    rounds: dict[str, list[list[float]]] = {stage.name: [] for stage in stages}
    ends_s = time.monotonic() + for_s
    while time.monotonic() < ends_s or len(rounds[stages[0].name]) < 2:
        for name, times_ms in time_in_turns(stages, 0.0, n_warm=1).items():
            rounds[name].append(times_ms)
    told = [{"name": one.name, "of": one.of, "rounds": rounds[one.name]} for one in stages]
    print(json.dumps({"stages": told}))


if __name__ == "__main__":
    main()
