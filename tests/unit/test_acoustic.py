"""The log-mel front end: known tones, invariances, streaming, windows of clips."""

from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect.errors import ManifestError, ShapeError
from edge_affect.perception.acoustic import (
    AcousticSettings,
    LogMelHistory,
    clip_log_probabilities,
    clip_windows,
    hz_from_mel,
    log_mel_db,
    mel_filters,
    mel_from_hz,
    normalise,
    window_tensor,
)
from edge_affect.perception.manifest import TensorSpec
from edge_affect.perception.model_store import find_manifest

SETTINGS = AcousticSettings()
SPEC = TensorSpec("in", (1, 248, 64, 1), "int8", 4.0 / 127, 0)


def tone(frequency_hz: float, n_samples: int = SETTINGS.n_window) -> np.ndarray:
    time_s = np.arange(n_samples) / SETTINGS.sample_rate_hz
    return (0.1 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def speechlike(n_samples: int = SETTINGS.n_window, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    envelope = np.abs(np.sin(np.arange(n_samples) * 2 * np.pi * 3 / SETTINGS.sample_rate_hz))
    return (0.1 * envelope * rng.standard_normal(n_samples)).astype(np.float32)


def test_a_window_has_248_frames():
    assert SETTINGS.n_frames == 248
    assert log_mel_db(tone(440.0), SETTINGS).shape == (248, 64)


def test_the_mel_scale_is_linear_then_logarithmic_and_inverts():
    hz = np.array([0.0, 200.0, 1000.0, 6400.0, 8000.0])
    assert mel_from_hz(hz)[:4].tolist() == pytest.approx([0.0, 3.0, 15.0, 42.0])
    assert hz_from_mel(mel_from_hz(hz)).tolist() == pytest.approx(hz.tolist())


def test_no_filter_is_empty():
    filters = mel_filters(SETTINGS)
    assert filters.shape == (257, 64)
    assert (filters > 0).any(axis=0).all()


@pytest.mark.parametrize("frequency_hz", [200.0, 440.0, 1000.0, 3000.0, 6000.0])
def test_a_tone_peaks_in_its_band(frequency_hz):
    ends = mel_from_hz(np.array([50.0, 8000.0]))
    centres_hz = hz_from_mel(np.linspace(ends[0], ends[1], 66))[1:-1]
    band = int(log_mel_db(tone(frequency_hz), SETTINGS).mean(axis=0).argmax())
    assert abs(band - int(np.abs(centres_hz - frequency_hz).argmin())) <= 1


def test_ten_times_the_amplitude_is_20_db():
    quiet = log_mel_db(speechlike(), SETTINGS)
    loud = log_mel_db(speechlike() * np.float32(10.0), SETTINGS)
    assert np.abs(loud - quiet - 20.0).max() < 1e-2


def test_normalisation_is_blind_to_gain():
    quiet = normalise(log_mel_db(speechlike() * np.float32(0.05), SETTINGS), SETTINGS)
    loud = normalise(log_mel_db(speechlike(), SETTINGS), SETTINGS)
    assert np.abs(loud - quiet).max() < 1e-3


def test_silence_around_words_does_not_change_how_they_look():
    words = log_mel_db(speechlike(20_000), SETTINGS)
    padded = np.pad(words, ((60, 60), (0, 0)), constant_values=-100.0)
    assert np.abs(normalise(padded, SETTINGS)[60:-60] - normalise(words, SETTINGS)).max() < 1e-4


@pytest.mark.parametrize("samples", [np.zeros(40_000, np.float32), np.ones(40_000, np.float32)])
def test_silence_and_a_constant_stay_finite(samples):
    window = normalise(log_mel_db(samples, SETTINGS), SETTINGS)
    assert np.isfinite(window).all()
    assert np.abs(window).max() <= SETTINGS.limit


def test_the_tensor_has_the_shape_and_codes_of_its_spec():
    frames_db = log_mel_db(speechlike(), SETTINGS)
    codes = window_tensor(frames_db, SETTINGS, SPEC)
    assert (codes.shape, codes.dtype) == (SPEC.shape, np.int8)
    real = codes.reshape(248, 64) * SPEC.scale
    assert np.abs(real - normalise(frames_db, SETTINGS)).max() <= SPEC.scale / 2 + 1e-6
    with pytest.raises(ShapeError, match="248 frames of 64 bands"):
        window_tensor(frames_db[1:], SETTINGS, SPEC)


@given(st.lists(st.integers(min_value=1, max_value=9_000), min_size=1, max_size=30))
def test_streaming_gives_the_frames_of_the_whole(sizes):
    samples = speechlike(56_000)
    history = LogMelHistory(SETTINGS)
    position = 0
    for size in [*sizes, 10**6]:
        history.extend(samples[position : position + size])
        position = min(position + size, samples.size)
    whole = log_mel_db(samples, SETTINGS)
    assert np.array_equal(history.window_db(), whole[-248:])


def test_streaming_has_no_window_before_it_is_whole():
    history = LogMelHistory(SETTINGS)
    n_needed = (SETTINGS.n_frames - 1) * SETTINGS.n_step + SETTINGS.n_frame
    history.extend(speechlike(n_needed - 1))
    assert history.window_db() is None
    history.extend(speechlike(1))
    assert history.window_db().shape == (248, 64)
    history.clear()
    assert history.window_db() is None


def test_samples_of_another_kind_are_refused():
    for wrong in (np.zeros(1000), np.zeros((10, 400), np.float32)):
        with pytest.raises(ShapeError):
            log_mel_db(wrong, SETTINGS)


def test_fewer_samples_than_a_frame_give_no_frame():
    assert log_mel_db(np.zeros(399, np.float32), SETTINGS).shape == (0, 64)


@pytest.mark.parametrize(
    ("n_samples", "n_windows"),
    [(1, 1), (20_000, 1), (40_000, 1), (40_001, 2), (56_000, 2), (60_000, 3), (72_000, 3)],
)
def test_windows_of_a_clip_cover_it(n_samples, n_windows):
    samples = np.arange(1, n_samples + 1, dtype=np.float32)
    windows = clip_windows(samples, SETTINGS)
    assert len(windows) == n_windows
    assert {window.size for window in windows} == {SETTINGS.n_window}
    assert set(np.concatenate(windows)) - {0.0} == set(samples)


def test_a_short_clip_is_padded_on_both_sides():
    (window,) = clip_windows(np.ones(10_000, np.float32), SETTINGS)
    assert np.flatnonzero(window)[[0, -1]].tolist() == [15_000, 24_999]


def test_clip_scores_average_logarithms():
    rows = np.array([[0.8, 0.2], [0.2, 0.8], [0.5, 0.5]])
    assert np.exp(clip_log_probabilities(rows)).tolist() == pytest.approx([0.5, 0.5])
    assert np.exp(clip_log_probabilities(rows[:1])).tolist() == pytest.approx([0.8, 0.2])


@pytest.mark.parametrize(
    "change",
    [{"n_step": 0}, {"high_hz": 9_000.0}, {"n_hop": 1_601}, {"n_fft": 256}, {"limit": 0.0}],
)
def test_settings_out_of_range_are_refused(change):
    with pytest.raises(ManifestError):
        replace(SETTINGS, **change)


def test_settings_come_from_the_manifest_and_nowhere_else(tmp_path):
    manifest = find_manifest("voice_expression")
    assert asdict(AcousticSettings.from_manifest(manifest)) == manifest.preprocessing
    table = {**manifest.preprocessing, "n_melts": 64}
    del table["n_mels"]
    with pytest.raises(ManifestError, match="wrong or missing: n_mels, n_melts"):
        AcousticSettings.from_manifest(replace(manifest, preprocessing=table))
    for wrong in ("forty", True, float("nan")):
        table = {**manifest.preprocessing, "n_mels": wrong}
        with pytest.raises(ManifestError, match="n_mels must be a number"):
            AcousticSettings.from_manifest(replace(manifest, preprocessing=table))
