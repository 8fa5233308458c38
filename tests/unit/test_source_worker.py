"""One thread per device: it comes back, it pauses for real, and no failure is lost."""

import itertools
import threading
import time

import pytest

from edge_affect.capture.source import EndOfMedia
from edge_affect.clock import MonotonicClock
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


def wait_until(condition, timeout_s=5.0):
    end = time.monotonic() + timeout_s
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
    assert worker.state is SourceState.OK


def test_a_lost_device_is_opened_again(started):
    taken = []
    source = ScriptedSource(1, DeviceError("unplugged"), "busy", 2)
    worker = started(source, taken.append)
    wait_until(lambda: worker.state is SourceState.MISSING)
    wait_until(lambda: taken == [1, 2])
    assert source.n_opened == 3
    assert worker.state is SourceState.OK


def test_paused_means_closed_and_resumed_means_open(started):
    source = ScriptedSource(1)
    worker = started(source)
    wait_until(lambda: source.is_open)
    worker.pause()
    assert worker.wait_closed(1.0)
    assert not source.is_open
    wait_until(lambda: worker.state is SourceState.PAUSED)
    worker.resume()
    wait_until(lambda: source.is_open)


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
            self.released.wait(20)

    source = Blocked()
    worker = SourceWorker("camera", source, lambda item: None, MonotonicClock())
    worker.start()
    wait_until(lambda: source.is_open)
    before = time.monotonic()
    worker.stop(timeout_s=0.2)
    assert time.monotonic() - before < 2.0
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
    source = ScriptedSource(1, None, 2)
    worker = started(source, lambda item: time.sleep(0.1))
    wait_until(lambda: worker.busy_ns > 190_000_000)
    time.sleep(0.3)
    assert worker.busy_ns < 1_000_000_000
    at_rest_ns = worker.busy_ns
    time.sleep(0.1)
    assert worker.busy_ns == at_rest_ns


class Dead(ScriptedSource):
    """A source that delivers as long as it is asked."""

    def read(self, timeout_s):
        time.sleep(0.002)
        return [0]


def test_a_lifeless_device_is_reopened_less_and_less_often_and_stays_reported(monkeypatch):
    monkeypatch.setattr("edge_affect.sensing.source_worker.REVIVE_S", (0.05, 0.2))
    judge, source = Opinion(SourceState.SILENT), Dead()
    opened_s = []
    source.open = lambda: opened_s.append(time.monotonic())
    worker = SourceWorker("microphone", source, list.clear, MonotonicClock(), judge=judge)
    worker.start()
    states = set()
    wait_until(lambda: worker.state is SourceState.SILENT)
    while len(opened_s) < 4:
        states.add(worker.state)
        time.sleep(0.001)
    judge.state = SourceState.OK
    wait_until(lambda: worker.state is SourceState.OK)
    time.sleep(0.3)
    worker.stop()
    assert states == {SourceState.SILENT}
    assert len(opened_s) == 4
    waits_s = [b - a for a, b in itertools.pairwise(opened_s)]
    assert waits_s[0] == pytest.approx(0.05, abs=0.045)
    assert min(waits_s[1:]) >= 0.2
