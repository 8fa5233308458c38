"""A small soak: the real processes under the supervisor, with a few faults; and what judges it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

from soak_figures import Sample, growth, judged, memory_slope, sample  # noqa: E402

PROGRAM = [sys.executable, str(ROOT / "benchmarks" / "soak.py")]


def held(tick, memory_mb, n_fds=20, n_threads=5, life=1, *, is_calm=True):
    return Sample(tick, life, is_calm, memory_mb, memory_mb + 40, 0.0, n_fds, n_threads)


def series(slope_mb_a_day, n=300, **more):
    """Samples of a process whose memory grows so fast, with noise that repeats."""
    ticks = range(0, n * 300, 300)
    return [
        held(t, 60 + slope_mb_a_day * t / 86_400 + 0.05 * (t // 300 % 7), **more) for t in ticks
    ]


@pytest.mark.parametrize(
    ("slope_mb", "verdict"), [(0.0, "held"), (0.5, "held"), (3.0, "broken"), (40.0, "broken")]
)
def test_a_slope_is_found_and_judged(slope_mb, verdict):
    slope = memory_slope(series(slope_mb), warm_up_ticks=3000)
    assert slope.value == pytest.approx(slope_mb, abs=0.2)
    assert slope.low <= slope_mb + 0.05
    assert slope.high >= slope_mb - 0.05
    assert slope.verdict == verdict


def test_a_short_run_proves_nothing():
    assert memory_slope(series(0.0, n=6), warm_up_ticks=0).verdict == "too short to tell"
    assert memory_slope(series(0.0, n=3), warm_up_ticks=0) is None


def test_a_start_is_not_taken_for_growth():
    """Each life is a line of its own, and warms up."""
    first = [held(t, 90 - 30 * (t > 900)) for t in range(0, 9000, 300)]
    second = [held(t + 9000, 70 - 10 * (t > 900), life=2) for t in range(0, 9000, 300)]
    assert memory_slope(first + second, warm_up_ticks=1000).value == 0.0


def test_descriptors_and_threads_that_stay_are_growth():
    leaking = [held(t, 60, n_fds=20 + t // 3000, n_threads=5) for t in range(0, 30_000, 300)]
    told = judged({"sense": leaking}, 1000)["sense"]
    assert told["grew"] == ["n_fds"]
    assert growth(leaking, 1000, "n_threads") == 0.0
    disturbed = [held(t, 60, n_fds=20 + 9 * (t > 20_000), is_calm=t <= 20_000)
                 for t in range(0, 30_000, 300)]  # fmt: skip
    assert judged({"sense": disturbed}, 1000)["sense"]["grew"] == []


def test_a_real_process_is_sampled():
    with subprocess.Popen(["sleep", "9"]) as process:
        one = sample(process.pid, 7, 2, is_calm=True)
        assert (one.tick, one.life, one.n_threads) == (7, 2, 1)
        assert one.n_fds >= 3
        process.kill()
    assert sample(process.pid, 8, 2, is_calm=True) is None


def test_a_hanging_stage_is_restarted_by_the_watchdog(tmp_path):
    report = tmp_path / "soak.json"
    done = subprocess.run(
        [*PROGRAM, "--ticks", "40", "--calm-ticks", "25", "--speed", "8", "--only", "hangs",
         "--fatal-share", "1", "--watchdog-s", "2", "--minutes", "5", "--json", str(report),
         "--plot", str(tmp_path / "soak.svg")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert report.exists(), done.stderr
    told = json.loads(report.read_text())
    assert told["stuck"] == [], done.stdout
    assert told["faults"]
    first = told["faults"][0]
    assert first["seen_after_s"] is not None, told
    assert first["recovered_after_s"] is not None, told
    assert "watchdog, sensing." in first["seen_as"] or "watchdog, record_age" in first["seen_as"]
    restart = told["restarts"]["sense"][0]
    assert restart["by_watchdog"]
    # SIGABRT after the period, and two seconds later SIGKILL where that did not do.
    assert 2.0 <= restart["silent_s"] <= 40.0
    assert told["ticks_with_both_modalities"] >= 20
    assert (tmp_path / "soak.svg").read_text().startswith("<svg")
