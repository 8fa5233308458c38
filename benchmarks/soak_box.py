"""Runs `sense` or `publish` for the soak: the real command, on a clock that the soak has wound up.

Usage: python benchmarks/soak_box.py SPEED sense|publish OPTIONS...

Everything but the clock and what signals do is the product: the command line, the cage, models,
slit, spool and connection. Time goes by ``SPEED`` times as fast for whatever asks the injected
clock. Signals are how the outside world reaches into a cage without a way in:

- SIGUSR1 pulls the microphone out of sensing, or puts it back; SIGUSR2 the same for the camera;
- SIGRTMIN makes the stage that takes pictures hang for ever.

Every ten seconds sensing says how many inferences it has made, as counters in its log.
"""

from __future__ import annotations

import logging
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from edge_affect.clock import NS_PER_S, MonotonicClock
from edge_affect.errors import DeviceError
from edge_affect.record import Modality

if TYPE_CHECKING:
    from collections.abc import Callable

COUNTED_EVERY_S = 10.0
LEAST_SLEEP_S = 0.001

log = logging.getLogger("edge_affect.soak")


class WoundUpClock:
    """The machine's clock, faster.

    Args:
        speed: How many of its seconds go by in a real one, > 0.
    """

    def __init__(self, speed: float) -> None:
        self._real = MonotonicClock()
        self._speed = speed
        self._start_ns = self._real.now_ns()

    def now_ns(self) -> int:
        """Return wound-up nanoseconds since the machine was started."""
        return self._start_ns + round((self._real.now_ns() - self._start_ns) * self._speed)

    def sleep(self, seconds: float) -> None:
        """Block the calling thread until ``seconds`` of this clock have gone by."""
        # Shorter sleeps only wake the thread more often than a box in real time ever would.
        self._real.sleep(max(seconds / self._speed, LEAST_SLEEP_S) if seconds > 0 else 0.0)

    def wait(self, event: threading.Event, seconds: float) -> None:
        """Block until the event, or until ``seconds`` of this clock have gone by."""
        self._real.wait(event, seconds / self._speed)


class Pulled:
    """Whether a device is pulled; a signal turns it over."""

    def __init__(self, number: signal.Signals) -> None:
        self._is_pulled = False
        signal.signal(number, self._turn)

    def _turn(self, _number: int, _frame: object) -> None:
        self._is_pulled = not self._is_pulled

    def check(self) -> None:
        """Fail as a device does that is not there.

        Raises:
            DeviceError: While it is pulled.
        """
        if self._is_pulled:
            raise DeviceError("The device was pulled by the soak.")


class PullableSource:
    """A source that can be taken away from its worker."""

    def __init__(self, source: Any, pulled: Pulled) -> None:
        self._source = source
        self._pulled = pulled

    def open(self) -> None:
        """Open it, if it is there."""
        self._pulled.check()
        self._source.open()

    def read(self, timeout_s: float) -> Any:
        """Return what it delivers, if it is there."""
        self._pulled.check()
        return self._source.read(timeout_s)

    def close(self) -> None:
        """Close it."""
        self._source.close()


def freezable(consume: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Return a stage that hangs for ever once SIGRTMIN has come."""
    is_frozen, never = threading.Event(), threading.Event()
    signal.signal(signal.SIGRTMIN, lambda _number, _frame: is_frozen.set())

    def hang_or_consume(pipeline: Any, item: Any) -> None:
        if is_frozen.is_set():
            never.wait()
        consume(pipeline, item)

    return hang_or_consume


def prepare_sense(clock: WoundUpClock) -> None:
    """Give sensing the clock, and make its devices and one stage breakable."""
    from dataclasses import replace

    from edge_affect.capture import recording
    from edge_affect.commands import sense
    from edge_affect.perception import interpreter
    from edge_affect.sensing import outlet
    from edge_affect.sensing.pipeline import Pipeline

    sense.MonotonicClock = lambda: clock  # type: ignore[assignment,misc]  # the injected one
    microphone, camera = Pulled(signal.SIGUSR1), Pulled(signal.SIGUSR2)
    real_recording = recording.recording

    def pullable(*args: Any) -> Any:
        media = real_recording(*args)
        audio = media.audio and PullableSource(media.audio, microphone)
        video = media.video and PullableSource(media.video, camera)
        return replace(media, audio=audio, video=video)

    recording.recording = pullable
    Pipeline.on_frame = freezable(Pipeline.on_frame)  # type: ignore[method-assign]  # the fault
    count(clock, interpreter, outlet)


def count(clock: WoundUpClock, interpreter: Any, outlet: Any) -> None:
    """Make every model count its inferences and the slit its records, and a thread log both.

    Of the ``seconds`` of the box, as many as it has ticks, ``seconds_new`` had inferences of both
    nets, and ``seconds_both`` voice and face in a record.
    """
    counts = dict.fromkeys(("seconds", "seconds_both", "seconds_new"), 0)
    real_run, real_send = interpreter.TfliteModel.run, outlet.DatagramOutlet.send
    before = {"voice_expression": 0, "face_expression": 0}
    until_ns = clock.now_ns()

    def tell() -> None:
        while True:
            time.sleep(COUNTED_EVERY_S)
            told = " ".join(f"{name}={n}" for name, n in sorted(counts.items()))
            log.info("inferences: %s", told)

    thread = threading.Thread(target=tell, name="soak", daemon=True)
    starting = threading.Lock()

    def counted_run(model: Any, *args: Any) -> Any:
        # Not before the cage stands, which a process with several threads cannot build.
        with starting:
            if thread.ident is None:
                thread.start()
        name = model.manifest.name
        counts[name] = counts.get(name, 0) + 1
        return real_run(model, *args)

    def counted_send(slit: Any, record: Any) -> None:
        nonlocal until_ns
        real_send(slit, record)
        now_ns = clock.now_ns()
        if now_ns < until_ns:
            return
        until_ns = now_ns + NS_PER_S - (now_ns - until_ns) % NS_PER_S
        is_new = all(counts.get(name, 0) > n for name, n in before.items())
        before.update({name: counts.get(name, 0) for name in before})
        counts["seconds"] += 1
        counts["seconds_both"] += Modality.VOICE | Modality.FACE in record.modalities
        counts["seconds_new"] += is_new

    interpreter.TfliteModel.run = counted_run
    outlet.DatagramOutlet.send = counted_send


def prepare_publish(clock: WoundUpClock, speed: float) -> None:
    """Give the publisher the clock; it waits for its ticks with select, on real time."""
    from edge_affect.publishing import daemon

    daemon.MonotonicClock = lambda: clock  # type: ignore[assignment,misc]  # the injected one
    real_wait = daemon.Publisher._is_stopped  # noqa: SLF001 (the one wait that is real time)

    def wait(publisher: Any, wait_s: float) -> bool:
        return real_wait(publisher, wait_s / speed)

    daemon.Publisher._is_stopped = wait  # type: ignore[method-assign]  # noqa: SLF001 (as above)


def main() -> int:
    """Prepare one process and run its command."""
    speed, command = float(sys.argv[1]), sys.argv[2]
    clock = WoundUpClock(speed)
    if command == "sense":
        prepare_sense(clock)
    else:
        prepare_publish(clock, speed)
    from edge_affect.cli import main as run

    return run(sys.argv[2:])


if __name__ == "__main__":
    sys.exit(main())
