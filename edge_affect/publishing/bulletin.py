"""What is to be said besides the affect vectors, and what of it counts when the broker is back.

States stay true until a newer one replaces them: the newest of each topic is said again at every
connection. Happenings are worth telling for a minute. Momentary values and answers to commands are
worth nothing later.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.clock import NS_PER_S

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.clock import Clock
    from edge_affect.publishing.topics import Message

MAX_HAPPENINGS = 256
"""Happenings kept while the broker is away; the oldest go first."""
MAX_ANSWERS = 64
"""Answers to commands kept at a time; past that the oldest go first."""
_WORTH_TELLING_S = 60


@dataclass(frozen=True, slots=True)
class Notice:
    """One message on its way.

    Attributes:
        message: What is said.
        ends_ns: Monotonic clock when a happening is not worth telling any more; None for others.
    """

    message: Message
    ends_ns: int | None = None


class Bulletin:
    """Notices between the tick and the broker; bounded, thread-safe.

    Args:
        clock: Tells how old a happening is.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._states: dict[str, Message] = {}
        self._waiting_states: dict[str, Message] = {}
        self._happenings: deque[Notice] = deque(maxlen=MAX_HAPPENINGS)
        self._answers: deque[Notice] = deque(maxlen=MAX_ANSWERS)
        self._moments: dict[str, Message] = {}
        self._is_open = False

    def __len__(self) -> int:
        n_passing = len(self._happenings) + len(self._answers) + len(self._moments)
        return len(self._waiting_states) + n_passing

    def put_state(self, message: Message) -> None:
        """Say that something is so from now on; replaces what was said on the same topic."""
        with self._lock:
            self._states[message.topic] = message
            self._waiting_states.pop(message.topic, None)
            self._waiting_states[message.topic] = message

    def put_happening(self, message: Message) -> None:
        """Say that something happened; told within a minute or not at all."""
        ends_ns = self._clock.now_ns() + (message.expiry_s or _WORTH_TELLING_S) * NS_PER_S
        with self._lock:
            self._happenings.append(Notice(message, ends_ns))

    def put_moment(self, message: Message) -> None:
        """Say something that is worth nothing later, if the broker is there now.

        It replaces what waits on the same topic.
        """
        with self._lock:
            if self._is_open:
                self._moments[message.topic] = message

    def put_answer(self, message: Message) -> None:
        """Say something to one who asked and is there now; lost with the connection."""
        with self._lock:
            self._answers.append(Notice(message))

    def open(self) -> None:
        """Take note that the broker is there."""
        with self._lock:
            self._is_open = True

    def take(self) -> Notice | None:
        """Remove and return what is to be said next, or None; states come first."""
        now_ns = self._clock.now_ns()
        with self._lock:
            if self._waiting_states:
                return Notice(self._waiting_states.pop(next(iter(self._waiting_states))))
            while self._happenings:
                notice = self._happenings.popleft()
                if notice.ends_ns is not None and notice.ends_ns > now_ns:
                    return notice
            if self._answers:
                return self._answers.popleft()
            if self._moments:
                return Notice(self._moments.pop(next(iter(self._moments))))
        return None

    def after_loss(self, unacknowledged: Sequence[Notice]) -> None:
        """Take note that a connection has ended: states will be said again, moments will not.

        Args:
            unacknowledged: What the broker may not have taken, oldest first.
        """
        with self._lock:
            self._is_open = False
            self._waiting_states = dict(self._states)
            self._answers.clear()
            self._moments.clear()
            happenings = [notice for notice in unacknowledged if notice.ends_ns is not None]
            for notice in reversed(happenings):
                if len(self._happenings) == MAX_HAPPENINGS:
                    return
                self._happenings.appendleft(notice)
