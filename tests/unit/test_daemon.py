"""The sensing daemon and its pipeline, with scripted readers and a clock of our own."""

import subprocess
import sys
import wave

import numpy as np
import pytest

from edge_affect.capture.recording import Playing, recording
from edge_affect.clock import ManualClock, MonotonicClock
from edge_affect.config import Fusion
from edge_affect.errors import DeviceError
from edge_affect.fusion.scene import SceneFusion
from edge_affect.fusion.wording import Wording, WordsWeights
from edge_affect.privacy.gate import Gate
from edge_affect.record import AbstainReason, Command, Expression, Modality, SourceState
from edge_affect.sensing.daemon import (
    CLOSING_S,
    OPENING_S,
    Ports,
    Schedule,
    SensingDaemon,
    Workers,
    workers_over,
)
from edge_affect.sensing.fast_replay import replay_fast
from edge_affect.sensing.meter import Meter
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.types import (
    AudioBlock,
    ExpressionEstimate,
    FaceObservation,
    VideoFrame,
    VoiceObservation,
    WordsObservation,
)
from edge_affect.words_settings import Words

S = 1_000_000_000
HAPPY = np.array([0.1, 0.83, 0.01, 0.01, 0.02, 0.01, 0.01, 0.01])


class HappyFaces:
    n_cleared = 0

    def observe(self, frame):
        estimate = ExpressionEstimate(HAPPY, 0.83, frame.captured_ns)
        return FaceObservation(1, (estimate,), frame.captured_ns)

    def clear(self):
        self.n_cleared += 1


class Silence:
    n_cleared = 0

    def feed(self, block):
        return (VoiceObservation(0.0, None, block.start_ns),)

    def clear(self):
        self.n_cleared += 1


def frame(at_s: float, n_lost: int = 0) -> VideoFrame:
    return VideoFrame(np.zeros((8, 8, 3), np.uint8), round(at_s * S), n_lost)


def block(at_s: float, n_lost: int = 0) -> AudioBlock:
    return AudioBlock(np.zeros(512, np.float32), round(at_s * S), n_lost)


def make_pipeline(clock, voice=None, face=None):
    stages = Stages(voice, face, SceneFusion(Fusion()), Gate(min_people=1))
    return Pipeline(stages, clock)


def test_frames_become_records():
    clock = ManualClock()
    pipeline = make_pipeline(clock, face=HappyFaces())
    for i in range(20):
        clock.advance_to(i * S // 10 + 30_000_000)
        pipeline.on_frame(frame(i / 10))
    record = pipeline.record(SourceState.OFF, SourceState.OK)
    assert max(range(8), key=lambda i: record.expressions[i]) == Expression.HAPPINESS
    assert record.modalities == Modality.FACE
    assert record.people == 1
    assert record.speech_share is None
    assert (record.frame_rate, record.latency, record.drops) == (4, 0, 0)


def test_losses_and_latency_travel_as_buckets():
    clock = ManualClock()
    pipeline = make_pipeline(clock, voice=Silence(), face=HappyFaces())
    clock.advance_to(round(0.3 * S))
    pipeline.on_frame(frame(0.0, n_lost=1))
    pipeline.on_block(block(0.2))
    record = pipeline.record(SourceState.OK, SourceState.OK)
    assert record.latency == 3
    assert record.drops == 5


@pytest.mark.parametrize(
    ("microphone", "camera", "reason"),
    [
        (SourceState.OFF, SourceState.MISSING, AbstainReason.NO_SOURCE),
        (SourceState.MISSING, SourceState.STALLED, AbstainReason.NO_SOURCE),
        (SourceState.MISSING, SourceState.STARTING, AbstainReason.STARTING),
        (SourceState.MISSING, SourceState.OK, AbstainReason.NONE),
    ],
)
def test_sources_that_are_gone_are_not_hidden_by_old_estimates(microphone, camera, reason):
    clock = ManualClock()
    pipeline = make_pipeline(clock, face=HappyFaces())
    pipeline.on_frame(frame(0.0))
    pipeline.on_frame(frame(0.0))
    assert pipeline.record(microphone, camera).abstained is reason


def test_paused_records_are_sealed_and_everything_is_forgotten():
    clock = ManualClock()
    voice, face = Silence(), HappyFaces()
    pipeline = make_pipeline(clock, voice=voice, face=face)
    pipeline.on_frame(frame(0.0))
    pipeline.forget()
    assert (voice.n_cleared, face.n_cleared) == (1, 1)
    record = pipeline.record(SourceState.PAUSED, SourceState.PAUSED, AbstainReason.PAUSED)
    assert record.abstained is AbstainReason.PAUSED
    assert record.people is None
    assert pipeline.record(SourceState.OFF, SourceState.OK).abstained is AbstainReason.STARTING


def test_a_modality_that_is_off_is_not_read():
    pipeline = make_pipeline(ManualClock())
    pipeline.on_block(block(0.0))
    pipeline.on_frame(frame(0.0))
    record = pipeline.record(SourceState.OK, SourceState.OK)
    assert record.abstained is AbstainReason.STARTING


def test_the_meter_looks_back_two_seconds():
    meter = Meter()
    for i in range(40):
        meter.note(i * S // 10, i * S // 10 - 20_000_000, n_lost=0)
    assert meter.rate_hz(39 * S // 10) == pytest.approx(10.0, abs=1.0)
    assert meter.latency_ms(39 * S // 10) == pytest.approx(20.0)
    assert meter.rate_hz(20 * S) == 0.0
    assert meter.counts(20 * S) == (0, 0)


class Collected:
    def __init__(self):
        self.records = []

    def send(self, record):
        self.records.append(record)


class Script:
    """Commands that arrive one per poll."""

    def __init__(self, *commands):
        self.commands = list(commands)

    def poll(self):
        return self.commands.pop(0) if self.commands else None


class IdleWorker:
    """A worker whose device is always fine, or never there."""

    is_done = False

    def __init__(self, state=SourceState.OK, silent_for_s=0.0):
        self.state = state
        self.silent_for_s = silent_for_s
        self.calls = []

    def __getattr__(self, name):
        return lambda *args: self.calls.append(name) or True


def run_daemon(worker, commands=None, **schedule):
    outlet = Collected()
    clock = ManualClock()
    daemon = SensingDaemon(
        make_pipeline(clock, face=HappyFaces()),
        Workers(None, worker),
        Ports(outlet, commands),
        Schedule(**{"tick_hz": 2.0, "no_source_timeout_s": 10.0, "seconds": 5.0} | schedule),
        clock,
    )
    daemon.run()
    return outlet.records, clock


def test_it_sends_one_record_per_tick_and_ends_on_time():
    worker = IdleWorker()
    records, clock = run_daemon(worker)
    assert len(records) == 10
    assert clock.now_ns() == 5 * S
    assert [worker.calls[0], *worker.calls[-2:]] == ["start", "stop", "check"]


def test_it_gives_up_when_nothing_works_for_too_long():
    with pytest.raises(DeviceError, match="No microphone or camera"):
        run_daemon(IdleWorker(SourceState.MISSING, silent_for_s=11.0))


def test_pause_closes_and_resume_opens():
    worker = IdleWorker()
    records, _ = run_daemon(worker, Script(Command.PAUSE))
    assert {r.abstained for r in records} == {AbstainReason.PAUSED}
    assert [c for c in worker.calls if c != "check"] == ["pause", "wait_closed", "start", "stop"]
    worker = IdleWorker()
    records, _ = run_daemon(worker, Script(Command.PAUSE, Command.PAUSE, Command.RESUME))
    assert {r.abstained for r in records} == {AbstainReason.STARTING}
    assert worker.calls.count("pause") == worker.calls.count("resume") == 1


class CutOff:
    """A reader of words whose recording ends in the middle of a saying."""

    is_hearing = True
    n_asked = 0

    def feed(self, block):
        return ()

    def finish(self, at_ns):
        self.n_asked += 1
        phrases = (True, *(False,) * 7)
        return WordsObservation(None, None, phrases, at_ns) if self.n_asked == 1 else None


class EndingWorker(IdleWorker):
    """A worker whose recording is over after a few looks at it."""

    n_looks = 0

    @property
    def is_done(self):
        self.n_looks += 1
        return self.n_looks > 10


def hearing_pipeline(clock, words):
    wording = Wording(Words(), WordsWeights(), phrase_hold_s=1.5)
    fusion = SceneFusion(Fusion(), wording=wording)
    return Pipeline(Stages(Silence(), None, fusion, Gate(min_people=1), words=words), clock)


@pytest.mark.parametrize("camera", [None, IdleWorker()], ids=["sound alone", "pictures go on"])
def test_words_cut_off_by_the_end_of_a_recording_are_told(camera):
    outlet, words, clock = Collected(), CutOff(), ManualClock()
    pipeline = hearing_pipeline(clock, words)
    pipeline.on_block(block(0.0))
    daemon = SensingDaemon(
        pipeline, Workers(EndingWorker(), camera), Ports(outlet, None),
        Schedule(tick_hz=2.0, no_source_timeout_s=10.0, seconds=20.0), clock,
    )  # fmt: skip
    daemon.run()
    told = [record.phrases[0] for record in outlet.records]
    assert told[0] == 0
    assert any(told)
    assert words.n_asked == 1
    if camera is None:
        assert told[-1], "the last record holds them"


def silent_wave(path, seconds):
    with wave.open(str(path), "wb") as target:
        target.setparams((1, 2, 16_000, 0, "NONE", ""))
        target.writeframes(bytes(2 * round(16_000 * seconds)))
    return path


def test_a_recording_that_is_played_in_real_time_ends_with_its_last_words(tmp_path):
    clock, outlet = MonotonicClock(), Collected()
    playing = Playing(is_paced=True, is_looped=False, channel=1, frame_rate_hz=10.0)
    media = recording(silent_wave(tmp_path / "said.wav", 0.3), None, clock, playing)
    pipeline = hearing_pipeline(clock, CutOff())
    SensingDaemon(
        pipeline, workers_over(media.audio, None, pipeline, clock, are_live=False),
        Ports(outlet, None), Schedule(tick_hz=20.0, no_source_timeout_s=10.0, seconds=10.0), clock,
    ).run()  # fmt: skip
    told = [record.phrases[0] for record in outlet.records]
    assert (told[0], told[-1]) == (0, 1)


def test_words_of_a_short_rest_get_a_record_in_a_fast_replay(tmp_path):
    path = silent_wave(tmp_path / "said.wav", 2.3)
    playing = Playing(is_paced=False, is_looped=False, channel=1, frame_rate_hz=10.0)
    for words, times in ((CutOff(), [1.0, 2.0, 2.3]), (None, [1.0, 2.0])):
        clock = ManualClock()
        media = recording(path, None, clock, playing)
        told = []
        replay_fast(
            hearing_pipeline(clock, words), media, 1.0,
            lambda record, at_s, told=told: told.append((round(at_s, 2), record.phrases[0])),
        )  # fmt: skip
        assert [at_s for at_s, _ in told] == times
        assert [has_phrase for _, has_phrase in told] == [at_s == 2.3 for at_s in times]


def test_a_device_that_does_not_close_ends_the_process():
    class Stuck(IdleWorker):
        def wait_closed(self, timeout_s):
            self.limit_s = timeout_s
            return False

    for is_opening, limit_s in ((False, CLOSING_S), (True, OPENING_S)):
        worker = Stuck()
        worker.is_opening = is_opening
        with pytest.raises(DeviceError, match="did not close in time"):
            run_daemon(worker, Script(Command.PAUSE))
        assert worker.limit_s == limit_s


def test_a_stop_is_heeded_at_once():
    daemon = SensingDaemon(
        make_pipeline(MonotonicClock()), Workers(None, IdleWorker()), Ports(Collected(), None),
        Schedule(1.0, 10.0, None), MonotonicClock(),
    )  # fmt: skip
    daemon.stop()
    daemon.run()


STUCK = """
import atexit, threading
from edge_affect.commands import sense
from edge_affect.errors import DeviceError

class Stuck:
    is_stuck = True

    def run(self):
        raise DeviceError("A device did not close.")

atexit.register(threading.Event().wait)  # as a library does whose device hangs
sense.run_to_the_end(Stuck())
"""


def test_a_device_that_does_not_close_ends_the_process_whatever_its_library_waits_for():
    done = subprocess.run(
        [sys.executable, "-c", STUCK], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stderr) == (69, "edge-affect: A device did not close.\n")
