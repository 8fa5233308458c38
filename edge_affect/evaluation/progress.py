"""A progress line for people: on stderr, and only where that is a terminal."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Item = TypeVar("Item")

_WIDTH = 30
_EVERY_S = 0.2


def with_progress(items: Iterable[Item], n_items: int, what: str) -> Iterator[Item]:
    """Yield the items while showing how many are done.

    Args:
        items: What is worked on.
        n_items: How many there are.
        what: Such as ``faces``.
    """
    if not sys.stderr.isatty():
        yield from items
        return
    drawn_s = 0.0
    for n_done, item in enumerate(items):
        now_s = time.monotonic()
        if now_s - drawn_s >= _EVERY_S:
            drawn_s = now_s
            bar = "#" * (_WIDTH * n_done // max(n_items, 1))
            sys.stderr.write(f"\r[{bar:<{_WIDTH}}] {n_done}/{n_items} {what} ")
            sys.stderr.flush()
        yield item
    sys.stderr.write(f"\r[{'#' * _WIDTH}] {n_items}/{n_items} {what} \n")
