"""Hours of the week, as people write them: ``mon-fri 08:00-18:00, sat 10:00-14:00``.

Pure; the moment comes in as an argument. Standard library only, so that the configuration can
check what it is told.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.errors import ConfigError, shown

if TYPE_CHECKING:
    from datetime import datetime

DAYS: tuple[str, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_PER_DAY = 24 * 60
_RANGE = re.compile(
    r"(?:(?P<first>[a-z]{3})(?:-(?P<last>[a-z]{3}))? +)?"
    r"(?P<from_h>\d\d):(?P<from_m>\d\d)-(?P<to_h>\d\d):(?P<to_m>\d\d)"
)
_FORM = "write it as: mon-fri 08:00-18:00, sat 10:00-14:00"


@dataclass(frozen=True, slots=True)
class HoursRange:
    """Some hours of some days of the week.

    Attributes:
        days: 0 is Monday; the days on which it begins.
        begins_min: Minutes after midnight, 0 to 1439.
        ends_min: Minutes after that midnight, above ``begins_min``; beyond 1440 it ends on the
            day after.
    """

    days: frozenset[int]
    begins_min: int
    ends_min: int

    def contains(self, day: int, minute: float) -> bool:
        """Return whether a minute of a day (0 is Monday) lies inside; the end does not."""
        is_today = day in self.days and self.begins_min <= minute < self.ends_min
        yesterday = (day - 1) % len(DAYS)
        is_left_over = yesterday in self.days and minute < self.ends_min - MINUTES_PER_DAY
        return is_today or is_left_over


@dataclass(frozen=True, slots=True)
class Hours:
    """Ranges of hours, any of which allows."""

    ranges: tuple[HoursRange, ...]

    def contain(self, moment: datetime) -> bool:
        """Return whether a local moment lies inside one of the ranges.

        >>> from datetime import datetime
        >>> hours("fri 22:00-02:00").contain(datetime(2026, 11, 28, 1, 59))
        True
        """
        minute = moment.hour * 60 + moment.minute + moment.second / 60
        return any(item.contains(moment.weekday(), minute) for item in self.ranges)


def hours(text: str) -> Hours:
    """Return the hours that a text names; days left out mean all of them.

    Raises:
        ConfigError: If it does not name any, or names impossible ones.
    """
    return Hours(tuple(_range(part.strip()) for part in text.lower().split(",")))


def _range(text: str) -> HoursRange:
    match = _RANGE.fullmatch(text)
    if match is None:
        raise ConfigError(f"[consent] hours has {shown(text)}, which names no hours; {_FORM}.")
    begins_min = _minute(match["from_h"], match["from_m"], text)
    ends_min = _minute(match["to_h"], match["to_m"], text)
    if begins_min in {MINUTES_PER_DAY, ends_min}:
        raise ConfigError(
            f"[consent] hours has {shown(text)}, which lasts no time at all; {_FORM}."
        )
    if ends_min < begins_min:
        ends_min += MINUTES_PER_DAY
    return HoursRange(_days(match["first"], match["last"], text), begins_min, ends_min)


def _days(first: str | None, last: str | None, text: str) -> frozenset[int]:
    if first is None:
        return frozenset(range(len(DAYS)))
    for name in (first, last or first):
        if name not in DAYS:
            raise ConfigError(
                f"[consent] hours has {shown(text)}; {shown(name)} is no day, "
                f"days are {', '.join(DAYS)}."
            )
    start, end = DAYS.index(first), DAYS.index(last or first)
    return frozenset((start + i) % len(DAYS) for i in range((end - start) % len(DAYS) + 1))


def _minute(hour: str, minute: str, text: str) -> int:
    value = int(hour) * 60 + int(minute)
    if int(minute) > 59 or value > MINUTES_PER_DAY:
        raise ConfigError(f"[consent] hours has {shown(text)}; times go from 00:00 to 24:00.")
    return value
