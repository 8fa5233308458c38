"""What can be said of a mixture of expressions, from the levels of a record alone.

Two expressions at once are common and have names: most of those below are the compound expressions
of S. Du, Y. Tao and A. M. Martinez, "Compound facial expressions of emotion", PNAS 111(15), 2014;
*bittersweet* and those with contempt are this project's own. A blend is named when both are strong
in the published levels; neutral is part of none, as a face that is half neutral is a weak one.

Everything here is arithmetic on integers that have left the sensing process already.
"""

from __future__ import annotations

import math

from edge_affect.record import EXPRESSION_SUM, EXPRESSIONS, Expression

LEAST_LEVEL = 4
"""Each of the two has at least so many fifteenths: more than twice an even share."""
LEAST_BOTH = 9
"""And both together have at least so many: more than all the others."""

_E = Expression
NAMES: dict[frozenset[Expression], str] = {
    frozenset((_E.HAPPINESS, _E.SURPRISE)): "happily-surprised",
    frozenset((_E.HAPPINESS, _E.SADNESS)): "bittersweet",
    frozenset((_E.HAPPINESS, _E.ANGER)): "happily-angry",
    frozenset((_E.HAPPINESS, _E.DISGUST)): "happily-disgusted",
    frozenset((_E.HAPPINESS, _E.FEAR)): "happily-fearful",
    frozenset((_E.HAPPINESS, _E.CONTEMPT)): "smug",
    frozenset((_E.SURPRISE, _E.SADNESS)): "sadly-surprised",
    frozenset((_E.SURPRISE, _E.ANGER)): "angrily-surprised",
    frozenset((_E.SURPRISE, _E.DISGUST)): "disgustedly-surprised",
    frozenset((_E.SURPRISE, _E.FEAR)): "fearfully-surprised",
    frozenset((_E.SURPRISE, _E.CONTEMPT)): "contemptuously-surprised",
    frozenset((_E.SADNESS, _E.ANGER)): "sadly-angry",
    frozenset((_E.SADNESS, _E.DISGUST)): "sadly-disgusted",
    frozenset((_E.SADNESS, _E.FEAR)): "sadly-fearful",
    frozenset((_E.SADNESS, _E.CONTEMPT)): "sadly-contemptuous",
    frozenset((_E.ANGER, _E.DISGUST)): "angrily-disgusted",
    frozenset((_E.ANGER, _E.FEAR)): "fearfully-angry",
    frozenset((_E.ANGER, _E.CONTEMPT)): "angrily-contemptuous",
    frozenset((_E.DISGUST, _E.FEAR)): "fearfully-disgusted",
    frozenset((_E.DISGUST, _E.CONTEMPT)): "disgustedly-contemptuous",
    frozenset((_E.FEAR, _E.CONTEMPT)): "fearfully-contemptuous",
}
"""Of every two expressions that are not neutral."""


def blend(levels: tuple[int, ...]) -> str | None:
    """Return the name of a blend, or None where no two expressions are both strong.

    >>> blend((0, 7, 6, 1, 0, 0, 1, 0))
    'happily-surprised'
    >>> blend((6, 5, 4, 0, 0, 0, 0, 0)) is None
    True

    Args:
        levels: Fifteenths in the order of ``Expression`` that sum to 15.
    """
    shown = [one for one in Expression if one is not Expression.NEUTRAL]
    first, second = sorted(shown, key=lambda one: (-levels[one], one))[:2]
    if levels[second] < LEAST_LEVEL or levels[first] + levels[second] < LEAST_BOTH:
        return None
    if levels[Expression.NEUTRAL] > levels[second]:
        return None
    return NAMES[frozenset((first, second))]


def entropy(levels: tuple[int, ...]) -> float:
    """Return how mixed the levels are: 0 for one expression, 1 for all alike (Shannon, 1948).

    >>> entropy((15, 0, 0, 0, 0, 0, 0, 0)), round(entropy((8, 7, 0, 0, 0, 0, 0, 0)), 3)
    (0.0, 0.332)

    Args:
        levels: As above.
    """
    shares = [level / EXPRESSION_SUM for level in levels if level > 0]
    bits = -math.fsum(share * math.log2(share) for share in shares)
    return abs(bits) / math.log2(len(EXPRESSIONS))
