"""Spoilt voices: each degradation does what its name says, and the same at every run."""

import numpy as np
import pytest
from voice_parts import RATE_HZ, tone

from edge_affect.evaluation.voice_degradation import Noises, voice_degradations


@pytest.fixture(scope="module")
def rows():
    noise = np.random.default_rng(3).standard_normal(20_000).astype(np.float32) * 0.1
    table = voice_degradations(Noises(backgrounds=(noise,), voices=(tone(150), tone(210))))
    return {row.name: row for row in table}


def degraded(row, samples, seed=1):
    return row.apply(samples, np.random.default_rng(seed))


def power_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    spectrum = np.abs(np.fft.rfft(samples)) ** 2
    bins_hz = np.fft.rfftfreq(samples.size, 1 / RATE_HZ)
    return 10 * np.log10(spectrum[(bins_hz >= low_hz) & (bins_hz < high_hz)].sum() + 1e-12)


def test_every_degradation_keeps_the_shape_of_sound_and_repeats_itself(rows):
    samples = tone(300) + tone(2_500)
    assert len(rows) == 30
    for row in rows.values():
        changed = degraded(row, samples)
        assert changed.dtype == np.float32, row.name
        assert abs(changed.size - samples.size) < 0.1 * RATE_HZ, row.name
        assert np.abs(changed).max() <= 1.0, row.name
        assert np.array_equal(changed, degraded(row, samples)), row.name
    unchanged = [r.name for r in rows.values() if np.array_equal(degraded(r, samples), samples)]
    assert unchanged == ["none"]


def test_without_material_nothing_is_mixed_in():
    kinds = {row.kind for row in voice_degradations(Noises((), ()))}
    assert kinds == {"none", "room", "white noise", "microphone", "level", "clipping", "codec"}


@pytest.mark.parametrize("word", ["white noise", "babble", "background"])
@pytest.mark.parametrize("snr_db", [20, 10, 5, 0])
def test_noise_is_as_loud_as_its_name_says(rows, word, snr_db):
    samples = tone(300)
    noise = degraded(rows[f"{word} {snr_db} dB"], samples) - samples
    ratio_db = 10 * np.log10(np.mean(samples**2) / np.mean(noise**2))
    assert ratio_db == pytest.approx(snr_db, abs=0.01)


def test_a_room_goes_on_sounding_for_its_time(rows):
    click = np.zeros(2 * RATE_HZ, dtype=np.float32)
    click[0] = 0.5
    tail = degraded(rows["room 0.6 s, direct +0 dB"], click)
    early_db = power_db(tail[400:2_000], 0, 8_000)
    late_db = power_db(tail[400 + 4_800 : 2_000 + 4_800], 0, 8_000)
    assert early_db - late_db == pytest.approx(30.0, abs=3.0)  # 60 dB in 0.6 s
    assert np.sum(tail[1:] ** 2) == pytest.approx(0.25, rel=0.01)
    assert np.abs(tail[int(0.6 * RATE_HZ) + 1 :]).max() < 1e-6


def test_a_telephone_carries_only_its_band(rows):
    samples = tone(100) + tone(1_000) + tone(5_000)
    changed = degraded(rows["telephone, mu-law"], samples)
    assert power_db(changed, 900, 1_100) > power_db(changed, 50, 150) + 30
    assert power_db(changed, 900, 1_100) > power_db(changed, 4_500, 5_500) + 30


def test_levels_and_clipping(rows):
    samples = tone(300)
    assert np.unique(degraded(rows["gain -40 dB"], samples)).size < 140
    assert degraded(rows["gain +12 dB"], 2 * samples).max() == 1.0
    assert np.abs(degraded(rows["clipped at 20 % of the peak"], samples)).max() == pytest.approx(
        0.2 * np.abs(samples).max()
    )


def test_a_microphone_keeps_the_level_and_changes_the_spectrum(rows):
    samples = tone(200) + tone(4_000)
    dull = degraded(rows["dull microphone"], samples)
    assert np.mean(dull**2) == pytest.approx(np.mean(samples**2), rel=0.01)
    assert power_db(dull, 3_900, 4_100) < power_db(dull, 100, 300) - 10
