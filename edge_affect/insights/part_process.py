"""Analysing one hand of recordings with a caged process, and what became of each."""

from __future__ import annotations

import contextlib
import os
import selectors
import subprocess
import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edge_affect.errors import DataError, ExitCode, UnavailableError
from edge_affect.insights.wire import Facts, Failure, FrameReader, Kind
from edge_affect.launcher import die_with, sense_environment
from edge_affect.record import SIZE_BYTES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from edge_affect.insights.wire import Frame, Hand, Job

PROGRAM: tuple[str, ...] = (sys.executable, "-m", "edge_affect.insights.part")
STALL_S = 600.0
"""A process that has said nothing for this long hangs: a record comes with each second."""
MAX_TRIES = 2
"""A recording during which the process died is tried again, once: it may have been killed."""
_POLL_S = 0.2
_TAIL_BYTES = 2000


@dataclass(slots=True)
class Outcome:
    """What became of one recording.

    Attributes:
        job: Which.
        facts: What was analysed; None where it could not even be opened.
        records: Its records, ``SIZE_BYTES`` each, in order.
        end_ns: Length that was analysed, where it came to its end.
        failure: Why it was not analysed to its end, or None.
    """

    job: Job
    facts: Facts | None = None
    records: bytes = b""
    end_ns: int = 0
    failure: Failure | None = None

    @property
    def n_records(self) -> int:
        """How many records there are."""
        return len(self.records) // SIZE_BYTES


class PartLostError(UnavailableError):
    """The process died or hung."""


@dataclass(slots=True)
class Watch:
    """Lets others see, and end, what goes on.

    Attributes:
        on_record: Called with the number of records that a recording has so far.
        is_cancelled: Whether to stop; asked several times a second.
        stall_s: Time without a word after which the process counts as hanging.
    """

    on_record: Callable[[Job, Facts | None, int], None] = lambda _job, _facts, _n: None
    is_cancelled: Callable[[], bool] = lambda: False
    stall_s: float = STALL_S


@dataclass(slots=True)
class _Collector:
    """Puts frames together to outcomes."""

    hand: Hand
    watch: Watch
    current: Outcome | None = None
    buffer: bytearray = field(default_factory=bytearray)

    def take(self, frame: Frame) -> Outcome | None:
        kind, value = frame
        if kind is Kind.JOB:
            self.current, self.buffer = Outcome(self.hand.jobs[value]), bytearray()
            return None
        if self.current is None:
            if kind is Kind.FAILED:
                raise value.error()
            raise DataError("The process that reads recordings spoke before its first recording.")
        if kind is Kind.FACTS:
            self.current.facts = value
        elif kind is Kind.RECORD:
            self.buffer += value
            n_records = len(self.buffer) // SIZE_BYTES
            self.watch.on_record(self.current.job, self.current.facts, n_records)
        else:
            finished, self.current = self.current, None
            finished.records = bytes(self.buffer)
            if kind is Kind.DONE:
                finished.end_ns = value
            else:
                finished.failure = value
            return finished
        return None


def outcomes(hand: Hand, watch: Watch | None = None) -> Iterator[Outcome]:
    """Yield what becomes of each recording of a hand, in order, whatever happens to processes.

    Raises:
        EdgeAffectError: If nothing can be analysed at all: no cage, a wrong configuration.
        KeyboardInterrupt: If the watch says so.
    """
    watch = watch or Watch()
    jobs, n_tries = hand.jobs, 0
    while jobs:
        n_done = 0
        try:
            for outcome in _run(replace(hand, jobs=jobs), watch):
                n_done += 1
                yield outcome
            jobs = ()
        except PartLostError as error:
            n_tries = n_tries + 1 if n_done == 0 else 1
            jobs = jobs[n_done:]
            if jobs and n_tries >= MAX_TRIES:
                sentence = f"{jobs[0].path} is given up: {error}"
                yield Outcome(jobs[0], failure=Failure(ExitCode.BAD_DATA, sentence))
                jobs, n_tries = jobs[1:], 0


def _run(hand: Hand, watch: Watch) -> Iterator[Outcome]:
    environment = sense_environment(os.environ)
    # What is on the disk anyway need not be overwritten when freed, which costs time.
    del environment["GLIBC_TUNABLES"]
    environment.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
    try:
        process = subprocess.Popen(
            PROGRAM,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the analysis, which ends this one
            preexec_fn=die_with(os.getpid()),  # noqa: PLW1509 (a single prctl, no locks)
        )
    except OSError as error:
        raise UnavailableError(f"No process to read recordings can be started: {error}.") from None
    tail = bytearray()
    try:
        assert process.stdin is not None  # noqa: S101 (it is a pipe)
        with contextlib.suppress(BrokenPipeError):
            process.stdin.write(hand.to_bytes())
            process.stdin.close()
        collector = _Collector(hand, watch)
        n_finished = 0
        for frame in _frames(process, watch, tail):
            finished = collector.take(frame)
            if finished is not None:
                n_finished += 1
                yield finished
        code = process.wait()
        if n_finished < len(hand.jobs):
            raise PartLostError(_last_words(code, tail))
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()


def _frames(process: subprocess.Popen[bytes], watch: Watch, tail: bytearray) -> Iterator[Frame]:
    """Yield frames until the process closes its output; keep the end of what it complains."""
    reader = FrameReader()
    heard_s = time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)  # type: ignore[arg-type]
        selector.register(process.stderr, selectors.EVENT_READ)  # type: ignore[arg-type]
        while True:
            ready = selector.select(_POLL_S)
            if watch.is_cancelled():
                raise KeyboardInterrupt
            for key, _events in ready:
                data = os.read(key.fd, 65_536)
                if key.fileobj is process.stderr:
                    tail += data
                    del tail[:-_TAIL_BYTES]
                    if not data:
                        selector.unregister(key.fileobj)
                    continue
                if not data:
                    return
                heard_s = time.monotonic()
                yield from reader.take(data)
            if time.monotonic() - heard_s > watch.stall_s:
                raise PartLostError(f"nothing came of it for {watch.stall_s:g} s.")


def _last_words(code: int, tail: bytearray) -> str:
    how = f"by signal {-code}" if code < 0 else f"with exit code {code}"
    lines = bytes(tail).decode("utf-8", "replace").strip().splitlines()
    said = f" ({lines[-1][:200]})" if lines else ""
    return f"the process that read it ended {how}{said}."
