"""Group gaps at equal smiles: what smiles explain is gone, what a model adds stays."""

import numpy as np
import pytest

from edge_affect.evaluation.equal_smiles import gaps_at_equal_smiles, kinds_of
from edge_affect.evaluation.face_groups import group_figures
from edge_affect.evaluation.parity import gaps_of
from edge_affect.evaluation.portrait_results import NOT_READ, Results


def people(generator, n, smiling, bias):
    """Smiles, and who is called neutral: fewer the wider the smile, plus what a model adds."""
    smiles = np.where(generator.random(n) < smiling, generator.uniform(0.5, 1, n), 0.0)
    return smiles, generator.random(n) < 0.7 - 0.6 * smiles + bias


def two_groups(bias):
    generator = np.random.default_rng(3)
    women, men = people(generator, 2000, 0.7, 0.0), people(generator, 2000, 0.3, bias)
    smiles, neutral = (np.concatenate(pair) for pair in zip(women, men, strict=True))
    return smiles, np.repeat(["women", "men"], 2000), neutral


def test_a_gap_that_smiles_explain_is_gone():
    smiles, groups, neutral = two_groups(bias=0.0)
    plain = gaps_of(groups, {"neutral": neutral})["neutral"]
    assert plain["gap"] > 0.12
    found = gaps_at_equal_smiles(smiles, groups, {"neutral": neutral})["neutral"]
    assert found["gap"] < 0.03
    assert found["gap"] <= found["by_chance"] + 0.005
    assert found["interval"][0] <= 0.01


def test_what_a_model_adds_stays():
    smiles, groups, neutral = two_groups(bias=0.15)
    found = gaps_at_equal_smiles(smiles, groups, {"neutral": neutral})["neutral"]
    assert (found["highest"], found["lowest"]) == ("men", "women")
    assert found["gap"] == pytest.approx(0.15, abs=0.04)
    assert found["interval"][0] < found["gap"] < found["interval"][1]
    assert found["gap"] > found["by_chance"]


def test_equal_smiles_are_of_one_kind():
    kinds = kinds_of(np.array([0.0] * 6 + [0.2, 0.4, 0.9] + [1.0] * 6), n_kinds=3)
    assert kinds.tolist() == [0] * 6 + [1] * 3 + [2] * 6
    assert kinds_of(np.array([0.0, 1.0, 1.0])).tolist() == [0, 1, 1]
    assert np.bincount(kinds_of(np.linspace(0, 1, 100))).tolist() == [20] * 5


def test_fewer_kinds_are_told_apart_where_groups_are_small():
    smiles = np.repeat(np.linspace(0.0, 1.0, 19), 2)
    groups = np.array(["a", "b"] * 19)
    found = gaps_at_equal_smiles(smiles, groups, {"neutral": smiles < 0.5})
    assert found["neutral"]["n_kinds"] == 3


def test_a_group_without_some_kind_of_smile_is_not_compared():
    smiles = np.array([0.0] * 20 + [1.0] * 14)
    groups = np.array((["a", "b"] * 10) + ["a"] * 10 + ["b"] * 4)
    assert gaps_at_equal_smiles(smiles, groups, {"neutral": smiles == 0}) is None


def test_the_report_tells_gaps_with_and_without_smiles():
    smiles, groups, neutral = two_groups(bias=0.0)
    results = Results.blank(groups.size, 48)
    results.is_found[:] = True
    results.guess[:] = np.where(neutral, 0, 1)
    results.smile[:] = smiles
    report = group_figures(results, {"gender": groups})
    assert report["worst_gap"]["gap"] > 0.12
    worst = report["worst_gap_at_equal_smiles"]
    assert (worst["column"], worst["gap"] < 0.03) == ("gender", True)


def test_without_a_mesh_nothing_is_told_at_equal_smiles():
    results = Results.blank(8, 48)
    results.guess[:] = [0, 1] * 3 + [NOT_READ] * 2
    report = group_figures(results, {"gender": np.array(["a", "b"] * 4)})
    assert report["gaps_at_equal_smiles"] == {}
    assert report["worst_gap_at_equal_smiles"] is None
