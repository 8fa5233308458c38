"""Speech chunk by chunk: the level gate, the samples before a chunk, and padding."""

import numpy as np
import pytest

from edge_affect.config import Voice
from edge_affect.perception.activity import intensity_db
from edge_affect.perception.chunk_activity import ChunkActivity, levels_db, padded, sustained
from edge_affect.perception.speech_net import CHUNK_SAMPLES, CONTEXT_SAMPLES

RATE = 16_000


class Always:
    """A detector that gives everything loud enough the same probability, and keeps what it saw."""

    threshold = 0.5
    n_least_chunks = 1
    n_pad_chunks = 6

    def __init__(self, probability=1.0):
        self.probability = probability
        self.seen = []

    def probabilities(self, chunks):
        assert chunks.shape[1] == CONTEXT_SAMPLES + CHUNK_SAMPLES
        self.seen += [chunk.copy() for chunk in chunks]
        return np.full(chunks.shape[0], self.probability, np.float32)

    def reset(self):
        self.seen = []


def noise(seconds: float, level: float = 0.1) -> np.ndarray:
    rng = np.random.default_rng(1)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def test_silence_never_reaches_the_detector():
    detector = Always()
    activity = ChunkActivity(detector, Voice(), n_chunks=78)
    activity.extend(np.zeros(RATE, np.float32))
    assert (len(detector.seen), activity.share()) == (0, 0.0)


def test_a_pause_is_heard_but_is_no_speech_and_a_silent_hop_starts_afresh():
    detector = Always()
    activity = ChunkActivity(detector, Voice(), n_chunks=78)
    voice = noise(10 * CHUNK_SAMPLES / RATE)
    activity.extend(np.concatenate((voice, np.zeros(10 * CHUNK_SAMPLES, np.float32), voice)))
    assert len(detector.seen) == 30
    assert activity.flags.tolist() == [True] * 10 + [False] * 10 + [True] * 10
    activity.extend(np.zeros(31 * CHUNK_SAMPLES, np.float32))
    assert detector.seen == []
    assert not activity.flags[-31:].any()


def test_the_detector_rests_after_a_second_of_silence_however_it_is_cut():
    for n_cut in (1, 5, 31):
        detector = Always()
        activity = ChunkActivity(detector, Voice(), n_chunks=100)
        activity.extend(noise(2 * CHUNK_SAMPLES / RATE))
        for _ in range(93 // n_cut):
            activity.extend(np.zeros(n_cut * CHUNK_SAMPLES, np.float32))
        assert detector.seen == []
        activity.extend(noise(CHUNK_SAMPLES / RATE))
        assert len(detector.seen) == 1
        assert activity.recent_share(10) == pytest.approx(0.1)


def test_share_counts_padded_chunks_and_looks_back_only_so_far():
    activity = ChunkActivity(Always(), Voice(), n_chunks=100)
    activity.extend(np.zeros(50 * CHUNK_SAMPLES, np.float32))
    activity.extend(noise(10 * CHUNK_SAMPLES / RATE))
    activity.extend(np.zeros(40 * CHUNK_SAMPLES, np.float32))
    assert activity.share() == pytest.approx((10 + 2 * 6) / 100)
    assert activity.flags.tolist() == [False] * 50 + [True] * 10 + [False] * 40
    activity.extend(np.zeros(100 * CHUNK_SAMPLES, np.float32))
    assert activity.share() == 0.0


@pytest.mark.parametrize("size", [100, 512, 700, 16_000])
def test_every_chunk_comes_once_with_the_samples_before_it(size):
    samples = noise(1.0)
    detector = Always()
    activity = ChunkActivity(detector, Voice(), n_chunks=78)
    for start in range(0, samples.size, size):
        activity.extend(samples[start : start + size])
    behind_silence = np.concatenate((np.zeros(CONTEXT_SAMPLES, np.float32), samples))
    wanted = [
        behind_silence[start : start + CONTEXT_SAMPLES + CHUNK_SAMPLES]
        for start in range(0, samples.size - CHUNK_SAMPLES + 1, CHUNK_SAMPLES)
    ]
    assert len(wanted) == 31
    assert np.array_equal(np.stack(detector.seen), np.stack(wanted))


def test_a_gap_starts_over():
    activity = ChunkActivity(Always(), Voice(), n_chunks=78)
    activity.extend(noise(1.0))
    activity.clear()
    assert (activity.share(), activity.flags.size) == (0.0, 0)


@pytest.mark.parametrize(("least", "share"), [(0.0, 1.0), (0.69, 1.0), (0.71, 0.0)])
def test_the_configuration_may_ask_for_more_than_the_manifest(least, share):
    activity = ChunkActivity(Always(0.7), Voice(min_speech_probability=least), n_chunks=31)
    activity.extend(noise(1.0))
    assert activity.share() == share


def test_levels_are_those_of_each_row():
    rows = np.stack([noise(0.1), noise(0.1, 0.001), np.zeros(1600, np.float32)])
    assert levels_db(rows) == pytest.approx([intensity_db(row) for row in rows])


def test_padding_reaches_both_ways_and_may_be_none():
    flags = np.array([False, False, True, False, False, False])
    assert padded(flags, 1).tolist() == [False, True, True, True, False, False]
    assert padded(flags, 0).tolist() == flags.tolist()
    assert padded(np.empty(0, bool), 3).size == 0


@pytest.mark.parametrize(
    ("n_least", "kept"), [(1, "1011011101"), (2, "0011011100"), (3, "0000011100"), (4, "0" * 10)]
)
def test_runs_that_are_too_short_are_left_out(n_least, kept):
    flags = np.array([letter == "1" for letter in "1011011101"])
    found = sustained(flags, n_least)
    assert "".join("01"[int(flag)] for flag in found) == kept
    assert not sustained(flags[:1], 2).any()


def test_one_chunk_alone_counts_only_where_one_is_enough():
    shares = []
    for n_least in (1, 2):
        detector = Always()
        detector.n_least_chunks = n_least
        activity = ChunkActivity(detector, Voice(), n_chunks=78)
        activity.extend(np.zeros(40 * CHUNK_SAMPLES, np.float32))
        activity.extend(noise(CHUNK_SAMPLES / RATE))
        activity.extend(np.zeros(40 * CHUNK_SAMPLES, np.float32))
        shares.append(activity.share())
    assert shares == [pytest.approx(13 / 78), 0.0]
