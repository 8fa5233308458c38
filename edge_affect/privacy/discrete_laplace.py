"""Noise for differential privacy, exact: whole numbers and fractions only, never a float.

Floating-point noise has holes in its last bits, and who looks for them undoes the protection
(Mironov, "On significance of the least significant bits for differential privacy", CCS 2012).
The algorithms are those of Canonne, Kamath and Steinke, "The discrete Gaussian for differential
privacy", NeurIPS 2020, section 5: algorithm 1 for a coin of probability exp(-x) and algorithm 2
for the discrete Laplace distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

Randbelow = Callable[[int], int]
"""Returns a whole number from 0 up to, but not including, its argument, all equally likely."""


def bernoulli(p: Fraction, randbelow: Randbelow) -> bool:
    """Return True with probability ``p`` of [0, 1]."""
    return randbelow(p.denominator) < p.numerator


def bernoulli_exp(gamma: Fraction, randbelow: Randbelow) -> bool:
    """Return True with probability exp(-gamma), gamma >= 0."""
    while gamma > 1:
        if not _bernoulli_exp_below_one(Fraction(1), randbelow):
            return False
        gamma -= 1
    return _bernoulli_exp_below_one(gamma, randbelow)


def _bernoulli_exp_below_one(gamma: Fraction, randbelow: Randbelow) -> bool:
    """Return True with probability exp(-gamma), gamma in [0, 1]: von Neumann's trick.

    The chance that a run of coins of gamma/1, gamma/2, ... first fails at an odd place is the
    alternating series of exp(-gamma).
    """
    k = 1
    while bernoulli(gamma / k, randbelow):
        k += 1
    return k % 2 == 1


def discrete_laplace(scale: Fraction, randbelow: Randbelow) -> int:
    """Return a whole number x with a probability in proportion to exp(-|x| / scale), scale > 0.

    Added to a whole number that one person can change by at most ``delta``, with
    ``scale = delta / epsilon``, it makes that number epsilon-differentially private.
    """
    t, s = scale.numerator, scale.denominator
    while True:
        low = randbelow(t)
        if not bernoulli_exp(Fraction(low, t), randbelow):
            continue
        high = 0
        while bernoulli_exp(Fraction(1), randbelow):
            high += 1
        size = (low + t * high) // s
        is_negative = bernoulli(Fraction(1, 2), randbelow)
        if not (is_negative and size == 0):  # zero has one sign only
            return -size if is_negative else size
