"""Scripted scenarios in a TOML file: what happens, and which alerts it must cause."""

from __future__ import annotations

import random
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from edge_affect.errors import DatasetError, InputMissingError, RecordError
from edge_affect.record import (
    EVENT_MAX,
    EVENTS,
    EXPRESSION_SUM,
    EXPRESSIONS,
    NO_MODALITY,
    STATE_MAX,
    STATES,
    AbstainReason,
    AffectRecord,
    Expression,
    Modality,
    people_bucket,
)

if sys.version_info >= (3, 11):
    import tomllib
else:  # pragma: no cover
    import tomli as tomllib

if TYPE_CHECKING:
    from pathlib import Path

PARTS: tuple[str, ...] = ("development", "report")
CHANGES: tuple[str, ...] = ("raised", "escalated", "cleared")
_VALUES: frozenset[str] = frozenset({*EXPRESSIONS, *STATES, *EVENTS})


@dataclass(frozen=True, slots=True)
class Noise:
    """How a scenario is spoilt.

    Attributes:
        n_steps: Deviation of the levels of expressions and states, in steps of the record.
        lost_share: Share of the records that get lost.
    """

    n_steps: float
    lost_share: float


NOISES: dict[str, Noise] = {"noisy": Noise(1.0, 0.05), "harsh": Noise(3.0, 0.15)}


@dataclass(frozen=True, slots=True)
class Expected:
    """One change that must come.

    Attributes:
        alert: Name of the rule.
        change: ``raised``, ``escalated`` or ``cleared``.
        from_s: Not before this.
        to_s: And not after this.
    """

    alert: str
    change: str
    from_s: float
    to_s: float


@dataclass(frozen=True, slots=True)
class Scenario:
    """One scenario.

    Attributes:
        name: What happens, in words.
        part: ``development`` or ``report``.
        setting: Whose ready-made rules are in effect.
        tick_hz: Records per second.
        is_quiet: Whether all of it is in quiet hours.
        script: Its stretches, as the file has them.
        expected: What must come; nothing else may be raised or escalated.
    """

    name: str
    part: str
    setting: str
    tick_hz: float
    is_quiet: bool
    script: tuple[dict[str, Any], ...]
    expected: tuple[Expected, ...]

    @property
    def duration_s(self) -> float:
        """Length of the whole."""
        return float(sum(stretch["for_s"] for stretch in self.script))

    def records(
        self, noise: Noise | None = None, seed: int = 0
    ) -> list[tuple[float, AffectRecord | None]]:
        """Return time and record of every tick.

        Args:
            noise: How the records are spoilt; None leaves them clean.
            seed: Of the chance in it.
        """
        chance = None if noise is None else _Chance(noise, f"{self.name}/{seed}")
        ticks: list[tuple[float, AffectRecord | None]] = []
        start_s = 0.0
        for stretch in self.script:
            length_s = float(stretch["for_s"])
            n_ticks = round(length_s * self.tick_hz)
            for index in range(n_ticks):
                record = _record(stretch, index / max(1, n_ticks - 1), chance)
                ticks.append((round(start_s + index / self.tick_hz, 3), record))
            start_s += length_s
        return ticks


class _Chance:
    """What spoils the records of one scenario."""

    def __init__(self, noise: Noise, seed: str) -> None:
        self._noise = noise
        self._random = random.Random(seed)  # noqa: S311 (no secret)

    def is_lost(self) -> bool:
        return self._random.random() < self._noise.lost_share

    def steps(self) -> float:
        return self._random.gauss(0.0, self._noise.n_steps)


def _record(stretch: dict[str, Any], share: float, chance: _Chance | None) -> AffectRecord | None:
    """Return the record at a moment of a stretch, ``share`` of the way through."""
    if stretch.get("lost") or (chance is not None and chance.is_lost()):
        return None

    def level(name: str, full: int, *, is_noisy: bool) -> int | None:
        value = stretch.get(name)
        if value is None:
            return None
        if isinstance(value, list):
            value = value[0] + (value[1] - value[0]) * share
        steps = float(value) * full
        if chance is not None and is_noisy:
            steps += chance.steps()
        return min(max(round(steps), 0), full)

    events = tuple(level(name, EVENT_MAX, is_noisy=False) for name in EVENTS)
    people = stretch.get("people")
    around: dict[str, Any] = {
        "events": events,
        "people": None if people is None else people_bucket(people),
    }
    if "abstained" in stretch:
        reason = AbstainReason[str(stretch["abstained"]).upper().replace("-", "_")]
        return AffectRecord(abstained=reason, modalities=NO_MODALITY, **around)
    levels = [level(name, EXPRESSION_SUM, is_noisy=True) or 0 for name in EXPRESSIONS]
    levels[Expression.NEUTRAL] = 0
    while sum(levels) > EXPRESSION_SUM:
        # Noise made it too much: the strongest gives way.
        levels[levels.index(max(levels))] -= 1
    levels[Expression.NEUTRAL] = EXPRESSION_SUM - sum(levels)
    return AffectRecord(
        expressions=tuple(levels),
        states=tuple(level(name, STATE_MAX, is_noisy=True) for name in STATES),
        modalities=Modality.VOICE if people is None else Modality.FACE,
        **around,
    )


def read_scenarios(path: Path) -> tuple[Scenario, ...]:
    """Return the scenarios of a file.

    Raises:
        InputMissingError: If there is no such file.
        DatasetError: If it is not TOML or a scenario is not one; the message names it.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8")).get("scenario", [])
    except FileNotFoundError:
        raise InputMissingError(f"There is no file {path}; check --scenarios.") from None
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path} cannot be read: {error}.") from None
    if not isinstance(tables, list) or not tables:
        raise DatasetError(f"{path} holds no [[scenario]].")
    scenarios = []
    for number, table in enumerate(tables, start=1):
        try:
            scenarios.append(_scenario(table))
        except (KeyError, TypeError, ValueError, RecordError) as error:
            name = table.get("name", number) if isinstance(table, dict) else number
            raise DatasetError(f"{path}: scenario {name!r} is none: {error}.") from None
    return tuple(scenarios)


def _scenario(table: dict[str, Any]) -> Scenario:
    expected = tuple(
        Expected(row["alert"], row["change"], *map(float, row["within"]))
        for row in table["expected"]
    )
    scenario = Scenario(
        name=table["name"],
        part=table["part"],
        setting=table["setting"],
        tick_hz=float(table.get("tick_hz", 1.0)),
        is_quiet=bool(table.get("quiet", False)),
        script=tuple(table["script"]),
        expected=expected,
    )
    known = _VALUES | {"for_s", "people", "abstained", "lost"}
    for stretch in scenario.script:
        unknown = sorted(set(stretch) - known)
        if unknown:
            raise ValueError(f"unknown {unknown[0]!r} in its script")
    if scenario.part not in PARTS or any(e.change not in CHANGES for e in expected):
        raise ValueError(f"part is one of {PARTS}, change one of {CHANGES}")
    # A script that makes no valid record is found now, not in the middle.
    scenario.records()
    return replace(scenario, name=str(scenario.name))
