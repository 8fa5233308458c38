"""A microphone that vanishes from a real sensing process, and what its camera makes of it."""

from __future__ import annotations

import math
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "contract")]
from pulse import why_not  # noqa: E402 (found only now)

from benchmarks import device_faults  # noqa: E402 (found only now)
from benchmarks.device_faults import Records, real_faults, suffer  # noqa: E402 (as above)


def test_a_sound_device_that_vanishes_is_told_and_heard_again_when_it_is_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # For a machine that is slow or stands still; the benchmark takes the time.
    monkeypatch.setattr(device_faults, "PATIENCE_S", 60.0)
    monkeypatch.setattr(device_faults, "TICK_HZ", 1.0)
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with ExitStack() as stack:
        records = Records()
        fault = real_faults(tmp_path, stack, records)[0]
        began_s = []
        noted = replace(fault, begin=lambda: began_s.append(time.monotonic()) or fault.begin())
        outcome = suffer(noted, records)
    assert outcome.told_as == "missing"
    assert outcome.told_after_s is not None
    assert outcome.mended_after_s is not None
    assert outcome.other.startswith("camera ok, at least ")
    # The rate is that of the last two seconds: frames came after the fault had begun.
    meanwhile = records.between(began_s[0] + 2.0, math.inf)
    assert any(record["frame_rate"] > 0 for _, record in meanwhile)
