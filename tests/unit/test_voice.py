"""Voice activity and the voice reader: windows, gaps and the gate in front of the model."""

import numpy as np
import pytest

from edge_affect.config import Voice
from edge_affect.perception.activity import (
    CHUNK_SAMPLES,
    SpeechActivity,
    intensity_db,
    silero_detector,
)
from edge_affect.perception.expression_model import VoiceExpressionModel, spread
from edge_affect.perception.voice import VoiceReader
from edge_affect.record import Expression
from edge_affect.types import AudioBlock

RATE = 16_000


class Always:
    """A detector that hears speech in everything loud enough, and counts."""

    def __init__(self, probability=1.0):
        self.probability = probability
        self.n_judged = 0

    def process_samples(self, samples):
        assert len(samples) == CHUNK_SAMPLES
        self.n_judged += 1
        return self.probability

    def reset(self):
        self.n_judged = 0


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def blocks(samples: np.ndarray, size: int = 700):
    for start in range(0, samples.size, size):
        yield AudioBlock(samples[start : start + size], start * 1_000_000_000 // RATE)


def test_intensity_of_known_signals():
    assert intensity_db(np.zeros(160, np.float32)) == -96.0
    assert intensity_db(np.ones(160, np.float32)) == pytest.approx(0.0)
    sine = np.sin(np.arange(RATE) * 2 * np.pi * 440 / RATE).astype(np.float32)
    assert intensity_db(sine) == pytest.approx(-3.01, abs=0.01)


def test_silence_never_reaches_the_detector():
    detector = Always()
    activity = SpeechActivity(detector, Voice(), n_chunks=78)
    activity.extend(np.zeros(RATE, np.float32))
    assert (detector.n_judged, activity.share()) == (0, 0.0)


def test_share_counts_padded_chunks_and_looks_back_only_so_far():
    activity = SpeechActivity(Always(), Voice(), n_chunks=100)
    activity.extend(np.zeros(50 * CHUNK_SAMPLES, np.float32))
    activity.extend(noise(10 * CHUNK_SAMPLES / RATE))
    activity.extend(np.zeros(40 * CHUNK_SAMPLES, np.float32))
    assert activity.share() == pytest.approx((10 + 2 * 6) / 100)
    activity.extend(np.zeros(100 * CHUNK_SAMPLES, np.float32))
    assert activity.share() == 0.0


def test_the_real_detector_tells_noise_from_nothing_like_speech():
    activity = SpeechActivity(silero_detector(), Voice(), n_chunks=62)
    activity.extend(noise(2.0))
    assert activity.share() < 0.1


@pytest.mark.data
def test_the_real_detector_hears_people(data_dir):
    from edge_affect.evaluation.recordings import read_samples

    path = data_dir / "audio" / "crema-d" / "1019_DFA_ANG_XX.opus"
    activity = SpeechActivity(silero_detector(), Voice(), n_chunks=50)
    activity.extend(read_samples(path))
    assert activity.share() > 0.5


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


def test_unknown_expressions_get_exactly_nothing():
    full = spread(np.array([0.7, 0.3]), (Expression.SADNESS, Expression.NEUTRAL))
    assert full.tolist() == [0.3, 0.0, 0.0, 0.7, 0.0, 0.0, 0.0, 0.0]
