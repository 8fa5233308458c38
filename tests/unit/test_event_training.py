"""The parts of sound-event training that need no torch: scenes and thresholds."""

from pathlib import Path

import numpy as np
import pytest

from edge_affect.evaluation.event_clips import EventClip
from edge_affect.perception.acoustic import AcousticSettings
from edge_affect.training.event_data import EVENT_LABELS, SceneMaker, SceneShares, Sound
from edge_affect.training.event_mixing import (
    MixingSettings,
    active_frames,
    breathing,
    changed,
    cut,
    placed,
    with_power,
)
from edge_affect.training.event_thresholds import DevHearing, choose_thresholds, smoothed

RATE = 16_000


def noise(seconds: float, level: float = 0.1, seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return (rng.standard_normal(round(seconds * RATE)) * level).astype(np.float32)


def sound(event: str, corpus: str = "esc-50", seed: int = 1) -> Sound:
    clip = EventClip(Path("x.opus"), corpus, event, event, f"{corpus}/{seed}", 2, "fit")
    return Sound(clip, noise(5.0, seed=seed))


def test_a_cut_prefers_what_sounds_and_pads_what_is_short():
    mostly_silent = np.concatenate((np.zeros(9 * RATE, np.float32), noise(1.0)))
    generator = np.random.default_rng(3)
    stretches = [cut(mostly_silent, 2 * RATE, generator) for _ in range(20)]
    assert sum(bool(np.abs(stretch).max()) for stretch in stretches) > 5
    assert cut(noise(0.5), RATE, generator).shape == (RATE,)


def test_only_the_loud_frames_and_their_surroundings_are_active():
    settings = MixingSettings()
    event = np.zeros(settings.n_scene, np.float32)
    event[16_000:19_200] = noise(0.2)
    active = np.flatnonzero(active_frames(event, settings))
    assert (active[0], active[-1]) == (100 - settings.n_reach, 119 + settings.n_reach)
    assert active_frames(np.zeros_like(event), settings).sum() == 0


def test_scenes_have_one_length_and_no_clipping():
    settings, generator = MixingSettings(), np.random.default_rng(1)
    for _ in range(5):
        scene = placed(changed(noise(3.0), settings, generator), settings, generator)
        assert scene.shape == (settings.n_scene,)
        assert scene.dtype == np.float32
        assert np.abs(scene).max() <= 0.5001
    assert not with_power(np.zeros(1600, np.float32)).any()


def test_imitated_breath_comes_and_goes():
    settings, generator = MixingSettings(), np.random.default_rng(1)
    for _ in range(8):
        sound = breathing(settings.n_scene, settings.sample_rate_hz, generator)
        assert sound.shape == (settings.n_scene,)
        assert np.isfinite(sound).all()
        steps = np.sort(np.square(sound).reshape(-1, 400).mean(axis=1))
        assert steps[-1] > 5 * steps[steps.size // 4]


def test_voices_that_are_no_event_are_also_heard_shrill_and_deep():
    settings, generator = MixingSettings(), np.random.default_rng(1)
    time_s = np.arange(4 * RATE) / RATE
    tone = np.sin(2 * np.pi * 400 * time_s).astype(np.float32)

    def heard_hz(speed):
        found = []
        for _ in range(40):
            spectrum = np.abs(np.fft.rfft(changed(tone, settings, generator, speed)))
            found.append(np.argmax(spectrum) * RATE / settings.n_scene)
        return min(found), max(found)

    assert heard_hz(None) == pytest.approx((340, 460), rel=0.06)
    assert heard_hz(settings.voice_speed) == pytest.approx((280, 520), rel=0.06)


def test_scenes_are_labelled_by_what_was_put_in():
    sounds = [sound(event, seed=n) for n, event in enumerate(EVENT_LABELS)]
    sounds.append(sound("other", "crema-d", seed=9))
    shares = SceneShares(voice=10, babble=10, sound=10, both=10, noise=5)
    maker = SceneMaker(sounds, MixingSettings(), AcousticSettings(), seed=1)
    scenes = maker.make(24, shares)
    assert scenes.frames_db.shape == (24, 248, 64)
    is_event = scenes.labels < len(EVENT_LABELS) - 1
    assert 0 < is_event.sum() < 24
    assert scenes.active[is_event].any(axis=1).all()
    assert not scenes.active[~is_event].any()
    again = SceneMaker(sounds, MixingSettings(), AcousticSettings(), seed=1).make(24, shares)
    assert np.array_equal(scenes.frames_db, again.frames_db)


def hearing(hits: list[float], others: list[float]) -> DevHearing:
    """Every event is heard alike."""
    peaks = np.zeros((3 * len(hits) + len(others), 3))
    for number in range(3):
        peaks[number * len(hits) : (number + 1) * len(hits), number] = hits
    peaks[3 * len(hits) :] = np.array(others)[:, None]
    events = np.repeat([0, 1, 2, 3], [len(hits)] * 3 + [len(others)])
    return DevHearing(peaks, events, np.zeros(events.size, bool), ("x",) * events.size)


def test_what_a_start_comes_to_is_told():
    choice = choose_thresholds(hearing([0.99, 0.97, 0.5, 0.99], [0.985, 0.2]))
    assert set(choice.starts.values()) == {0.98}
    laughter = choice.figures["choice"]["laughter"]
    assert (laughter["recall"], laughter["n_false"]) == (0.5, 1)
    thresholds = choice.thresholds()
    assert thresholds["crying_end"] == pytest.approx(0.49)
    assert thresholds["laughter_n_smoothed"] == 5.0


def test_levels_are_smoothed_over_the_latest_windows():
    levels = np.array([1.0, 0.0, 1.0, 1.0])
    assert smoothed(levels, 1).tolist() == levels.tolist()
    assert smoothed(levels, 2).tolist() == [0.5, 0.5, 0.5, 1.0]
