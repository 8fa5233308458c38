"""The page of the demo: ``edge-affect dashboard`` in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from edge_affect.broker import HOST
from edge_affect.launcher import die_with

if TYPE_CHECKING:
    from types import TracebackType

_STOP_TIMEOUT_S = 5.0
_GREETING = "The page is at "


class DemoPage:
    """Serves the page while the context lasts.

    Where it cannot be served, it says why on standard error, ``url`` is empty, and nothing else
    changes.

    Args:
        broker_port: Of the broker on this machine.
    """

    def __init__(self, broker_port: int) -> None:
        self._broker = f"{HOST}:{broker_port}"
        self._process: subprocess.Popen[str] | None = None
        self.url = ""

    def __enter__(self) -> DemoPage:  # noqa: PYI034 (typing.Self needs Python 3.11)
        command = [sys.executable, "-m", "edge_affect", "dashboard"]
        self._process = subprocess.Popen(
            [*command, "--broker", self._broker, "--port", "0"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            # Ctrl-C in the terminal is the demo's; it ends the page last.
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 (a single prctl, no locks)
        )
        if self._process.stdout is not None:
            # Its first line, or nothing where it could not start and has said why.
            first = self._process.stdout.readline()
            self.url = first.removeprefix(_GREETING).partition(" ")[0] if first else ""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        try:
            process.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
