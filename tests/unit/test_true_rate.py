"""A device that lies about its rate is found out within five seconds, a stumbling one is not."""

from __future__ import annotations

import numpy as np
import pytest

from edge_affect.capture.true_rate import RATES_HZ, TrueRate
from edge_affect.clock import NS_PER_S


def found(claimed_hz: float, true_hz: float, holes_s: tuple[float, ...] = (), seconds: float = 30):
    """Return what is said, and after how many seconds."""
    rng, rate, first_s = np.random.default_rng(5), TrueRate(claimed_hz), 0.0
    size = round(claimed_hz * 0.032)
    for number in range(round(seconds / 0.032)):
        first_s += size / true_hz
        if any(number == round(hole_s / 0.032) for hole_s in holes_s):
            first_s += 0.2
        jittered_ns = round((first_s + rng.uniform(0.0, 0.01)) * NS_PER_S)
        said_hz = rate.observe(jittered_ns, size)
        if said_hz is not None:
            return said_hz, first_s
    return None, seconds


@pytest.mark.parametrize(
    ("claimed_hz", "true_hz"),
    [(48_000, 44_100), (44_100, 48_000), (48_000, 16_000), (16_000, 48_000), (44_100, 22_050)],
)
def test_another_rate_is_told_within_5_s(claimed_hz: float, true_hz: float) -> None:
    said_hz, after_s = found(claimed_hz, true_hz)
    assert said_hz == true_hz
    assert after_s < 5.0


@pytest.mark.parametrize("claimed_hz", RATES_HZ)
@pytest.mark.parametrize("ppm", [-3000, 0, 3000])
def test_the_quartz_of_a_cheap_device_is_no_other_rate(claimed_hz: float, ppm: int) -> None:
    assert found(claimed_hz, claimed_hz * (1 + ppm / 1e6)) == (None, 30)


def test_a_server_that_stumbles_now_and_then_is_no_other_rate() -> None:
    assert found(48_000.0, 48_000.0, holes_s=(1.0, 2.5, 5.0, 6.0, 9.0, 20.0)) == (None, 30)


def test_an_unusual_rate_is_left_alone() -> None:
    assert found(37_000.0, 37_000.0) == (None, 30)
