"""What was said, for as long as one utterance takes to read, and then overwritten.

The words of an utterance stand in a buffer of our own. Text that an engine or a reader makes of
them on the way is freed at once, and Python's allocator is told to hand that to the C library,
which overwrites it (decision 13).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import TracebackType


class Transcript:
    """The words of one utterance; a context manager that overwrites them at its end.

    Args:
        text: As the engine wrote it.
    """

    __slots__ = ("_buffer",)

    def __init__(self, text: str) -> None:
        self._buffer = bytearray(text, "utf-8")

    def __enter__(self) -> Transcript:  # noqa: PYI034 (typing.Self comes with Python 3.11)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.overwrite()

    def __repr__(self) -> str:
        """Say how long it is and nothing else: logs and tracebacks print this."""
        return f"Transcript({len(self._buffer)} bytes)"

    def __len__(self) -> int:
        """Return the number of bytes."""
        return len(self._buffer)

    def text(self) -> str:
        """Return the words; keep no reference to them."""
        return self._buffer.decode("utf-8")

    def overwrite(self) -> None:
        """Overwrite the words; nothing is left to read."""
        self._buffer[:] = bytes(len(self._buffer))
        self._buffer.clear()
