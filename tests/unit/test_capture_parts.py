"""The small parts under the sources: mailbox, pacing, time of sound, synthetic world, factory."""

from __future__ import annotations

import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from edge_affect.capture.devices import open_audio, open_video
from edge_affect.capture.gst_camera import GstSource
from edge_affect.capture.mailbox import Mailbox
from edge_affect.capture.microphone import Microphone
from edge_affect.capture.pacing import FramePacer, wait_until
from edge_affect.capture.pi_camera import PiCameraSource
from edge_affect.capture.sound_host import sample_age_s
from edge_affect.capture.sound_time import SoundTime
from edge_affect.capture.synthetic import SyntheticAudio, SyntheticVideo
from edge_affect.capture.v4l2 import V4l2Source
from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.config import Audio, Video
from edge_affect.errors import DeviceError
from edge_affect.types import SAMPLE_RATE_HZ

SAMPLE_NS = NS_PER_S / SAMPLE_RATE_HZ


def test_mailbox_keeps_the_latest_and_counts_the_rest() -> None:
    mailbox: Mailbox[str] = Mailbox(2)
    for item, weight in (("a", 10), ("b", 20), ("c", 30), ("d", 40)):
        mailbox.put(item, weight)
    first, second = mailbox.get(0.0), mailbox.get(0.0)
    assert first is not None
    assert second is not None
    assert (first.item, first.n_lost) == ("c", 30)
    assert (second.item, second.n_lost) == ("d", 0)
    assert mailbox.get(0.0) is None


def test_mailbox_hands_out_what_it_has_before_it_fails() -> None:
    mailbox: Mailbox[str] = Mailbox(2)
    mailbox.put("a")
    mailbox.fail(DeviceError("gone"))
    assert mailbox.get(0.0) is not None
    for _ in range(2):
        with pytest.raises(DeviceError, match="gone"):
            mailbox.get(0.0)


def test_closing_a_mailbox_ends_a_wait() -> None:
    mailbox: Mailbox[str] = Mailbox(2)
    threading.Timer(0.1, mailbox.close).start()
    began_s = time.monotonic()
    assert mailbox.get(60.0) is None
    assert time.monotonic() - began_s < 30.0


@pytest.mark.parametrize(("camera_hz", "asked_hz"), [(30, 10), (25, 10), (30, 25), (10, 10)])
def test_pacer_spreads_frames_and_keeps_the_rate(camera_hz: int, asked_hz: int) -> None:
    pacer = FramePacer(asked_hz)
    times_ns = [round(n * NS_PER_S / camera_hz) for n in range(camera_hz * 20)]
    taken_ns = [t for t in times_ns if pacer.accept(t)]
    assert abs(len(taken_ns) - 20 * asked_hz) <= 1
    steps = np.diff(taken_ns) / NS_PER_S * asked_hz
    assert steps.max() < 1.0 + asked_hz / camera_hz


def test_a_pacer_takes_another_rate_at_once_and_makes_no_burst() -> None:
    pacer, taken_s = FramePacer(10.0), []
    for number in range(30 * 30):
        at_s = number / 30
        if number in (300, 600):
            pacer.set_rate(2.0 if number == 300 else 10.0)
        if pacer.accept(round(at_s * NS_PER_S)):
            taken_s.append(at_s)
    counts = [sum(low <= at_s < low + 10 for at_s in taken_s) for low in (0, 10, 20)]
    assert counts == pytest.approx([100, 20, 100], abs=1)
    # The rise is felt within a frame of the higher rate, not of the lower one.
    assert min(at_s for at_s in taken_s if at_s >= 20.0) < 20.0 + 0.2
    steps_s = np.diff(taken_s)
    assert steps_s.min() > 0.06


def test_pacer_loses_nothing_to_jitter() -> None:
    rng = np.random.default_rng(1)
    pacer = FramePacer(10.0)
    times_s = np.arange(200) * 0.1 + rng.uniform(-0.01, 0.01, 200)
    assert sum(pacer.accept(round(t * NS_PER_S)) for t in times_s) == 200


def test_pacer_makes_no_burst_after_a_pause() -> None:
    pacer = FramePacer(10.0)
    assert pacer.accept(0)
    times_s = 5.0 + np.arange(30) / 30
    assert sum(pacer.accept(round(t * NS_PER_S)) for t in times_s) in (10, 11)


def test_waiting_ends_at_the_deadline_or_when_cancelled() -> None:
    clock = ManualClock()
    assert wait_until(clock, 100, 200, lambda: False)
    assert clock.now_ns() == 100
    assert not wait_until(clock, 900, 200, lambda: False)
    assert clock.now_ns() == 200
    assert not wait_until(clock, 900, 950, lambda: True)


def run_device(sound_time: SoundTime, rate_hz: float, seconds: float, jitter_s: float = 0.0):
    """Feed a device that claims 48 kHz, runs at ``rate_hz`` and reports jittery times."""
    rng = np.random.default_rng(2)
    starts_ns, n_in, n_out = [], 0, 0
    while n_in < seconds * rate_hz:
        true_ns = n_in / rate_hz * NS_PER_S
        sound_time.observe(round(true_ns + rng.uniform(0, jitter_s) * NS_PER_S), 1536)
        starts_ns.append((sound_time.stamp(512), n_out / 512 * 1536 / rate_hz * NS_PER_S))
        n_in += 1536
        n_out += 512
    return np.array(starts_ns)


@pytest.mark.parametrize("ppm", [-300, 0, 300])
def test_sound_keeps_to_the_clock_for_hours_though_the_quartz_is_off(ppm: int) -> None:
    times = run_device(SoundTime(48_000.0), 48_000.0 * (1 + ppm / 1e6), 2 * 3600.0, 0.01)
    drift_ms = np.abs(times[:, 0] - times[:, 1]) / 1e6
    assert drift_ms.max() < 12.0
    gaps_ns = np.diff(times[:, 0]) - 512 * SAMPLE_NS
    assert np.abs(gaps_ns).max() <= SAMPLE_NS


def test_missing_sound_is_noticed_after_a_while_and_measured() -> None:
    sound_time = SoundTime(48_000.0)
    run_device(sound_time, 48_000.0, 10.0)
    first_ns = 10 * NS_PER_S + 500_000_000
    assert not sound_time.is_behind(first_ns)
    noticed = False
    for _ in range(60):
        noticed = sound_time.is_behind(first_ns)
        if noticed:
            break
        sound_time.observe(first_ns, 1536)
        sound_time.stamp(512)
        first_ns += 32_000_000
    assert noticed
    assert sound_time.restart(first_ns) / SAMPLE_RATE_HZ == pytest.approx(0.5, abs=0.05)
    assert sound_time.stamp(512) == pytest.approx(first_ns, abs=1)


@pytest.mark.parametrize("gap_s", [0.1, 2.0])
def test_a_gap_that_the_driver_tells_of_is_closed_at_once(gap_s) -> None:
    sound_time = SoundTime(48_000.0)
    run_device(sound_time, 48_000.0, 10.0)
    first_ns = round((10.0 + gap_s) * NS_PER_S)
    assert not sound_time.is_behind(first_ns)
    assert sound_time.is_behind(first_ns, is_sure=True)
    n_missing = sound_time.restart(first_ns)
    assert n_missing / SAMPLE_RATE_HZ == pytest.approx(gap_s, abs=0.02)
    assert sound_time.stamp(512) == pytest.approx(first_ns, abs=1)
    assert not sound_time.is_surplus(first_ns, is_sure=True)


@pytest.mark.parametrize("clock", [time.CLOCK_MONOTONIC, time.CLOCK_REALTIME])
def test_sound_is_no_younger_because_a_busy_machine_came_late(clock) -> None:
    """The driver said at 100 s that the sample was 40 ms old, and the callback ran 0.3 s after."""

    def read_s(which):
        return 100.3 if which == clock else 1e9

    assert sample_age_s(99.96, 100.0, read_s) == pytest.approx(0.34)
    assert sample_age_s(99.96, 100.301, read_s) == pytest.approx(0.341, abs=0.001)


@pytest.mark.parametrize(("taken_s", "age_s"), [(0.0, 0.0), (100.2, 0.0), (99.9, 0.1), (97.2, 2.8)])
def test_what_a_driver_says_of_time_is_believed_where_it_can_be(taken_s, age_s) -> None:
    """Nothing, a sample of the future, and stamps of an unknown clock, one of them old."""
    assert sample_age_s(taken_s, 100.0, lambda _clock: 1e9) == pytest.approx(age_s)


def test_late_burst_is_no_loss() -> None:
    sound_time = SoundTime(48_000.0)
    run_device(sound_time, 48_000.0, 10.0)
    for number in range(40):
        # 0.6 s of sound, held back and delivered at once.
        arrived_ns = max(10.6, 10.0 + number * 0.032) * NS_PER_S
        assert not sound_time.is_behind(round(arrived_ns))
        sound_time.observe(round(arrived_ns), 1536)
        sound_time.stamp(512)


@pytest.mark.parametrize("ppm", [-900, 900, 5000, 30_000])
def test_no_quartz_carries_sound_away_from_the_clock(ppm: int) -> None:
    """What steering cannot follow is left out and counted: it never adds up."""
    rate_hz, sound_time = 48_000.0 * (1 + ppm / 1e6), SoundTime(48_000.0)
    n_in, n_shed, worst_ms, is_shedding = 0, 0, 0.0, False
    while n_in < 1800 * rate_hz:
        first_ns = round(n_in / rate_hz * NS_PER_S)
        n_in += 1536
        if sound_time.is_surplus(first_ns):
            n_shed, is_shedding = n_shed + 1536, True
            continue
        if is_shedding:
            sound_time.restart(first_ns)
            is_shedding = False
        sound_time.observe(first_ns, 1536)
        worst_ms = max(worst_ms, abs(sound_time.stamp(512) - first_ns) / 1e6)
    assert worst_ms < 80.0 + (32.0 if ppm > 10_000 else 0.0)
    assert max(0, ppm - 1100) / 1e6 <= n_shed / n_in <= 1.3 * max(0, ppm - 1000) / 1e6 + 0.0025
    assert (n_shed > 0) == (ppm > 1000)


def test_old_sound_at_the_start_does_not_make_all_that_follows_late() -> None:
    """A sound server may begin with two seconds at once."""
    sound_time, clock_s = SoundTime(48_000.0), 0.0
    for number in range(300):
        clock_s = max(2.0, number * 0.032)
        first_ns = round(clock_s * NS_PER_S)
        if sound_time.is_surplus(first_ns):
            continue
        if number > 100 and sound_time.stamp(0) > first_ns + 60_000_000:
            sound_time.restart(first_ns)
        sound_time.observe(first_ns, 1536)
        stamp_ns = sound_time.stamp(512)
    assert abs(stamp_ns - first_ns) < 0.1 * NS_PER_S


def test_time_of_sound_never_runs_backwards() -> None:
    sound_time = SoundTime(16_000.0)
    sound_time.observe(10 * NS_PER_S, 16_000)
    end_ns = sound_time.stamp(16_000) + NS_PER_S
    sound_time.restart(10 * NS_PER_S)
    assert sound_time.stamp(512) >= end_ns - 1
    with pytest.raises(ValueError, match="observed"):
        SoundTime(16_000.0).stamp(512)


def test_synthetic_world_obeys_its_verbs() -> None:
    clock = ManualClock()
    source = SyntheticAudio(clock)
    source.open()
    source.hum(1000.0)
    hum = np.concatenate([source.read(1.0).samples for _ in range(10)])
    spectrum = np.abs(np.fft.rfft(hum * np.hanning(hum.size)))
    assert np.argmax(spectrum) * SAMPLE_RATE_HZ / hum.size == pytest.approx(1000.0, abs=5.0)
    source.hush()
    assert np.abs(source.read(1.0).samples).max() < 0.01
    source.freeze()
    assert source.read(1.5) is None
    source.thaw()
    block = source.read(1.0)
    assert block is not None
    assert block.n_lost == pytest.approx(1.5 * SAMPLE_RATE_HZ, abs=1024)
    source.unplug()
    with pytest.raises(DeviceError, match="plug it in again"):
        source.read(1.0)
    with pytest.raises(DeviceError, match="not plugged in"):
        source.open()
    source.replug()
    source.open()
    assert source.read(1.0) is not None


def test_synthetic_camera_shows_a_face_or_a_wall() -> None:
    source = SyntheticVideo(ManualClock(), 320, 240)
    source.open()
    face = source.read(1.0).pixels
    source.show_wall()
    wall = source.read(1.0).pixels
    source.show_face()
    assert face.shape == wall.shape == (240, 320, 3)
    assert wall.std(axis=(0, 1)).max() < 3.0
    assert face.std(axis=(0, 1)).min() > 10.0
    assert not np.array_equal(source.read(1.0).pixels, face)


def test_same_seed_gives_the_same_world() -> None:
    def world(seed: int) -> bytes:
        audio, video = (
            SyntheticAudio(ManualClock(), seed=seed),
            SyntheticVideo(ManualClock(), 160, 120, seed=seed),
        )
        audio.open()
        video.open()
        return audio.read(1.0).samples.tobytes() + video.read(1.0).pixels.tobytes()

    assert world(3) == world(3)
    assert world(3) != world(4)


def test_configuration_names_every_source() -> None:
    clock = ManualClock()
    sounds = [open_audio(Audio(source=name), clock) for name in ("microphone", "synthetic", "none")]
    assert [type(sound) for sound in sounds] == [Microphone, SyntheticAudio, type(None)]
    names = ("camera", "picamera2", "jetson", "synthetic", "none")
    pictures = [open_video(Video(source=name), clock) for name in names]
    assert [type(picture) for picture in pictures] == [
        V4l2Source, PiCameraSource, GstSource, SyntheticVideo, type(None),
    ]  # fmt: skip
    assert pictures[0] is not None
    assert pictures[0].name == "camera"


def test_live_path_starts_without_media_libraries() -> None:
    code = (
        "import sys\n"
        "from edge_affect.capture.devices import open_audio, open_video\n"
        "from edge_affect.clock import MonotonicClock\n"
        "from edge_affect.config import Audio, Video\n"
        "open_audio(Audio(), MonotonicClock()); open_video(Video(), MonotonicClock())\n"
        "print(sorted({'av', 'PIL', 'scipy', 'soxr', 'sounddevice'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
