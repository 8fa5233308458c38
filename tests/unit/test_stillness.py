"""An empty room that lies still lets detectors rest; whatever moves wakes them in that frame."""

from __future__ import annotations

import numpy as np
import pytest

from edge_affect.capture.drawing import draw_wall
from edge_affect.clock import NS_PER_S
from edge_affect.perception.face_look_plan import LookPlan
from edge_affect.perception.face_search import ALL_LOOKS, Look
from edge_affect.perception.stillness import REST_AFTER_S, Stillness, cell_means
from edge_affect.types import VideoFrame

RATE_HZ = 4.0


def room(number: int, change=lambda pixels: None, size_px: tuple[int, int] = (640, 480)):
    pixels = draw_wall(*size_px, 1, number)
    change(pixels)
    return VideoFrame(pixels, round(number / RATE_HZ * NS_PER_S))


def rests(stillness: Stillness, numbers, change=lambda pixels: None) -> list[bool]:
    return [stillness.is_at_rest(room(n, change)) for n in numbers]


def test_a_still_room_comes_to_rest_after_five_seconds_and_stays() -> None:
    found = rests(Stillness(), range(100))
    assert found.index(True) == REST_AFTER_S * RATE_HZ
    assert all(found[found.index(True) :])


def somebody(width_px: int, left_px: int, contrast: int):
    def change(pixels: np.ndarray) -> None:
        pixels[200 : 200 + width_px, left_px : left_px + width_px] += np.uint8(contrast)

    return change


@pytest.mark.parametrize("left_px", [100, 317, 500])
def test_the_smallest_face_that_is_read_wakes_the_room_in_its_first_frame(left_px: int) -> None:
    stillness = Stillness()
    assert rests(stillness, range(40))[-1]
    woken = rests(stillness, range(40, 50), somebody(34, left_px, 40))
    assert woken == [False] * 10


def test_a_lamp_that_flickers_a_little_and_the_sun_that_goes_wake_nobody() -> None:
    stillness = Stillness()
    for number in range(400):
        change = int(2 * (number % 2)) - number // 40

        def dim(pixels: np.ndarray, change: int = change) -> None:
            pixels[:] = np.clip(pixels.astype(np.int16) + change, 0, 255)

        is_at_rest = stillness.is_at_rest(room(number, dim))
        assert is_at_rest == (number >= REST_AFTER_S * RATE_HZ)


def test_something_put_down_belongs_to_the_room_afterwards() -> None:
    stillness = Stillness()
    rests(stillness, range(40))
    found = rests(stillness, range(40, 80), somebody(80, 200, 60))
    assert found.index(True) == REST_AFTER_S * RATE_HZ


def test_forgetting_and_another_size_wake_it() -> None:
    stillness = Stillness()
    rests(stillness, range(40))
    assert not stillness.is_at_rest(room(40, size_px=(320, 320)))
    rests(stillness, range(41, 80))
    stillness.clear()
    assert not stillness.is_at_rest(room(80))


@pytest.mark.parametrize("size_px", [(640, 480), (160, 120), (1920, 1080), (8, 8), (1, 1)])
def test_cells_are_means(size_px: tuple[int, int]) -> None:
    pixels = np.full((size_px[1], size_px[0], 3), 7, np.uint8)
    pixels[:, : size_px[0] // 2] = 9
    cells = cell_means(pixels)
    assert max(cells.shape) <= 16
    assert set(np.unique(cells)) <= {7.0, 9.0} or cells.shape[1] % 2


def test_a_room_at_rest_gets_each_look_every_two_seconds_and_all_at_once_when_it_wakes() -> None:
    plan, looks = LookPlan(lambda _share: ALL_LOOKS), []
    plan.note(ALL_LOOKS, 0)
    for number in range(1, 81):
        now_ns = round(number / RATE_HZ * NS_PER_S)
        looks.append(plan.due((), now_ns, 640, is_at_rest=True))
        plan.note(looks[-1], now_ns)
    assert max(map(len, looks)) == 1
    assert [sum(look in due for due in looks) for look in Look] == pytest.approx([9, 9, 9], abs=1)
    now_ns += round(1.5 * NS_PER_S)
    assert len(plan.due((), now_ns, 640)) >= 2
