"""Hands of recordings on a Dask cluster: the same caged processes, on its workers.

A worker gets the paths of a hand and returns records; the machine that asked notes them down as it
does its own. Recordings must therefore lie under the same path everywhere, and nothing is written
on the workers. What a lost worker was doing is done again by another one.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from edge_affect.errors import EdgeAffectError, ExitCode, UnavailableError, UsageError
from edge_affect.insights.part_process import Outcome, outcomes
from edge_affect.insights.product import product_digest
from edge_affect.insights.wire import Failure, Hand

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CONNECT_S = 10.0


class Cluster:
    """A connection to a scheduler; use as a context.

    Args:
        address: Such as ``tcp://10.0.0.5:8786``, or ``tls://``, for which Dask is configured.

    Raises:
        UsageError: If Dask is not installed.
        UnavailableError: If there is no such scheduler, or it has no workers.
    """

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError:
            raise UsageError("--dask needs: pip install 'edge-affect[cluster]'.") from None
        # What goes wrong is told in one sentence here, and not in pages by each of its threads.
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        try:
            self._client: Any = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise UnavailableError(
                f"There is no Dask scheduler at {address} ({type(error).__name__}); check the "
                "address and whether it runs."
            ) from None
        self.n_players = sum(self._client.nthreads().values())
        if not self.n_players:
            self.close()
            raise UnavailableError(f"The Dask scheduler at {address} has no workers; start some.")

    def close(self) -> None:
        """Leave the cluster; it goes on running."""
        self._client.close(timeout=CONNECT_S)

    def __enter__(self) -> Cluster:  # noqa: PYI034 (typing.Self needs Python 3.11)
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def run(self, hands: Sequence[Hand]) -> Iterator[Outcome]:
        """Yield what becomes of all recordings, in the order in which hands are done.

        Raises:
            UnavailableError: If the cluster is lost, or its workers have another version.
            EdgeAffectError: If nothing can be analysed at all: no cage, a wrong configuration.
        """
        from distributed import as_completed

        product = product_digest()
        asked = {self._submit(hand, product): hand for hand in hands}
        try:
            done: Any = as_completed(list(asked), loop=self._client.loop)
            for future in done:
                hand = asked.pop(future)
                found, again = _result(future, hand)
                yield from found
                for smaller in again:
                    following = self._submit(smaller, product)
                    asked[following] = smaller
                    done.add(following)
                future.release()
        finally:
            self._client.cancel(list(asked))

    def _submit(self, hand: Hand, product: str) -> Any:
        return self._client.submit(analyse_hand, hand, product, pure=False)


def analyse_hand(hand: Hand, product: str) -> list[Outcome]:
    """Analyse one hand; runs on a worker.

    Raises:
        UnavailableError: If this worker would give other results.
        EdgeAffectError: As ``outcomes``.
    """
    if product_digest() != product:
        raise UnavailableError(
            "A worker has another version of edge-affect or other models than this machine; "
            "install the same everywhere."
        )
    return list(outcomes(hand))


def _result(future: Any, hand: Hand) -> tuple[list[Outcome], list[Hand]]:
    """Return what became of a hand, and what of it must be asked for again."""
    from distributed import KilledWorker

    error = None if future.status == "finished" else future.exception()
    if error is None and future.status == "finished":
        return future.result(), []
    if isinstance(error, KilledWorker):
        if len(hand.jobs) > 1:
            # One of them takes every worker down that touches it: the others need not suffer.
            return [], list(hand.split())
        sentence = f"{hand.jobs[0].path} is given up: every worker that read it was lost."
        return [Outcome(hand.jobs[0], failure=Failure(ExitCode.BAD_DATA, sentence))], []
    if isinstance(error, EdgeAffectError):
        raise error
    if error is None:
        raise UnavailableError("The Dask scheduler was lost; run the same line again to go on.")
    raise UnavailableError(
        f"The workers cannot analyse ({type(error).__name__}: {error}); install the same "
        "edge-affect on all of them."
    )
