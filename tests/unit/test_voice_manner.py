"""The manner of speaking, what it says of arousal, and of an expression against the own normal."""

import json

import numpy as np
import pytest

from edge_affect.baseline import ExpressionEffects, MoodGuard, Population
from edge_affect.errors import InputMissingError, ManifestError, ShapeError
from edge_affect.evaluation.known_voices import syllables
from edge_affect.perception.acoustic import AcousticSettings, log_mel_db
from edge_affect.perception.expression_model import VoiceReading
from edge_affect.perception.model_store import find_manifest
from edge_affect.perception.prosody import prosody_of
from edge_affect.perception.voice_arousal import N_USED, VoiceArousal
from edge_affect.perception.voice_baseline import VoiceBaseline, VoiceBaselineModel
from edge_affect.perception.voice_manner import LEVEL_NAMES, MANNER_NAMES, clip_manner, manner

LABELS = ("neutral", "anger")
M = len(MANNER_NAMES)


def voice(f0_hz: float = 150.0, seed: int = 1) -> np.ndarray:
    spoken = syllables(4.0, 2.5, f0_hz, seed=seed)
    return np.asarray(getattr(spoken, "samples", spoken), dtype=np.float32)[:40_000]


def manner_of(samples: np.ndarray) -> dict[str, float]:
    values = manner(log_mel_db(samples, AcousticSettings()), prosody_of(samples))
    return dict(zip(MANNER_NAMES, values.tolist(), strict=True))


def test_a_manner_has_a_number_for_every_name():
    found = manner_of(voice())
    assert len(found) == 49
    assert np.isfinite(list(found.values())).all()
    assert found["f0_st"] == pytest.approx(12 * np.log2(1.5), abs=2.0)


def test_gain_moves_the_level_and_nothing_else():
    loud, quiet = manner_of(voice()), manner_of(voice() * np.float32(0.1))
    assert loud["level_db"] - quiet["level_db"] == pytest.approx(20.0, abs=0.1)
    moved = [n for n in MANNER_NAMES if abs(loud[n] - quiet[n]) > 0.02 * (1 + abs(loud[n]))]
    assert moved == ["level_db"]


def test_a_higher_voice_has_a_higher_pitch():
    rise_st = manner_of(voice(250.0))["f0_st"] - manner_of(voice(125.0))["f0_st"]
    assert rise_st == pytest.approx(12.0, abs=2.5)


def test_without_prosody_the_rest_is_there():
    values = manner(log_mel_db(voice(), AcousticSettings()), None)
    assert np.isnan(values).tolist() == [True] * 13 + [False] * 36


def test_silence_has_a_manner_too():
    values = manner(log_mel_db(np.zeros(40_000, dtype=np.float32), AcousticSettings()), None)
    assert np.isfinite(values[13:]).all()


def test_windows_of_another_shape_are_refused():
    with pytest.raises(ShapeError, match="multiples of 8 bands"):
        manner(np.zeros((10, 63), dtype=np.float32), None)
    with pytest.raises(ShapeError, match="multiples of 8 bands"):
        manner(np.zeros((1, 64), dtype=np.float32), None)


def test_a_clip_is_the_mean_of_what_its_windows_know():
    windows = np.array([[1.0, np.nan, np.nan], [3.0, 5.0, np.nan]])
    assert clip_manner(windows)[:2].tolist() == [2.0, 5.0]
    assert np.isnan(clip_manner(windows)[2])


def toy_model(**changes) -> VoiceBaselineModel:
    """Pitch above everybody's speaks for anger; people differ much in it."""
    weights = np.zeros((M, 2))
    weights[MANNER_NAMES.index("f0_st")] = -1.0, 1.0
    settings = {
        "labels": LABELS,
        "manner_mean": np.zeros(M),
        "manner_within": np.full(M, 2.0),
        "weights": weights,
        "bias": np.zeros(2),
        "population": Population(np.zeros(2), np.full(2, 2.0), np.ones(2)),
        "effects": ExpressionEffects(np.array([[0.5, -0.5], [-0.5, 0.5]]), np.ones(2)),
        "guard": MoodGuard(0.6, 0.8),
        "share": 1.0,
        "temperature": 1.0,
    }
    return VoiceBaselineModel(**{**settings, **changes})


def read(probabilities: np.ndarray, scores: tuple[float, float] = (0.0, 0.0)) -> VoiceReading:
    return VoiceReading(probabilities, np.array(scores))


def pitched(f0_st: float) -> np.ndarray:
    values = np.full(M, np.nan)
    values[MANNER_NAMES.index("f0_st")] = f0_st
    return values


def test_a_high_voice_is_angry_only_until_it_is_known():
    baseline = VoiceBaseline(toy_model())
    unsure = np.array([0.5, 0.5])
    first = baseline.correct(read(unsure), pitched(6.0))
    for k in range(20):
        last = baseline.correct(read(unsure), pitched(5.0 + k % 3))
    assert first[1] > 0.7
    assert last == pytest.approx(unsure, abs=0.2)
    assert baseline.correct(read(unsure), pitched(11.0))[1] > 0.95
    assert baseline.weight == pytest.approx(22.0)
    baseline.forget()
    assert baseline.correct(read(unsure), pitched(6.0)) == pytest.approx(first)


def test_the_scores_of_the_model_count_against_what_is_normal_for_the_voice():
    baseline = VoiceBaseline(toy_model(model_share=1.0))
    unsure, unknown = np.array([0.5, 0.5]), np.full(M, np.nan)
    assert baseline.correct(read(unsure, (-3.0, 3.0)), unknown)[1] > 0.7
    for _ in range(20):
        baseline.correct(read(unsure, (-3.0, 3.0)), unknown)
    assert baseline.correct(read(unsure, (0.0, 0.0)), unknown)[1] < 0.2
    deaf = VoiceBaseline(toy_model(model_share=0.0))
    assert deaf.correct(read(unsure, (-3.0, 3.0)), unknown) == pytest.approx(unsure)


def test_what_is_not_known_leaves_the_answer_alone():
    said = np.array([0.8, 0.2])
    corrected = VoiceBaseline(toy_model()).correct(read(said), np.full(M, np.nan))
    assert corrected == pytest.approx(said)
    flat = VoiceBaseline(toy_model(temperature=2.0)).correct(read(said), np.full(M, np.nan))
    assert flat == pytest.approx(np.array([2 / 3, 1 / 3]))


def test_the_numbers_survive_their_file(tmp_path):
    path = tmp_path / "voice_baseline.json"
    model = toy_model(model_share=0.7)
    path.write_text(model.text(), encoding="utf-8")
    again = VoiceBaselineModel.load(path)
    assert again.text() == model.text()
    assert again.model_share == 0.7
    assert again.guard == MoodGuard(0.6, 0.8)
    with pytest.raises(InputMissingError, match="does not exist"):
        VoiceBaselineModel.load(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("share"), "share"),
        (lambda c: c["manner"].pop("f0_st"), "other numbers"),
        (lambda c: c.update(temperature=0), "temperature > 0"),
        (lambda c: c["scores"]["anger"].update(within=0), "within > 0"),
        (lambda c: c["guard"].update(low=1), "low"),
        (lambda c: c.update(labels=["neutral"]), "shape"),
    ],
)
def test_a_file_that_is_no_baseline(tmp_path, change, message):
    content = json.loads(toy_model().text())
    change(content)
    path = tmp_path / "voice_baseline.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(
        ManifestError, match=rf"voice_baseline\.json is no voice baseline: .*{message}"
    ):
        VoiceBaselineModel.load(path)


def test_manners_and_probabilities_of_another_shape():
    baseline = VoiceBaseline(toy_model())
    with pytest.raises(ShapeError, match="has 49 numbers"):
        baseline.correct(read(np.array([0.5, 0.5])), np.zeros(3))
    with pytest.raises(ShapeError, match="2 probabilities"):
        baseline.correct(VoiceReading(np.ones(3) / 3, np.zeros(2)), np.zeros(M))


def toy_arousal() -> VoiceArousal:
    weights = np.zeros(N_USED)
    weights[MANNER_NAMES.index("f0_st")] = 0.3
    return VoiceArousal(np.zeros(N_USED), np.full(N_USED, 4.0), weights, 0.1)


def test_arousal_rises_with_pitch_within_its_range_and_ignores_the_level():
    model = toy_arousal()
    assert model.arousal(pitched(0.0)) == pytest.approx(0.1)
    assert model.arousal(pitched(4.0)) == pytest.approx(0.4)
    assert model.arousal(pitched(40.0)) == 1.0
    assert model.arousal(np.full(M, np.nan)) == pytest.approx(0.1)
    louder = pitched(4.0)
    louder[-len(LEVEL_NAMES) :] = 90.0
    assert model.arousal(louder) == pytest.approx(0.4)
    with pytest.raises(ShapeError, match="has 49 numbers"):
        model.arousal(np.zeros(4))


def test_the_map_to_arousal_survives_its_file(tmp_path):
    path = tmp_path / "voice_arousal.json"
    path.write_text(toy_arousal().text(), encoding="utf-8")
    assert VoiceArousal.load(path).text() == toy_arousal().text()
    path.write_text('{"bias": 0, "manner": {}}', encoding="utf-8")
    with pytest.raises(ManifestError, match="is no map to arousal: its manner has other numbers"):
        VoiceArousal.load(path)
    with pytest.raises(InputMissingError, match="does not exist"):
        VoiceArousal.load(tmp_path / "none.json")
    with pytest.raises(ShapeError, match="deviations above 0"):
        VoiceArousal(np.zeros(N_USED), np.zeros(N_USED), np.zeros(N_USED), 0.0)


def test_the_shipped_numbers_fit_the_shipped_voice_model():
    assert VoiceBaselineModel.load().labels == find_manifest("voice_expression").labels
    everybody = VoiceArousal.load()
    assert -1.0 < everybody.arousal(np.full(M, np.nan)) < 1.0
