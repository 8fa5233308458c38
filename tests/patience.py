"""How long tests wait, and how they take the time on a machine that may be slow or stand still."""

import contextlib
import threading
import time
from pathlib import Path

WAIT_S = 120.0
"""For what happens within seconds where nothing holds it up."""
STEP_S = 0.005


def wait_for(condition, what):
    """Wait until ``condition()`` is true; a test that waits in vain says for what.

    Args:
        condition: Asked again and again.
        what: Said in the end, or called for what to say.
    """
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline_s:
            said = what() if callable(what) else what
            raise AssertionError(f"waited in vain for {said}")
        time.sleep(STEP_S)


@contextlib.contextmanager
def no_longer_than(process, seconds=3 * WAIT_S):
    """Kill a process after this time, so that who waits for its words does not wait for ever."""
    timer = threading.Timer(seconds, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()


def is_running(pid: str) -> bool:
    """Whether a process is there and has not ended, waited for or not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


class Stopwatch:
    """Takes the time, and leaves out when the machine let nothing of this process run.

    A thread that does nothing but sleep notices when it is woken late. What is late because the
    product does too much is counted.

    Attributes:
        held_up_s: How much was left out.
    """

    def __init__(self):
        self.held_up_s = 0.0
        self._began_s = time.monotonic()
        self._ended_s = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self):
        while not self._is_over.is_set():
            began_s = time.monotonic()
            time.sleep(STEP_S)
            # What a machine at rest is late is not worth leaving out.
            late_s = time.monotonic() - began_s - STEP_S
            self.held_up_s += late_s if late_s > STEP_S else 0.0

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._ended_s = time.monotonic()
        self._is_over.set()
        self._thread.join()

    @property
    def took_s(self):
        """Seconds between entry and exit, without those that were left out."""
        return self._ended_s - self._began_s - self.held_up_s
