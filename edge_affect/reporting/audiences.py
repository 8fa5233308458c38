"""What an audience shows over the sections of a lesson, talk or show: groups, never a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from edge_affect.anonymity import GROUP_MIN_PEOPLE
from edge_affect.reporting.intervals import (
    LEVEL,
    Estimate,
    bootstrap_difference,
    bootstrap_ratio,
    poisson_rate,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from edge_affect.reporting.markers import Part
    from edge_affect.reporting.results import Series

STATES: tuple[str, ...] = ("attention", "engagement", "confusion")
SOUNDS: tuple[str, ...] = ("laughter", "applause", "cheering")
GROUPS = frozenset({"5-9", "10-19", "20+"})
"""Buckets of people that hold at least ``GROUP_MIN_PEOPLE`` faces for certain."""
BLOCK_S = 10.0
MIN_BLOCKS = 6
MIN_DIFFERENCE = 1 / 28
"""Half a step of what a record can tell: less is no difference, however sure."""
GOES_ON = 0.5
HOLD_S = 1.0
"""A sound event that pauses for no longer goes on."""
MIN_PART_MIN = 2.0
MIN_EVENTS = 5
MIN_PEAK_MIN = 10

Blocks = tuple["NDArray[np.float64]", "NDArray[np.float64]"]


@dataclass(frozen=True, slots=True)
class PartFigures:
    """What a group showed in one section.

    Attributes:
        part: The section.
        told_share: Share of its vectors that tell of a group.
        confidence: Mean confidence of those, or None without any.
        levels: Of each state; None where there are too few blocks.
        differences: Of each state from all other sections, at a level for that many comparisons.
    """

    part: Part
    told_share: float
    confidence: float | None
    levels: dict[str, Estimate | None]
    differences: dict[str, Estimate | None]


@dataclass(frozen=True, slots=True)
class SoundFigures:
    """What an audience let hear in one section, or in all of a recording.

    Attributes:
        start_s: Of the section.
        end_s: Of the section.
        heard_share: Share of its vectors that tell of sounds.
        rates: Events per minute of each sound; None where too little is heard.
        seconds: How long each sound went on together.
    """

    start_s: float
    end_s: float
    heard_share: float
    rates: dict[str, Estimate | None]
    seconds: dict[str, float]


def is_group(series: Series) -> NDArray[np.bool_]:
    """Return which vectors tell of a group of at least ``GROUP_MIN_PEOPLE`` faces."""
    return np.array([bucket in GROUPS for bucket in series.people], np.bool_)


def group_line(series: Series, name: str) -> NDArray[np.float64]:
    """Return a signal where it is of a group, NaN elsewhere."""
    return np.where(is_group(series), series.values[name], np.nan)


def part_figures(series: Series, parts: Sequence[Part]) -> list[PartFigures]:
    """Return what each section shows and how far it is from the others."""
    level = 1 - (1 - LEVEL) / max(1, len(parts))
    blocks = {
        name: [_blocks(series.at_s, group_line(series, name), part) for part in parts]
        for name in STATES
    }
    found = []
    for number, part in enumerate(parts):
        inside = (series.at_s > part.start_s) & (series.at_s <= part.end_s)
        is_told = inside & is_group(series) & series.is_told
        found.append(
            PartFigures(
                part,
                float(is_told.sum() / max(1, inside.sum())),
                float(np.nanmean(series.confidence[is_told])) if is_told.any() else None,
                {name: bootstrap_ratio(*blocks[name][number], MIN_BLOCKS) for name in STATES},
                {
                    name: bootstrap_difference(
                        blocks[name][number], _others(blocks[name], number), MIN_BLOCKS, level
                    )
                    for name in STATES
                },
            )
        )
    return found


def lost(figures: Sequence[PartFigures]) -> list[PartFigures]:
    """Return the sections whose attention or engagement is surely below that of the others."""
    return [
        figure
        for figure in figures
        if any(_is_beyond(figure.differences[name], -1) for name in ("attention", "engagement"))
    ]


def confused(figures: Sequence[PartFigures]) -> list[PartFigures]:
    """Return the sections whose confusion is surely above that of the others."""
    return [figure for figure in figures if _is_beyond(figure.differences["confusion"], 1)]


def _is_beyond(difference: Estimate | None, sign: int) -> bool:
    """Return whether a difference is beyond chance, and large enough to matter."""
    if difference is None or sign * difference.value < MIN_DIFFERENCE:
        return False
    return difference.low > 0 if sign > 0 else difference.high < 0


def events(series: Series, name: str, tick_s: float) -> list[tuple[float, float]]:
    """Return when a sound went on: from where it is 0.5, over pauses of up to ``HOLD_S``."""
    found: list[tuple[float, float]] = []
    for at_s, level in zip(series.at_s, series.values[name], strict=True):
        if not level >= GOES_ON:
            continue
        start_s = float(at_s) - tick_s
        if found and start_s - found[-1][1] <= HOLD_S + 1e-6:
            found[-1] = (found[-1][0], float(at_s))
        else:
            found.append((max(0.0, start_s), float(at_s)))
    return found


def sound_figures(
    series: Series, start_s: float, end_s: float, tick_s: float, min_minutes: float = MIN_PART_MIN
) -> SoundFigures:
    """Return how often people laughed, applauded and cheered between two moments."""
    inside = (series.at_s > start_s) & (series.at_s <= end_s)
    rates: dict[str, Estimate | None] = {}
    seconds: dict[str, float] = {}
    for name in SOUNDS:
        heard = inside & ~np.isnan(series.values[name])
        minutes = heard.sum() * tick_s / 60
        own = [span for span in events(series, name, tick_s) if start_s <= span[0] < end_s]
        rates[name] = poisson_rate(len(own), minutes) if minutes >= min_minutes else None
        seconds[name] = sum(end - start for start, end in own)
    heard = inside & ~np.isnan(series.values["laughter"])
    return SoundFigures(start_s, end_s, float(heard.sum() / max(1, inside.sum())), rates, seconds)


def peaks(series: Series, duration_s: float, tick_s: float) -> list[tuple[int, float]] | None:
    """Return the minutes with most laughter and applause, and the seconds of it in each.

    None where a show is too short, or has too few events, for some minutes to stand out.
    """
    spans = [s for name in ("laughter", "applause") for s in events(series, name, tick_s)]
    n_minutes = int(duration_s // 60)
    if n_minutes < MIN_PEAK_MIN or len(spans) < MIN_EVENTS:
        return None
    inside = [
        sum(max(0.0, min(end, 60.0 * (m + 1)) - max(start, 60.0 * m)) for start, end in spans)
        for m in range(n_minutes)
    ]
    order = sorted(range(n_minutes), key=lambda minute: (-inside[minute], minute))
    return [(minute, inside[minute]) for minute in order[:5] if inside[minute] > 0]


def _blocks(at_s: NDArray[np.float64], line: NDArray[np.float64], part: Part) -> Blocks:
    n_blocks = max(1, int((part.end_s - part.start_s) // BLOCK_S))
    inside = (at_s > part.start_s) & (at_s <= part.end_s) & ~np.isnan(line)
    place = ((at_s[inside] - part.start_s - 1e-9) / (part.end_s - part.start_s) * n_blocks).astype(
        int
    )
    place = np.minimum(place, n_blocks - 1)
    return (
        np.bincount(place, line[inside], n_blocks).astype(np.float64),
        np.bincount(place, minlength=n_blocks).astype(np.float64),
    )


def _others(blocks: Sequence[Blocks], number: int) -> Blocks:
    rest = [block for other, block in enumerate(blocks) if other != number]
    if not rest:
        return np.zeros(0), np.zeros(0)
    return np.concatenate([b[0] for b in rest]), np.concatenate([b[1] for b in rest])


if GROUP_MIN_PEOPLE != 5:  # pragma: no cover
    raise AssertionError("GROUPS holds other buckets than the smallest group")
