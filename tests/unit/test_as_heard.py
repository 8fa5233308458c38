"""What was meant turned into what people would hear: the numbers, their file, the live path."""

from dataclasses import replace

import numpy as np
import pytest

from edge_affect.errors import ManifestError
from edge_affect.perception.as_heard import AsHeard
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.model_store import find_manifest

LABELS = ("neutral", "anger")


def manifest(**thresholds: float):
    return replace(
        find_manifest("voice_expression"),
        labels=LABELS,
        thresholds=thresholds,
        outputs=(replace(find_manifest("voice_expression").outputs[0], shape=(1, 2)),),
    )


def test_a_scale_makes_less_sure_and_a_bias_prefers():
    meant = np.array([0.2, 0.8])
    assert AsHeard(1.0, np.zeros(2))(meant) == pytest.approx(meant)
    assert AsHeard(0.5, np.zeros(2))(meant) == pytest.approx([1 / 3, 2 / 3])
    assert AsHeard(1.0, np.array([np.log(4.0), 0.0]))(meant) == pytest.approx([0.5, 0.5])
    both = AsHeard(0.5, np.array([1.0, 0.0]))(np.stack([meant, meant]))
    assert both.shape == (2, 2)
    assert both.sum(axis=1) == pytest.approx(1.0)
    assert np.isfinite(AsHeard(0.5, np.zeros(2))(np.array([1.0, 0.0]))).all()


def test_the_numbers_survive_the_manifest():
    numbers = AsHeard(0.52, np.array([0.7, -0.7]))
    table = numbers.thresholds(LABELS)
    assert table == {"heard_scale": 0.52, "heard_bias_neutral": 0.7, "heard_bias_anger": -0.7}
    again = AsHeard.from_manifest(manifest(**table))
    assert (again.scale, again.bias.tolist()) == (0.52, [0.7, -0.7])


def test_a_manifest_without_the_numbers_leaves_answers_alone():
    plain = AsHeard.from_manifest(manifest())
    assert plain(np.array([0.3, 0.7])) == pytest.approx([0.3, 0.7])


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"heard_scale": 0.5}, "wrong or missing: heard_bias_anger, heard_bias_neutral"),
        (
            {"heard_scale": 0.5, "heard_bias_neutral": 0, "heard_bias_anger": 0, "heard_x": 1},
            "wrong or missing: heard_x",
        ),
        ({"heard_scale": 0, "heard_bias_neutral": 0, "heard_bias_anger": 0}, "above 0"),
    ],
)
def test_half_a_table_is_refused(table, message):
    with pytest.raises(ManifestError, match=message):
        AsHeard.from_manifest(manifest(**table))


def test_the_shipped_model_takes_calm_speech_for_calm():
    reader = VoiceExpressionModel.load()
    assert reader.as_heard.scale < 1.0
    unsure = np.full(len(reader.expressions), 1 / len(reader.expressions))
    heard = reader.as_heard(unsure)
    assert reader.expressions[int(heard.argmax())].name == "NEUTRAL"
    assert heard.max() > 0.25
