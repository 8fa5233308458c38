"""What a device's own thread leaves for the reader: bounded, latest wins, losses counted."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from edge_affect.errors import DeviceError

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Delivery(Generic[Item]):
    """One item.

    Attributes:
        item: What was put in.
        n_lost: Weight of what was lost between the item before and this one.
    """

    item: Item
    n_lost: int


class Mailbox(Generic[Item]):
    """Holds a few items between the thread of a device and the reader.

    The putting side never waits: where there is no room, the oldest item goes and is counted.
    Once closed it keeps nothing, whatever a thread that was late still puts in.

    Args:
        capacity: Items kept, >= 1.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[tuple[Item, int]] = deque()
        self._n_lost = 0
        self._error: DeviceError | None = None
        self._is_closed = False
        self._changed = threading.Condition()

    def put(self, item: Item, weight: int = 1) -> None:
        """Leave an item.

        Args:
            item: Frame or run of samples.
            weight: What its loss would count for: 1 for a frame, the samples of a run.
        """
        with self._changed:
            if self._is_closed:
                return
            if len(self._waiting) == self._capacity:
                self._n_lost += self._waiting.popleft()[1]
            self._waiting.append((item, weight))
            self._changed.notify()

    def fail(self, error: DeviceError) -> None:
        """Make every later ``get`` raise ``error`` once the waiting items are taken."""
        with self._changed:
            self._error = error
            self._changed.notify()

    def close(self) -> None:
        """Drop what is waiting and end a ``get`` that is under way."""
        with self._changed:
            self._is_closed = True
            self._waiting.clear()
            self._changed.notify()

    def get(self, timeout_s: float) -> Delivery[Item] | None:
        """Return the oldest item, or None if there is none within ``timeout_s`` seconds.

        Raises:
            DeviceError: What ``fail`` was given.
        """
        with self._changed:
            self._changed.wait_for(
                lambda: self._waiting or self._error is not None or self._is_closed, timeout_s
            )
            if self._waiting:
                n_lost, self._n_lost = self._n_lost, 0
                return Delivery(self._waiting.popleft()[0], n_lost)
            if self._error is not None:
                raise self._error
            return None
