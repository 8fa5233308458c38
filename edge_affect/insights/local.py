"""Hands of recordings on the cores of this machine: one caged process for each job at a time."""

from __future__ import annotations

import queue
import threading
from typing import TYPE_CHECKING

from edge_affect.insights.part_process import Watch, outcomes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edge_affect.insights.part_process import Outcome
    from edge_affect.insights.wire import Facts, Hand, Job

_POLL_S = 0.2


def run_local(
    hands: Sequence[Hand],
    n_jobs: int,
    on_record: Callable[[Job, Facts | None, int], None],
) -> Iterator[Outcome]:
    """Yield what becomes of all recordings, in the order in which they are done.

    Args:
        hands: Each is analysed by a process of its own.
        n_jobs: Processes at a time, >= 1.
        on_record: Called from several threads; see ``Watch``.

    Raises:
        EdgeAffectError: If nothing can be analysed at all; all processes are ended.
    """
    waiting: queue.SimpleQueue[Hand] = queue.SimpleQueue()
    for hand in hands:
        waiting.put(hand)
    done: queue.Queue[Outcome | BaseException | None] = queue.Queue(maxsize=2 * n_jobs)
    is_over = threading.Event()
    watch = Watch(on_record, is_over.is_set)
    threads = [
        threading.Thread(target=_work, args=(waiting, done, watch, is_over), daemon=True)
        for _ in range(min(n_jobs, len(hands)))
    ]
    n_working = len(threads)
    try:
        for thread in threads:
            thread.start()
        while n_working:
            item = done.get()
            if item is None:
                n_working -= 1
            elif isinstance(item, BaseException):
                raise item
            else:
                yield item
    finally:
        is_over.set()
        for thread in threads:
            if thread.ident is not None:
                thread.join()


def _work(
    waiting: queue.SimpleQueue[Hand],
    done: queue.Queue[Outcome | BaseException | None],
    watch: Watch,
    is_over: threading.Event,
) -> None:
    def tell(item: Outcome | BaseException | None) -> None:
        while not is_over.is_set():
            try:
                done.put(item, timeout=_POLL_S)
            except queue.Full:
                continue
            return

    try:
        while not is_over.is_set():
            for outcome in outcomes(waiting.get_nowait(), watch):
                tell(outcome)
    except queue.Empty:
        tell(None)
    except BaseException as error:  # noqa: BLE001 (raised again by whoever reads the queue)
        tell(error)
