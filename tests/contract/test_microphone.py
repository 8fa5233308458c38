"""The real microphone path on the null sinks of a private PulseAudio."""

from __future__ import annotations

import time

import numpy as np
import pytest
from pulse import LEFT_HZ, LEVEL, RIGHT_HZ, SINKS
from rigs import PATIENCE_S, pulse, read_on  # noqa: F401 (fixture)

from edge_affect.capture.microphone import Microphone
from edge_affect.clock import MonotonicClock
from edge_affect.errors import DeviceError, ExitCode
from edge_affect.types import SAMPLE_RATE_HZ


def record(device: str, channel: int, seconds: float) -> tuple[np.ndarray, int]:
    """Return a recording and how many samples were lost on the way."""
    microphone = Microphone(MonotonicClock(), device, channel)
    microphone.open()
    blocks = []
    deadline_s = time.monotonic() + seconds + PATIENCE_S
    while sum(block.samples.size for block in blocks) < seconds * SAMPLE_RATE_HZ:
        block = microphone.read(1.0)
        if block is not None:
            blocks.append(block)
        assert time.monotonic() < deadline_s
    microphone.close()
    return np.concatenate([block.samples for block in blocks]), sum(b.n_lost for b in blocks)


def strongest_hz(samples: np.ndarray) -> float:
    n_bins = 1 << 19
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size), n_bins))
    return float(np.argmax(spectrum) * SAMPLE_RATE_HZ / n_bins)


def level_of(samples: np.ndarray, frequency_hz: float) -> tuple[float, np.ndarray]:
    """Return the amplitude of a tone and what is left without it."""
    t_s = np.arange(samples.size) / SAMPLE_RATE_HZ
    basis = np.stack(
        [np.sin(2 * np.pi * frequency_hz * t_s), np.cos(2 * np.pi * frequency_hz * t_s)]
    )
    weights, *_ = np.linalg.lstsq(basis.T, samples, rcond=None)
    return float(np.hypot(*weights)), samples - weights @ basis


def apart_db(samples: np.ndarray, tones_hz: tuple[float, ...]) -> float:
    """Return how far the tones stand above all else in a recording; minus infinity in silence."""
    if not samples.any():
        return float("-inf")
    rest = samples
    for frequency_hz in tones_hz:
        _level, rest = level_of(rest, frequency_hz)
    return float(10 * np.log10(samples.var() / rest.var()))


def cleanest(pulse, device: str, channel: int, *tones_hz: float) -> np.ndarray:  # noqa: F811
    """Return the first recording that is tones and little else, 25 dB apart, and lost nothing.

    On a virtual machine the sound server itself stumbles for a while now and then; a fault of
    ours would be in every recording. Where the server's own recorder cannot do better in the
    same minute, there is nothing to be learned about ours.
    """
    deadline_s = time.monotonic() + 60.0
    while time.monotonic() < deadline_s:
        samples, n_lost = record(device, channel, 2.0)
        ours_db = apart_db(samples, tones_hz)
        if ours_db > 25.0 and n_lost == 0:
            return samples
    rate_hz, theirs = pulse.record(device, 2.0)
    t_s = np.arange(theirs.size) * SAMPLE_RATE_HZ / rate_hz
    theirs_db = apart_db(np.interp(np.arange(t_s[-1]), t_s, theirs), (LEFT_HZ,))
    if theirs_db < 25.0:
        pytest.skip(
            f"the sound server stumbles by itself: its own recording has {theirs_db:.1f} dB"
        )
    return pytest.fail(
        f"for a minute, and the last one lost {n_lost} samples and has {ours_db:.1f} dB"
    )


@pytest.mark.parametrize("sink", sorted(SINKS))
def test_tone_arrives_at_its_pitch_and_level(pulse, sink: str) -> None:  # noqa: F811
    samples = cleanest(pulse, sink, 1, LEFT_HZ)
    assert strongest_hz(samples) == pytest.approx(LEFT_HZ, abs=0.5)
    assert level_of(samples, LEFT_HZ)[0] == pytest.approx(LEVEL, rel=0.05)


def test_the_chosen_channel_is_heard_and_the_other_is_not(pulse) -> None:  # noqa: F811
    samples = cleanest(pulse, "stereo48", 2, RIGHT_HZ)
    assert strongest_hz(samples) == pytest.approx(RIGHT_HZ, abs=0.5)
    assert level_of(samples, LEFT_HZ)[0] < LEVEL / 100


def test_channel_0_mixes_all(pulse) -> None:  # noqa: F811
    samples = cleanest(pulse, "stereo48", 0, LEFT_HZ, RIGHT_HZ)
    assert level_of(samples, LEFT_HZ)[0] == pytest.approx(LEVEL / 2, rel=0.1)
    assert level_of(samples, RIGHT_HZ)[0] == pytest.approx(LEVEL / 2, rel=0.1)


def test_unknown_name_is_refused_with_the_names_there_are(pulse) -> None:  # noqa: F811
    with pytest.raises(DeviceError) as caught:
        Microphone(MonotonicClock(), "no such thing").open()
    assert caught.value.exit_code == ExitCode.UNAVAILABLE
    assert "'no such thing'" in str(caught.value)
    assert "'mono16', 'stereo44', 'stereo48'" in str(caught.value)


def test_part_of_a_name_in_any_case_is_enough(pulse) -> None:  # noqa: F811
    microphone = Microphone(MonotonicClock(), "ONO16")
    microphone.open()
    assert microphone.native_hz == 44_100.0
    microphone.close()


def test_channel_that_is_not_there_is_refused(pulse) -> None:  # noqa: F811
    with pytest.raises(DeviceError, match=r"has 32 channel\(s\), not a channel 33"):
        Microphone(MonotonicClock(), "mono16", 33).open()


def test_sound_card_that_is_pulled_is_an_error(pulse) -> None:  # noqa: F811
    """Comes last: it takes the server away."""
    microphone = Microphone(MonotonicClock(), "stereo48")
    microphone.open()
    assert microphone.read(PATIENCE_S) is not None
    pulse.kill()
    with pytest.raises(DeviceError, match="plug it in again"):
        read_on(microphone)
    microphone.close()
    with pytest.raises(DeviceError):
        microphone.open()
