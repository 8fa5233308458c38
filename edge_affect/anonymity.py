"""The configuration table ``[privacy]``: how many people it takes, and how noisy they are told."""

from __future__ import annotations

from dataclasses import dataclass

from edge_affect.keys import key

GROUP_MIN_PEOPLE = 5
"""Smallest group where the setting, or noisy aggregation, asks for one."""
AGGREGATE_WINDOW_S = 600
"""Noisy values are means over this long: per second, no budget would survive a day."""


@dataclass(frozen=True, slots=True)
class Privacy:
    """The gate in front of the outlet."""

    min_people: int = key(
        1,
        "publish nothing while fewer faces are present, and group values only; classroom, "
        "workplace and aggregate_epsilon use at least 5",
        low=1,
        high=100,
    )
    group_margin: int = key(
        3,
        "people enter and leave a group value at least so many at a time, and a group is told "
        "from min_people plus this on",
        low=2,
        high=10,
    )
    group_rest_s: float = key(
        20.0,
        "a face must have been there uncounted for this long before it counts into a group value",
        unit="s",
        low=0.0,
        high=600.0,
    )
    aggregate_epsilon: float = key(
        0.0,
        "above 0, only noisy group values of ten minutes leave; this is the privacy loss of one",
        low=0.0,
        high=10.0,
    )
    aggregate_daily_epsilon: float = key(
        8.0,
        "privacy loss of a day at most; once it is spent, no more values leave",
        low=0.01,
        high=100.0,
    )

    @property
    def is_aggregated(self) -> bool:
        """Whether only noisy aggregates leave."""
        return self.aggregate_epsilon > 0.0
