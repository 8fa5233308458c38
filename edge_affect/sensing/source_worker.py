"""One thread that keeps one device open and hands on what it delivers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from edge_affect.capture.source import EndOfMedia, LingeringSource
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.record import SourceState
from edge_affect.sensing.on_air import FreeAir

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.clock import Clock
    from edge_affect.sensing.on_air import Air

READ_TIMEOUT_S = 0.2
STALL_S = 2.0
"""A source that delivers nothing for this long is stalled; after ``REOPEN_S`` it is reopened."""
REOPEN_S = 6.0
RETRY_S = (0.5, 1.0, 2.0, 4.0)
"""Pauses between attempts to open a device that is not there; the last one repeats."""
REVIVE_S = (15.0, 60.0, 300.0)
"""A device that delivers, but nothing real, is reopened after this long; the last one repeats."""
LIFELESS = (SourceState.SILENT, SourceState.STALLED)
"""What a judge says of such a device: it may hang, and a new start may cure it."""
WAIT_S = 0.02
"""How often a thread that waits looks whether it still should."""

log = logging.getLogger("edge_affect.sensing")


class Source(Protocol):
    """What audio and video sources have in common."""

    def open(self) -> None:
        """Open the device."""

    def read(self, timeout_s: float) -> Any:
        """Return the next block or frame, or None after ``timeout_s``."""

    def close(self) -> None:
        """Close the device."""


class Judge(Protocol):
    """Says how a source that delivers is doing; one for each source, asked by its worker alone."""

    def judge(self, item: Any) -> SourceState:
        """Return the state of the source after this block or frame; it is not kept."""


class Content:
    """The judge of sources whose content nobody looks at."""

    def judge(self, item: Any) -> SourceState:  # noqa: ARG002 (the protocol's)
        """Return that it is fine."""
        return SourceState.OK


class SourceWorker:
    """Opens, reads, closes and reopens one source without disturbing any other.

    Args:
        label: "microphone" or "camera", for log lines.
        source: Not yet open.
        consume: Takes each block or frame, on this worker's thread.
        clock: Monotonic.
        air: Asked before the device is opened, told after it was closed.
        judge: Sees each block or frame before it is handed on.

    Attributes:
        is_done: Whether the thread has ended.
        is_opening: Whether the device is being opened, which cannot be interrupted.
    """

    def __init__(
        self,
        label: str,
        source: Source,
        consume: Callable[[Any], None],
        clock: Clock,
        air: Air | None = None,
        judge: Judge | None = None,
    ) -> None:
        self._label = label
        self._source = source
        self._consume = consume
        self._clock = clock
        self._air = FreeAir() if air is None else air
        self._judge: Judge = Content() if judge is None else judge
        self._lifeless_since_ns: int | None = None
        self._n_revived = 0
        self._moved_ns = clock.now_ns()
        self._stopping = threading.Event()
        self._is_paused = threading.Event()
        self._closed = threading.Event()
        self._closed.set()
        self._thread = threading.Thread(target=self._run, name=label, daemon=True)
        self._state = SourceState.STARTING
        self._delivered_ns = clock.now_ns()
        self._failure: BaseException | None = None
        self._busy_ns = 0
        self.is_done = False
        self.is_opening = False

    @property
    def state(self) -> SourceState:
        """State of the source right now."""
        return self._state

    @property
    def busy_ns(self) -> int:
        """Nanoseconds spent on blocks or frames so far, waits for a processor included."""
        return self._busy_ns

    @property
    def silent_for_s(self) -> float:
        """Seconds since the source last delivered, or since start."""
        return (self._clock.now_ns() - self._delivered_ns) / NS_PER_S

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout_s: float = 3.0) -> None:
        """End the thread and close the device."""
        self._stopping.set()
        self._thread.join(timeout_s)

    def pause(self) -> None:
        """Close the device until ``resume``: paused means closed, not ignored."""
        self._is_paused.set()

    def resume(self) -> None:
        """Open the device again."""
        self._delivered_ns = self._clock.now_ns()
        self._is_paused.clear()

    def has_moved_within(self, seconds: float) -> bool:
        """Return whether the thread has come round lately, or has rightly ended."""
        return self.is_done or self._clock.now_ns() - self._moved_ns <= seconds * NS_PER_S

    def wait_closed(self, timeout_s: float) -> bool:
        """Return whether the device was closed within ``timeout_s``."""
        return self._closed.wait(timeout_s)

    def check(self) -> None:
        """Raise whatever ended the thread, so that no failure stays in a thread unseen."""
        if self._failure is not None:
            raise self._failure

    @property
    def _may_go_on(self) -> bool:
        """Whether to hold or seek the device; each question is a sign of life."""
        self._moved_ns = self._clock.now_ns()
        return not self._stopping.is_set() and not self._is_paused.is_set()

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if not self._may_go_on:
                    self._set_state(SourceState.PAUSED)
                    if not self._closed.is_set():
                        self._close()
                    self._stopping.wait(WAIT_S)
                elif self._opened():
                    self._read_until_trouble()
        except EndOfMedia:
            log.info("%s: recording ended", self._label)
        except BaseException as error:  # noqa: BLE001 (kept and raised again by check)
            self._failure = error
        self.is_done = True
        self._close()

    def _opened(self) -> bool:
        """Open the source, waiting longer after each failure; return whether it is open."""
        attempt = 0
        while self._may_go_on:
            if not self._air.claim(self._label):
                self._stopping.wait(WAIT_S)
                continue
            # Not closed from here on: a mute must wait for an opening that has begun, and none
            # must begin behind one that has found everything closed.
            self.is_opening = True
            self._closed.clear()
            if self._is_paused.is_set() or self._stopping.is_set():
                break
            try:
                self._source.open()
            except DeviceError as error:
                self.is_opening = False
                self._close()
                self._set_state(SourceState.MISSING)
                if attempt == 0:
                    log.warning("%s: cannot open: %s", self._label, error)
                self._wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
            else:
                self.is_opening = False
                if self._state not in LIFELESS:
                    self._set_state(SourceState.STARTING)
                return True
        self.is_opening = False
        self._close()
        return False

    def _wait(self, seconds: float) -> None:
        end_ns = self._clock.now_ns() + seconds * NS_PER_S
        while self._may_go_on and self._clock.now_ns() < end_ns:
            self._stopping.wait(WAIT_S)

    def _close(self) -> None:
        """Close the device, and say so only when it is closed: a driver that hangs holds it."""
        self._source.close()
        if isinstance(self._source, LingeringSource) and self._source.is_held:
            return
        self._air.release(self._label)
        self._closed.set()

    def _read_until_trouble(self) -> None:
        opened_ns = self._clock.now_ns()
        quiet_since_ns = opened_ns
        try:
            while self._may_go_on:
                item = self._source.read(READ_TIMEOUT_S)
                now_ns = self._clock.now_ns()
                if item is not None:
                    # First, because whoever takes the item overwrites it.
                    state = self._judge.judge(item)
                    self._consume(item)
                    self._busy_ns += self._clock.now_ns() - now_ns
                    self._set_state(state)
                    self._delivered_ns = quiet_since_ns = now_ns
                    if self._wants_reviving(now_ns):
                        log.warning("%s: %s, reopening", self._label, state.name.lower())
                        return
                    continue
                quiet_s = (now_ns - quiet_since_ns) / NS_PER_S
                if quiet_s > REOPEN_S:
                    log.warning("%s: silent for %.0f s, reopening", self._label, quiet_s)
                    return
                if quiet_s > STALL_S:
                    self._set_state(SourceState.STALLED)
        except DeviceError as error:
            self._set_state(SourceState.MISSING)
            log.warning("%s: lost: %s", self._label, error)
        finally:
            self._close()

    def _wants_reviving(self, now_ns: int) -> bool:
        """Return whether the device has been lifeless for so long that it is worth reopening."""
        if self._state not in LIFELESS:
            self._lifeless_since_ns, self._n_revived = None, 0
            return False
        if self._lifeless_since_ns is None:
            self._lifeless_since_ns = now_ns
        patience_s = REVIVE_S[min(self._n_revived, len(REVIVE_S) - 1)]
        if now_ns - self._lifeless_since_ns < patience_s * NS_PER_S:
            return False
        self._lifeless_since_ns = now_ns
        self._n_revived += 1
        return True

    def _set_state(self, state: SourceState) -> None:
        if state is not self._state:
            log.info("%s: %s", self._label, state.name.lower())
            self._state = state
