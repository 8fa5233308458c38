"""Precision and recall of the ready-made alert rules, on scripts and on voices."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from edge_affect.alert_presets import PRESETS, RULES
from edge_affect.alert_settings import Alerts, QuietHours
from edge_affect.alerting.timeline import Timeline
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DatasetError
from edge_affect.evaluation.alert_scenarios import NOISES, PARTS, read_scenarios
from edge_affect.record import Expression

if TYPE_CHECKING:
    from pathlib import Path

    from edge_affect.alert_settings import NamedRule
    from edge_affect.evaluation.alert_scenarios import Expected, Noise, Scenario
    from edge_affect.evaluation.mood_sequences import MoodSequence

ALWAYS = QuietHours(0, 1439)
COUNTED: tuple[str, ...] = ("raised", "escalated")
"""An unexpected one of these is a false alarm."""
_LATE_S = 12.0


@dataclass
class Tally:
    """Hits, misses and false alarms."""

    n_hits: int = 0
    n_missed: int = 0
    n_false: int = 0
    wrong: list[str] = field(default_factory=list)

    def as_figures(self) -> dict[str, Any]:
        """Return precision and recall; None where there was nothing to divide by."""
        told, due = self.n_hits + self.n_false, self.n_hits + self.n_missed
        return {
            "n_due": due,
            "n_told": told,
            "precision": round(self.n_hits / told, 3) if told else None,
            "recall": round(self.n_hits / due, 3) if due else None,
        }


def changes_of(
    scenario: Scenario, rules: tuple[NamedRule, ...], noise: Noise | None = None, seed: int = 0
) -> list[tuple[float, str, str]]:
    """Return time, alert and kind of every change that a scenario causes."""
    timeline = Timeline(rules, Alerts(), ALWAYS if scenario.is_quiet else None)
    told: list[tuple[float, str, str]] = []
    for at_s, record in scenario.records(noise, seed):
        _, changes = timeline.step(round(at_s * NS_PER_S), record, 0)
        told += [(at_s, change.state.name, change.kind.value) for change in changes]
    return told


def judge(scenario: Scenario, told: list[tuple[float, str, str]], tally: Tally) -> None:
    """Count what came as expected, what did not come, and what came unexpected."""
    open_ones: list[Expected] = list(scenario.expected)
    for at_s, alert, change in told:
        met = next(
            (
                e
                for e in open_ones
                if (e.alert, e.change) == (alert, change) and e.from_s <= at_s <= e.to_s
            ),
            None,
        )
        if met is not None:
            open_ones.remove(met)
            tally.n_hits += 1
        elif change in COUNTED:
            tally.n_false += 1
            tally.wrong.append(f"{scenario.name}: {alert} {change} at {at_s:g} s, unexpected")
    tally.n_missed += len(open_ones)
    tally.wrong += [f"{scenario.name}: {e.alert} not {e.change}" for e in open_ones]


def evaluate_scenarios(path: Path, n_noisy: int) -> dict[str, Any]:
    """Return precision and recall on scripted scenarios, clean and noisy, for each part.

    Args:
        path: File of scenarios.
        n_noisy: How often each is repeated with noise.
    """
    scenarios = read_scenarios(path)
    report: dict[str, Any] = {"n": len(scenarios)}
    for part in PARTS:
        chosen = [scenario for scenario in scenarios if scenario.part == part]
        tallies = {name: Tally() for name in ("clean", *NOISES)}
        for scenario in chosen:
            rules = PRESETS.get(scenario.setting)
            if rules is None:
                raise DatasetError(f"{path}: there is no setting {scenario.setting!r}.")
            judge(scenario, changes_of(scenario, rules), tallies["clean"])
            for name, noise in NOISES.items():
                for seed in range(n_noisy):
                    judge(scenario, changes_of(scenario, rules, noise, seed), tallies[name])
        report[part] = {
            "n_scenarios": len(chosen),
            "n_near_misses": sum(not s.expected for s in chosen),
            **{name: tally.as_figures() for name, tally in tallies.items()},
            "wrong": {name: _most_wrong(tally) for name, tally in tallies.items()},
        }
    return report


def _most_wrong(tally: Tally) -> dict[str, int]:
    """Return how often each rule went wrong in each scenario, the eight worst."""
    counts = Counter(text.partition(" at ")[0] for text in tally.wrong)
    return dict(counts.most_common(8))


@dataclass(frozen=True, slots=True)
class VoiceCase:
    """Which rule is judged on voices, and by what moods."""

    rule: str
    due: tuple[Expression, ...]
    min_s: float


VOICE_CASES: tuple[VoiceCase, ...] = (
    VoiceCase("rising-anger", (Expression.ANGER,), 15.0),
    VoiceCase("distress", (Expression.SADNESS, Expression.FEAR), 30.0),
)


def evaluate_voices(sequences: tuple[MoodSequence, ...]) -> dict[str, Any]:
    """Return how the rules that voices can trip do on scripted moods made of real clips.

    A mood that lasts at least ``min_s`` must raise its alert before it has been over for 12 s. An
    alert that is raised at any other time is a false one.
    """
    return {case.rule: _judge_voices(sequences, case) for case in VOICE_CASES}


def _judge_voices(sequences: tuple[MoodSequence, ...], case: VoiceCase) -> dict[str, Any]:
    named = next(rule for rule in RULES if rule.name == case.rule)
    tally, hours = Tally(), 0.0
    for sequence in sequences:
        timeline = Timeline((named,), Alerts())
        raised: list[float] = []
        for tick in sequence.ticks:
            _, changes = timeline.step(round(tick.at_s * NS_PER_S), tick.record)
            raised += [tick.at_s for change in changes if change.kind.value == "raised"]
        spans = _spans(sequence, case.due)
        hit = {span for span in spans for at_s in raised if span[0] <= at_s <= span[1] + _LATE_S}
        long_ones = {span for span in spans if span[1] - span[0] >= case.min_s}
        tally.n_hits += len(hit & long_ones)
        tally.n_missed += len(long_ones - hit)
        tally.n_false += sum(not any(a <= at_s <= b + _LATE_S for a, b in spans) for at_s in raised)
        hours += sequence.ticks[-1].at_s / 3600.0
    return {
        **tally.as_figures(),
        "n_sequences": len(sequences),
        "hours": round(hours, 2),
        "false_per_hour": round(tally.n_false / hours, 2),
    }


def count_alerts(sequence: MoodSequence) -> dict[str, Any]:
    """Return how often each ready-made rule was raised in a recording without known moods."""
    timeline = Timeline(RULES, Alerts())
    counts: Counter[str] = Counter()
    for tick in sequence.ticks:
        _, changes = timeline.step(round(tick.at_s * NS_PER_S), tick.record)
        counts.update(c.state.name for c in changes if c.kind.value == "raised")
    return {"minutes": round(sequence.ticks[-1].at_s / 60.0, 1), "raised": dict(counts)}


def _spans(sequence: MoodSequence, due: tuple[Expression, ...]) -> list[tuple[float, float]]:
    """Return start and end of every stretch of moods that are due an alert."""
    spans: list[tuple[float, float]] = []
    for tick in sequence.ticks:
        if tick.mood not in due:
            continue
        if spans and tick.at_s - spans[-1][1] < 2.0:
            spans[-1] = (spans[-1][0], tick.at_s)
        else:
            spans.append((tick.at_s, tick.at_s))
    return spans
