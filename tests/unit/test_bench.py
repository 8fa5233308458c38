"""``make bench``: contestants take turns, intervals are what they say, the page is its results."""

import json
import re
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest

from edge_affect import demo_clip
from edge_affect.stage_times import WHOLE_FILM, WHOLE_PICTURE, WHOLE_SOUND, read_parts

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
import bench
import bench_environments as environments
from bench_boards import BOARDS, LAYERS, estimates, factors, mobilenet_param
from bench_contestants import CONTESTANTS
from bench_figures import quantiles, ratio
from bench_page import BEGIN, END, draw_footprint, draw_ratios, put_between, text_of, write_page
from bench_rounds import WorkerError, interleave, start, stopped_at_the_end

ROOT = Path(__file__).resolve().parents[2]
WORKER = ROOT / "benchmarks" / "bench_worker.py"
FAKES = """
import time
from pathlib import Path

def taking(ms):
    def load(inputs):
        def work():
            with (inputs / "order").open("a") as file:
                file.write(f"{ms} ")
            ends = time.process_time() + ms / 1000
            while time.process_time() < ends:
                pass
            return ms
        return work
    return load

def broken(inputs):
    raise RuntimeError("no such weights")

def noisy(inputs):
    print("a library that prints")
    return lambda: print("again")

def short_lived(inputs):
    left = [4]
    def work():
        left[0] -= 1
        if not left[0]:
            raise SystemExit(3)
    return work

CONTESTANTS = {"quick": taking(5), "slow": taking(15), "broken": broken, "noisy": noisy,
               "short_lived": short_lived}
"""


@pytest.fixture
def fakes(tmp_path):
    """A folder with the real worker and contestants whose times are known."""
    (tmp_path / "bench_worker.py").write_text(WORKER.read_text())
    (tmp_path / "bench_contestants.py").write_text(textwrap.dedent(FAKES))
    core = min(bench.os.sched_getaffinity(0))

    def begin(name: str):
        command = [
            sys.executable,
            str(tmp_path / "bench_worker.py"),
            name,
            str(tmp_path),
            str(core),
        ]
        return start(name, command, tmp_path / f"{name}.log")

    return begin


def test_contestants_take_turns_and_their_times_are_theirs(fakes, tmp_path):
    workers = [fakes("quick"), fakes("slow")]
    with stopped_at_the_end(workers):
        for worker in workers:
            worker.warm_up(2, 0.03)
        (tmp_path / "order").unlink()
        assert interleave(workers, 5) == {}
    assert [worker.process.poll() for worker in workers] == [0, 0]
    quick, slow = workers
    assert len(quick.cpu_ms) == len(slow.cpu_ms) == 5
    assert 2 <= quick.n_runs <= 6
    assert 1 <= slow.n_runs <= 2
    ran = (tmp_path / "order").read_text().split()
    turns = [one for place, one in enumerate(ran) if place == 0 or ran[place - 1] != one]
    # Ten turns in pairs; where a pair ends as the next one begins, two turns look like one.
    assert 6 <= len(turns) <= 10
    assert ran.count("5") == 5 * quick.n_runs
    assert ran.count("15") == 5 * slow.n_runs
    middle, low, high = ratio(slow.cpu_ms, quick.cpu_ms)
    # What else a run takes is in both, and more of it in the quicker one.
    assert 2.0 < low <= middle <= high < 3.5
    assert quick.memory_mb > 1


def test_a_contestant_that_cannot_start_says_why(fakes):
    with pytest.raises(WorkerError, match="RuntimeError: no such weights"):
        fakes("broken")


def test_what_libraries_print_does_not_get_between_the_answers(fakes, tmp_path):
    worker = fakes("noisy")
    with stopped_at_the_end([worker]):
        assert len(worker.ask(3)["cpu_ns"]) == 3
    assert "a library that prints" in (tmp_path / "noisy.log").read_text()


def test_one_that_dies_is_left_out_and_told(fakes):
    workers = [fakes("short_lived"), fakes("quick")]
    with stopped_at_the_end(workers):
        failed = interleave(workers, 5)
    assert list(failed) == ["short_lived"]
    assert "ended" in failed["short_lived"]
    assert len(workers[1].cpu_ms) == 5


def test_intervals_hold_the_truth_as_often_as_they_say():
    generator = np.random.default_rng(1)
    n_held = 0
    for _ in range(60):
        # A ratio of 0.5; each round has a speed of its own, which both sides share.
        speeds = generator.lognormal(0.0, 0.3, 25)
        ours = [speed * generator.lognormal(0.0, 0.2, 9) for speed in speeds]
        theirs = [speed * 2.0 * generator.lognormal(0.0, 0.2, 9) for speed in speeds]
        middle, low, high = ratio(ours, theirs)
        assert low <= middle <= high
        assert high - low < 0.2
        n_held += low <= 0.5 <= high
    assert 50 <= n_held <= 60


def test_a_ratio_needs_the_same_rounds():
    with pytest.raises(ValueError, match="same rounds"):
        ratio([[1.0]], [[1.0], [2.0]])


def test_quantiles_of_few_times_are_left_out():
    told = quantiles([list(range(1, 101))] * 3)
    assert told["p50"] == pytest.approx([50.5, 50.5, 50.5])
    assert told["p95"][0] == pytest.approx(95.05)
    assert told["p99"] is not None
    assert quantiles([[1.0] * 40] * 3)["p99"] is None


def test_estimates_are_the_times_times_the_factors():
    (pi5,) = [board for board in BOARDS if "Pi 5" in board.name]
    assert factors(pi5, 2 * pi5.seven_zip_mips, 22.44) == pytest.approx([2.0, 1.0, 41.19 / 22.44])
    told = {one["board"]: one for one in estimates({"frame": 10.0}, 2 * pi5.seven_zip_mips, 22.44)}
    assert told[pi5.name]["estimates_ms"] == {"frame": [10.0, 20.0]}
    assert estimates({"frame": 10.0}, None, None) == []


def test_the_network_that_boards_are_compared_by_is_mobilenet():
    lines = mobilenet_param().splitlines()
    assert lines[0] == "7767517"
    assert lines[1] == f"{len(lines) - 2} {len(lines) - 2}"
    # 4.2 million weights, as published; each kind of layer as often as published.
    weights = sum(int(size) for size in re.findall(r" [26]=(\d{3,})", "\n".join(lines[3:])))
    assert weights == pytest.approx(4.2e6, rel=0.02)
    assert sum(line.startswith("ConvolutionDepthWise") for line in lines) == len(LAYERS) == 13


def test_every_contestant_is_listed_compared_and_pinned():
    names = [entry.name for entry in bench.ENTRIES]
    assert sorted(names) == sorted(CONTESTANTS)
    compared = {name for _, ours, peers in bench.COMPARISONS for name in (ours, *peers)}
    assert compared == set(names) - {"ncnn_mobilenet"}
    for name in {entry.environment for entry in bench.ENTRIES}:
        lines = environments.pins(name).read_text().splitlines()
        wanted = [line for line in lines if line and not line.startswith("#")]
        assert wanted
        assert all("==" in line for line in wanted), name


def test_an_environment_that_cannot_be_made_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(environments, "ROOT", tmp_path)
    monkeypatch.setattr(environments, "PINS", tmp_path)
    (tmp_path / "nobody.txt").write_text("no-such-package-here==1.0\n")
    pip = environments.python("nobody")
    pip.parent.mkdir(parents=True)
    pip.write_text("#!/bin/sh\necho 'ERROR: No matching distribution' >&2\nexit 1\n")
    pip.chmod(0o755)
    assert environments.ensure("nobody") == "ERROR: No matching distribution"
    # Not taken for made afterwards, but tried again.
    assert environments.ensure("nobody") is not None
    pip.write_text("#!/bin/sh\nexit 0\n")
    assert environments.ensure("nobody") is None
    pip.write_text("#!/bin/sh\nexit 1\n")
    assert environments.ensure("nobody") is None


def test_our_contestants_and_stages_run_on_what_is_given_to_all(tmp_path):
    bench.write_inputs(read_parts(*demo_clip.ensure()), tmp_path)
    ours = [entry.name for entry in bench.ENTRIES if entry.name.startswith("ours_")]
    assert len(ours) == 8
    for name in ours:
        work = CONTESTANTS[name](tmp_path)
        # Prosody is told once its window of 2.5 s is full.
        assert [work() for _ in range(3)][-1] is not None, name
    script = ROOT / "benchmarks" / "bench_stages.py"
    core = str(min(bench.os.sched_getaffinity(0)))
    command = [sys.executable, str(script), str(tmp_path), "0", core]
    told = json.loads(bench.subprocess.run(command, capture_output=True, check=True).stdout)
    assert len(told["stages"]) == 15
    assert all(len(one["rounds"]) == 2 for one in told["stages"])


def results() -> dict:
    return json.loads(bench.RESULTS.read_text())


def test_the_page_and_its_plots_are_made_of_the_results(tmp_path):
    page = (ROOT / "docs" / "performance.md").read_text()
    between = page.partition(BEGIN)[2].partition(END)[0].strip()
    assert between == text_of(results()).strip()
    for name, drawn in (("ratios", draw_ratios), ("footprint", draw_footprint)):
        assert (ROOT / "docs" / f"performance-{name}.svg").read_text() == drawn(results()), name
    (tmp_path / "performance.md").write_text(f"before\n{BEGIN}\n{END}\n## Budgets\n")
    write_page(results(), tmp_path)
    made = (tmp_path / "performance.md").read_text()
    assert made.startswith("before\n")
    assert made.endswith(f"{END}\n## Budgets\n")
    with pytest.raises(SystemExit, match="marks"):
        put_between("a page without marks", "text")


def test_the_results_hold_what_is_promised():
    told = results()
    assert re.fullmatch(r"[0-9a-f]{12}", told["commit"])
    assert told["protocol"]["threads"] == 1
    assert told["protocol"]["rounds"] >= 10
    assert {entry.name for entry in bench.ENTRIES} == set(told["contestants"])
    for one in told["contestants"].values():
        assert "failed" in one or one["cpu_ms"]["p50"][0] > 0
    for one in told["comparisons"]:
        middle, low, high = one["ratio"]
        assert 0 < low <= middle <= high
    shown = {one["name"] for one in told["stages"]}
    assert {WHOLE_FILM, WHOLE_PICTURE, WHOLE_SOUND} < shown
    assert len(shown) == 15
    assert len(told["boards"]) == 4


def test_the_headline_ratios_in_the_readme_are_those_of_the_results():
    lines = (ROOT / "README.md").read_text().splitlines()
    (line,) = [line for line in lines if "`make bench`" in line and line.startswith("|")]
    told = {(one["ours"], one["peer"]): one["ratio"][0] for one in results()["comparisons"]}
    ratios = [bench.headline(told[pair]) for pair in bench.HEADLINES]
    assert re.findall(r"[:;] (\d[\d.]*) ", line.split("|")[3]) == ratios
