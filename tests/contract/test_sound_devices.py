"""What sound cards do to a microphone, on a host of our own whose cards misbehave at will."""

from __future__ import annotations

import numpy as np
import pytest
from fake_sound import TONE_HZ, FakeCard, FakeHost

from edge_affect.capture.microphone import Microphone
from edge_affect.capture.sound_cards import SoundCard
from edge_affect.capture.sound_host import (
    N_FOR_A_CHANGE,
    N_REFRESHES,
    PortAudioHost,
    Refreshes,
    StreamShape,
    started_anew,
)
from edge_affect.clock import ManualClock
from edge_affect.errors import DeviceError
from edge_affect.types import SAMPLE_RATE_HZ

BUFFER_S = 0.032


class Bench:
    """A microphone on a host whose time we move."""

    def __init__(self, *cards: FakeCard, device: str = "usb:0d8c:0014", channel: int = 0) -> None:
        self.clock = ManualClock(5_000_000_000)
        self.host = FakeHost(self.clock, list(cards) or [FakeCard()])
        self.card = self.host.plugged[0]
        self.microphone = Microphone(self.clock, device, channel, self.host, self.host.cards)

    def run(self, seconds: float) -> list:
        """Let time pass and return the blocks that came."""
        blocks = []
        for _ in range(round(seconds / BUFFER_S)):
            self.clock.sleep(BUFFER_S)
            self.host.pump()
            while (block := self.microphone.read(0.0)) is not None:
                blocks.append(block)
        return blocks


def pitch_hz(blocks: list) -> float:
    samples = np.concatenate([block.samples for block in blocks])
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(samples.size), 1 << 18))
    return float(np.argmax(spectrum) * SAMPLE_RATE_HZ / (1 << 18))


@pytest.mark.parametrize(
    "rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000, 192_000]
)
@pytest.mark.parametrize("n_channels", [1, 2, 6, 10])
def test_any_native_rate_and_number_of_channels(rate_hz: float, n_channels: int) -> None:
    """Of a card that takes nothing else, and whose driver names another rate as its favourite."""
    card = FakeCard(
        rate_hz=44_100.0, rates_hz=(rate_hz,), n_channels=n_channels, channel_counts=(n_channels,)
    )
    bench = Bench(card, channel=n_channels)
    bench.microphone.open()
    blocks = bench.run(2.0)
    assert bench.microphone.native_hz == rate_hz
    assert bench.host.opened[-1] == StreamShape(rate_hz, n_channels, round(rate_hz * BUFFER_S))
    assert pitch_hz(blocks) == pytest.approx(TONE_HZ, abs=1.0)
    assert sum(block.samples.size for block in blocks) > 1.5 * SAMPLE_RATE_HZ


@pytest.mark.parametrize("tells_age", [True, False])
def test_a_card_that_cannot_say_when_is_told_of_once(tells_age: bool, caplog) -> None:
    bench = Bench(FakeCard(tells_age=tells_age))
    bench.microphone.open()
    assert len(bench.run(10.0)) > 100
    told = [r.message for r in caplog.records if "does not say when" in r.message]
    assert len(told) == 1 - tells_age


def test_a_claimed_crowd_of_channels_is_opened_as_a_pair_only_where_it_is_no_card() -> None:
    bench = Bench(FakeCard(n_channels=2, channel_counts=(1,)))
    bench.microphone.open()
    assert [shape.n_channels for shape in bench.host.opened[-2:]] == [2, 1]


def test_a_card_that_takes_no_shape_is_refused_in_one_sentence() -> None:
    bench = Bench(FakeCard(rates_hz=()))
    with pytest.raises(DeviceError, match=r"cannot be opened \(Invalid sample rate\)"):
        bench.microphone.open()


def test_a_busy_card_is_refused_at_once_and_taken_when_it_is_free() -> None:
    bench = Bench()
    bench.card.is_held_elsewhere = True
    with pytest.raises(DeviceError, match="another program holds it"):
        bench.microphone.open()
    assert len(bench.host.opened) == 1
    bench.card.is_held_elsewhere = False
    bench.microphone.open()
    assert bench.run(1.0)


def test_a_card_that_comes_back_under_another_number_is_found_again() -> None:
    bench = Bench()
    bench.microphone.open()
    assert bench.run(1.0)
    bench.host.unplug(bench.card)
    with pytest.raises(DeviceError, match="plug it in again"):
        bench.run(1.0)
    with pytest.raises(DeviceError, match="no microphone"):
        bench.microphone.open()
    bench.host.plugged += [FakeCard("HDMI", "HDMI", "", ""), bench.card]
    bench.microphone.open()
    assert pitch_hz(bench.run(2.0)) == pytest.approx(TONE_HZ, abs=1.0)
    assert bench.host.stream is not None
    assert bench.host.stream.card is bench.card


def test_a_card_that_hangs_is_told_within_5_s() -> None:
    bench = Bench()
    bench.microphone.open()
    bench.run(1.0)
    bench.card.delivers = False
    with pytest.raises(DeviceError, match="delivered nothing for 2 s"):
        bench.run(5.0)


def test_an_overflow_is_counted_with_the_block_after_it() -> None:
    bench = Bench()
    bench.microphone.open()
    assert sum(block.n_lost for block in bench.run(1.0)) == 0
    bench.card.has_overflowed = True
    blocks = bench.run(1.0)
    assert [block.n_lost > 0 for block in blocks].count(True) == 1


@pytest.mark.parametrize("ppm", [-4000, 300, 4000])
def test_drift_never_parts_sound_from_the_clock(ppm: int) -> None:
    bench = Bench(FakeCard(true_hz=48_000.0 * (1 + ppm / 1e6)))
    bench.microphone.open()
    n_lost, worst_s = 0, 0.0
    for _ in range(30):
        for block in bench.run(5.0):
            n_lost += block.n_lost
            worst_s = max(worst_s, (block.end_ns - bench.clock.now_ns()) / 1e9)
    late_s = (bench.clock.now_ns() - block.end_ns) / 1e9
    assert worst_s < 0.08
    assert late_s < 0.35
    assert (n_lost > 0) == (abs(ppm) > 1000)
    assert n_lost / SAMPLE_RATE_HZ < 150.0 * abs(ppm) / 1e6 * 1.5 + 0.1


@pytest.mark.parametrize(("claimed_hz", "true_hz"), [(48_000.0, 44_100.0), (44_100.0, 48_000.0)])
def test_a_card_that_lies_about_its_rate_is_heard_at_the_right_pitch_within_5_s(
    claimed_hz: float, true_hz: float
) -> None:
    bench = Bench(FakeCard(rate_hz=claimed_hz, rates_hz=(claimed_hz,), true_hz=true_hz))
    bench.microphone.open()
    assert pitch_hz(bench.run(3.0)) == pytest.approx(TONE_HZ * claimed_hz / true_hz, rel=0.01)
    bench.run(2.0)
    blocks = bench.run(20.0)
    assert bench.microphone.native_hz == true_hz
    assert pitch_hz(blocks) == pytest.approx(TONE_HZ, abs=1.0)
    assert sum(block.n_lost for block in blocks) == 0


class Library:
    """The part of sounddevice that starts PortAudio, which does not always start."""

    class PortAudioError(Exception):
        pass

    def __init__(self, *, starts: bool) -> None:
        self.starts = starts
        self.is_running = True

    def _terminate(self) -> None:
        if not self.is_running:
            raise self.PortAudioError("Error terminating PortAudio: PortAudio not initialized", -1)
        self.is_running = False

    def _initialize(self) -> None:
        if not self.starts:
            raise self.PortAudioError("Error initializing PortAudio: Unanticipated host error", -2)
        self.is_running = True


def test_portaudio_that_does_not_start_is_a_missing_device_and_tried_again() -> None:
    library = Library(starts=False)
    for _ in range(2):
        with pytest.raises(DeviceError, match=r"PortAudio does not start .*Unanticipated host"):
            started_anew(library)
    library.starts = True
    assert started_anew(library).is_running


def test_the_real_portaudio_comes_back_after_a_start_that_failed() -> None:
    sounddevice = pytest.importorskip("sounddevice", exc_type=OSError)
    sounddevice._terminate()
    assert isinstance(PortAudioHost().inputs(), tuple)
    assert sounddevice._initialized == 1


class Empty:
    """The part of sounddevice that lists devices, on a machine without any."""

    class default:  # noqa: N801 (as the library has it)
        device = (-1, -1)

    def query_devices(self) -> list:
        return []


def test_a_day_without_a_microphone_starts_portaudio_a_hundred_times_and_not_20000() -> None:
    now_s, cards, n_loads = 0.0, (), 0

    def load() -> Empty:
        nonlocal n_loads
        n_loads += 1
        return Empty()

    host = PortAudioHost(load, Refreshes(lambda: cards, lambda: now_s))
    for _ in range(86_400 // 4):
        assert host.inputs() == ()
        now_s += 4.0
    assert n_loads in range(N_REFRESHES + 40, N_REFRESHES + 60)
    before = n_loads
    cards = (SoundCard(1, "Device", "USB Audio"),)
    for _ in range(20):
        host.inputs()
        now_s += 4.0
    assert n_loads in range(before + N_FOR_A_CHANGE, before + N_FOR_A_CHANGE + 3)
