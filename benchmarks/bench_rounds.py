"""Contestants in processes of their own that take turns on one core."""

from __future__ import annotations

import contextlib
import json
import random
import subprocess
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAX_RUNS = 200
STOP_S = 10.0


class WorkerError(Exception):
    """A contestant ended or said what nobody asked for."""


@dataclass
class Worker:
    """One contestant at work.

    Attributes:
        name: Of the contestant.
        process: Its process; reads requests and writes answers.
        ready: What it said when it had done its first unit of work, and ``start_s``.
        cpu_ms: Processor time of each run, round by round.
        wall_ms: The same by the wall clock.
        memory_mb: Resident memory after the latest round.
        n_runs: In a round.
    """

    name: str
    process: subprocess.Popen[str]
    ready: dict[str, Any] = field(default_factory=dict)
    cpu_ms: list[list[float]] = field(default_factory=list)
    wall_ms: list[list[float]] = field(default_factory=list)
    memory_mb: float = 0.0
    n_runs: int = 1

    def ask(self, n_runs: int) -> dict[str, Any]:
        """Let it do so many runs and return its answer."""
        try:
            self.process.stdin.write(json.dumps({"runs": n_runs}) + "\n")
            self.process.stdin.flush()
        except OSError as error:
            raise WorkerError(f"{self.name} has ended: {error.strerror}") from None
        return self.answer()

    def answer(self) -> dict[str, Any]:
        """Return the next answer.

        Raises:
            WorkerError: If the process ended, or failed and says why.
        """
        line = self.process.stdout.readline()
        if not line:
            raise WorkerError(f"{self.name} ended without an answer; see its log")
        told: dict[str, Any] = json.loads(line)
        if "failed" in told:
            raise WorkerError(str(told["failed"]))
        return told

    def warm_up(self, n_warm: int, budget_s: float) -> None:
        """Run it without counting, and see how many runs fit into a round."""
        taken_ns = self.ask(n_warm)["cpu_ns"]
        usual_s = max(1e-6, sorted(taken_ns)[len(taken_ns) // 2] / 1e9)
        self.n_runs = min(MAX_RUNS, max(1, round(budget_s / usual_s)))

    def take_turn(self) -> None:
        """Do the runs of one round, and keep their times."""
        told = self.ask(self.n_runs)
        self.cpu_ms.append([value / 1e6 for value in told["cpu_ns"]])
        self.wall_ms.append([value / 1e6 for value in told["wall_ns"]])
        self.memory_mb = told["memory_mb"]

    def stop(self) -> None:
        """End it."""
        with contextlib.suppress(OSError), self.process:
            self.process.stdin.close()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()


def start(name: str, command: Sequence[str], log: Path) -> Worker:
    """Start a contestant and wait for its first result.

    Raises:
        WorkerError: If it gives none.
    """
    begun_s = time.monotonic()
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    worker = Worker(name, process)
    try:
        worker.ready = {**worker.answer(), "start_s": time.monotonic() - begun_s}
    except WorkerError:
        worker.stop()
        raise
    return worker


@contextlib.contextmanager
def stopped_at_the_end(workers: Sequence[Worker]) -> Iterator[None]:
    """Stop all workers whatever happens."""
    try:
        yield
    finally:
        for worker in workers:
            worker.stop()


def interleave(workers: Sequence[Worker], n_rounds: int) -> dict[str, str]:
    """Let every worker take a turn in each round, in an order drawn anew; the seed is fixed.

    One that fails is left out from then on.

    Returns:
        Why each of those failed.
    """
    order = random.Random(0)  # noqa: S311 (an order, not a key)
    going, failed = list(workers), {}
    for _ in range(n_rounds):
        for worker in order.sample(going, len(going)):
            try:
                worker.take_turn()
            except WorkerError as error:
                failed[worker.name] = str(error)
                going.remove(worker)
    return failed
