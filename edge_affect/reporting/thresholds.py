"""Alert thresholds for one site, proposed from its own recordings; nothing is applied.

Each rule is carried out on the records with other thresholds, everything else as configured: what
is counted is how often the alert itself would have been raised, dwell and refractory time included.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.alert_settings import AlertRule, AlertStep, NamedRule
from edge_affect.alerting.watch import AlertWatch, Change
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DataError
from edge_affect.record import SIZE_BYTES, decode
from edge_affect.reporting.intervals import N_DRAWS, SEED, poisson_rate

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

BLOCK_S = 600.0
"""Where there are few recordings, whole blocks of this length are drawn instead of recordings."""
MIN_UNITS = 10
MIN_HOURS = 1.0
MIN_RAISED = 5
MIN_EXPECTED = 3.0
"""At the wanted rate so many alerts must fall into the recordings, or they cannot be counted."""
MAX_HOURS = 100.0
"""Of all recordings, every so manieth is taken until about this much is tried."""
_STEPS = tuple(round(0.05 * step, 2) for step in range(4, 20))
_SIGNED = frozenset({"valence", "arousal", "valence_relative", "arousal_relative", "polarity"})


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a rule would have to be for as many alerts as wanted.

    Attributes:
        rule: As it was in the analysis.
        now_per_week: Alerts a week with its threshold, with the interval's ends.
        threshold: Proposed, or None where none is.
        clear: That goes with it.
        low: Lower end of the threshold's interval.
        high: Upper end of it.
        per_week: Alerts a week with the proposal, with the interval's ends.
        n_raised: Times the alert was raised with the most easily raised threshold.
        is_enough: Whether there is enough to propose anything from.
        most_per_week: Alerts a week with the threshold that raises most.
    """

    rule: NamedRule
    now_per_week: tuple[float, float, float]
    threshold: float | None
    clear: float | None
    low: float | None
    high: float | None
    per_week: tuple[float, float, float] | None
    n_raised: int
    is_enough: bool
    most_per_week: float = 0.0


def named_rules(run: dict[str, Any]) -> tuple[NamedRule, ...]:
    """Return the alert rules of an analysis, but for phrases and for light and sound effects.

    Raises:
        DataError: If they are not as this version writes them.
    """
    try:
        rules = [
            NamedRule(
                str(row["name"]),
                AlertRule(**{**row["rule"], "signals": tuple(row["rule"]["signals"])}),
                tuple(AlertStep(**step) for step in row["steps"]),
            )
            for row in run["alert_rules"]
        ]
    except (KeyError, TypeError, ValueError):
        raise DataError("run.json holds alert rules of another version; analyse again.") from None
    return tuple(
        named
        for named in rules
        if not named.rule.follow
        and not any(name.startswith("phrase_") for name in named.rule.signals)
    )


def candidates(named: NamedRule) -> list[NamedRule]:
    """Return a rule with other thresholds, the most easily raised first, its own not among them.

    ``clear`` keeps its distance.
    """
    rule = named.rule
    is_signed = any(name in _SIGNED for name in rule.signals)
    if rule.direction == "above":
        values = list(_STEPS)
        sign = 1
    else:
        sign = -1
        values = [-v for v in _STEPS] if is_signed else [round(1 - v, 2) for v in _STEPS]
    gap = abs(rule.threshold - rule.clear)
    found = []
    for value in values:
        clear = round(min(1.0, max(-1.0 if is_signed else 0.0, value - sign * gap)), 2)
        found.append(replace(named, rule=replace(rule, threshold=value, clear=clear)))
    return found


def raised_at(named: NamedRule, records: bytes, tick_s: float) -> list[float]:
    """Return when an alert would have been raised in a recording, in seconds."""
    return _raised([named], records, tick_s)[0]


def _raised(rules: list[NamedRule], records: bytes, tick_s: float) -> list[list[float]]:
    watches = [AlertWatch(rule, 0) for rule in rules]
    found: list[list[float]] = [[] for _ in rules]
    for number in range(len(records) // SIZE_BYTES):
        record = decode(records[number * SIZE_BYTES : (number + 1) * SIZE_BYTES])
        now_ns = round((number + 1) * tick_s * NS_PER_S)
        for watch, times in zip(watches, found, strict=True):
            change = watch.step(now_ns, record)
            if change is not None and change.kind is Change.RAISED:
                times.append(now_ns / NS_PER_S)
    return found


def hours_needed(wanted_per_week: float, hours_per_week: float) -> float:
    """Return how many hours of recordings a proposal takes."""
    return max(MIN_HOURS, MIN_EXPECTED * hours_per_week / wanted_per_week)


class Trial:
    """All rules tried on recordings, one after another.

    Args:
        rules: As they were in the analysis.
        tick_s: Time between two records.
        per_recording: Whether recordings are the units that intervals draw, else blocks.
    """

    def __init__(self, rules: tuple[NamedRule, ...], tick_s: float, *, per_recording: bool) -> None:
        self._rules = rules
        self._tried = [[named, *candidates(named)] for named in rules]
        self._tick_s = tick_s
        self._per_recording = per_recording
        self._hours: list[float] = []
        self._counts: list[list[list[int]]] = [[] for _ in rules]

    @property
    def hours(self) -> float:
        """Return how much was tried."""
        return sum(self._hours)

    @property
    def n_units(self) -> int:
        """Return how many recordings or blocks that was."""
        return len(self._hours)

    def take(self, records: bytes) -> None:
        """Take the records of the next recording."""
        length_s = len(records) // SIZE_BYTES * self._tick_s
        block_s = length_s if self._per_recording else BLOCK_S
        n_blocks = max(1, round(length_s / block_s)) if length_s else 0
        if not n_blocks:
            return
        self._hours += [length_s / n_blocks / 3600] * n_blocks
        flat = [rule for tried in self._tried for rule in tried]
        times = iter(_raised(flat, records, self._tick_s))
        for number, tried in enumerate(self._tried):
            counts = [[0] * len(tried) for _ in range(n_blocks)]
            for column in range(len(tried)):
                for at_s in next(times):
                    counts[min(n_blocks - 1, int(at_s / length_s * n_blocks))][column] += 1
            self._counts[number] += counts

    def proposals(self, wanted_per_week: float, hours_per_week: float) -> list[Proposal]:
        """Return what each rule would have to be.

        Args:
            wanted_per_week: Alerts of one rule a week at most.
            hours_per_week: How long the box would watch in a week.
        """
        return [
            self._proposal(number, wanted_per_week, hours_per_week)
            for number in range(len(self._rules))
        ]

    def _proposal(self, number: int, wanted: float, hours_per_week: float) -> Proposal:
        tried = self._tried[number]
        counts = np.array(self._counts[number], np.float64).reshape(-1, len(tried))
        hours = np.array(self._hours)
        n_raised = int(counts[:, 1:].sum(axis=0).max(initial=0))
        if not len(hours):
            return Proposal(tried[0], (0.0, 0.0, 0.0), None, None, None, None, None, 0, False)  # noqa: FBT003 (a record of nine values)
        rates = counts.sum(axis=0) / hours.sum() * hours_per_week
        drawn = _drawn(counts, hours) * hours_per_week
        now = self._week(counts[:, 0], drawn[:, 0], hours_per_week)
        is_enough = (
            len(hours) >= MIN_UNITS
            and hours.sum() >= hours_needed(wanted, hours_per_week)
            and n_raised >= MIN_RAISED
        )
        best = _chosen(rates[1:], wanted) if is_enough else None
        if best is None:
            return Proposal(
                tried[0], now, None, None, None, None, None, n_raised, is_enough,
                float(rates[1:].max()),
            )  # fmt: skip
        values = [rule.rule.threshold for rule in tried[1:]]
        levels = [values[_nearest(row, wanted)] for row in drawn[:, 1:]]
        low, high = np.quantile(levels, [0.025, 0.975], method="nearest")
        rule = tried[1 + best].rule
        then = self._week(counts[:, 1 + best], drawn[:, 1 + best], hours_per_week)
        return Proposal(
            tried[0], now, rule.threshold, rule.clear, float(low), float(high), then, n_raised,
            is_enough, float(rates[1:].max()),
        )  # fmt: skip

    def _week(
        self, counts: NDArray[np.float64], drawn: NDArray[np.float64], hours_per_week: float
    ) -> tuple[float, float, float]:
        """Return alerts a week with their interval: few are taken for a Poisson count."""
        told = poisson_rate(int(counts.sum()), self.hours / hours_per_week)
        if told.n < MIN_RAISED:
            return told.value, told.low, told.high
        low, high = np.quantile(drawn, [0.025, 0.975])
        return told.value, float(low), float(high)


def toml_lines(proposals: Iterable[Proposal]) -> str:
    """Return what to paste into the configuration; empty where nothing is proposed."""
    return "\n".join(
        f"[alert.{p.rule.name}]\nthreshold = {p.threshold:g}\nclear = {p.clear:g}\n"
        for p in proposals
        if p.threshold is not None and p.threshold != p.rule.rule.threshold
    )


def _chosen(rates: NDArray[np.float64], wanted: float) -> int | None:
    """Return the threshold just beyond the last one with more alerts than wanted, or None.

    An alert that is always on is raised once: few alerts alone do not make a threshold a good one.
    None means that even the most easily raised one stays within, or that the hardest does not.
    """
    over = np.flatnonzero(rates > wanted)
    if not len(over) or over[-1] + 1 == len(rates):
        return None
    return int(over[-1]) + 1


def _nearest(rates: NDArray[np.float64], wanted: float) -> int:
    """Return the same, or the end of the scale where there is none."""
    over = np.flatnonzero(rates > wanted)
    return min(len(rates) - 1, int(over[-1]) + 1) if len(over) else 0


def _drawn(counts: NDArray[np.float64], hours: NDArray[np.float64]) -> NDArray[np.float64]:
    rng, n = np.random.default_rng(SEED), len(hours)
    drawn = np.empty((N_DRAWS, counts.shape[1]))
    for number in range(N_DRAWS):
        chosen = rng.integers(0, n, n)
        drawn[number] = counts[chosen].sum(axis=0) / hours[chosen].sum()
    return drawn
