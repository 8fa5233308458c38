"""What a microphone that delivers can still have: no signal at all, or too much of it."""

from __future__ import annotations

import numpy as np
import pytest

from edge_affect.capture.resampling import Resampler
from edge_affect.capture.sound_check import SoundCheck
from edge_affect.capture.source import BLOCK_SAMPLES
from edge_affect.record import SourceState
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock

BLOCK_S = BLOCK_SAMPLES / SAMPLE_RATE_HZ
RNG = np.random.default_rng(3)


def states(check: SoundCheck, samples: np.ndarray) -> list[SourceState]:
    """Return what is said after each block."""
    found = []
    for first in range(0, samples.size - BLOCK_SAMPLES + 1, BLOCK_SAMPLES):
        block = AudioBlock(samples[first : first + BLOCK_SAMPLES].astype(np.float32), 0)
        found.append(check.judge(block))
    return found


def speech_like(seconds: float, level: float) -> np.ndarray:
    """Return a buzz in syllables, four a second."""
    t_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    buzz = sum(np.sin(2 * np.pi * 140 * n * t_s) / n for n in range(1, 12))
    return level * buzz / np.abs(buzz).max() * np.sin(np.pi * 4 * t_s) ** 2


def room(seconds: float, level: float = 1e-4) -> np.ndarray:
    return RNG.normal(0.0, level, round(seconds * SAMPLE_RATE_HZ))


def after_s(found: list[SourceState], state: SourceState) -> float:
    assert state in found
    return found.index(state) * BLOCK_S


@pytest.mark.parametrize("offset", [0.0, 0.25, -1.0])
def test_a_device_that_delivers_one_value_is_silent_within_5_s_and_back_at_once(
    offset: float,
) -> None:
    check = SoundCheck()
    assert set(states(check, room(3.0))) == {SourceState.OK}
    found = states(check, np.full(10 * SAMPLE_RATE_HZ, offset))
    assert after_s(found, SourceState.SILENT) < 3.0
    assert found[-1] is SourceState.SILENT
    found = states(check, room(4.0))
    assert after_s(found, SourceState.OK) < 1.1


def test_a_quiet_room_and_the_last_bits_of_a_good_microphone_are_a_signal() -> None:
    rounded = np.round(room(10.0, 3e-5) * 32768) / 32768
    assert set(states(SoundCheck(), rounded)) == {SourceState.OK}


def test_a_pause_between_words_is_no_dead_device() -> None:
    check = SoundCheck()
    sound = np.concatenate([speech_like(2.0, 0.3), np.zeros(SAMPLE_RATE_HZ), room(1.0)])
    assert set(states(check, np.tile(sound, 4))) == {SourceState.OK}


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_clipping_is_poor_within_5_s_and_over_a_few_seconds_later(rate_hz: int) -> None:
    """Through the resampler that rounds off the flat tops."""
    loud = np.interp(
        np.arange(8 * rate_hz) / rate_hz,
        np.arange(8 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ,
        speech_like(8.0, 4.0),
    )
    heard = Resampler(rate_hz).push(np.clip(loud, -1.0, 1.0).astype(np.float32))
    check = SoundCheck()
    assert after_s(states(check, heard), SourceState.POOR) < 3.0
    found = states(check, speech_like(6.0, 0.5))
    assert after_s(found, SourceState.OK) < 4.0
    assert found[-1] is SourceState.OK


def test_loud_speech_and_a_slammed_door_are_fine() -> None:
    slam = np.clip(RNG.normal(0.0, 2.0, SAMPLE_RATE_HZ // 5), -1.0, 1.0)
    sound = np.concatenate([speech_like(3.0, 0.95), slam, speech_like(3.0, 0.95)])
    assert set(states(SoundCheck(), sound)) == {SourceState.OK}


def test_an_empty_block_changes_nothing() -> None:
    check = SoundCheck()
    assert check.judge(AudioBlock(np.zeros(0, np.float32), 0)) is SourceState.OK
