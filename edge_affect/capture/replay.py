"""Media files as sources: in real time for the live path, or as fast as possible."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import TYPE_CHECKING, Generic, TypeVar

from edge_affect.capture.media_file import MediaReader, Picture, probe
from edge_affect.capture.media_sound import chunked, sound_of
from edge_affect.capture.pacing import FILE_TOLERANCE, FramePacer, wait_until
from edge_affect.capture.source import MAX_BACKLOG_S, EndOfMedia, not_open
from edge_affect.clock import NS_PER_S
from edge_affect.errors import EdgeAffectError
from edge_affect.types import SAMPLE_RATE_HZ, AudioBlock, VideoFrame

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from edge_affect.capture.media_time import MediaTime

CATCH_UP_S = 0.5
"""For this long one read drops late frames; then it hands out what it has, so none starves."""

MAX_JUMP_NS = 86_400 * NS_PER_S
"""Pictures that are further apart than this are not: that is a broken timestamp."""

Item = TypeVar("Item")


class _Playback(Generic[Item]):
    """One pass through a recording, one item ahead; safe to close from another thread."""

    def __init__(self, name: str, items: Generator[Item, None, None]) -> None:
        self._name = name
        self._items = items
        self._lock = threading.Lock()
        self._next: Item | None = None
        self._n_lost = 0
        self.is_closed = False

    def peek(self) -> Item:
        """Return the next item without taking it."""
        with self._lock:
            if self.is_closed:
                raise not_open(self._name)
            if self._next is None:
                self._next = next(self._items, None)
            if self._next is None:
                raise EndOfMedia(self._name)
            return self._next

    def drop(self, weight: int) -> Item:
        """Count the next item as lost and return the one after it."""
        with self._lock:
            self._n_lost += weight
            self._next = None
        return self.peek()

    def take(self) -> int:
        """Take the next item and return how much was lost before it."""
        with self._lock:
            self._next = None
            n_lost, self._n_lost = self._n_lost, 0
            return n_lost

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self.is_closed = True
            self._next = None
            self._items.close()


class _Replay(ABC, Generic[Item]):
    """What the sound and the pictures of a recording have in common."""

    def __init__(self, path: Path, time: MediaTime) -> None:
        self._path = path
        self._time = time
        self._playback: _Playback[Item] | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """Never the file's name, which may say who is in it."""

    @property
    def time(self) -> MediaTime:
        """The time axis."""
        return self._time

    @property
    def duration_s(self) -> float | None:
        """What the file says about its length, or None.

        Raises:
            InputMissingError: If there is no such file.
            MediaError: If it is no media file.
        """
        return probe(self._path).duration_s

    def open(self) -> None:
        """Open the file and decode its first item; see ``capture.source``."""
        self.close()
        self._time.attach()
        self._playback = _Playback(self.name, self._items())
        try:
            self._playback.peek()
        except EdgeAffectError:
            self.close()
            raise

    def close(self) -> None:
        """Close the file."""
        playback, self._playback = self._playback, None
        if playback is not None:
            playback.close()
            self._time.detach()

    @abstractmethod
    def _items(self) -> Generator[Item, None, None]:
        """Yield what the file holds, in order."""

    def _opened(self) -> _Playback[Item]:
        if self._playback is None:
            raise not_open(self.name)
        return self._playback


class ReplayAudio(_Replay[AudioBlock]):
    """The sound of a media file.

    Args:
        path: Any container and codec that PyAV decodes; a video file with sound will do.
        time: Time axis, shared with the pictures.
        channel: Which channel to use, from 1; 0 mixes all to mono.
    """

    def __init__(self, path: Path, time: MediaTime, channel: int = 0) -> None:
        super().__init__(path, time)
        self._channel = channel

    @property
    def name(self) -> str:
        """Never the file's name, which may say who is heard."""
        return "sound of a recording"

    def read(self, timeout_s: float) -> AudioBlock | None:
        """Return the next block; in real time not before its last sample has been played."""
        playback = self._opened()
        block = playback.peek()
        if self._time.is_paced:
            clock = self._time.clock
            now_ns = clock.now_ns()
            while block.end_ns < now_ns - MAX_BACKLOG_S * NS_PER_S:
                block = playback.drop(block.samples.size)
            deadline_ns = now_ns + round(timeout_s * NS_PER_S)
            if not wait_until(clock, block.end_ns, deadline_ns, lambda: playback.is_closed):
                return None
        return AudioBlock(block.samples, block.start_ns, playback.take())

    def _items(self) -> Generator[AudioBlock, None, None]:
        n_done = self._time.rounds_past() * (self._time.loop_samples or 0)
        for samples in chunked(sound_of(self._path, self._channel, self._time.loop_samples)):
            yield AudioBlock(samples, self._time.at_ns(n_done * NS_PER_S // SAMPLE_RATE_HZ))
            n_done += samples.size


class ReplayVideo(_Replay[tuple[int, Picture]]):
    """The pictures of a media file.

    Args:
        path: Any container and codec that PyAV decodes.
        time: Time axis, shared with the sound.
        frame_rate_hz: Frames handed out per second at most, evenly spread by their timestamps.
    """

    def __init__(self, path: Path, time: MediaTime, frame_rate_hz: float) -> None:
        super().__init__(path, time)
        self._rate_hz = frame_rate_hz

    @property
    def name(self) -> str:
        """Never the file's name, which may say who is seen."""
        return "pictures of a recording"

    def read(self, timeout_s: float) -> VideoFrame | None:
        """Return the next frame, in real time at its moment; late ones are dropped and counted."""
        playback = self._opened()
        captured_ns, picture = playback.peek()
        if self._time.is_paced:
            clock = self._time.clock
            now_ns = clock.now_ns()
            interval_ns = round(NS_PER_S / self._rate_hz)
            give_up_ns = now_ns + round(CATCH_UP_S * NS_PER_S)
            while captured_ns + interval_ns < clock.now_ns() < give_up_ns:
                captured_ns, picture = playback.drop(1)
            deadline_ns = now_ns + round(timeout_s * NS_PER_S)
            if not wait_until(clock, captured_ns, deadline_ns, lambda: playback.is_closed):
                return None
        return VideoFrame(picture.pixels(), captured_ns, playback.take())

    def _items(self) -> Generator[tuple[int, Picture], None, None]:
        pacer = FramePacer(self._rate_hz, FILE_TOLERANCE)
        last_ns = -1
        for media_ns, picture in self._rounds():
            if media_ns > last_ns and pacer.accept(media_ns):
                last_ns = media_ns
                yield self._time.at_ns(media_ns), picture

    def _rounds(self) -> Iterator[tuple[int, Picture]]:
        """Yield all pictures with their media time, once or round and round."""
        loop_ns = self._time.loop_ns
        offset_ns = self._time.rounds_past() * (loop_ns or 0)
        while True:
            reader = MediaReader(self._path, "video")
            last_ns = jumped_ns = 0
            try:
                for picture in reader.pictures():
                    media_ns = round(picture.start_s * NS_PER_S) - jumped_ns
                    if media_ns - last_ns > MAX_JUMP_NS:
                        jumped_ns += media_ns - last_ns
                        media_ns = last_ns
                    last_ns = max(last_ns, media_ns)
                    if loop_ns is not None and media_ns >= loop_ns:
                        break
                    yield offset_ns + media_ns, picture
            finally:
                reader.close()
            if loop_ns is None:
                return
            offset_ns += loop_ns


def interleave(
    audio: ReplayAudio | None, video: ReplayVideo | None
) -> Iterator[AudioBlock | VideoFrame]:
    """Yield blocks and frames of opened sources as a live box would get them, and move the clock.

    A block comes when its last sample has been played, a frame when it was taken; the clock
    stands at that time while the item is handled. At most one item of each is in memory. This is
    for replays without pacing, whose sources must share their time axis.

    Raises:
        MediaError: If a file is damaged further on.
    """
    waiting: deque[tuple[int, AudioBlock | VideoFrame, ReplayAudio | ReplayVideo]] = deque()

    def fetch(source: ReplayAudio | ReplayVideo | None) -> None:
        if source is None:
            return
        try:
            item = source.read(0.0)
        except EndOfMedia:
            return
        if item is not None:
            due_ns = item.end_ns if isinstance(item, AudioBlock) else item.captured_ns
            waiting.append((due_ns, item, source))

    fetch(audio)
    fetch(video)
    while waiting:
        if len(waiting) > 1 and waiting[1][0] < waiting[0][0]:
            waiting.rotate()
        due_ns, item, source = waiting.popleft()
        source.time.advance_to(due_ns)
        yield item
        fetch(source)
