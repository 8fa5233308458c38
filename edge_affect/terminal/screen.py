"""The terminal itself: its other screen, its size, its keys; left as it was found."""

from __future__ import annotations

import os
import select
import shutil
import signal
import sys
import termios
import tty
from typing import TYPE_CHECKING

from edge_affect.terminal.rows import painted

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType
    from typing import Any, TextIO

    from edge_affect.publishing.screen import Look
    from edge_affect.terminal.rows import Row

_OPEN = "\x1b[?1049h\x1b[?25l\x1b[2J"
_CLOSE = "\x1b[0m\x1b[?25h\x1b[?1049l"
KEYS: dict[bytes, str] = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1bOA": "up", b"\x1bOB": "down", b"k": "up",
    b"j": "down", b"\r": "open", b"\n": "open", b"\x1b": "back", b"\x7f": "back", b"b": "back",
    b"q": "quit", b"\x1b[D": "back", b"\x1b[C": "open", b"\x03": "quit", b"\x04": "quit",
}  # fmt: skip


class Screen:
    """A screen that rows are drawn on; use it as a context manager.

    Args:
        out: The terminal.
        look: What it can show.
    """

    def __init__(self, out: TextIO, look: Look) -> None:
        self._out = out
        self._look = look
        self._fd = sys.stdin.fileno()
        self._before: list[Any] | None = None
        self._woken, self._waker = os.pipe()
        os.set_blocking(self._waker, False)
        self._is_stale = True

    def __enter__(self) -> Screen:  # noqa: PYI034 (typing.Self needs Python 3.11)
        if os.isatty(self._fd):
            self._before = termios.tcgetattr(self._fd)
            tty.setcbreak(self._fd)
        for number in (signal.SIGWINCH, signal.SIGCONT):
            signal.signal(number, self._resized)
        self._out.write(_OPEN)
        self._out.flush()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number in (signal.SIGWINCH, signal.SIGCONT):
            signal.signal(number, signal.SIG_DFL)
        try:
            self._out.write(_CLOSE)
            self._out.flush()
        finally:
            if self._before is not None:
                termios.tcsetattr(self._fd, termios.TCSADRAIN, self._before)
            os.close(self._woken)
            os.close(self._waker)

    def _resized(self, number: int, _frame: object) -> None:
        if number == signal.SIGCONT and self._before is not None:
            # Back from Ctrl-Z: the shell has used the terminal meanwhile.
            tty.setcbreak(self._fd)
            self._out.write(_OPEN)
        self.wake()

    def wake(self) -> None:
        """End a ``key`` that waits; safe in a signal handler."""
        try:
            os.write(self._waker, b"\0")
        except BlockingIOError:
            return

    def size(self) -> tuple[int, int]:
        """Return width and height in cells, as they are now."""
        found = shutil.get_terminal_size()
        try:
            found = os.get_terminal_size(self._out.fileno())
        except OSError:
            return found.columns, found.lines
        # Some terminals say 0 before they know.
        return found.columns or 80, found.lines or 24

    def draw(self, rows: Sequence[Row]) -> None:
        """Show rows from the top; what stood there before is gone."""
        width, height = self.size()
        lines = [f"{painted(one, width, self._look)}\x1b[K" for one in rows[:height]]
        self._out.write("\x1b[H" + "\r\n".join(lines) + "\x1b[J")
        self._out.flush()

    def key(self, timeout_s: float) -> str | None:
        """Wait for a key that means something, a resize, or ``timeout_s``."""
        sources = [self._woken, *([self._fd] if self._before is not None else [])]
        ready, _, _ = select.select(sources, [], [], timeout_s)
        if self._woken in ready:
            os.read(self._woken, 4096)
        if self._fd in ready:
            pressed = os.read(self._fd, 64)
            return "quit" if not pressed else KEYS.get(pressed)
        return None
