"""Speech chunk by chunk: the level gate, padding, and the Silero detector itself."""

import numpy as np
import pytest

from edge_affect.config import Voice
from edge_affect.perception.chunk_activity import CHUNK_SAMPLES, ChunkActivity, silero_detector

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


def test_silence_never_reaches_the_detector():
    detector = Always()
    activity = ChunkActivity(detector, Voice(), n_chunks=78)
    activity.extend(np.zeros(RATE, np.float32))
    assert (detector.n_judged, activity.share()) == (0, 0.0)


def test_share_counts_padded_chunks_and_looks_back_only_so_far():
    activity = ChunkActivity(Always(), Voice(), n_chunks=100)
    activity.extend(np.zeros(50 * CHUNK_SAMPLES, np.float32))
    activity.extend(noise(10 * CHUNK_SAMPLES / RATE))
    activity.extend(np.zeros(40 * CHUNK_SAMPLES, np.float32))
    assert activity.share() == pytest.approx((10 + 2 * 6) / 100)
    assert activity.flags.tolist() == [False] * 50 + [True] * 10 + [False] * 40
    activity.extend(np.zeros(100 * CHUNK_SAMPLES, np.float32))
    assert activity.share() == 0.0


def test_the_real_detector_tells_noise_from_nothing_like_speech():
    activity = ChunkActivity(silero_detector(), Voice(), n_chunks=62)
    activity.extend(noise(2.0))
    assert activity.share() < 0.1


@pytest.mark.data
def test_the_real_detector_hears_people(data_dir):
    from edge_affect.evaluation.recordings import read_samples

    path = data_dir / "audio" / "crema-d" / "1019_DFA_ANG_XX.opus"
    activity = ChunkActivity(silero_detector(), Voice(), n_chunks=50)
    activity.extend(read_samples(path))
    assert activity.share() > 0.5
