"""What words do: fusion, groups, policy, configuration, and what is told of them."""

import json

import numpy as np
import pytest

from edge_affect import config
from edge_affect.errors import ConfigError, PolicyError
from edge_affect.fusion.wording import Wording, WordsWeights
from edge_affect.privacy import policy
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.group_gate import GroupGate
from edge_affect.publishing.about import about_payload
from edge_affect.record import Expression, Modality
from edge_affect.types import ExpressionEstimate, WordsObservation

E = Expression
S = 1_000_000_000


def observation(sign, expression, *, slot=None):
    probabilities = np.full(8, 0.05)
    probabilities[expression] = 0.65
    signs = {1: (0.05, 0.15, 0.8), -1: (0.8, 0.15, 0.05)}[sign]
    phrases = tuple(slot == index for index in range(8))
    return WordsObservation(signs, ExpressionEstimate(probabilities, 0.65, 0), phrases, 0)


def shown(expression, share=0.79):
    values = np.full(8, (1 - share) / 7)
    values[expression] = share
    return values


def wording(hold_s=1.5):
    return Wording(config.Words(), WordsWeights(), hold_s)


def test_words_move_the_answer_less_than_voice_and_face():
    said = wording()
    said.add(observation(1, E.HAPPINESS), 0)
    pooled, has_words = said.pooled(shown(E.ANGER), 0)
    assert has_words
    assert pooled.argmax() == E.ANGER
    assert shown(E.ANGER)[E.HAPPINESS] < pooled[E.HAPPINESS] < pooled[E.ANGER]
    alone, _ = said.pooled(None, 0)
    assert alone.argmax() == E.HAPPINESS
    assert said.pooled(shown(E.ANGER), 9 * S)[1] is False
    assert said.pooled(None, 9 * S) == (None, False)


def test_irony_is_a_kind_word_with_an_angry_face():
    said = wording()
    assert said.opposition(shown(E.ANGER), 0) is None
    said.add(observation(1, E.HAPPINESS), 0)
    ironic = said.opposition(shown(E.ANGER), 0)
    honest = said.opposition(shown(E.HAPPINESS), 0)
    assert ironic > 0.6
    assert honest < 0.2
    assert said.opposition(shown(E.ANGER), 4 * S) == pytest.approx(ironic / 2)
    assert said.opposition(shown(E.ANGER), 9 * S) is None
    assert said.opposition(None, 0) is None


def test_a_phrase_is_told_as_long_as_a_tick_needs():
    said = wording(hold_s=2.0)
    said.add(observation(-1, E.ANGER, slot=2), S)
    assert said.phrases(3 * S)[2]
    assert not any(said.phrases(3 * S + 1))
    said.forget()
    assert not any(said.phrases(S))
    assert said.polarity(S) is None


def test_groups_hear_no_words():
    one = observation(-1, E.ANGER, slot=0)
    assert Gate(1).screen_words(one) is one
    assert GroupGate(5, 3, 0).screen_words(one) is None


ON = '[words]\nenabled = true\nlisten_for = "dictation"\n'


def deployed(setting, exception="", more=""):
    return config.parse(
        f'[deployment]\nsetting = "{setting}"\njurisdiction = "US"\npurpose = "p"\n'
        f'contact = "c"\nexception = "{exception}"\n[audio]\nchannel = 1\n'
        f'[video]\nsource = "none"\n{more}{ON}'
    )


@pytest.mark.parametrize("setting", ["classroom", "workplace"])
def test_words_are_refused_where_people_cannot_refuse(setting):
    with pytest.raises(PolicyError, match="what pupils and employees say"):
        policy.check_words(deployed(setting))
    policy.check_words(deployed(setting, "safety"))


def test_words_are_no_part_of_a_group():
    policy.check_live(deployed("home"))
    with pytest.raises(ConfigError, match="words are somebody's"):
        policy.check_words(deployed("home", more="[privacy]\nmin_people = 5\n"))


def test_about_names_words_and_phrases_only_where_they_are_on():
    off = about_payload(config.parse(""), ())
    assert "words" not in off["sensed"]
    assert "words" in off["not_sensed"]
    assert off["phrases"] == []
    settings = config.parse(ON + '[phrase.end]\nsay = ["cancel my contract"]\n')
    on = about_payload(settings, ())
    assert on["sensed"] == ["voice", "face", "words"]
    assert on["phrases"] == ["end"]
    assert "end" in on["alerts"]
    assert "words" not in on["not_sensed"]
    assert "cancel" not in json.dumps(on)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[words]\nenabled = true", "there is no [phrase.NAME]"),
        ('[words]\nenabled = true\nengine = "vosk"', "needs a model"),
        ('[words]\nenabled = true\nlanguage = "zh"', "for English alone"),
        ('[phrase.End]\nsay = ["a b c"]', "small letters"),
        ("[phrase.end]\n", "lacks say"),
        ('[phrase.end]\nsay = ["line 4"]', "numbers in words"),
        ('[phrase.end]\nsay = ["no"]', "3 to 80 characters"),
        ('[phrase.end]\nsays = ["a b c"]', "did you mean 'say'"),
        ("phrase = 3", "written as [phrase.NAME]"),
        ("\n".join(f'[phrase.p{n}]\nsay = ["a b c"]' for n in range(9)), "a record holds 8"),
        ('[words]\nenabled = true\n[phrase.confused]\nsay = ["a b c"]', "ready-made alert"),
    ],
)
def test_mistakes_in_the_configuration_are_one_sentence(text, words):
    with pytest.raises(ConfigError) as caught:
        config.parse(text)
    assert words in str(caught.value)
    assert str(caught.value).count("\n") == 0


def test_the_record_holds_what_fusion_says():
    from edge_affect.privacy.coarsening import signed_steps

    assert [signed_steps(p, 3) for p in (-1.0, -0.5, 0.1, 0.8)] == [-3, -2, 0, 2]
    assert Modality.WORDS.value == 4
