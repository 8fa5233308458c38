"""Where there is no screen: one line for each thing that is said, for pipes and logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.publishing.screen import distribution
from edge_affect.record import EXPRESSIONS
from edge_affect.subscriber.box import Presence
from edge_affect.subscriber.fleet import Fleet, split_topic
from edge_affect.terminal import words
from edge_affect.terminal.rows import clean

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.publishing.screen import Look
    from edge_affect.subscriber.box import Box, Moment
    from edge_affect.subscriber.happenings import Happening
    from edge_affect.subscriber.reading import Reading


class LineFleet(Fleet):
    """A fleet that says each thing as it comes.

    Args:
        say: Takes one line.
        look: What may be printed.
    """

    def __init__(self, say: Callable[[str], None], look: Look) -> None:
        super().__init__()
        self._say = say
        self._look = look
        self._told: dict[str, Presence] = {}
        self._n_late: dict[str, int] = {}

    def take(self, topic: str, payload: bytes, moment: Moment) -> None:
        """Take one message, and say what is new in it."""
        parts = split_topic(topic)
        name = "" if parts is None else f"{parts[0]}/{parts[1]}"
        with self.lock:
            known = self.get(name)
            before = () if known is None else tuple(known.happenings)
            latest = None if known is None else known.latest
            super().take(topic, payload, moment)
            box = self.get(name)
            if box is None:
                return
            for item in box.happenings:
                if item not in before and item.kind != "status":
                    self._say_happening(box, item)
            if box.latest is not latest and box.latest is not None:
                self._say(
                    f"{words.clock(box.latest.unix_ms)}  {box.name}  {self._vector(box.latest)}"
                )
            n_late = box.n_late
            if n_late > self._n_late.get(name, 0):
                self._say(
                    f"{words.clock(moment.unix_ms)}  {clean(name)}  a late vector, of the past"
                )
            self._n_late[name] = n_late
            self._say_presence(box, moment.s)

    def connected(self, now_s: float) -> None:
        """Say that the broker is there."""
        super().connected(now_s)
        self._say("broker connected")

    def disconnected(self, error: str, now_s: float) -> None:
        """Say that it is gone, once."""
        is_news = self.link.is_connected or self.link.error != error
        super().disconnected(error, now_s)
        if is_news:
            self._say(f"NO BROKER: {clean(error)} What rooms feel is not known.")

    def look_around(self, now_s: float) -> None:
        """Say of boxes that have fallen silent that they have."""
        with self.lock:
            for box in self:
                self._say_presence(box, now_s)

    def _say_presence(self, box: Box, now_s: float) -> None:
        presence = box.presence(now_s, is_connected=self.link.is_connected)
        if presence is self._told.get(box.name) or presence is Presence.CUT:
            return
        self._told[box.name] = presence
        if presence is Presence.LIVE:
            self._say(f"{clean(box.name)} is live")
        elif presence is not Presence.UNKNOWN:
            sentence = words.presence_sentence(box, presence, now_s, self.link)
            self._say(f"{clean(box.name)} {words.presence_word(presence)}: {sentence}")

    def _say_happening(self, box: Box, item: Happening) -> None:
        said, _ = words.happening(item)
        moment_ms = item.start_ms if item.end_ms is None else item.end_ms
        self._say(f"{words.clock(moment_ms)}  {clean(box.name)}  {said}")

    def _vector(self, item: Reading) -> str:
        if item.expressions is None:
            parts = [f"no affect: {words.reason(item)}"]
        else:
            shares = dict(zip(EXPRESSIONS, item.expressions, strict=True))
            parts = [
                f"{item.expression or '':9s} {distribution(shares, self._look)}",
                f"{item.confidence:4.0%}",
                f"valence {_signed(item.valence)} arousal {_signed(item.arousal)}",
            ]
        parts += [words.people(item)]
        parts += [] if item.speech_share is None else [f"speech {item.speech_share:.0%}"]
        return "  ".join(part for part in parts if part)


def _signed(value: float | None) -> str:
    return " -- " if value is None else f"{value:+.1f}"
