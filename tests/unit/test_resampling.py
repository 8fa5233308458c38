"""What the resampler keeps, what it rejects, and that it never clicks."""

from __future__ import annotations

import numpy as np
import pytest

from edge_affect.capture.resampling import Resampler, to_mono
from edge_affect.errors import ShapeError
from edge_affect.types import SAMPLE_RATE_HZ

RATES_HZ = (8_000, 11_025, 22_050, 32_000, 44_100, 48_000, 96_000)


def sine(frequency_hz: float, rate_hz: int, seconds: float = 1.0, level: float = 0.5) -> np.ndarray:
    t_s = np.arange(round(rate_hz * seconds)) / rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * t_s)).astype(np.float32)


def resampled(samples: np.ndarray, rate_hz: int, n_block: int) -> np.ndarray:
    """Push in blocks, as a device would."""
    resampler = Resampler(rate_hz)
    parts = [resampler.push(samples[i : i + n_block]) for i in range(0, samples.size, n_block)]
    parts.append(resampler.push(np.zeros(0, np.float32), is_last=True))
    return np.concatenate(parts)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_what_speech_needs_passes_unchanged(rate_hz: int) -> None:
    highest_hz = 0.45 * min(rate_hz, SAMPLE_RATE_HZ)
    for frequency_hz in np.linspace(100.0, highest_hz, 7):
        out = resampled(sine(frequency_hz, rate_hz), rate_hz, 1411)
        expected = sine(frequency_hz, SAMPLE_RATE_HZ)
        assert abs(out.size - expected.size) <= 1
        inner = slice(1600, 14_400)
        # Same phase, same level: ripple below 0.05 dB.
        error = out[inner] - expected[inner]
        assert np.abs(error).max() < 0.5 * (10 ** (0.05 / 20) - 1), frequency_hz


@pytest.mark.parametrize("rate_hz", [22_050, 32_000, 44_100, 48_000, 96_000])
def test_what_16_khz_cannot_hold_is_rejected_by_60_db(rate_hz: int) -> None:
    for frequency_hz in np.linspace(8_800.0, rate_hz / 2 - 500.0, 7):
        out = resampled(sine(frequency_hz, rate_hz), rate_hz, 1411)[1600:-1600]
        alias_db = 20 * np.log10(np.sqrt(2) * out.std() / 0.5 + 1e-12)
        assert alias_db < -60.0, frequency_hz


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_block_borders_leave_no_trace(rate_hz: int) -> None:
    samples = sine(997.0, rate_hz)
    whole = resampled(samples, rate_hz, samples.size)
    cut = resampled(samples, rate_hz, 333)
    assert whole.size == cut.size
    np.testing.assert_allclose(cut, whole, atol=1e-6)


def test_native_rate_is_left_alone() -> None:
    samples = sine(440.0, SAMPLE_RATE_HZ)
    np.testing.assert_array_equal(resampled(samples, SAMPLE_RATE_HZ, 512), samples)


def test_overshoot_is_clipped() -> None:
    square = np.sign(sine(400.0, 48_000)).astype(np.float32)
    out = resampled(square, 48_000, 1411)
    assert np.abs(out).max() == 1.0
    assert out.dtype == np.float32


def test_channels_are_chosen_or_mixed() -> None:
    frames = np.array([[0.5, -0.25], [1.0, 0.0]], np.float32)
    assert to_mono(frames, 1).tolist() == [0.5, 1.0]
    assert to_mono(frames, 2).tolist() == [-0.25, 0.0]
    assert to_mono(frames, 0).tolist() == [0.125, 0.5]
    assert to_mono(frames, 0).dtype == np.float32
    with pytest.raises(ShapeError, match="no channel 3"):
        to_mono(frames, 3)
    with pytest.raises(ShapeError):
        to_mono(frames[:, 0], 0)


@pytest.mark.parametrize("rate_hz", [SAMPLE_RATE_HZ, 48_000])
@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf, 3e38])
def test_samples_that_are_no_sound_leave_no_trace(rate_hz: int, wrong: float) -> None:
    samples = sine(440.0, rate_hz)
    broken = samples.copy()
    broken[rate_hz // 4 : rate_hz // 4 + 100] = wrong
    out, expected = resampled(broken, rate_hz, 1411), resampled(samples, rate_hz, 1411)
    assert np.isfinite(out).all()
    assert np.abs(out).max() <= 1.0
    assert out[SAMPLE_RATE_HZ // 2 :].tolist() == expected[SAMPLE_RATE_HZ // 2 :].tolist()


def test_sound_beyond_full_scale_is_clipped_behind_the_filter_not_before_it() -> None:
    loud = sine(440.0, 48_000, level=3.0)
    once = Resampler(48_000).push(loud)
    assert np.abs(once).max() == 1.0
    import soxr

    stream = soxr.ResampleStream(48_000, SAMPLE_RATE_HZ, 1, dtype="float32", quality="HQ")
    assert once.tolist() == np.clip(stream.resample_chunk(loud), -1.0, 1.0).tolist()
