"""The lexicon: plain sentences in two languages, one of one's own, mistakes in it, MELD's shape."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_affect.errors import InputMissingError, ManifestError
from edge_affect.perception.lexicon import load_lexicon
from edge_affect.perception.lexicon_reader import LexiconNumbers, LexiconReader
from edge_affect.record import Expression

E = Expression
NUMBERS = LexiconNumbers.load()


def reader(language):
    return LexiconReader(load_lexicon(None, language), NUMBERS)


ENGLISH = [
    ("I am so happy about this", E.HAPPINESS, 1),
    ("I am furious with you", E.ANGER, -1),
    ("that is disgusting, yuck", E.DISGUST, -1),
    ("I'm scared to death", E.FEAR, -1),
    ("she was heartbroken and cried", E.SADNESS, -1),
    ("oh my god, no way!", E.SURPRISE, 0),
    ("the train leaves at nine", E.NEUTRAL, 0),
    ("I am not happy", E.SADNESS, -1),
    ("we're over the moon :)", E.HAPPINESS, 1),
    ("I couldn't care less, yeah right", E.CONTEMPT, -1),
    ("no problem", E.HAPPINESS, 1),
]
CHINESE = [
    ("今天真是太开心了", E.HAPPINESS, 1),
    ("我气死了你们太过分了", E.ANGER, -1),
    ("好恶心想吐", E.DISGUST, -1),
    ("吓死我了真可怕", E.FEAR, -1),
    ("我很伤心一直在哭", E.SADNESS, -1),
    ("天哪怎么可能", E.SURPRISE, 0),
    ("火车九点开", E.NEUTRAL, 0),
    ("我一点也不高兴", E.SADNESS, -1),
    ("没问题", E.HAPPINESS, 1),
]


@pytest.mark.parametrize(
    ("language", "text", "expression", "sign"),
    [("en", *row) for row in ENGLISH] + [("zh", *row) for row in CHINESE],
)
def test_plain_sentences_are_read_as_people_would(language, text, expression, sign):
    reading = reader(language).read(text)
    assert E(int(reading.probabilities.argmax())) == expression
    assert sign == 0 or np.sign(reading.polarity) == sign
    assert reading.is_telling == (expression != E.NEUTRAL)


@pytest.mark.parametrize(
    ("language", "weak", "plain", "strong"),
    [
        ("en", "I am slightly angry", "I am angry", "I am extremely angry"),
        ("zh", "我有点生气", "我生气", "我非常生气"),
    ],
)
def test_degrees_weaken_and_strengthen(language, weak, plain, strong):
    levels = [reader(language).scores(text)[E.ANGER] for text in (weak, plain, strong)]
    assert levels == sorted(levels)
    assert len(set(levels)) == 3


def test_what_comes_after_but_counts_more():
    scores = reader("en").scores("the food was wonderful but the waiter made me furious")
    assert scores[E.ANGER] > scores[E.HAPPINESS] > 0


def test_a_negation_reaches_so_far_and_no_further():
    scores = reader("en").scores("not one of us had any idea how happy she was")
    assert scores[E.HAPPINESS] == 1.0
    assert reader("en").scores("I'm not very happy")[E.HAPPINESS] < 1.0


def test_both_lexicons_hold_several_hundred_entries_of_every_expression():
    for language in ("en", "zh"):
        lexicon = load_lexicon(None, language)
        assert len(lexicon.entries) > 600
        for expression in Expression:
            n = sum(scores[expression] > 0 for scores in lexicon.entries.values())
            assert n >= (5 if expression == E.NEUTRAL else 20), (language, expression)


OWN = """
language = "en"
[expressions.anger]
strong = "gronked"
[negations]
words = "nix"
reach = 2
kept = 0.0
turned = { anger = "neutral" }
[degrees]
up = "mega"
up_factor = 2.0
down = "mini"
down_factor = 0.5
[contrasts]
words = "but"
before = 0.5
"""


def test_a_lexicon_of_ones_own_takes_the_place(tmp_path):
    path = tmp_path / "own.toml"
    path.write_text(OWN, encoding="utf-8")
    own = LexiconReader.load("en", path)
    assert own.scores("mega gronked")[E.ANGER] == 4.0
    assert own.scores("nix gronked")[E.ANGER] == 0.0


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        (("[contrasts]", "[contrast]"), ManifestError, "contrasts"),
        (("anger", "rage"), ManifestError, "lacks or misspells"),
        (('"en"', '"zh"'), ManifestError, "in 'zh', but the language is 'en'"),
        (("[neg", "neg"), ManifestError, "not valid TOML"),
        (None, InputMissingError, "cannot be read"),
    ],
)
def test_a_wrong_lexicon_is_one_sentence(tmp_path, change, kind, words):
    path = tmp_path / "own.toml"
    if change is not None:
        path.write_text(OWN.replace(*change), encoding="utf-8")
    with pytest.raises(kind, match=words):
        load_lexicon(path, "en")


def test_meld_shape_is_measured(tmp_path, capsys):
    from edge_affect.cli import main

    path = tmp_path / "few.csv"
    path.write_text(
        "dialogue,utterance,emotion,sentiment\n0,I am furious,anger,negative\n"
        "0,I am so happy,joy,positive\n1,The train leaves,neutral,neutral\n",
        encoding="utf-8",
    )
    assert main(["evaluate", "words", "--data", str(path), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["n"] == 3
    assert report["uar"] == report["sentiment"]["accuracy"] == 1.0
    assert report["majority"]["uar"] == pytest.approx(1 / 3)
    path.write_text("utterance,emotion\nhi,joy\n", encoding="utf-8")
    assert main(["evaluate", "words", "--data", str(path)]) == 65
    assert main(["evaluate", "words", "--data", str(Path("/nowhere.csv"))]) == 66
