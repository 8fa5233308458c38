"""The voice reader: windows, gaps, the gate in front of the model, several voices at once."""

import numpy as np
import pytest

from edge_affect.capture.source import EndOfMedia
from edge_affect.clock import MonotonicClock
from edge_affect.config import Fusion, Voice
from edge_affect.errors import DeviceError, ManifestError
from edge_affect.fusion.scene import SceneFusion
from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.perception.expression_model import VoiceExpressionModel, spread
from edge_affect.perception.overlap import OverlapDiscount
from edge_affect.perception.voice import VoiceReader
from edge_affect.privacy.gate import Gate
from edge_affect.record import Expression
from edge_affect.sensing.daemon import workers_over
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import AudioBlock

RATE = 16_000


class Always:
    """A detector that hears the same in everything loud enough."""

    def __init__(self, speech=1.0, overlap=0.0):
        self.acoustic = AcousticSettings(n_window=48_240)
        self.n_steps = 75
        self.threshold = 0.5
        self.discount = OverlapDiscount(low=0.2, high=0.6, most=0.5)
        self.answer = np.tile([speech, overlap], (75, 1))

    def probabilities(self, frames_db):
        assert frames_db.shape == (300, 64)
        return self.answer


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def blocks(samples: np.ndarray, size: int = 700):
    for start in range(0, samples.size, size):
        yield AudioBlock(samples[start : start + size], start * 1_000_000_000 // RATE)


def make_reader(detector=None, **settings) -> VoiceReader:
    return VoiceReader(VoiceExpressionModel.load(), detector or Always(), Voice(**settings))


def test_one_observation_per_hop_and_estimates_once_a_window_is_full():
    reader = make_reader()
    observations = [o for b in blocks(noise(4.5)) for o in reader.feed(b)]
    assert len(observations) == 4
    assert [o.estimate is not None for o in observations] == [False, False, True, True]
    assert [o.observed_ns for o in observations] == [
        round((end_s - 1.25) * 1e9) for end_s in (1.0, 2.0, 3.0, 4.0)
    ]
    estimate = observations[-1].estimate
    assert estimate.probabilities.sum() == pytest.approx(1.0)
    assert estimate.reliability == estimate.probabilities.max()
    assert estimate.probabilities[[2, 7]].tolist() == [0.0, 0.0]


def test_block_sizes_do_not_matter():
    readers = (make_reader(), make_reader())
    one, other = (
        [o for b in blocks(noise(3.2), size) for o in reader.feed(b)]
        for reader, size in zip(readers, (320, 51_200), strict=True)
    )
    assert len(one) == 3
    assert [o.observed_ns for o in one] == [o.observed_ns for o in other]
    assert np.array_equal(one[-1].estimate.probabilities, other[-1].estimate.probabilities)


def test_too_little_speech_is_not_read():
    reader = make_reader(Always(0.0))
    observations = [o for b in blocks(noise(4.0)) for o in reader.feed(b)]
    assert [(o.speech_share, o.estimate) for o in observations] == [(0.0, None)] * 4


def test_a_window_never_spans_a_gap():
    reader = make_reader()
    before = [o for b in blocks(noise(2.9)) for o in reader.feed(b)]
    assert len(before) == 2
    after = reader.feed(AudioBlock(noise(1.0), 5_000_000_000, n_lost=4000))
    assert [(o.estimate, o.observed_ns) for o in after] == [(None, 4_750_000_000)]


class LostForAWhile:
    """A microphone that is unplugged after three seconds and comes back ten minutes later."""

    def __init__(self):
        again = AudioBlock(noise(1.0), 600_000_000_000)
        self.script = [*blocks(noise(2.9)), DeviceError("unplugged"), again, EndOfMedia()]

    def open(self):
        pass

    def read(self, timeout_s):
        step = self.script.pop(0)
        if isinstance(step, Exception):
            raise step
        return step

    def close(self):
        pass


class Noted:
    """A voice reader whose observations are noted down."""

    def __init__(self, reader):
        self.found = []
        self._reader = reader

    def feed(self, block):
        observations = self._reader.feed(block)
        self.found += observations
        return observations

    def __getattr__(self, name):
        return getattr(self._reader, name)


def test_a_window_never_spans_the_loss_of_the_microphone():
    clock = MonotonicClock()
    voice = Noted(make_reader())
    pipeline = Pipeline(Stages(voice, None, SceneFusion(Fusion()), Gate(1)), clock)
    worker = workers_over(LostForAWhile(), None, pipeline, clock).microphone
    worker.start()
    worker._thread.join(30.0)
    worker.check()
    assert worker.is_done
    assert [(o.estimate, o.observed_ns) for o in voice.found[2:]] == [(None, 599_750_000_000)]


def test_unknown_expressions_get_exactly_nothing():
    full = spread(np.array([0.7, 0.3]), (Expression.SADNESS, Expression.NEUTRAL))
    assert full.tolist() == [0.3, 0.0, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0]


@pytest.mark.parametrize(("overlap", "weight"), [(0.0, 0.0), (0.2, 0.0), (0.4, 0.25), (0.9, 0.5)])
def test_several_voices_at_once_are_read_less_surely(overlap, weight):
    readers = (make_reader(Always()), make_reader(Always(overlap=overlap)))
    alone, together = (
        [o for b in blocks(noise(3.0)) for o in reader.feed(b)][-1].estimate for reader in readers
    )
    chance = spread(np.full(6, 1 / 6), VoiceExpressionModel.load().expressions)
    wanted = (1 - weight) * alone.probabilities + weight * chance
    assert np.abs(together.probabilities - wanted).max() < 1e-12
    assert together.reliability == pytest.approx((1 - weight) * alone.reliability + weight / 6)


def test_frames_are_shared_with_a_detector_that_wants_the_same_ones_and_only_then():
    other = Always()
    other.acoustic = AcousticSettings(n_window=48_240, low_hz=20.0)
    answers = []
    for detector in (Always(), other):
        reader = make_reader(detector)
        answers.append([o for b in blocks(noise(4.0)) for o in reader.feed(b)][-1])
    assert answers[0].speech_share == answers[1].speech_share == 1.0
    same = (answer.estimate.probabilities for answer in answers)
    assert np.array_equal(*same)


@pytest.mark.parametrize(
    "wrong", [(0.5, 0.5, 1.0), (-0.1, 0.5, 1.0), (0.1, 1.1, 1.0), (0.1, 0.5, 2.0)]
)
def test_a_discount_out_of_range_is_refused(wrong):
    with pytest.raises(ManifestError, match="discount for overlap"):
        OverlapDiscount(*wrong)
