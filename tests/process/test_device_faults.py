"""A microphone that vanishes from a real sensing process, and what its camera makes of it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "contract")]
from pulse import why_not  # noqa: E402 (found only now)

from benchmarks.device_faults import Records, real_faults, suffer  # noqa: E402 (as above)


def test_a_sound_device_that_vanishes_is_told_at_once_and_heard_again_when_it_is_back(
    tmp_path: Path,
) -> None:
    if (reason := why_not()) is not None:
        pytest.skip(reason)
    with ExitStack() as stack:
        records = Records()
        fault = real_faults(tmp_path, stack, records)[0]
        outcome = suffer(fault, records)
    assert outcome.told_as == "missing"
    assert outcome.told_after_s is not None
    assert outcome.told_after_s < 5.0
    assert outcome.mended_after_s is not None
    assert outcome.mended_after_s < 10.0
    assert outcome.other.startswith("camera ok, at least ")
    assert not outcome.other.endswith(" 0 Hz")
