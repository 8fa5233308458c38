"""One thread per device: it comes back, it pauses for real, and no failure is lost."""

import itertools
import threading
import time

import pytest

from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.capture.frame_pump import PumpedSource
from edge_affect.capture.source import EndOfMedia
from edge_affect.clock import NS_PER_S, ManualClock, MonotonicClock
from edge_affect.errors import DeviceError
from edge_affect.record import SourceState
from edge_affect.sensing.source_worker import SourceWorker


class ScriptedSource:
    """A source that follows a script: numbers are delivered, errors raised, None is a time-out."""

    def __init__(self, *script):
        self.script = list(script)
        self.n_opened = 0
        self.is_open = False

    def open(self):
        self.n_opened += 1
        if self.script and self.script[0] == "busy":
            self.script.pop(0)
            raise DeviceError("busy")
        self.is_open = True

    def read(self, timeout_s):
        if not self.script:
            time.sleep(0.005)
            return None
        step = self.script.pop(0)
        if isinstance(step, BaseException):
            raise step
        return step

    def close(self):
        self.is_open = False


def wait_until(condition):
    end = time.monotonic() + 60.0
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.005)


@pytest.fixture
def started():
    workers = []

    def start(source, consume=lambda item: None):
        worker = SourceWorker("camera", source, consume, MonotonicClock())
        workers.append(worker)
        worker.start()
        return worker

    yield start
    for worker in workers:
        worker.stop()


def test_it_hands_on_what_the_source_delivers(started):
    taken = []
    worker = started(ScriptedSource(1, 2, 3), taken.append)
    wait_until(lambda: taken == [1, 2, 3])
    wait_until(lambda: worker.state is SourceState.OK)


def test_a_lost_device_is_opened_again(started, caplog):
    caplog.set_level("INFO")
    taken = []
    source = ScriptedSource(1, DeviceError("unplugged"), "busy", 2)
    worker = started(source, taken.append)
    wait_until(lambda: taken == [1, 2])
    assert source.n_opened == 3
    wait_until(lambda: worker.state is SourceState.OK)
    assert [r.message for r in caplog.records] == [
        "camera: ok", "camera: missing", "camera: lost: unplugged", "camera: cannot open: busy",
        "camera: starting", "camera: ok",
    ]  # fmt: skip


def test_paused_means_closed_and_resumed_means_open(started):
    source = ScriptedSource(1)
    worker = started(source)
    wait_until(lambda: source.is_open)
    worker.pause()
    assert worker.wait_closed(60.0)
    assert not source.is_open
    wait_until(lambda: worker.state is SourceState.PAUSED)
    worker.resume()
    wait_until(lambda: source.is_open)


class MutingAir:
    """Lets a mute come at the worst moment: just when an opening has been permitted."""

    is_permitted = True

    def __init__(self):
        self.worker = None
        self.was_closed = None

    def exchange(self):
        pass

    def claim(self, label):
        if self.was_closed is None:
            self.worker.pause()
            self.was_closed = self.worker.wait_closed(1.0)
        return True

    def release(self, label):
        pass


def test_nothing_opens_behind_a_mute_that_found_everything_closed():
    air = MutingAir()
    source = ScriptedSource(1)
    worker = air.worker = SourceWorker("camera", source, lambda item: None, MonotonicClock(), air)
    worker.start()
    try:
        wait_until(lambda: worker.state is SourceState.PAUSED)
        assert air.was_closed
        assert source.n_opened == 0
        assert not worker.is_opening
        worker.resume()
        wait_until(lambda: source.is_open)
    finally:
        worker.stop()


class HangingCamera:
    """A driver that hangs in its read until it is let go."""

    def __init__(self):
        self.released = threading.Event()
        self.is_open = False

    def start(self):
        self.is_open = True

    def shoot(self):
        self.released.wait(20)
        raise DeviceError("gone")

    def stop(self):
        self.is_open = False


def test_a_camera_whose_driver_hangs_is_not_called_closed_before_it_is(started, monkeypatch):
    monkeypatch.setattr("edge_affect.capture.frame_pump.CLOSE_TIMEOUT_S", 0.05)
    camera = HangingCamera()
    worker = started(PumpedSource(lambda: camera, CameraSettings(), "camera"))
    wait_until(lambda: camera.is_open)
    worker.pause()
    assert not worker.wait_closed(1.0)
    assert camera.is_open
    camera.released.set()
    assert worker.wait_closed(1.0)
    assert not camera.is_open


def test_the_end_of_a_recording_is_no_failure(started):
    worker = started(ScriptedSource(1, EndOfMedia()))
    wait_until(lambda: worker.is_done)
    worker.check()


def test_a_failure_in_the_thread_is_raised_where_it_is_seen(started):
    def broken(item):
        raise ZeroDivisionError("a bug")

    source = ScriptedSource(1)
    worker = started(source, broken)
    wait_until(lambda: worker.is_done)
    with pytest.raises(ZeroDivisionError):
        worker.check()
    assert not source.is_open


def test_a_silent_source_is_stalled_and_reopened(started, monkeypatch):
    monkeypatch.setattr("edge_affect.sensing.source_worker.STALL_S", 0.05)
    monkeypatch.setattr("edge_affect.sensing.source_worker.REOPEN_S", 0.3)
    source = ScriptedSource(1)
    worker = started(source)
    wait_until(lambda: worker.state is SourceState.STALLED)
    wait_until(lambda: source.n_opened >= 2)


def test_one_blocked_source_does_not_hold_up_stopping():
    class Blocked(ScriptedSource):
        released = threading.Event()

        def read(self, timeout_s):
            self.released.wait(60)

    source = Blocked()
    worker = SourceWorker("camera", source, lambda item: None, MonotonicClock())
    worker.start()
    wait_until(lambda: source.is_open)
    before = time.monotonic()
    worker.stop(timeout_s=0.2)
    assert time.monotonic() - before < 30.0
    source.released.set()


class Opinion:
    """A judge that says what it is told to."""

    def __init__(self, state=SourceState.OK):
        self.state = state
        self.seen = []

    def judge(self, item):
        self.seen.append(list(item))
        return self.state


def test_the_judge_sees_an_item_before_it_is_overwritten_and_its_word_is_the_state():
    judge = Opinion(SourceState.POOR)
    source = ScriptedSource([7])
    worker = SourceWorker("camera", source, list.clear, MonotonicClock(), judge=judge)
    worker.start()
    wait_until(lambda: worker.state is SourceState.POOR)
    worker.stop()
    assert judge.seen == [[7]]


def test_the_time_at_work_is_told_waiting_left_out(started):
    at_work_s = []

    def work(item):
        began_s = time.monotonic()
        time.sleep(0.1)
        at_work_s.append(time.monotonic() - began_s)

    worker = started(ScriptedSource(1, None, 2), work)
    wait_until(lambda: len(at_work_s) == 2 and worker.busy_ns > sum(at_work_s) * NS_PER_S)
    at_rest_ns = worker.busy_ns
    time.sleep(0.3)
    assert worker.busy_ns == at_rest_ns


class Dead(ScriptedSource):
    """A source that delivers a block in each second of its clock."""

    def __init__(self, clock):
        super().__init__()
        self.clock = clock

    def read(self, timeout_s):
        time.sleep(0.0005)
        self.clock.sleep(1.0)
        return [0]


def test_a_lifeless_device_is_reopened_less_and_less_often_and_stays_reported(caplog):
    caplog.set_level("INFO")
    clock = ManualClock()
    judge, source = Opinion(SourceState.SILENT), Dead(clock)
    opened_s = []

    def opening():
        opened_s.append(clock.now_ns() / NS_PER_S)
        if len(opened_s) == 4:
            judge.state = SourceState.OK

    source.open = opening
    worker = SourceWorker("microphone", source, list.clear, clock, judge=judge)
    worker.start()
    wait_until(lambda: clock.now_ns() > 500 * NS_PER_S)
    worker.stop(60.0)
    states = [r.message for r in caplog.records if r.levelname == "INFO"]
    assert states == ["microphone: silent", "microphone: ok"]
    waits_s = [b - a for a, b in itertools.pairwise(opened_s)]
    assert waits_s == pytest.approx([15.0, 60.0, 300.0], abs=1.5)
