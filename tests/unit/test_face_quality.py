"""Quality of face crops: each thing that spoils a crop lowers its own measure, and only that."""

import math
from dataclasses import fields, replace

import numpy as np
import pytest
from PIL import Image

from edge_affect.errors import ShapeError
from edge_affect.evaluation.face_degradation import (
    add_noise,
    blur,
    expose,
    flatten,
)
from edge_affect.perception.face_quality import (
    GOOD,
    POOR,
    Measures,
    crop_quality,
    measure_crop,
    rate,
)

WIDTH_PX = 60.0
NAMES = [field.name for field in fields(Measures)]


def textured_crop(seed: int = 0) -> np.ndarray:
    """A crop with the falling spectrum of natural pictures, and detail to the last pixel."""
    rng = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(rng.standard_normal((48, 48)))
    frequency = np.hypot(np.fft.fftfreq(48)[:, None], np.fft.rfftfreq(48)[None, :])
    plane = np.fft.irfft2(spectrum / np.maximum(frequency, 1 / 48) ** 1.5, (48, 48))
    return (128 + 45 * (plane - plane.mean()) / plane.std()).clip(4, 250).astype(np.uint8)


def ratings(crop: np.ndarray, width_px: float = WIDTH_PX) -> dict[str, float]:
    rating = rate(measure_crop(crop, width_px))
    return {name: getattr(rating, name) for name in NAMES}


def test_a_good_crop_has_full_quality():
    assert crop_quality(textured_crop(), WIDTH_PX) == 1.0


def test_the_anchors_are_rated_zero_and_one():
    assert [getattr(rate(POOR), name) for name in NAMES] == pytest.approx([0.0] * 5, abs=1e-9)
    assert [getattr(rate(GOOD), name) for name in NAMES] == pytest.approx([1.0] * 5)
    between = replace(GOOD, width_px=math.sqrt(POOR.width_px * GOOD.width_px))
    assert rate(between).width_px == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("change", "levels", "name"),
    [
        (blur, (1.0, 2.0, 4.0), "sharpness"),
        (add_noise, (10.0, 30.0, 60.0), "noise"),
        (flatten, (0.1, 0.04, 0.01), "contrast"),
        (expose, (1.5, 2.5, 4.0), "clipped"),
    ],
)
def test_each_fault_lowers_its_own_rating_step_by_step(change, levels, name):
    crop, rng = textured_crop(), np.random.default_rng(1)
    rated = [ratings(change(crop, level, rng)) for level in levels]
    values = [rating[name] for rating in rated]
    assert values == sorted(values, reverse=True)
    assert values[0] > values[-1]
    assert values[-1] < 0.1
    assert all(min(rating, key=rating.get) == name for rating in rated[1:])


def test_a_face_of_few_pixels_is_poor_whatever_its_crop_looks_like():
    crop = textured_crop()
    qualities = [crop_quality(crop, width_px) for width_px in (6.0, 9.0, 16.0, 28.0, 100.0)]
    assert qualities[:2] == [0.0, 0.0]
    assert 0.4 < qualities[2] < 0.6
    assert qualities[3:] == [1.0, 1.0]


def test_noise_does_not_pass_for_sharpness():
    rng = np.random.default_rng(2)
    blurred = blur(textured_crop(), 3.0, rng)
    noisy = add_noise(blurred, 12.0, rng)
    assert ratings(blurred)["sharpness"] < 0.1
    assert crop_quality(noisy, WIDTH_PX) < 0.5


def test_a_flat_crop_has_no_quality():
    for grey in (0, 128, 255):
        assert crop_quality(np.full((48, 48), grey, dtype=np.uint8), WIDTH_PX) == 0.0


def test_black_and_white_count_as_clipped_and_their_neighbours_do_not():
    crop = np.full((48, 48), 128, dtype=np.uint8)
    crop[0, :10] = [0, 1, 2, 3, 4, 251, 252, 253, 254, 255]
    assert measure_crop(crop, WIDTH_PX).clipped == pytest.approx(6 / 48**2)


def test_the_side_of_the_crop_makes_no_difference():
    crop = textured_crop()
    blurred = blur(crop, 1.6, np.random.default_rng(0))
    for picture in (crop, blurred):
        large = np.asarray(Image.fromarray(picture).resize((96, 96), Image.Resampling.BILINEAR))
        difference = crop_quality(large, WIDTH_PX) - crop_quality(picture, WIDTH_PX)
        assert abs(difference) < 0.15


@pytest.mark.parametrize(
    ("crop", "width_px"),
    [
        (np.zeros((48, 47), np.uint8), 50.0),
        (np.zeros((48, 48, 3), np.uint8), 50.0),
        (np.zeros((48, 48), np.float32), 50.0),
        (np.zeros((7, 7), np.uint8), 50.0),
        (np.zeros((48, 48), np.uint8), 0.0),
        (np.zeros((48, 48), np.uint8), math.nan),
    ],
)
def test_what_is_no_crop_is_refused(crop, width_px):
    with pytest.raises(ShapeError):
        crop_quality(crop, width_px)
