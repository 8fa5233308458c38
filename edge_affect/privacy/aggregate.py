"""A mean over ten minutes and a group, with just enough noise that nobody in it can be told.

What is protected is what one person showed during the window; that somebody was there, and how
many were, is not (the record tells the latter in buckets anyway). So two windows are neighbours
when one person, in every tick, showed something else. How much that can change the sums is worked
out in ``sensitivity`` and argued in docs/decisions/0016.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

from edge_affect.privacy.discrete_laplace import Randbelow, discrete_laplace
from edge_affect.record import EXPRESSION_SUM, EXPRESSIONS

UNITS = 100
"""Sums are kept in hundredths of a level: fine against any noise, whole all the same."""
N_LEVELS = len(EXPRESSIONS)


@dataclass(slots=True)
class Window:
    """Sums over the ticks of one window; exact.

    Attributes:
        n_ticks: Ticks so far, in which the group was told or not.
        n_told: Ticks that had a group.
        fewest: People in the smallest of those groups, 0 without any.
        sums: Of the group means of the levels, in fifteenths.
        weight: Sum over the ticks of the weight of one person, ``1 / n``.
    """

    n_ticks: int = 0
    n_told: int = 0
    fewest: int = 0
    sums: list[Fraction] = field(default_factory=lambda: [Fraction(0)] * N_LEVELS)
    weight: Fraction = Fraction(0)

    def add(self, people: Sequence[tuple[int, ...]]) -> None:
        """Take one tick.

        Args:
            people: What each shows, eight levels >= 0 that sum to 15; nobody, while the group is
                closed.
        """
        self.n_ticks += 1
        if not people:
            return
        n = len(people)
        self.n_told += 1
        self.fewest = min(self.fewest or n, n)
        self.weight += Fraction(1, n)
        for i in range(N_LEVELS):
            self.sums[i] += Fraction(sum(levels[i] for levels in people), n)

    @property
    def is_worth_telling(self) -> bool:
        """Whether there was a group for at least half of the time."""
        return 2 * self.n_told >= self.n_ticks > 0

    def whole_means(self) -> list[int]:
        """Return the mean of each level over the told ticks, in units, rounded down."""
        return [int(UNITS * total / self.n_told) for total in self.sums]

    def sensitivity(self) -> int:
        """Return by how much one person can change ``whole_means``, all levels together.

        In one tick a person changes the group mean by at most 2 * 15 / n: all of its levels taken
        away from some expressions and given to others. Averaged over the ticks that is 30 times
        the mean of 1 / n. Rounding down can add less than one unit to each of the eight.
        """
        mean_weight = self.weight / self.n_told
        return int(UNITS * 2 * EXPRESSION_SUM * mean_weight) + N_LEVELS

    def noisy_levels(self, epsilon: Fraction, randbelow: Randbelow) -> list[float]:
        """Return the means with noise, as levels >= 0 that sum to 15.

        Whatever is done to the noisy numbers afterwards costs no privacy, so they are moved to the
        nearest distribution.

        Args:
            epsilon: Privacy loss of all eight numbers together, > 0.
            randbelow: Source of randomness.
        """
        scale = self.sensitivity() / epsilon
        noisy = [mean + discrete_laplace(scale, randbelow) for mean in self.whole_means()]
        return nearest_distribution([value / UNITS for value in noisy], EXPRESSION_SUM)


def nearest_distribution(values: Sequence[float], total: float) -> list[float]:
    """Return the point nearest to ``values`` among those >= 0 that sum to ``total``.

    After Held, Wolfe and Crowder, "Validation of subgradient optimization", Mathematical
    Programming 6, 1974.

    >>> nearest_distribution([9.0, 9.0, -3.0], 15.0)
    [7.5, 7.5, 0.0]
    """
    ordered = sorted(values, reverse=True)
    reached, level = 0.0, 0.0
    for n, value in enumerate(ordered, 1):
        reached += value
        candidate = (reached - total) / n
        if value > candidate:
            level = candidate
    return [max(0.0, value - level) for value in values]
