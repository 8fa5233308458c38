"""Blends and entropy: from the levels of a record alone, for every record there can be."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.publishing.blends import LEAST_BOTH, LEAST_LEVEL, NAMES, blend, entropy
from edge_affect.record import EXPRESSION_SUM, Expression

levels_of_records = st.lists(st.integers(0, EXPRESSION_SUM), min_size=7, max_size=7).map(
    lambda cuts: tuple(
        high - low for low, high in itertools.pairwise([0, *sorted(cuts), EXPRESSION_SUM])
    )
)


def test_every_pair_of_expressions_but_neutral_has_a_name_of_its_own():
    shown = [one for one in Expression if one is not Expression.NEUTRAL]
    assert set(NAMES) == {frozenset(pair) for pair in itertools.combinations(shown, 2)}
    assert len(set(NAMES.values())) == len(NAMES) == 21


@pytest.mark.parametrize(
    ("levels", "name"),
    [
        ((0, 8, 7, 0, 0, 0, 0, 0), "happily-surprised"),
        ((2, 7, 0, 5, 1, 0, 0, 0), "bittersweet"),
        ((4, 5, 0, 4, 2, 0, 0, 0), "bittersweet"),
        ((5, 5, 0, 4, 1, 0, 0, 0), None),
        ((0, 4, 4, 4, 3, 0, 0, 0), None),
        ((0, 12, 3, 0, 0, 0, 0, 0), None),
        ((15, 0, 0, 0, 0, 0, 0, 0), None),
        ((7, 0, 0, 8, 0, 0, 0, 0), None),
    ],
)
def test_blends_are_named_where_two_are_strong(levels, name):
    assert sum(levels) == EXPRESSION_SUM
    assert blend(levels) == name


@given(levels_of_records)
def test_a_blend_is_of_two_strong_ones_and_entropy_is_a_share(levels):
    assert sum(levels) == EXPRESSION_SUM
    assert 0.0 <= entropy(levels) <= 1.0
    named = blend(levels)
    if named is not None:
        pair = next(one for one, name in NAMES.items() if name == named)
        strong = [levels[one] for one in pair]
        assert min(strong) >= LEAST_LEVEL
        assert sum(strong) >= LEAST_BOTH
        assert max(levels) in strong
        assert entropy(levels) > 0.25


def test_entropy_grows_from_one_to_all():
    assert entropy((0, 0, 0, 15, 0, 0, 0, 0)) == 0.0
    mixed = [(15, 0, 0), (10, 5, 0), (5, 5, 5)]
    values = [entropy((*first, 0, 0, 0, 0, 0)) for first in mixed]
    assert values == sorted(values)
    assert entropy((2, 2, 2, 2, 2, 2, 2, 1)) > 0.99
