"""Figures of reports: intervals that hold, and thresholds that recordings propose."""

import numpy as np
import pytest
from report_parts import CENTRE, made, many_calls, results, voice

from edge_affect.reporting import intervals, thresholds
from edge_affect.reporting.results import Results
from edge_affect.reporting.texts import EN


def test_intervals_hold_what_they_say():
    """Wilson and Garwood by published values; the bootstrap by how often it covers the truth."""
    share = intervals.wilson(0, 10)
    assert (share.low, round(share.high, 3)) == (0.0, 0.278)
    rate = intervals.poisson_rate(10, 1.0)
    assert (round(rate.low, 2), round(rate.high, 2)) == (4.8, 18.39)
    assert intervals.wilson(3, 4, 5) is None
    assert intervals.bootstrap_ratio([1.0] * 5, [1.0] * 5, 6) is None
    for n_units in (6, 20):
        rng, n_covered = np.random.default_rng(3), 0
        for _ in range(300):
            found = intervals.bootstrap_ratio(rng.normal(4, 1, n_units), np.ones(n_units), 6)
            n_covered += found.low <= 4 <= found.high
        assert 0.92 * 300 <= n_covered <= 0.99 * 300, (n_units, n_covered)


def test_ratios_of_ratios_draw_units_together():
    """What goes together in every call has no spread; drawn apart it would have."""
    rng = np.random.default_rng(8)
    near, length = rng.integers(0, 40, 30).astype(float), np.full(30, 100.0)
    said = np.full(30, 10.0)
    one, other = (near / 10, said), (near, length)
    found = intervals.bootstrap_ratio_of_ratios(one, other, 10)
    assert found == intervals.bootstrap_ratio_of_ratios(one, other, 10)
    assert (found.low, found.value, found.high) == pytest.approx((1.0, 1.0, 1.0))
    mixed = (rng.permutation(near) / 10, said)
    apart = intervals.bootstrap_ratio_of_ratios(mixed, other, 10)
    assert apart.low < 0.9
    assert apart.high > 1.1
    assert apart == intervals.bootstrap_ratio_of_ratios(mixed, other, 10)
    assert (
        intervals.bootstrap_ratio_of_ratios((near[:9], said[:9]), (near[:9], said[:9]), 10) is None
    )


def test_a_threshold_is_proposed_from_the_recordings(tmp_path):
    """Short anger of 8/15 is common and 13/15 rare: what is wanted seldom needs more than 8/15."""
    recordings = {}
    for number in range(20):
        level = 13 if number % 5 == 0 else 8
        quiet = [voice(0) for _ in range(140)]
        recordings[f"call-{number:02d}"] = [*quiet, *(voice(level) for _ in range(20)), *quiet]
    told = Results(results(tmp_path / "out", recordings, CENTRE))
    rules = thresholds.named_rules(told.run)
    trial = thresholds.Trial(rules, told.tick_s, per_recording=True)
    for recording in told.recordings:
        trial.take(told.records(recording))
    hours = trial.hours
    assert hours == pytest.approx(20 * 300 / 3600)
    proposal = next(p for p in trial.proposals(8.0, hours) if p.rule.name == "rising-anger")
    assert proposal.now_per_week[0] == pytest.approx(20.0)
    assert 8 / 15 < proposal.threshold <= 0.6
    assert proposal.low <= proposal.threshold <= proposal.high
    assert proposal.per_week[0] == pytest.approx(4.0)
    assert proposal.clear == pytest.approx(proposal.threshold - 0.15)
    text = thresholds.toml_lines([proposal])
    assert text.startswith(f"[alert.rising-anger]\nthreshold = {proposal.threshold:g}\n")
    from edge_affect import config

    changed = config.parse(CENTRE + text)
    rule = next(rule for rule in changed.alert_rules if rule.name == "rising-anger")
    assert rule.rule.threshold == proposal.threshold
    quiet = next(p for p in trial.proposals(8.0, hours) if p.rule.name == "distress")
    assert quiet.threshold is None
    # Five alerts in forty hours cannot be counted in less than two.
    assert not any(p.is_enough for p in trial.proposals(5.0, 40.0))


def test_an_alert_that_is_always_on_makes_no_threshold(tmp_path):
    """Raised once and never over is few alerts, and no good threshold."""
    assert thresholds._chosen(np.array([1.0, 1.0, 9.0, 7.0, 4.0, 0.0]), 5.0) == 4
    assert thresholds._chosen(np.array([1.0, 1.0, 0.0]), 5.0) is None
    assert thresholds._chosen(np.array([9.0, 9.0]), 5.0) is None


def test_little_is_too_little_for_thresholds(tmp_path):
    text = made(results(tmp_path / "out", many_calls(3), CENTRE))
    assert "[alert." not in text
    assert EN.toml not in text
