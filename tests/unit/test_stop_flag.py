"""The flag that signal handlers set."""

import signal
import subprocess
import sys
import threading
import time

from edge_affect.stop_flag import LOOK_S, StopFlag


def test_a_wait_ends_with_its_time_or_when_it_is_set():
    flag = StopFlag()
    assert not flag.wait(0.0)
    assert not flag.wait(LOOK_S / 2)
    threading.Timer(0.05, flag.set).start()
    assert flag.wait(None)
    assert flag.wait(60.0)


def test_a_signal_ends_a_wait():
    flag = StopFlag()
    before = signal.signal(signal.SIGALRM, flag.set)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.05)
        began_s = time.monotonic()
        assert flag.wait(60.0)
        assert time.monotonic() - began_s < 30.0
    finally:
        signal.signal(signal.SIGALRM, before)


INTERRUPTED = """
import os, signal, sys
from edge_affect.stop_flag import StopFlag

flag, seen = StopFlag(), set()

def again(frame, event, _argument):
    place = (frame.f_code, frame.f_lineno, event)
    if place not in seen:
        seen.add(place)
        os.kill(os.getpid(), signal.SIGTERM)
    return again

signal.signal(signal.SIGTERM, flag.set)
sys.settrace(again)
os.kill(os.getpid(), signal.SIGTERM)
sys.settrace(None)
print(flag.is_set, len(seen))
"""


def test_a_signal_at_any_line_of_the_handler_of_another_is_borne():
    """An ``Event`` would wait for the lock that the first one holds."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, check=True, timeout=120
    )
    is_set, n_places = done.stdout.split()
    assert is_set == "True"
    assert int(n_places) >= 2
