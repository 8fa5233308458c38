"""Pitch against voices whose pitch is known."""

import numpy as np
import pytest

from edge_affect.evaluation.disturbance import clipped, in_room, pink_noise, white_noise, with_noise
from edge_affect.evaluation.known_voices import VOWELS_HZ, glide_hz, syllables, voiced
from edge_affect.perception.pitch import autocorrelation, choose, pitch_candidates
from edge_affect.perception.prosody import frame_values, prosody_frames
from edge_affect.perception.short_time import (
    N_FRAME,
    N_STEP,
    frame_bands,
    frame_power,
    level_db,
    split,
)

RATE = 16_000
GLIDES = ((60, 120, 1.0), (320, 80, 1.0), (250, 500, 0.5), (60, 500, 2.0), (500, 60, 2.0))


def read(samples):
    """Pitch and the samples in the middle of the frames."""
    f0_hz = prosody_frames(frame_values(samples.astype(np.float32))).f0_hz
    return f0_hz, np.arange(f0_hz.size) * N_STEP + N_FRAME // 2


@pytest.mark.parametrize("vowel", [None, *VOWELS_HZ])
@pytest.mark.parametrize(("start_hz", "end_hz", "duration_s"), GLIDES)
def test_a_glide_is_followed_within_a_percent_and_no_octave_is_missed(
    start_hz, end_hz, duration_s, vowel
):
    truth_hz = glide_hz(start_hz, end_hz, duration_s)
    f0_hz, at = read(0.3 * voiced(truth_hz, vowel))
    inside = slice(3, -3)
    error = np.abs(f0_hz / truth_hz[at] - 1.0)[inside]
    assert error.size >= 80 * duration_s
    assert np.isnan(error).sum() == 0
    assert np.quantile(error, 0.95) < 0.01
    assert error.max() < 0.05


@pytest.mark.parametrize("f0_hz", [60.0, 83.3, 141.7, 233.0, 350.0, 499.0, 600.0])
def test_a_steady_pitch_is_exact(f0_hz):
    heard_hz, _ = read(0.1 * voiced(np.full(RATE // 2, f0_hz), "e"))
    assert np.abs(heard_hz[5:-5] / f0_hz - 1.0).max() < 0.003


def test_a_pure_tone_has_all_its_power_in_its_period():
    tone = np.sin(2 * np.pi * 200 * np.arange(RATE) / RATE).astype(np.float32)
    power = frame_power(split(tone))
    candidates = pitch_candidates(power)
    assert candidates.harmonicity[:, 0].min() > 0.98
    assert candidates.f0_hz[:, 0] == pytest.approx(np.full(96, 200.0), rel=0.002)
    assert autocorrelation(power).max() < 1.02


def test_noise_and_silence_are_not_voiced():
    assert np.isnan(read(np.zeros(RATE))[0]).all()
    assert np.isnan(read(0.1 * white_noise(3 * RATE, 1))[0]).mean() > 0.99
    # Noise that piles up at low frequencies repeats by chance now and then.
    assert np.isnan(read(0.1 * pink_noise(3 * RATE, 1))[0]).mean() > 0.9


def test_silence_has_no_candidate_and_no_warning():
    power = frame_power(split(np.zeros(RATE, np.float32)))
    candidates = pitch_candidates(power)
    assert np.isnan(candidates.f0_hz).all()
    assert not candidates.harmonicity.any()
    assert choose(candidates).tolist() == [0] * 96


def gross_errors(samples, truth_hz):
    """Share of the truly voiced frames found voiced, and of those off by over a fifth."""
    f0_hz, at = read(samples)
    is_true = ~np.isnan(truth_hz[at - N_FRAME // 4]) & ~np.isnan(truth_hz[at + N_FRAME // 4])
    is_found = is_true & ~np.isnan(f0_hz)
    off = np.abs(np.log2(f0_hz[is_found] / truth_hz[at][is_found])) > np.log2(1.2)
    return is_found.sum() / is_true.sum(), off.mean()


DISTURBED = {
    "quieter": lambda x: x * np.float32(0.01),
    "clipped": lambda x: clipped(x, 0.1),
    "white noise at 10 dB": lambda x: with_noise(x, white_noise(x.size, 3), 10.0),
    "pink noise at 10 dB": lambda x: with_noise(x, pink_noise(x.size, 3), 10.0),
    "room": lambda x: in_room(x, 0.5, 3.0, 3),
    "offset": lambda x: x * np.float32(0.2) + np.float32(0.3),
}


@pytest.mark.parametrize("kind", DISTURBED)
def test_what_microphones_and_rooms_do_costs_no_octaves(kind):
    voice = syllables(4.0, 4.0, 150.0, pause_every=5, seed=2)
    found, off = gross_errors(DISTURBED[kind](voice.samples), voice.f0_hz)
    assert found > 0.9
    assert off < 0.02


def test_the_neighbourhood_decides_against_a_stray_octave():
    voice = 0.3 * voiced(np.full(RATE, 120.0), "a").astype(np.float32)
    power = frame_power(split(voice))
    candidates = pitch_candidates(power)
    candidates.harmonicity[40:43] *= np.float32(0.95)
    rows, half = np.arange(40, 43), np.abs(candidates.f0_hz[40:43] - 60.0).argmin(axis=1)
    candidates.harmonicity[rows, half] = 1.0
    candidates.harmonicity[rows, 0] = np.maximum(candidates.harmonicity[rows, 0] - 0.2, 0.6)
    chosen = choose(candidates)
    assert candidates.f0_hz[np.arange(96), chosen] == pytest.approx(np.full(96, 120.0), rel=0.01)


def test_power_is_that_of_the_samples():
    tone = (0.5 * np.sin(2 * np.pi * 500 * np.arange(RATE) / RATE)).astype(np.float32)
    bands = frame_bands(frame_power(split(tone)))
    assert level_db(bands[:, -1]) == pytest.approx(np.full(96, -9.03), abs=0.05)
    assert bands[:, 2] == pytest.approx(bands[:, -1], rel=0.01)
    assert bands[:, -2] / bands[:, -1] == pytest.approx(np.full(96, 500.0), rel=0.01)
