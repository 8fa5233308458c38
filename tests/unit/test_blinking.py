"""Blinks: what is counted, what is not, and over which time."""

import dataclasses

import numpy as np
import pytest

from edge_affect.errors import ManifestError
from edge_affect.perception.blinking import NS_PER_S, BlinkCounter, BlinkSettings
from edge_affect.perception.model_store import find_manifest

MANIFEST = find_manifest("iris_landmark")
SETTINGS = BlinkSettings.from_manifest(MANIFEST)
SOON = dataclasses.replace(SETTINGS, min_watched_s=1.0)
FRAMES_HZ = 25


def eyes(seconds, closed_at_s=(), *, level=0.6, closed=0.05, for_s=0.16):
    """The openness of an eye in each frame."""
    times_s = np.arange(round(seconds * FRAMES_HZ)) / FRAMES_HZ
    openness = np.full(len(times_s), level)
    for start_s in closed_at_s:
        openness[(times_s >= start_s - 1e-9) & (times_s < start_s + for_s - 1e-9)] = closed
    return openness


def watch(openness, settings=SOON, start_s=0.0, counter=None):
    counter = BlinkCounter(settings) if counter is None else counter
    for frame, value in enumerate(openness):
        counter.add(float(value), int((start_s + frame / FRAMES_HZ) * NS_PER_S))
    return counter


def test_every_blink_counts_once():
    counter = watch(eyes(20, (3, 7, 7.5, 12)))
    assert counter.n_blinks == 4
    assert counter.rate_hz == pytest.approx(4 / 20, rel=0.01)


@pytest.mark.parametrize("level", [0.25, 0.5, 1.0])
def test_narrow_and_wide_eyes_blink_alike(level):
    assert watch(eyes(10, (3, 6), level=level, closed=0.1 * level)).n_blinks == 2


def test_trembling_around_one_threshold_is_one_blink():
    openness = eyes(5)
    openness[50:58] = [0.25, 0.35, 0.25, 0.35, 0.28, 0.33, 0.28, 0.35]
    assert watch(openness).n_blinks == 1


def test_half_a_closure_is_none():
    assert watch(eyes(10, (3, 6), closed=0.4)).n_blinks == 0


def test_eyes_shut_for_long_are_no_blink():
    assert watch(eyes(10, (3,), for_s=0.48)).n_blinks == 1
    assert watch(eyes(10, (3,), for_s=0.8)).n_blinks == 0


def test_narrowed_eyes_become_the_new_open():
    openness = np.concatenate([eyes(5), eyes(20, (12, 16), level=0.35, closed=0.05)])
    assert watch(openness).n_blinks == 2


def test_a_track_that_begins_with_closed_eyes():
    openness = np.concatenate([eyes(1, level=0.05), eyes(10, (4,))])
    assert watch(openness).n_blinks == 1


def test_no_rate_before_the_face_was_watched_long_enough():
    assert BlinkCounter(SETTINGS).rate_hz is None
    assert watch(eyes(9, (3,)), SETTINGS).rate_hz is None
    assert watch(eyes(11, (3,)), SETTINGS).rate_hz == pytest.approx(1 / 11, rel=0.02)
    assert watch(eyes(11), SETTINGS).rate_hz == 0.0


def test_a_gap_is_not_watched_time_and_ends_a_blink():
    counter = watch(eyes(2, (1.9,)))
    watch(eyes(2), start_s=12.0, counter=counter)
    assert counter.n_blinks == 0
    assert counter.rate_hz == 0.0
    few = watch(eyes(0.6))
    watch(eyes(0.3), start_s=5.0, counter=few)
    assert few.rate_hz is None


def test_only_the_latest_window_counts():
    settings = dataclasses.replace(SOON, window_s=10.0)
    counter = watch(eyes(30, (1, 2, 3, 4, 25)), settings)
    assert counter.n_blinks == 1
    assert counter.rate_hz == pytest.approx(0.1, rel=0.02)


@pytest.mark.parametrize("every", [2, 3])
def test_fewer_looks_at_a_slow_blink(every):
    openness = eyes(20, (3, 7, 12), for_s=0.2)
    counter = BlinkCounter(SOON)
    for frame in range(0, len(openness), every):
        counter.add(float(openness[frame]), frame * NS_PER_S // FRAMES_HZ)
    assert counter.n_blinks == 3


@pytest.mark.parametrize(
    "change",
    [
        {"blink_closed_share": 0.8},
        {"blink_open_share": 1.2},
        {"blink_max_closed_s": 0.0},
        {"blink_min_watched_s": 61.0},
    ],
)
def test_settings_that_make_no_sense_are_refused(change):
    broken = dataclasses.replace(MANIFEST, thresholds={**MANIFEST.thresholds, **change})
    with pytest.raises(ManifestError, match="blink"):
        BlinkSettings.from_manifest(broken)
