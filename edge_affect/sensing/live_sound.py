"""Between a microphone and its worker: what was heard of it is forgotten when it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.sensing.source_worker import Source


class LiveSound:
    """A source that says when it is closed.

    A microphone that is lost or hangs comes back with sound that does not follow on what was heard
    before, be it hours ago: no window may span both, and nothing may wait in memory meanwhile.

    Args:
        source: A device; a recording is over where it ends, not lost.
        on_closed: Called after each closing, on the thread that closes.
    """

    def __init__(self, source: Source, on_closed: Callable[[], None]) -> None:
        self._source = source
        self._on_closed = on_closed

    def open(self) -> None:
        """Open the device."""
        self._source.open()

    def read(self, timeout_s: float) -> Any:
        """Return the next block, or None after ``timeout_s``."""
        return self._source.read(timeout_s)

    def close(self) -> None:
        """Close the device and say so."""
        self._source.close()
        self._on_closed()
