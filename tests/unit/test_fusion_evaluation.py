"""Late fusion on scores of both modalities: figures, pairs, tests over people, wrong files."""

import json

import numpy as np
import pytest

from edge_affect.cli import main
from edge_affect.errors import DatasetError, InputMissingError, ManifestError, ShapeError
from edge_affect.evaluation.fusion import auc, evaluate_fusion
from edge_affect.evaluation.fusion_fit import (
    fit_fusion,
    floored,
    known_people,
    pairs,
    pooled,
)
from edge_affect.evaluation.fusion_scores import read_fusion_scores
from edge_affect.evaluation.paired import paired_over_people, sign_flip_p
from edge_affect.fusion.joint import Evidence, JointWeights

K, EACH = 4, 3
N = 6 * K * EACH


def scores_file(path, people=range(6), seed=0, *, shift=2.0, second=True, **changed):
    """Write scores in which every person shifts what both models say."""
    generator = np.random.default_rng(seed)
    label = np.tile(np.repeat(np.arange(K), EACH), len(people))
    actor = np.repeat(np.array(people), EACH * K)
    n = label.size

    def logits(strength):
        own = {person: generator.normal(0.0, shift, K) for person in people}
        shifted = np.stack([own[person] for person in actor])
        return (strength * np.eye(K)[label] + shifted + generator.normal(0, 1.0, (n, K))).astype(
            np.float32
        )

    arrays = {
        "face_bilstm_logits": logits(2.5),
        "audio_w2v2_logits": logits(3.0),
        "label": label,
        "actor": actor,
        "fold": actor % 3,
        "classes": np.array(["neutral", "happy", "sad", "angry"]),
    }
    if second:
        powers = np.exp(logits(2.0))
        arrays["face_mlp_probs"] = powers / powers.sum(axis=1, keepdims=True)
    arrays.update(changed)
    np.savez(path, **{name: value for name, value in arrays.items() if value is not None})
    return path


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return scores_file(tmp_path_factory.mktemp("scores") / "fit.npz")


@pytest.fixture(scope="module")
def fitted(data):
    return fit_fusion(read_fusion_scores(data))


@pytest.fixture(scope="module")
def report(data):
    return evaluate_fusion(data)


def test_fusion_finds_what_people_shift_and_beats_the_product(report):
    assert report["n"] == N
    assert report["people"] == 6
    assert report["fused_accuracy"] > report["product_accuracy"] + 0.05
    assert report["fused_accuracy"] > report["fused_alone_accuracy"]
    assert report["against_product"]["people_worse"] == 0
    assert report["against_product"]["difference"] > 0.05
    assert report["incongruence_auc"] > report["jensen_shannon_auc"]
    assert 0.0 <= report["ece"] <= 0.3
    assert list(report["recall"]) == ["neutral", "happy", "sad", "angry"]
    assert sum(map(sum, report["confusion"]["rows"])) == N


def test_curves_cover_every_happening_and_degrade(report):
    curves = report["degradation"]
    assert len(curves) == 8
    for name in ("face", "voice"):
        missing = [point["fused"] for point in curves[f"{name}_missing"]]
        assert missing[-1] == curves[f"{name}_missing"][-1]["other_alone"]
        assert missing[0] > missing[-1]
        stale = curves[f"{name}_stale"]
        assert stale[-1]["fused"] > stale[-1]["product"]
        said = [point["incongruence"] for point in curves[f"{name}_contradicting"]]
        assert said == sorted(said)
        sure = [point["confidence"] for point in curves[f"{name}_contradicting"]]
        assert sure[0] > sure[-1]
        settled = curves[f"{name}_contradicting"]
        assert settled[0]["settled_known"] >= settled[0]["fused"] - 0.02
        assert settled[-1]["settled_known_confidence"] < settled[-1]["confidence"]
        coverage = [row["coverage"] for row in settled[-1]["settled_known_answered"]]
        assert coverage == sorted(coverage, reverse=True)
    assert report["clips_heard"][-1]["accuracy"] > report["clips_heard"][0]["accuracy"]
    assert [row["mood"] for row in report["moods"]] == list(report["recall"])


def test_what_is_fitted_serves_other_people(data, tmp_path, capsys):
    other = scores_file(tmp_path / "other.npz", people=range(20, 23), seed=5)
    command = ["evaluate", "fusion", "--data", str(data), "--test", str(other)]
    assert main([*command, "--json", "--plots", str(tmp_path / "plots")]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["n"] == N // 2
    assert found["fused_accuracy"] > 0.6
    assert len(found["weights"]) == 1
    drawn = sorted(path.name for path in (tmp_path / "plots").iterdir())
    assert drawn == [f"fusion_{n}.svg" for n in ("clips_heard", "degradation", "moods")]


def test_the_second_face_is_optional_in_either_file(data, tmp_path):
    plain = scores_file(tmp_path / "plain.npz", people=range(20, 23), seed=5, second=False)
    found = evaluate_fusion(data, plain)
    assert "second_face_accuracy" not in found
    assert found["weights"][0]["face"]["sources"] == ["face_bilstm"]


def test_many_clips_are_pooled_as_one_is(data, fitted):
    scores = read_fusion_scores(data)
    seen = known_people(scores, fitted)
    at_once = pooled(fitted.weights, seen)
    for row in range(0, len(scores), 7):
        one = {name: Evidence(part[row]) for name, part in seen.items()}
        assert np.allclose(fitted.weights.pooled(one), at_once[row])
    face = pooled(fitted.weights, {"face": floored(scores.face)})
    one = fitted.weights.pooled({"face": Evidence(floored(scores.face)[3])})
    assert np.allclose(one, face[3])


def test_conflicts_are_of_the_same_person_and_another_label(data):
    scores = read_fusion_scores(data)
    voices, exists = pairs(scores)
    assert exists.sum() == len(scores)
    assert (scores.people[voices] == scores.people).all()
    assert (scores.truth[voices] != scores.truth).all()


def test_weights_survive_their_file(fitted, tmp_path):
    weights = fitted.weights
    path = tmp_path / "fusion.json"
    path.write_text(weights.text(), encoding="utf-8")
    loaded = JointWeights.load(path)
    assert loaded.classes == weights.classes
    assert loaded.text() == weights.text()
    with pytest.raises(InputMissingError):
        JointWeights.load(tmp_path / "none.json")
    for text in ("{", "[]", '{"classes": [], "modalities": {"face": 1}, "provenance": {}}'):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ManifestError):
            JointWeights.load(path)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"label": None}, "lacks label"),
        ({"actor": np.zeros(3, dtype=int)}, "actor must be 72 whole numbers"),
        ({"label": np.full(N, 9)}, "label must be 0 to 3"),
        ({"audio_w2v2_logits": np.zeros((N, 3), dtype=np.float32)}, "shape"),
        ({"audio_w2v2_logits": np.full((N, 4), np.nan, dtype=np.float32)}, "not finite"),
        ({"face_mlp_probs": np.ones((N, 4))}, "sum to 1"),
        ({"fold": None}, "--test"),
        ({"label": np.tile(np.repeat([0, 1, 2, 2], EACH), 6)}, "every class"),
    ],
)
def test_wrong_files_are_refused_in_one_sentence(tmp_path, capsys, changed, words):
    path = scores_file(tmp_path / "bad.npz", **changed)
    with pytest.raises(DatasetError, match=words):
        evaluate_fusion(path)
    assert main(["evaluate", "fusion", "--data", str(path)]) == 65
    said = capsys.readouterr().err
    assert words in said
    assert "Traceback" not in said


def test_files_that_do_not_go_together_are_refused(data, tmp_path):
    with pytest.raises(InputMissingError):
        evaluate_fusion(tmp_path / "none.npz")
    (tmp_path / "text.npz").write_text("no")
    with pytest.raises(DatasetError):
        evaluate_fusion(tmp_path / "text.npz")
    np.save(tmp_path / "one.npy", np.zeros(3))
    with pytest.raises(DatasetError, match="single array"):
        evaluate_fusion(tmp_path / "one.npy")
    with pytest.raises(DatasetError, match="holds people"):
        evaluate_fusion(data, data)
    others = scores_file(tmp_path / "o.npz", range(9, 12), classes=np.array(["a", "b", "c", "d"]))
    with pytest.raises(DatasetError, match="classes"):
        evaluate_fusion(data, others)


def test_sign_flips_are_counted_exactly():
    assert sign_flip_p(np.array([1.0, 2.0, 3.0])) == 0.25
    assert sign_flip_p(np.array([1.0, -1.0])) == 1.0
    many = sign_flip_p(np.full(20, 0.1))
    assert many < 0.001
    right = np.array([True, True, False, True])
    people = np.array([1, 1, 2, 2])
    same = paired_over_people(right, right, people)
    assert (same["difference"], same["sign_flip_p"], same["people_equal"]) == (0.0, 1.0, 2)


def test_the_area_under_the_curve_counts_ties_half():
    positive = np.array([True, False])
    assert auc(np.array([1.0, 1.0]), positive) == 0.5
    assert auc(np.array([2.0, 1.0]), positive) == 1.0
    assert np.isnan(auc(np.array([2.0, 1.0]), np.array([True, True])))


def test_evidence_of_another_shape_is_refused(fitted):
    weights = fitted.weights
    with pytest.raises(ShapeError):
        weights.pooled({})
    with pytest.raises(ShapeError):
        weights.pooled({"voice": Evidence(np.ones((2, K)) / K)})
    with pytest.raises(ShapeError):
        Evidence(np.ones(K) / K)
