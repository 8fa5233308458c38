"""What tells how hard to work can still be read once the cage has closed."""

import json
import os
import subprocess
import sys

import pytest

ASK = """
import json
from pathlib import Path
from edge_affect.board import THERMAL, hottest_c, is_held_back
from edge_affect.sensing import cage
from edge_affect.sensing.allowance import Allowance

def told():
    quotas = [str(f) for f in allowance.folders if any(f.glob("cpu.*"))]
    zones = sorted(str(p) for p in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology"))
    return [allowance.n_processors(), hottest_c(), is_held_back(), THERMAL.is_dir(), quotas, zones]

allowance = Allowance.here()
before = told()
cage.enter(cage.CagePolicy(devices=cage.MICROPHONE_DEVICES))
cage.prove()
print(json.dumps([before, told(), len(Allowance.here().folders)]))
"""


@pytest.mark.usefixtures("cage_is_possible")
def test_quota_temperature_and_flags_are_told_alike_inside_and_outside() -> None:
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    before, after, _ = json.loads(done.stdout)
    assert after == before
    assert after[0] > 0
    assert after[5]
