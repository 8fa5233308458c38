"""What the calls of a contact centre have in common: where anger rises, falls, and around what.

Nothing here is counted by person, agent, customer or folder: figures are over all calls, and single
stretches are named so that they can be listened to.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.reporting.intervals import (
    LEVEL,
    Estimate,
    bootstrap_ratio,
    bootstrap_ratio_of_ratios,
    wilson,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from edge_affect.reporting.results import Recording, Series

RISE, FALL = 0.4, 0.25
"""An angry stretch begins and ends here, as the ready-made rule on rising anger has it."""
HALF_LIFE_S = 3.0
MIN_STRETCH_S = 3.0
GAP_S = 10.0
"""Nothing told for so long ends a stretch: nobody knows how it went on."""
NEAR_S = 15.0
"""So far around a stretch a phrase counts as being near it."""
WINDOW_S, STEP_S = 20.0, 5.0
MIN_CALLS = 10
MIN_STRETCHES = 10
MIN_TOLD = 0.5
N_TENTHS = 10
N_WORST, N_OF_CALL = 10, 2


@dataclass(frozen=True, slots=True)
class Stretch:
    """Anger that rose.

    Attributes:
        start_s: When.
        end_s: When it was over.
        has_fallen: Whether it fell again; else the call was over, or nothing was told any more.
    """

    start_s: float
    end_s: float
    has_fallen: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of one call that sounds bad.

    Attributes:
        call: Name of the recording.
        start_s: When it begins.
        end_s: When it ends.
        valence: Mean over what was told.
        anger: The same of anger, [0, 1].
        confidence: Mean over what was told, [0, 1].
        told_share: Share of its vectors that name affect.
    """

    call: str
    start_s: float
    end_s: float
    valence: Estimate
    anger: Estimate
    confidence: float
    told_share: float


@dataclass(frozen=True, slots=True)
class Phrase:
    """A configured phrase and how often it was said near angry stretches.

    Attributes:
        name: As configured.
        n_said: Times.
        calls: Share of calls in which it was said; None where there are too few.
        near: Share of times near an angry stretch; None where there are too few.
        times_chance: That share by the share of time near stretches: 1 is chance.
    """

    name: str
    n_said: int
    n_calls: int
    calls: Estimate | None
    near: Estimate | None
    times_chance: Estimate | None


@dataclass(slots=True)
class Calls:
    """Sums over calls, taken in one after another.

    Attributes:
        n: Calls with at least one vector.
        hours: Their length together.
        windows: Candidates for the worst stretches.
    """

    tick_s: float
    n: int = 0
    hours: float = 0.0
    windows: list[Window] = field(default_factory=list)
    stretches: list[tuple[Stretch, ...]] = field(default_factory=list)
    _rows: list[tuple[float, ...]] = field(default_factory=list)
    _tenths: list[NDArray[np.float64]] = field(default_factory=list)
    _rose: NDArray[np.int64] = field(default_factory=lambda: np.zeros(N_TENTHS, np.int64))
    _fell: NDArray[np.int64] = field(default_factory=lambda: np.zeros(N_TENTHS, np.int64))
    _said: dict[int, list[tuple[int, int, int]]] = field(default_factory=dict)
    _near: list[tuple[float, float]] = field(default_factory=list)

    def take(self, call: Recording, series: Series) -> None:
        """Take the next call."""
        if not len(series.at_s):
            return
        told = series.is_told
        anger, valence = series.values["anger"], series.values["valence"]
        stretches = angry_stretches(series, self.tick_s)
        self._take_phrases(series, stretches)
        self.n += 1
        self.hours += call.duration_s / 3600
        self.stretches.append(stretches)
        self._rows.append(
            (
                len(told), told.sum(), np.nansum(series.confidence[told]), np.nansum(anger[told]),
                np.nansum(valence[told]), len(stretches), sum(s.has_fallen for s in stretches),
                sum(s.end_s - s.start_s for s in stretches),
            )
        )  # fmt: skip
        place = np.minimum(series.at_s / call.duration_s * N_TENTHS, N_TENTHS - 1e-9).astype(int)
        sums = [
            [np.nansum(line[told & (place == t)]) for t in range(N_TENTHS)]
            for line in (anger, valence)
        ]
        n_told = [np.sum(told & (place == t)) for t in range(N_TENTHS)]
        self._tenths.append(np.array([*sums, n_told], np.float64))
        for stretch in stretches:
            self._rose[_tenth(stretch.start_s, call.duration_s)] += 1
            if stretch.has_fallen:
                self._fell[_tenth(stretch.end_s, call.duration_s)] += 1
        self.windows += _windows(call, series, self.tick_s)
        self.windows = _worst(self.windows, 50 * N_WORST)

    @property
    def told(self) -> Estimate | None:
        """Return the share of vectors that name affect."""
        return self._ratio(1, 0)

    @property
    def confidence(self) -> Estimate | None:
        """Return the mean confidence of what was told."""
        return self._ratio(2, 1)

    @property
    def valence(self) -> Estimate | None:
        """Return the mean valence."""
        return self._ratio(4, 1)

    @property
    def with_anger(self) -> Estimate | None:
        """Return the share of calls with an angry stretch."""
        return wilson(sum(bool(s) for s in self.stretches), self.n, MIN_CALLS)

    @property
    def n_stretches(self) -> int:
        """Return how many angry stretches there are."""
        return sum(map(len, self.stretches))

    @property
    def fell_again(self) -> Estimate | None:
        """Return the share of angry stretches that fell again, drawing calls."""
        return self._ratio(6, 5) if self.n_stretches >= MIN_STRETCHES else None

    @property
    def length_s(self) -> Estimate | None:
        """Return the mean length of an angry stretch, drawing calls."""
        return self._ratio(7, 5) if self.n_stretches >= MIN_STRETCHES else None

    def course(self, line: int) -> list[Estimate | None]:
        """Return anger (0) or valence (1) in each tenth of a call, drawing calls."""
        table = np.array(self._tenths) if self._tenths else np.zeros((0, 3, N_TENTHS))
        return [
            bootstrap_ratio(table[:, line, t], table[:, 2, t], MIN_CALLS) for t in range(N_TENTHS)
        ]

    @property
    def rose_and_fell(self) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Return how many stretches began, and how many fell again, in each tenth of a call."""
        return tuple(map(int, self._rose)), tuple(map(int, self._fell))

    def worst(self) -> list[Window] | None:
        """Return the worst stretches; None where there are too few calls to compare."""
        if len({window.call for window in self.windows}) < MIN_CALLS:
            return None
        return _worst(self.windows, N_WORST)

    def phrases(self, names: dict[int, str]) -> tuple[list[Phrase], bool]:
        """Return phrases and whether they are ranked: the nearest to anger first, else by name.

        Args:
            names: Of each slot.
        """
        level = phrase_level(len(names))
        found = [self._phrase(names[slot], self._said.get(slot, []), level) for slot in names]
        is_ranked = bool(found) and all(phrase.near is not None for phrase in found)
        if is_ranked:
            return sorted(found, key=lambda p: (-(p.near.value if p.near else 0), p.name)), True
        return sorted(found, key=lambda phrase: phrase.name), False

    def _phrase(self, name: str, said: list[tuple[int, int, int]], level: float) -> Phrase:
        n_said, n_calls = sum(row[1] for row in said), len(said)
        near = times = None
        if n_calls >= MIN_CALLS and self.n_stretches >= MIN_STRETCHES:
            counts = np.zeros((2, self.n))
            for call, n_of_call, n_near in said:
                counts[:, call] = n_near, n_of_call
            near_s, all_s = np.array(self._near).T
            near = bootstrap_ratio(counts[0], counts[1], MIN_CALLS)
            times = bootstrap_ratio_of_ratios(
                (counts[0], counts[1]), (near_s, all_s), MIN_CALLS, level
            )
        return Phrase(name, n_said, n_calls, wilson(n_calls, self.n, MIN_CALLS), near, times)

    def _take_phrases(self, series: Series, stretches: tuple[Stretch, ...]) -> None:
        at_s = series.at_s
        is_near = np.zeros(len(at_s), np.bool_)
        for stretch in stretches:
            is_near |= (at_s >= stretch.start_s - NEAR_S) & (at_s <= stretch.end_s + NEAR_S)
        self._near.append((float(is_near.sum()), float(len(at_s))))
        before: set[int] = set()
        counts: dict[int, list[int]] = {}
        for number, slots in enumerate(series.phrases):
            for slot in set(slots) - before:
                row = counts.setdefault(slot, [0, 0])
                row[0] += 1
                row[1] += bool(is_near[number])
            before = set(slots)
        for slot, (n_said, n_near) in counts.items():
            self._said.setdefault(slot, []).append((self.n, n_said, n_near))

    def _ratio(self, top: int, below: int) -> Estimate | None:
        table = np.array(self._rows) if self._rows else np.zeros((0, 8))
        return bootstrap_ratio(table[:, top], table[:, below], MIN_CALLS)


def angry_stretches(series: Series, tick_s: float) -> tuple[Stretch, ...]:
    """Return where smoothed anger rose to ``RISE`` and until when it stayed above ``FALL``.

    Args:
        series: Of one call.
        tick_s: Time between its vectors.
    """
    found: list[Stretch] = []
    weight = 0.5 ** (tick_s / HALF_LIFE_S)
    level: float | None = None
    start_s: float | None = None
    known_s = 0.0
    for at_s, is_told, anger in zip(
        series.at_s, series.is_told, series.values["anger"], strict=True
    ):
        if not is_told:
            if at_s - known_s >= GAP_S:
                if start_s is not None:
                    found.append(Stretch(start_s, known_s, has_fallen=False))
                level = start_s = None
            continue
        level = anger if level is None else weight * level + (1 - weight) * anger
        known_s = float(at_s)
        if start_s is None and level >= RISE:
            start_s = known_s - tick_s
        elif start_s is not None and level <= FALL:
            found.append(Stretch(start_s, known_s, has_fallen=True))
            start_s = None
    if start_s is not None:
        found.append(Stretch(start_s, known_s, has_fallen=False))
    return tuple(s for s in found if s.end_s - s.start_s >= MIN_STRETCH_S)


def phrase_level(n_phrases: int) -> float:
    """Return the level of intervals against chance, so that all phrases together keep 95 %."""
    return 1 - (1 - LEVEL) / max(1, n_phrases)


def phrase_names(run: dict[str, Any]) -> dict[int, str] | None:
    """Return the phrases of an analysis by slot, or None where they may not be told.

    They need both the switch and a legal basis in the configuration of the analysis.
    """
    is_asked = bool(run.get("insights", {}).get("phrases"))
    if not is_asked or not run["deployment"].get("legal_basis", "").strip():
        return None
    names = {}
    for rule in run["alert_rules"]:
        for watched in rule["rule"]["signals"]:
            if watched.startswith("phrase_"):
                names[int(watched.removeprefix("phrase_"))] = str(rule["name"])
    return dict(sorted(names.items()))


def _tenth(at_s: float, duration_s: float) -> int:
    return min(N_TENTHS - 1, int(at_s / duration_s * N_TENTHS))


def _windows(call: Recording, series: Series, tick_s: float) -> Iterable[Window]:
    """Yield windows of a call with enough told, overlapping."""
    size, step = round(WINDOW_S / tick_s), max(1, round(STEP_S / tick_s))
    block = max(1, round(size / 4))
    for first in range(0, max(0, len(series.at_s) - size) + 1, step):
        span = slice(first, first + size)
        told = series.is_told[span]
        if len(told) < size or told.mean() < MIN_TOLD:
            continue
        starts = range(0, size, block)
        valence, anger = (
            bootstrap_ratio(
                [line[s : s + block].sum() for s in starts],
                [told[s : s + block].sum() for s in starts],
                2,
            )
            for line in (
                np.where(told, series.values[name][span], 0.0) for name in ("valence", "anger")
            )
        )
        if valence is not None and anger is not None:
            yield Window(
                call.name, float(series.at_s[first] - tick_s),
                float(series.at_s[first + size - 1]), valence, anger,
                float(series.confidence[span][told].mean()), float(told.mean()),
            )  # fmt: skip


def _worst(windows: list[Window], n: int) -> list[Window]:
    """Return those of lowest valence, none over another, few of one call."""
    kept: list[Window] = []
    for window in sorted(windows, key=lambda w: (w.valence.value, w.call, w.start_s)):
        own = [other for other in kept if other.call == window.call]
        is_apart = all(window.start_s >= o.end_s or window.end_s <= o.start_s for o in own)
        if is_apart and len(own) < N_OF_CALL:
            kept.append(window)
        if len(kept) == n:
            break
    return kept
