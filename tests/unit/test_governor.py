"""How hard sensing works: soon less, late more, never to and fro; clocks and boards are ours."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from edge_affect.board import hottest_c, is_held_back
from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.sensing.allowance import Allowance
from edge_affect.sensing.governor import (
    EFFORTS,
    LEAST_HZ,
    LOOK_S,
    REST_HZ,
    Dials,
    Effort,
    Gauges,
    Governor,
    Limits,
    Strain,
)

LIMITS = Limits(hot_c=75.0, cpu_share=0.85)
CALM = Strain(0.1, 0.1, 50.0)


class Board:
    """An effort under a strain that may depend on it, looked at twice a second."""

    def __init__(self) -> None:
        self.effort, self.now_s = Effort(LIMITS, 0), 0.0
        self.moves: list[tuple[float, float]] = []

    def run(self, seconds: float, strain) -> None:
        for _ in range(round(seconds / LOOK_S)):
            self.now_s += LOOK_S
            now = strain(self.effort.share) if callable(strain) else strain
            if self.effort.heed(now, round(self.now_s * NS_PER_S)):
                self.moves.append((self.now_s, self.effort.share))


def test_calm_changes_nothing() -> None:
    board = Board()
    board.run(3600.0, CALM)
    assert board.moves == []


@pytest.mark.parametrize(
    "strain",
    [
        Strain(1.0, 0.3, 50.0),
        Strain(0.3, 0.95, 50.0),
        Strain(0.3, 0.3, 80.0),
        Strain(0.3, 0.3, None, is_held_back=True),
    ],
)
def test_each_kind_of_strain_steps_down_within_5_s_and_on_to_the_end(strain: Strain) -> None:
    board = Board()
    board.run(5.0, strain)
    assert board.moves[0][1] == EFFORTS[1]
    board.run(120.0, strain)
    assert [share for _, share in board.moves] == list(EFFORTS[1:])


def test_a_moment_of_strain_is_none() -> None:
    board = Board()
    for _ in range(100):
        board.run(1.5, Strain(1.0, 1.0, 90.0))
        board.run(1.0, CALM)
    assert board.moves == []


def test_heat_is_given_time_to_follow_a_step() -> None:
    board = Board()
    board.run(30.0, Strain(0.1, 0.1, 80.0))
    assert [at_s for at_s, _ in board.moves] == pytest.approx([2.5, 12.5, 22.5], abs=1.0)


def test_it_comes_back_a_step_at_a_time_and_late() -> None:
    board = Board()
    board.run(60.0, Strain(1.0, 0.5))
    assert board.effort.share == EFFORTS[-1]
    began_s = board.now_s
    board.run(200.0, CALM)
    back = [(at_s - began_s, share) for at_s, share in board.moves if at_s > began_s]
    assert [share for _, share in back] == list(EFFORTS[-2::-1])
    gaps_s = [b - a for (a, _), (b, _) in itertools.pairwise(back)]
    assert min(gaps_s) >= 20.0


@pytest.mark.parametrize("full_load", [1.05, 1.3, 2.0, 4.0])
def test_a_load_that_follows_the_rate_finds_its_step_and_stays(full_load: float) -> None:
    """The step above would be too much, and it is known without trying."""
    board = Board()
    board.run(3600.0, lambda share: Strain(min(1.0, full_load * 0.8 * share), 0.1, 50.0))
    steps = [share for _, share in board.moves]
    assert steps == list(EFFORTS[1 : 1 + len(steps)])
    assert full_load * steps[-1] <= 1.0


def test_a_board_that_heats_up_again_is_tried_less_and_less_often() -> None:
    """Cool at the lower step, hot at full: the worst case for flapping."""
    board = Board()
    board.run(4 * 3600.0, lambda share: Strain(0.1, 0.1, 80.0 if share == 1.0 else 60.0))
    ups_s = [at_s for at_s, share in board.moves if share == 1.0]
    assert board.moves[-1][0] > 3.5 * 3600
    gaps_s = [b - a for a, b in itertools.pairwise(ups_s)]
    assert gaps_s[0] < 60.0
    assert min(gaps_s[5:]) > 300.0
    assert len(ups_s) < 55


def test_between_the_limit_and_cool_nothing_moves() -> None:
    board = Board()
    board.run(3.0, Strain(0.1, 0.1, 76.0))
    board.run(3600.0, Strain(0.1, 0.1, 72.0))
    assert len(board.moves) == 1
    board.run(30.0, Strain(0.1, 0.1, 69.0))
    assert board.effort.share == 1.0


# ---- gauges and dials ----


class Worker:
    busy_ns = 0


class Machine:
    """A governor over a worker, a processor and a board that tests move."""

    def __init__(self, frame_rate_hz: float = 10.0) -> None:
        self.clock, self.worker = ManualClock(), Worker()
        self.cpu_ns, self.celsius, self.held_back, self.is_at_rest = 0, 40.0, False, False
        self.rates_hz: list[float] = []
        self.eased: list[float] = []
        gauges = Gauges(
            self.clock,
            Allowance(()),
            lambda: self.celsius,
            lambda: self.held_back,
            lambda: self.cpu_ns,
        )
        dials = Dials(self.rates_hz.append, self.eased.append, lambda: self.is_at_rest)
        self.governor = Governor(self.clock, gauges, dials, LIMITS, frame_rate_hz)

    def run(self, seconds: float, busy: float = 0.1) -> None:
        for _ in range(round(seconds / 0.1)):
            self.clock.sleep(0.1)
            self.worker.busy_ns += round(busy * 0.1 * NS_PER_S)
            self.governor.step((self.worker,))


def test_a_busy_thread_slows_the_camera_and_the_models_down() -> None:
    machine = Machine()
    machine.run(4.0, busy=0.9)
    assert (machine.rates_hz, machine.eased) == ([7.0], [0.7])
    machine.run(60.0, busy=0.9)
    assert machine.rates_hz[-1] == 1.5
    machine.run(400.0)
    assert (machine.rates_hz[-1], machine.eased[-1]) == (10.0, 1.0)


def test_a_slow_camera_is_never_paced_below_a_frame_a_second() -> None:
    machine = Machine(frame_rate_hz=2.0)
    machine.celsius = 90.0
    machine.run(120.0)
    assert machine.rates_hz[-1] == LEAST_HZ
    assert min(machine.rates_hz) == LEAST_HZ


def test_an_empty_room_is_looked_at_less_often_until_something_moves() -> None:
    machine = Machine()
    machine.run(1.0)
    machine.is_at_rest = True
    machine.run(1.0)
    assert machine.rates_hz == [REST_HZ]
    machine.is_at_rest = False
    machine.run(0.6)
    assert machine.rates_hz == [REST_HZ, 10.0]
    assert machine.eased == []


def test_a_quota_makes_the_same_work_a_strain(tmp_path: Path) -> None:
    clock, spent = ManualClock(), [0]
    (tmp_path / "cpu.max").write_text("50000 100000\n")
    gauges = Gauges(clock, Allowance((tmp_path,)), lambda: None, lambda: False, lambda: spent[0])
    clock.sleep(1.0)
    spent[0] += NS_PER_S // 2
    assert gauges.read(()) == Strain(0.0, 1.0, None)
    (tmp_path / "cpu.max").write_text("max 100000\n")
    clock.sleep(1.0)
    spent[0] += NS_PER_S // 2
    assert gauges.read(()).cpu_share <= 0.5


# ---- what the kernel says ----


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "sys/fs/cgroup").mkdir(parents=True)
    return tmp_path


def test_the_tightest_quota_on_the_way_up_counts(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("0::/system.slice/edge-affect-sense.service\n")
    own = root / "sys/fs/cgroup/system.slice/edge-affect-sense.service"
    own.mkdir(parents=True)
    allowance = Allowance.here(root)
    free = allowance.n_processors()
    assert free >= 1.0
    (own / "cpu.max").write_text("60000 100000\n")
    assert allowance.n_processors() == pytest.approx(0.6)
    (own.parent / "cpu.max").write_text("25000 100000\n")
    assert allowance.n_processors() == pytest.approx(0.25)
    for folder in (own, own.parent):
        (folder / "cpu.max").write_text("max 100000\n")
    assert allowance.n_processors() == free


def test_the_older_control_groups_are_read_as_well(root: Path) -> None:
    (root / "proc/self/cgroup").write_text("3:cpuset:/x\n1:cpu,cpuacct:/box\n0::/\n")
    own = root / "sys/fs/cgroup/cpu,cpuacct/box"
    own.mkdir(parents=True)
    (own / "cpu.cfs_quota_us").write_text("20000\n")
    (own / "cpu.cfs_period_us").write_text("100000\n")
    (own.parent / "cpu.cfs_quota_us").write_text("-1\n")
    (own.parent / "cpu.cfs_period_us").write_text("100000\n")
    assert Allowance.here(root).n_processors() == pytest.approx(0.2)


def test_without_control_groups_the_processors_count(tmp_path: Path) -> None:
    assert Allowance.here(tmp_path).n_processors() >= 1.0


@pytest.mark.parametrize(
    ("text", "is_so"),
    [("0\n", False), ("50000\n", False), ("0x50005\n", True), ("8\n", True), ("?", False)],
)
def test_a_raspberry_pi_says_what_is_now_and_what_was(
    tmp_path: Path, text: str, is_so: bool
) -> None:
    flags = tmp_path / "get_throttled"
    flags.write_text(text)
    assert is_held_back(flags, tmp_path) is is_so
    assert not is_held_back(tmp_path / "none", tmp_path)


@pytest.mark.parametrize(
    ("kind", "state", "is_so"),
    [("cpufreq-cpu0", 2, True), ("thermal-cpufreq-0", 0, False), ("pwm-fan", 3, False)],
)
def test_a_processor_that_cools_by_slowing_down_is_held_back(
    tmp_path: Path, kind: str, state: int, is_so: bool
) -> None:
    folder = tmp_path / "cooling_device0"
    folder.mkdir()
    (folder / "type").write_text(kind + "\n")
    (folder / "cur_state").write_text(f"{state}\n")
    assert is_held_back(tmp_path / "none", tmp_path) is is_so


def test_the_hottest_zone_counts_and_one_that_sleeps_does_not(tmp_path: Path) -> None:
    assert hottest_c(tmp_path) is None
    for number, text in enumerate(("41500\n", "78250\n", "")):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}/temp").write_text(text)
    assert hottest_c(tmp_path) == 78.25
