"""Prosody: streaming, summaries against known voices, and what must not move them."""

from functools import lru_cache

import numpy as np
import pytest

from edge_affect.config import Voice
from edge_affect.errors import ShapeError
from edge_affect.evaluation.disturbance import in_room, white_noise, with_noise
from edge_affect.evaluation.known_voices import Roughness, glide_hz, syllables, voiced
from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.overlap import OverlapDiscount
from edge_affect.perception.prosody import ProsodyHistory, prosody_of
from edge_affect.perception.voice import VoiceReader
from edge_affect.types import AudioBlock, Prosody

RATE = 16_000
FIELDS = tuple(Prosody.__dataclass_fields__)


def vowel(f0_hz: float = 150.0, seconds: float = 2.0, **how) -> np.ndarray:
    return (0.3 * voiced(np.full(round(seconds * RATE), f0_hz), "a", **how)).astype(np.float32)


def values(prosody: Prosody) -> list[float]:
    return [getattr(prosody, name) for name in FIELDS]


@lru_cache(maxsize=4)
def train(f0_hz: float, seed: int) -> np.ndarray:
    return syllables(4.0, 4.0, f0_hz, pause_every=6, seed=seed).samples


def stream(samples: np.ndarray, size: int) -> ProsodyHistory:
    history = ProsodyHistory()
    for start in range(0, samples.size, size):
        history.extend(samples[start : start + size])
    return history


@pytest.mark.parametrize("size", [160, 513, 4_000, 17_777, 80_000])
def test_any_blocking_gives_the_same_window(size):
    samples = train(170.0, 3)
    whole, parted = stream(samples, samples.size), stream(samples, size)
    assert values(parted.window()) == pytest.approx(values(whole.window()), rel=1e-4)
    assert parted.frames().f0_hz == pytest.approx(whole.frames().f0_hz, rel=1e-4, nan_ok=True)
    assert np.array_equal(parted.frames().is_speaking, whole.frames().is_speaking)


def test_asking_in_between_changes_nothing():
    samples = train(170.0, 3)
    asked = ProsodyHistory()
    for start in range(0, samples.size, 5_555):
        asked.extend(samples[start : start + 5_555])
        asked.window()
    assert values(asked.window()) == pytest.approx(
        values(stream(samples, 16_000).window()), rel=1e-4
    )


def test_the_window_is_the_latest_one_and_there_is_none_before():
    samples = np.concatenate([vowel(100.0), vowel(200.0, 3.0)])
    history = ProsodyHistory()
    history.extend(samples[:39_000])
    assert history.window() is None
    history.extend(samples[39_000:])
    assert history.window().f0_hz == pytest.approx(200.0, rel=0.002)
    assert history.frames().f0_hz.shape == (246,)
    history.clear()
    assert history.window() is None
    assert history.frames().f0_hz.size == 0


def test_the_caller_may_use_its_buffer_again():
    buffer = vowel(150.0, 3.0)
    history = ProsodyHistory()
    history.extend(buffer)
    buffer[:] = 0.0
    assert history.window().voiced_share > 0.9


def test_silence_and_noise_have_a_level_and_nothing_else():
    silence = prosody_of(np.zeros(RATE, np.float32))
    noise = prosody_of(np.float32(0.01) * white_noise(RATE, 1))
    assert silence == Prosody(0.0, -96.0)
    assert noise == Prosody(noise.voiced_share, noise.intensity_db)
    assert noise.intensity_db == pytest.approx(-40.0, abs=0.3)
    assert prosody_of(np.zeros(100, np.float32)) is None
    with pytest.raises(ShapeError):
        prosody_of(np.zeros(RATE))


def test_a_falling_voice_has_its_pitch_slope_and_spread():
    glide = glide_hz(200.0, 100.0, 2.0)
    fallen = prosody_of((0.3 * voiced(glide, "a")).astype(np.float32))
    assert fallen.f0_hz == pytest.approx(141.4, rel=0.02)
    assert fallen.f0_slope_st_per_s == pytest.approx(-6.0, rel=0.02)
    assert fallen.f0_spread_st == pytest.approx(0.34 * 12.0, rel=0.05)


def test_level_follows_gain_and_nothing_else_does():
    samples = train(200.0, 5)
    loud, quiet = prosody_of(samples), prosody_of(samples * np.float32(0.01))
    assert quiet.intensity_db == pytest.approx(loud.intensity_db - 40.0, abs=0.2)
    rest = [name for name in FIELDS if name != "intensity_db"]
    assert [getattr(quiet, name) for name in rest] == pytest.approx(
        [getattr(loud, name) for name in rest], rel=0.1, abs=0.02
    )


@pytest.mark.parametrize("rate_hz", [2.5, 4.0, 5.5])
def test_syllables_are_counted(rate_hz):
    errors = []
    for seed in range(4):
        known = syllables(rate_hz, 3.0, 110.0 + 25.0 * seed, seed=seed)
        spoken_s = known.samples.size / RATE - 1.0
        errors.append(prosody_of(known.samples).speech_rate_hz * spoken_s / len(known.nuclei_s))
    assert len(errors) == 4
    assert np.mean(errors) == pytest.approx(1.0, abs=0.15)


def test_pauses_are_measured():
    heard = prosody_of(syllables(4.0, 5.0, 150.0, pause_every=5, seed=7).samples)
    assert heard.mean_pause_s == pytest.approx(0.4, abs=0.1)
    assert prosody_of(vowel()).mean_pause_s == 0.0
    assert prosody_of(vowel()).pause_share == 0.0


def test_a_rougher_voice_measures_rougher():
    jitters = [prosody_of(vowel(roughness=Roughness(j))).jitter for j in (0.0, 0.01, 0.03)]
    shimmers = [prosody_of(vowel(roughness=Roughness(0.0, s))).shimmer_db for s in (0.0, 1.0, 2.0)]
    assert (jitters[0] < 0.002, shimmers[0] < 0.05) == (True, True)
    assert jitters == sorted(jitters)
    assert jitters[2] > 2.0 * jitters[1] > 6.0 * jitters[0]
    assert shimmers[2] > 1.5 * shimmers[1] > 6.0 * shimmers[0]


def test_a_softer_voice_falls_off_faster_and_lies_lower():
    soft, pressed = (prosody_of(vowel(tilt_db=tilt)) for tilt in (-14.0, -6.0))
    assert pressed.spectral_slope_db - soft.spectral_slope_db == pytest.approx(8.0, abs=1.5)
    assert pressed.centroid_hz > 1.3 * soft.centroid_hz


@pytest.mark.parametrize("where", ["noise", "room"])
def test_a_room_does_not_move_the_middle_of_the_voice(where):
    samples = train(210.0, 9)
    there = (
        in_room(samples, 0.4, 3.0, 1)
        if where == "room"
        else with_noise(samples, white_noise(samples.size, 1), 10.0)
    )
    dry, wet = prosody_of(samples), prosody_of(there)
    assert wet.f0_hz == pytest.approx(dry.f0_hz, rel=0.04)
    assert wet.f0_spread_st == pytest.approx(dry.f0_spread_st, abs=0.4)
    assert wet.intensity_db == pytest.approx(dry.intensity_db, abs=2.0)
    assert wet.speech_rate_hz == pytest.approx(dry.speech_rate_hz, rel=0.35)


class Deaf:
    """A detector that never hears speech, so that no model runs."""

    acoustic = AcousticSettings(n_window=48_240)
    n_steps = 75
    threshold = 0.5
    discount = OverlapDiscount(low=0.2, high=0.6, most=0.5)

    def probabilities(self, _):
        return np.zeros((75, 2))


def test_every_voice_observation_of_a_whole_window_carries_prosody():
    reader = VoiceReader(VoiceExpressionModel.load(), Deaf(), Voice())
    samples = np.concatenate([vowel(120.0, 3.0), vowel(240.0, 3.0)])
    block = AudioBlock(samples, 0)
    heard = [observation.prosody for observation in reader.feed(block)]
    assert [prosody is not None for prosody in heard] == [False, False, True, True, True, True]
    assert (heard[2].f0_hz, heard[5].f0_hz) == pytest.approx((120.0, 240.0), rel=0.003)
    after_gap = reader.feed(AudioBlock(samples[:RATE], 0, n_lost=1))
    assert [observation.prosody for observation in after_gap] == [None]


def test_values_out_of_range_are_refused():
    with pytest.raises(ShapeError):
        Prosody(1.2, -20.0)
    with pytest.raises(ShapeError):
        Prosody(0.5, -20.0, f0_hz=2_000.0)


def test_the_live_path_does_not_import_scipy_signal():
    import subprocess
    import sys

    check = "import sys, edge_affect.perception.prosody; sys.exit('scipy.signal' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", check], check=False).returncode == 0
