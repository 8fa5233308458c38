"""Reading words: lexicon, transcripts that are overwritten, utterances, fusion, policy."""

import json
from pathlib import Path

import numpy as np
import pytest

from edge_affect import config
from edge_affect.errors import ConfigError, InputMissingError, ManifestError, PolicyError
from edge_affect.fusion.wording import Wording, WordsWeights
from edge_affect.perception.lexicon import load_lexicon
from edge_affect.perception.lexicon_reader import LexiconNumbers, LexiconReader
from edge_affect.perception.phrase_matching import PhraseMatcher
from edge_affect.perception.text_reader import TextReading
from edge_affect.perception.transcript import Transcript
from edge_affect.perception.words import STEP_SAMPLES, UtteranceReaders, WordsReader
from edge_affect.privacy import policy
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.group_gate import GroupGate
from edge_affect.publishing.about import about_payload
from edge_affect.record import Expression, Modality
from edge_affect.types import AudioBlock, ExpressionEstimate, WordsObservation

E = Expression
S = 1_000_000_000
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


def test_a_transcript_is_overwritten_and_never_shows_itself():
    transcript = Transcript("hello there")
    buffer = transcript._buffer
    with transcript as one:
        assert one.text() == "hello there"
        assert "hello" not in repr(one)
    assert buffer == b""
    # The bytes themselves were overwritten before the buffer let them go.
    seen = []

    class Watched(bytearray):
        def clear(self):
            seen.append(bytes(self))
            super().clear()

    transcript._buffer = Watched(b"secret")
    transcript.overwrite()
    assert seen == [b"\0" * 6]


def test_phrases_are_runs_of_whole_words():
    phrases = config.parse(
        '[phrase.end]\nsay = ["cancel my contract", "close my account"]\n'
        '[phrase.art]\nsay = ["art"]\n'
    ).phrase
    match = PhraseMatcher(phrases, is_spaced=True).match
    assert match("please CANCEL my contract.")[:2] == (True, False)
    assert match("start close my account")[:2] == (True, False)
    assert match("cancel the contract, it is art")[:2] == (False, True)
    assert match("") == (False,) * 8
    chinese = config.parse('[phrase.a]\nsay = ["取消合同"]\n').phrase
    assert PhraseMatcher(chinese, is_spaced=False).match("我要取消合同。")[0]


class ScriptedActivity:
    """Calls a step speech where its samples are loud."""

    def extend(self, samples):
        self.level = float(np.abs(samples).max())

    def recent_share(self, n_chunks):
        return float(self.level > 0.1)

    def clear(self):
        self.level = 0.0


class ScriptedRecogniser:
    """A whole engine for tests: says what it was told to, and counts what it heard."""

    language = "en"

    def __init__(self, *texts):
        self.texts = list(texts)
        self.n_samples = self.n_abandoned = 0
        self.given = []

    def hear(self, samples):
        self.n_samples += samples.size

    def finish(self):
        transcript = Transcript(self.texts.pop(0))
        self.given.append(transcript._buffer)
        return transcript

    def abandon(self):
        self.n_abandoned += 1


class OwnModel:
    """A reader of text in the lexicon's place: everything is fear."""

    language = "en"

    def read(self, text):
        probabilities = np.full(8, 0.02)
        probabilities[E.FEAR] = 0.86
        return TextReading(probabilities, np.array([0.9, 0.1, 0.0]), is_telling=bool(text))


def words_reader(recogniser, text=None, **settings):
    phrases = config.parse('[phrase.end]\nsay = ["cancel my contract"]\n').phrase
    readers = UtteranceReaders(
        recogniser, reader("en") if text is None else text, PhraseMatcher(phrases, is_spaced=True)
    )
    return WordsReader(readers, ScriptedActivity(), config.Words(**settings))


def sound(*steps):
    """Return a block of steps that are loud (1) or silent (0)."""
    levels = np.repeat(np.array(steps, dtype=np.float32) * 0.5, STEP_SAMPLES)
    return AudioBlock(levels, 0)


def test_an_utterance_is_heard_read_and_overwritten():
    engine = ScriptedRecogniser("i am furious cancel my contract")
    said = words_reader(engine).feed(sound(0, 0, 0, 1, 1, 1, 0, 0, 0, 0))
    assert len(said) == 1
    assert said[0].phrases == (True, *(False,) * 7)
    assert E(int(said[0].estimate.probabilities.argmax())) == E.ANGER
    assert said[0].signs[0] > said[0].signs[2]
    assert engine.given == [bytearray()], "the transcript was not overwritten"
    assert "contract" not in repr(said)
    # Two steps before the first speech belong to it, and silence up to its end.
    assert engine.n_samples == 7 * STEP_SAMPLES


def test_speech_without_a_pause_is_cut():
    engine = ScriptedRecogniser("one", "two", "three")
    said = words_reader(engine, max_utterance_s=2.0).feed(sound(*[1] * 18))
    assert len(said) == 2


def test_a_gap_ends_the_utterance_and_a_pause_forgets_it():
    engine = ScriptedRecogniser("i am happy", "never told")
    words = words_reader(engine)
    words.feed(sound(1, 1))
    assert words.is_hearing
    said = words.feed(AudioBlock(np.full(STEP_SAMPLES, 0.5, np.float32), 0, n_lost=5))
    assert [E(int(one.estimate.probabilities.argmax())) for one in said] == [E.HAPPINESS]
    assert words.is_hearing, "what follows the gap is an utterance of its own"
    words.clear()
    assert engine.n_abandoned == 1
    assert not words.is_hearing
    assert engine.texts == ["never told"]


def test_a_model_takes_the_place_of_the_lexicon():
    said = words_reader(ScriptedRecogniser("whatever"), OwnModel()).feed(sound(1, 0, 0, 0))
    assert E(int(said[0].estimate.probabilities.argmax())) == E.FEAR


def test_nothing_understood_is_nothing_said():
    assert words_reader(ScriptedRecogniser("")).feed(sound(1, 0, 0, 0)) == ()


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


def test_the_record_holds_what_fusion_says():
    from edge_affect.privacy.coarsening import signed_steps

    assert [signed_steps(p, 3) for p in (-1.0, -0.5, 0.1, 0.8)] == [-3, -2, 0, 2]
    assert Modality.WORDS.value == 4
