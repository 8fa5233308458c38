"""Differential privacy: the noise is what it claims, the sums move no further, budgets end."""

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2

from edge_affect.fusion.circumplex import valence_arousal
from edge_affect.privacy.aggregate import UNITS, Window, nearest_distribution
from edge_affect.privacy.budget import DAY_NS, PrivacyBudget
from edge_affect.privacy.discrete_laplace import bernoulli, bernoulli_exp, discrete_laplace
from edge_affect.privacy.noisy_gate import WINDOW_NS, NoisyGroupGate, Spending
from edge_affect.record import AbstainReason, People, SourceState
from edge_affect.types import ExpressionEstimate, FaceObservation, ObservedFace, SensingHealth

S = 1_000_000_000
HEALTH = SensingHealth(SourceState.OK, SourceState.OK, 10.0, 70.0, 0.0)


def seeded(seed: int):
    """A source of randomness that gives the same numbers every time."""
    return random.Random(seed).randrange  # noqa: S311 (repeatable on purpose)


# ---- the noise ----


@pytest.mark.parametrize("gamma", [Fraction(0), Fraction(1, 3), Fraction(1), Fraction(17, 5)])
def test_a_coin_of_probability_exp(gamma):
    randbelow = seeded(1)
    n = 20_000
    hits = sum(bernoulli_exp(gamma, randbelow) for _ in range(n))
    p = math.exp(-gamma)
    assert abs(hits - n * p) <= 4 * math.sqrt(n * p * (1 - p)) + 1e-9


def chi_square(samples: list[int], scale: Fraction) -> tuple[float, int]:
    """Chi-square of samples against the discrete Laplace distribution, and degrees of freedom."""
    q = math.exp(-1 / float(scale))
    n = len(samples)

    def mass(x: int) -> float:
        return (1 - q) / (1 + q) * q ** abs(x)

    # Cells of one value each while at least 20 are expected there, the tails as one cell each.
    edge = max(x for x in range(2000) if n * mass(x) >= 20)
    cells = {x: n * mass(x) for x in range(-edge, edge + 1)}
    tail = n * q ** (edge + 1) / (1 + q)
    counts = dict.fromkeys(cells, 0) | {"low": 0, "high": 0}
    for x in samples:
        counts[x if abs(x) <= edge else "low" if x < 0 else "high"] += 1
    expected = cells | {"low": tail, "high": tail}
    assert sum(expected.values()) == pytest.approx(n)
    value = sum((counts[c] - expected[c]) ** 2 / expected[c] for c in expected)
    return value, len(expected) - 1


@pytest.mark.parametrize("scale", [Fraction(1, 2), Fraction(2), Fraction(7, 3), Fraction(20)])
def test_the_noise_has_the_distribution_it_claims(scale):
    randbelow = seeded(2)
    samples = [discrete_laplace(scale, randbelow) for _ in range(10_000)]
    value, freedom = chi_square(samples, scale)
    assert 0.0005 < chi2.sf(value, freedom) < 0.9995


@pytest.mark.parametrize("wrong", ["scale", "rounded-gauss", "double-zero"])
def test_the_same_check_finds_other_noise(wrong):
    randbelow, rng = seeded(3), random.Random(3)  # noqa: S311 (repeatable on purpose)
    scale = Fraction(2)

    def draw() -> int:
        if wrong == "scale":
            return discrete_laplace(Fraction(11, 5), randbelow)
        if wrong == "rounded-gauss":
            return round(rng.gauss(0, 2.6))
        # Without the rule that zero has one sign only, zero would come twice as often.
        return 0 if bernoulli(Fraction(1, 5), randbelow) else discrete_laplace(scale, randbelow)

    samples = [draw() for _ in range(10_000)]
    value, freedom = chi_square(samples, scale)
    assert chi2.sf(value, freedom) < 0.0005


def test_one_more_or_less_is_never_much_likelier():
    # The definition itself, on what was drawn: moved by delta, no cell gains more than e^epsilon.
    epsilon, delta = 1.0, 2
    randbelow = seeded(4)
    samples = [discrete_laplace(Fraction(2), randbelow) for _ in range(40_000)]
    counts = np.bincount(np.array(samples) + 200, minlength=401)
    for x in range(-6, 7):
        here, there = counts[200 + x], counts[200 + x - delta]
        assert min(here, there) > 50
        error = 4 * math.sqrt(1 / here + 1 / there)
        assert abs(math.log(here / there)) <= epsilon + error


# ---- the sums ----

levels = st.lists(st.integers(0, 15), min_size=7, max_size=7).map(
    lambda cuts: tuple(b - a for a, b in zip([0, *sorted(cuts)], [*sorted(cuts), 15], strict=True))
)


@given(st.lists(st.lists(levels, min_size=5, max_size=9), min_size=1, max_size=8), st.data())
def test_no_person_moves_the_sums_further_than_was_worked_out(ticks, data):
    window, neighbour = Window(), Window()
    for people in ticks:
        window.add(people)
        neighbour.add([data.draw(levels), *people[1:]])
    moved = sum(
        abs(a - b) for a, b in zip(window.whole_means(), neighbour.whole_means(), strict=True)
    )
    assert moved <= window.sensitivity() == neighbour.sensitivity()


def test_the_bound_is_nearly_reached_by_somebody_who_turns_round():
    happy, sad = (0, 15, 0, 0, 0, 0, 0, 0), (0, 0, 0, 15, 0, 0, 0, 0)
    windows = []
    for shown in (happy, sad):
        window = Window()
        for _ in range(100):
            window.add([shown, *[(15, 0, 0, 0, 0, 0, 0, 0)] * 4])
        windows.append(window)
    a, b = (window.whole_means() for window in windows)
    moved = sum(abs(x - y) for x, y in zip(a, b, strict=True))
    assert moved == UNITS * 30 // 5
    assert windows[0].sensitivity() == moved + 8


def test_a_window_mostly_without_a_group_is_not_told():
    window = Window()
    window.add([(15, 0, 0, 0, 0, 0, 0, 0)] * 5)
    assert window.is_worth_telling
    window.add([])
    assert window.is_worth_telling
    window.add([])
    assert not window.is_worth_telling
    assert not Window().is_worth_telling


@given(st.lists(st.floats(-100, 100), min_size=8, max_size=8))
def test_noise_ends_as_a_distribution(values):
    moved = nearest_distribution(values, 15.0)
    assert min(moved) >= 0.0
    assert sum(moved) == pytest.approx(15.0)
    order = sorted(range(8), key=lambda i: values[i])
    assert all(moved[a] <= moved[b] + 1e-9 for a, b in itertools.pairwise(order))


# ---- the budget ----


def test_a_new_process_takes_the_day_as_spent():
    budget = PrivacyBudget(Fraction(3), 0)
    assert not budget.spend(Fraction(1), DAY_NS - 1)
    assert budget.spend(Fraction(1), DAY_NS)


def test_no_day_ever_holds_more_than_the_budget():
    budget, epsilon = PrivacyBudget(Fraction(1), 0), Fraction(1, 10)
    spent = [at for at in range(0, 4 * DAY_NS, 600 * S) if budget.spend(epsilon, at)]
    assert len(spent) == 30
    for at in spent:
        assert sum(at <= other < at + DAY_NS for other in spent) <= 10


def test_fractions_add_up_exactly():
    # Ten times a tenth as floats is less than one, and would leave room for an eleventh.
    budget = PrivacyBudget(Fraction(1), -DAY_NS)
    assert [budget.spend(Fraction(1, 10), 0) for _ in range(11)] == [True] * 10 + [False]


# ---- the gate ----


class Class:
    """Ten people in front of a gate, one look and one record every two seconds."""

    def __init__(self, daily: int = 2, n: int = 10) -> None:
        self.spending = Spending(Fraction(1), Fraction(daily))
        self.gate = NoisyGroupGate((5, 3, 0), self.spending, valence_arousal, seeded(5))
        self.at_ns = 0
        self.n = n

    def wait_a_day(self) -> None:
        """Let the first day pass, which is taken as spent; like a pause of a day."""
        self.sit(2)
        self.at_ns += DAY_NS
        self.gate.forget()

    def sit(self, seconds: float, reason: AbstainReason = AbstainReason.NONE):
        """Look on for a while and return the records."""
        from edge_affect.privacy.group_gate import withheld
        from edge_affect.privacy.noisy_gate import _NOTHING

        records = []
        for _ in range(round(seconds / 2)):
            self.at_ns += 2 * S
            p = np.full(8, 0.02)
            p[1] = 0.86
            estimate = ExpressionEstimate(p, 0.86, self.at_ns)
            faces = tuple(ObservedFace(track, estimate) for track in range(self.n))
            self.gate.screen_faces(FaceObservation(self.n, (estimate,), self.at_ns, faces))
            scene = withheld(_NOTHING, reason)
            records.append(self.gate.admit(scene, HEALTH, self.at_ns))
        return records


def told(records) -> list[tuple[int, ...]]:
    """What was told, each value once per change."""
    values = [r.expressions for r in records if r.abstained is AbstainReason.NONE]
    return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


def test_only_ten_minute_values_leave_and_only_as_many_as_the_budget_has():
    room = Class(daily=2)
    room.wait_a_day()
    first = room.sit(590)
    assert {r.abstained for r in first[1:]} <= {
        AbstainReason.STARTING,
        AbstainReason.TOO_FEW_PEOPLE,
    }
    day = room.sit(5 * 600)
    assert 1 <= len(told(day)) <= 2
    n_told = sum(r.abstained is AbstainReason.NONE for r in day)
    assert n_told == pytest.approx(2 * 300, abs=2)
    assert day[-1].abstained is AbstainReason.PAUSED
    assert day[-1].camera is SourceState.OK
    assert {r.people for r in day if r.abstained is AbstainReason.NONE} == {People.MANY}
    assert all(r.speech_share is None for r in day)


def test_the_first_day_tells_nothing():
    records = Class(daily=8).sit(3 * 600)
    assert told(records) == []
    assert records[-1].abstained is AbstainReason.PAUSED


def test_a_small_group_spends_nothing():
    room = Class(daily=1, n=7)
    room.wait_a_day()
    assert room.sit(1300)[-1].abstained is AbstainReason.TOO_FEW_PEOPLE
    assert room.gate._budget.left(room.at_ns) == 1


def test_a_pause_shows_as_one_and_forgets_the_sums_but_not_the_spending():
    room = Class(daily=1)
    room.wait_a_day()
    room.sit(650)
    assert room.gate._budget.left(room.at_ns) == 0
    room.gate.forget()
    assert room.sit(10, AbstainReason.PAUSED)[-1].abstained is AbstainReason.PAUSED
    assert room.gate._window.n_told == 0
    assert room.gate._budget.left(room.at_ns) == 0


def test_the_value_is_near_the_truth_for_a_big_group_and_a_big_budget():
    window = Window()
    for _ in range(100):
        window.add([(3, 12, 0, 0, 0, 0, 0, 0)] * 20)
    said = [window.noisy_levels(Fraction(4), seeded(seed)) for seed in range(50)]
    errors = [abs(value[1] - 12) for value in said]
    assert float(np.median(errors)) < 1.0


def test_the_default_source_is_the_operating_systems():
    gate = NoisyGroupGate((5, 3, 0), Spending(Fraction(1), Fraction(1)), valence_arousal)
    assert gate._randbelow.__module__ == "secrets"
    assert WINDOW_NS == 600 * S
