"""Every queue between two threads or processes, with a consumer that has stopped for good.

What is kept must not depend on how much came: ten times as much leaves the same length and the
same memory, the newest is what is there, and what went is counted. The slit is the kernel's own
queue: ``tests/process/test_outlet.py`` fills it; the spool's disk is filled by
``tests/unit/test_spool.py``.
"""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from fake_sound import FakeCard, FakeHost

from edge_affect.capture.camera_asked import CameraSettings
from edge_affect.capture.frame_pump import FramePump, Shot
from edge_affect.capture.microphone import Microphone
from edge_affect.capture.source import BLOCK_SAMPLES, MAX_BACKLOG_S
from edge_affect.capture.synthetic import SyntheticAudio, SyntheticVideo
from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.errors import DeviceError
from edge_affect.perception.acoustic import LogMelHistory
from edge_affect.perception.expression_model import VoiceExpressionModel
from edge_affect.perception.prosody import ProsodyHistory
from edge_affect.publishing.bulletin import MAX_ANSWERS, MAX_HAPPENINGS, Bulletin
from edge_affect.publishing.outbox import Outbox
from edge_affect.publishing.payload import Stamp
from edge_affect.publishing.topics import Message
from edge_affect.record import AbstainReason, AffectRecord
from edge_affect.sensing.meter import SPAN_S, Meter
from edge_affect.types import SAMPLE_RATE_HZ

if TYPE_CHECKING:
    from collections.abc import Callable

CAPACITY = 50
BACKLOG_BLOCKS = round(MAX_BACKLOG_S * SAMPLE_RATE_HZ / BLOCK_SAMPLES)


@dataclass(frozen=True)
class Left:
    """What is there when nobody has taken anything.

    Attributes:
        n_waiting: Items.
        newest: Number of the newest item that is there.
        n_lost: Items that are gone and counted.
    """

    n_waiting: int
    newest: int
    n_lost: int


class QuickCamera:
    """Shoots ``n`` small pictures, a second apart on paper, and has then gone."""

    def __init__(self, n: int) -> None:
        self._n, self._number = n, 0

    def start(self) -> None:
        pass

    def shoot(self) -> Shot:
        if self._number == self._n:
            raise DeviceError("It has gone.")
        self._number += 1
        pixels = np.full((8, 8, 3), self._number % 256, np.uint8)
        return Shot(self._number * NS_PER_S, lambda: pixels)

    def stop(self) -> None:
        pass


def camera(n: int) -> Left:
    pump = FramePump(QuickCamera(n), CameraSettings(), "quick")
    pump.start()
    pump._thread.join(60.0)
    frames = []
    while len(frames) < n:
        try:
            frame = pump.read(0.0)
        except DeviceError:
            break
        assert frame is not None
        frames.append(frame)
    newest = frames[-1].captured_ns // NS_PER_S
    return Left(len(frames), newest, sum(frame.n_lost for frame in frames))


def _sound(source: Any, clock: ManualClock, n: int, pump: Callable[[], None]) -> Left:
    source.open()
    for _ in range(n):
        clock.sleep(BLOCK_SAMPLES / SAMPLE_RATE_HZ)
        pump()
    blocks = []
    while (block := source.read(0.0)) is not None:
        blocks.append(block)
    age_s = (clock.now_ns() - blocks[-1].end_ns) / NS_PER_S
    n_behind = round(age_s * SAMPLE_RATE_HZ / BLOCK_SAMPLES)
    n_lost = round(sum(block.n_lost for block in blocks) / BLOCK_SAMPLES)
    return Left(len(blocks), n - n_behind, n_lost)


def microphone(n: int) -> Left:
    clock = ManualClock()
    card = FakeCard(rate_hz=16_000.0, rates_hz=(16_000.0,))
    host = FakeHost(clock, [card])
    return _sound(Microphone(clock, "", 0, host, host.cards), clock, n, host.pump)


def synthetic_microphone(n: int) -> Left:
    clock = ManualClock()
    return _sound(SyntheticAudio(clock), clock, n, lambda: None)


def synthetic_camera(n: int) -> Left:
    clock = ManualClock()
    source = SyntheticVideo(clock, 160, 120)
    source.open()
    clock.sleep((n - 1) / 10.0)
    frames = []
    while (frame := source.read(0.0)) is not None:
        frames.append(frame)
    return Left(len(frames), round(frames[-1].captured_ns / NS_PER_S * 10) + 1, frames[-1].n_lost)


def meter(n: int) -> Left:
    kept = Meter()
    for number in range(n):
        kept.note(number * NS_PER_S // 10, number * NS_PER_S // 10, 0)
    n_kept = len(kept._arrivals)
    return Left(n_kept, n, n - n_kept)


def broker(n: int) -> Left:
    outbox, record = Outbox(CAPACITY), AffectRecord(abstained=AbstainReason.PAUSED)
    for number in range(n):
        outbox.put(record, Stamp(number * 1000, clock_synced=True, sequence=number))
    n_waiting, newest = len(outbox), 0
    while (entry := outbox.take()) is not None:
        newest = entry.sequence + 1
    return Left(n_waiting, newest, outbox.n_dropped)


def happenings(n: int) -> Left:
    bulletin = Bulletin(ManualClock())
    for number in range(n):
        bulletin.put_happening(Message("event", str(number).encode()))
        bulletin.put_answer(Message("answer", str(number).encode()))
        bulletin.put_state(Message("alert/x", str(number).encode()))
        bulletin.put_moment(Message("trend", str(number).encode()))
    n_waiting, newest = len(bulletin), 0
    while (notice := bulletin.take()) is not None:
        newest = max(newest, int(notice.message.payload) + 1)
    return Left(n_waiting, newest, n)


def sound_history(n: int) -> Left:
    acoustic = VoiceExpressionModel.load().acoustic
    for history in (LogMelHistory(acoustic), ProsodyHistory()):
        for number in range(n):
            history.extend(np.full(BLOCK_SAMPLES, 0.1 * (number % 2), np.float32))
    return Left(0, n, n)


STALLS: dict[str, tuple[Callable[[int], Left], int]] = {
    "frames of a camera": (camera, 1),
    "sound of a microphone": (microphone, BACKLOG_BLOCKS),
    "sound of a synthetic microphone": (synthetic_microphone, BACKLOG_BLOCKS + 1),
    "frames of a synthetic camera": (synthetic_camera, 1),
    "health that nobody asks for": (meter, round(SPAN_S * 10) + 1),
    "records for a broker": (broker, CAPACITY),
    "notices for a broker": (happenings, MAX_HAPPENINGS + MAX_ANSWERS + 2),
    "sound that nobody analyses": (sound_history, 0),
}


@pytest.mark.parametrize("name", sorted(STALLS))
def test_what_waits_is_bounded_the_newest_is_there_and_the_rest_is_counted(
    name: str,
) -> None:
    stall, bound = STALLS[name]
    few, many = 300, 1500
    stall(few)  # what is loaded once does not count
    found, bytes_kept = {}, {}
    for n in (few, many):
        tracemalloc.start()
        found[n] = stall(n)
        bytes_kept[n] = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert found[few].n_waiting <= bound
    assert found[many].n_waiting == pytest.approx(found[few].n_waiting, abs=1)
    for n in (few, many):
        assert found[n].newest == pytest.approx(n, abs=1)
        # The settling of a new stream is neither kept nor lost.
        assert found[n].n_lost + found[n].n_waiting >= 0.9 * n - 12
    assert bytes_kept[many] < 1.5 * bytes_kept[few] + 50_000
