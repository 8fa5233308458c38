"""One thread that keeps one device open and hands on what it delivers."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any, Protocol

from edge_affect.capture.source import EndOfMedia
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError
from edge_affect.record import SourceState

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.clock import Clock

READ_TIMEOUT_S = 0.2
STALL_S = 2.0
"""A source that delivers nothing for this long is stalled; after ``REOPEN_S`` it is reopened."""
REOPEN_S = 6.0
RETRY_S = (0.5, 1.0, 2.0, 5.0)
"""Pauses between attempts to open a device that is not there; the last one repeats."""

log = logging.getLogger("edge_affect.sensing")


class Source(Protocol):
    """What audio and video sources have in common."""

    def open(self) -> None:
        """Open the device."""

    def read(self, timeout_s: float) -> Any:
        """Return the next block or frame, or None after ``timeout_s``."""

    def close(self) -> None:
        """Close the device."""


class SourceWorker:
    """Opens, reads, closes and reopens one source without disturbing any other.

    Args:
        label: "microphone" or "camera", for log lines.
        source: Not yet open.
        consume: Takes each block or frame, on this worker's thread.
        clock: Monotonic.
    """

    def __init__(
        self, label: str, source: Source, consume: Callable[[Any], None], clock: Clock
    ) -> None:
        self._label = label
        self._source = source
        self._consume = consume
        self._clock = clock
        self._stopping = threading.Event()
        self._is_paused = threading.Event()
        self._closed = threading.Event()
        self._closed.set()
        self._thread = threading.Thread(target=self._run, name=label, daemon=True)
        self._state = SourceState.STARTING
        self._delivered_ns = clock.now_ns()
        self._failure: BaseException | None = None
        self.is_done = False

    @property
    def state(self) -> SourceState:
        """State of the source right now."""
        return self._state

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

    def wait_closed(self, timeout_s: float) -> bool:
        """Return whether the device was closed within ``timeout_s``."""
        return self._closed.wait(timeout_s)

    def check(self) -> None:
        """Raise whatever ended the thread, so that no failure stays in a thread unseen."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._stopping.is_set():
                if self._is_paused.is_set():
                    self._set_state(SourceState.PAUSED)
                    self._stopping.wait(0.05)
                elif self._opened():
                    self._read_until_trouble()
        except EndOfMedia:
            log.info("%s: recording ended", self._label)
        except BaseException as error:  # noqa: BLE001 (kept and raised again by check)
            self._failure = error
        self.is_done = True
        self._source.close()
        self._closed.set()

    def _opened(self) -> bool:
        """Open the source, waiting longer after each failure; return whether it is open."""
        attempt = 0
        while not self._stopping.is_set() and not self._is_paused.is_set():
            try:
                self._source.open()
            except DeviceError as error:
                self._set_state(SourceState.MISSING)
                if attempt == 0:
                    log.warning("%s: cannot open: %s", self._label, error)
                self._stopping.wait(RETRY_S[min(attempt, len(RETRY_S) - 1)])
                attempt += 1
            else:
                self._closed.clear()
                self._set_state(SourceState.STARTING)
                return True
        return False

    def _read_until_trouble(self) -> None:
        opened_ns = self._clock.now_ns()
        quiet_since_ns = opened_ns
        try:
            while not self._stopping.is_set() and not self._is_paused.is_set():
                item = self._source.read(READ_TIMEOUT_S)
                now_ns = self._clock.now_ns()
                if item is not None:
                    self._consume(item)
                    self._set_state(SourceState.OK)
                    self._delivered_ns = quiet_since_ns = now_ns
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
            self._source.close()
            self._closed.set()

    def _set_state(self, state: SourceState) -> None:
        if state is not self._state:
            log.info("%s: %s", self._label, state.name.lower())
            self._state = state
