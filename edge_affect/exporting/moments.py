"""Affect messages as moments with a beginning and an end, from files and from a broker."""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edge_affect.errors import DataError, RecordError
from edge_affect.publishing.vectors import record_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from edge_affect.record import AffectRecord

TICK_MAX_MS = 5_000
"""The slowest tick that can be configured; what comes later does not belong to the one before."""
REMEMBERED = 1_024
"""Messages that a repetition is noticed among."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What one affect message says.

    Attributes:
        start_ms: Milliseconds since 1970, or into the recording.
        end_ms: When the next one begins, or would have; None where that cannot be known.
        record: What it says.
        is_media_time: Whether times are positions in a recording.
    """

    start_ms: int
    end_ms: int | None
    record: AffectRecord
    is_media_time: bool


class Spans:
    """Gives each message an end: where the next begins, but no later than a tick would allow.

    Memory is bounded: one message waits, and the numbers of the last ones are kept, because MQTT
    may deliver one twice.
    """

    def __init__(self) -> None:
        self._waiting: Moment | None = None
        self._tick_ms: int | None = None
        self._seen: deque[tuple[int, int]] = deque(maxlen=REMEMBERED)
        self._known: set[tuple[int, int]] = set()

    def feed(self, payload: dict[str, Any]) -> Moment | None:
        """Take one message and return the one before it, now that its end is known.

        Raises:
            RecordError: If its values contradict each other.
            KeyError: If a key is missing or a word unknown.
            TypeError: If a value is of the wrong type.
            ValueError: If its time is none.
        """
        media_s = payload.get("media_time_s")
        moment = Moment(_start_ms(payload), None, record_of(payload), media_s is not None)
        if self._is_repeated((int(payload["sequence"]), moment.start_ms)):
            return None
        done, self._waiting = self._waiting, moment
        if done is None:
            return None
        gap_ms = moment.start_ms - done.start_ms
        if 0 < gap_ms <= TICK_MAX_MS:
            self._tick_ms = min(gap_ms, self._tick_ms or gap_ms)
        return self._ended(done, gap_ms)

    def finish(self) -> Moment | None:
        """Return the last message, if there was one."""
        done, self._waiting = self._waiting, None
        return None if done is None else self._ended(done, None)

    def _is_repeated(self, key: tuple[int, int]) -> bool:
        if key in self._known:
            return True
        if len(self._seen) == REMEMBERED:
            self._known.discard(self._seen[0])
        self._seen.append(key)
        self._known.add(key)
        return False

    def _ended(self, moment: Moment, gap_ms: int | None) -> Moment:
        if self._tick_ms is None:
            return moment
        # A late tick still follows; a hole is not filled.
        follows = gap_ms is not None and 0 < gap_ms <= 1.5 * self._tick_ms
        length_ms = gap_ms if follows and gap_ms is not None else self._tick_ms
        return Moment(
            moment.start_ms, moment.start_ms + length_ms, moment.record, moment.is_media_time
        )


def read_moments(lines: Iterable[str], name: str) -> Iterator[Moment]:
    """Yield the moments of a file, one JSON object a line; empty lines are passed over.

    Args:
        lines: Of the file, in any order of time.
        name: Of the file, for messages.

    Raises:
        DataError: If a line is no affect message, or dates and positions are mixed.
    """
    spans = Spans()
    kinds: set[bool] = set()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        where = f"{name}, line {number}"
        try:
            payload = json.loads(line)
            kinds.add(payload.get("media_time_s") is None)
            moment = spans.feed(payload)
        except RecordError as error:
            raise DataError(f"{where} contradicts itself: {error}") from None
        except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
            raise DataError(f"{where} is no message of the affect topic.") from None
        if len(kinds) > 1:
            raise DataError(f"{where} and those before it mix dates and positions.")
        if moment is not None:
            yield moment
    last = spans.finish()
    if last is not None:
        yield last


def _start_ms(payload: dict[str, Any]) -> int:
    media_s = payload.get("media_time_s")
    if media_s is not None:
        start_ms = round(float(media_s) * 1000)
    else:
        moment = datetime.fromisoformat(payload["time"].replace("Z", "+00:00"))
        if moment.tzinfo is None:
            raise ValueError("a time without an offset")
        start_ms = round(moment.timestamp() * 1000)
    if start_ms < 0:
        raise ValueError("a time before the beginning")
    return start_ms
