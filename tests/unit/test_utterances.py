"""From sound to what was said: utterances are cut, recognised, read and overwritten."""

import numpy as np

from edge_affect import config
from edge_affect.perception.lexicon import load_lexicon
from edge_affect.perception.lexicon_reader import LexiconNumbers, LexiconReader
from edge_affect.perception.phrase_matching import PhraseMatcher
from edge_affect.perception.text_reader import TextReading
from edge_affect.perception.transcript import Transcript
from edge_affect.perception.words import STEP_SAMPLES, UtteranceReaders, WordsReader
from edge_affect.record import Expression
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

E = Expression
S = 1_000_000_000
LEXICON = LexiconReader(load_lexicon(None, "en"), LexiconNumbers.load())


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
        recogniser, LEXICON if text is None else text, PhraseMatcher(phrases, is_spaced=True)
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


def test_the_end_of_a_recording_ends_the_utterance():
    engine = ScriptedRecogniser("i am happy", "never told")
    words = words_reader(engine)
    assert words.finish(0) is None, "nothing was said"
    odd = np.full(STEP_SAMPLES // 4, 0.5, np.float32)
    whole = sound(1, 1)
    assert words.feed(whole) == words.feed(AudioBlock(odd, whole.end_ns)) == ()
    said = words.finish(S)
    assert E(int(said.estimate.probabilities.argmax())) == E.HAPPINESS
    # All of it was heard: the two steps before, the two of speech, and what filled no step.
    assert engine.n_samples == 4 * STEP_SAMPLES + odd.size
    assert said.observed_ns == S - (2 * STEP_SAMPLES + odd.size) * S // (2 * SAMPLE_RATE_HZ)
    assert words.finish(2 * S) is None, "it is told once"
    # What follows has nothing of it.
    words.feed(sound(0))
    assert not words.is_hearing


def test_a_model_takes_the_place_of_the_lexicon():
    said = words_reader(ScriptedRecogniser("whatever"), OwnModel()).feed(sound(1, 0, 0, 0))
    assert E(int(said[0].estimate.probabilities.argmax())) == E.FEAR


def test_nothing_understood_is_nothing_said():
    assert words_reader(ScriptedRecogniser("")).feed(sound(1, 0, 0, 0)) == ()
