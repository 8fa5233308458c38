"""How one person shows each expression: moved by what they show, and by that alone."""

import numpy as np
import pytest

from edge_affect.errors import DatasetError, ShapeError
from edge_affect.evaluation.fusion import auc
from edge_affect.evaluation.fusion_fit import fit_fusion, known_people, pair_agreements, pooled
from edge_affect.evaluation.fusion_manner import fit_manner, shown
from edge_affect.evaluation.fusion_scores import FusionScores
from edge_affect.fusion.manner import Manner, manner_of_everybody, manners_of_person

K = 4


def everybody():
    generator = np.random.default_rng(0)
    truth = np.repeat(np.arange(K), 100)
    values = 3.0 * np.eye(K)[truth] + generator.normal(0.0, 1.0, (truth.size, K))
    return manner_of_everybody(values, truth, K)


def test_chances_are_distributions_and_point_at_the_nearest_mean():
    one = everybody()
    chances = one.chances(3.0 * np.eye(K))
    assert np.allclose(chances.sum(axis=1), 1.0)
    assert chances.argmax(axis=1).tolist() == list(range(K))
    assert chances.min() > 0.0


def test_a_person_who_shows_one_expression_as_another_is_learned():
    odd, usual = np.array([0.0, 3.0, 2.8, 0.0]), np.array([0.0, 0.0, 3.0, 0.0])
    one = everybody()
    values = np.concatenate((np.tile(odd, (20, 1)), np.tile(usual, (20, 1))))
    read = np.repeat([[0.0, 0.7, 0.3, 0.0], [0.0, 0.05, 0.95, 0.0]], 20, axis=0)
    known = one.moved(values, read)
    assert known.chances(odd[None])[0, 1] > one.chances(odd[None])[0, 1] + 0.1
    assert known.chances(usual[None])[0, 2] > 0.8
    assert np.allclose(known.means[[0, 3]], one.means[[0, 3]])


def test_nothing_seen_changes_nothing_and_the_order_is_no_matter():
    one = everybody()
    assert np.allclose(one.moved(np.empty((0, K)), np.empty((0, K))).means, one.means)
    generator = np.random.default_rng(1)
    values, read = generator.normal(size=(9, K)), generator.dirichlet(np.ones(K), 9)
    turned = {"face": values[::-1]}, read[::-1]
    first = manners_of_person({"face": one}, {"face": values}, read)["face"].means
    assert np.allclose(manners_of_person({"face": one}, *turned)["face"].means, first)


def test_numbers_that_do_not_fit_are_refused():
    with pytest.raises(ShapeError):
        Manner(np.zeros((K, 3)), np.eye(K))
    with pytest.raises(ShapeError):
        Manner(np.full((K, K), np.nan), np.eye(K))


def scores(people, seed, swap=2.0, classes=K):
    """Return scores of people of whom each shows one class halfway as another."""
    generator = np.random.default_rng(seed)
    each = 8
    truth = np.tile(np.repeat(np.arange(classes), each), len(people))
    who = np.repeat(people, each * classes)

    def said():
        logits = 2.5 * np.eye(K)[truth] + generator.normal(0.0, 0.8, (truth.size, K))
        for person in people:
            first, second = generator.permutation(K)[:2]
            logits[(who == person) & (truth == first), second] += swap
        powers = np.exp(logits)
        return (powers / powers.sum(axis=1, keepdims=True))[:, None]

    names = tuple("abcd")
    return FusionScores(said(), said(), truth, who, None, names)


def areas(swap):
    fit, other = scores(np.arange(8), 0, swap), scores(np.arange(8, 20), 1, swap)
    fitted = fit_fusion(fit)
    manner = fit_manner(fit, known_people(fit, fitted), fitted)
    seen = known_people(other, fitted)
    by_pool = {name: pooled(fitted.weights, {name: part}) for name, part in seen.items()}
    found = []
    for said in (by_pool, shown(other, seen, fitted, manner)):
        values, conflicts, _ = pair_agreements(said, other)
        found.append(auc(1.0 - values, conflicts))
    return found


def test_manners_tell_conflicts_of_people_who_show_in_their_own_way():
    by_pool, by_manner = areas(swap=2.5)
    assert by_manner > by_pool + 0.01


def test_manners_cost_next_to_nothing_where_there_are_none():
    by_pool, by_manner = areas(swap=0.0)
    assert by_manner > by_pool - 0.01


def test_a_class_that_too_few_people_show_is_refused():
    fit = scores(np.arange(4), 0)
    rare = fit.rows((fit.truth != 3) | (fit.people == 0))
    fitted = fit_fusion(rare)
    with pytest.raises(DatasetError, match="Every class"):
        fit_manner(rare, known_people(rare, fitted), fitted)
