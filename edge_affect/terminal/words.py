"""What is said of a box in words: whether it is there, why it says nothing, what happened."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from edge_affect.publishing.screen import REASONS
from edge_affect.subscriber.box import Presence
from edge_affect.terminal.rows import clean

if TYPE_CHECKING:
    from edge_affect.subscriber.box import Box
    from edge_affect.subscriber.fleet import Link
    from edge_affect.subscriber.happenings import Happening
    from edge_affect.subscriber.reading import Reading

PRESENCE_STYLE: dict[Presence, str] = {
    Presence.LIVE: "good",
    Presence.WAITING: "warn inverse",
    Presence.SILENT: "bad inverse",
    Presence.OFFLINE: "bad inverse",
    Presence.UNKNOWN: "warn inverse",
    Presence.CUT: "bad inverse",
}
SEVERITY_STYLE: dict[str, str] = {"urgent": "bad inverse", "warn": "bad bold", "prompt": "warn"}


def clock(unix_ms: int) -> str:
    """Return a moment as local time of day."""
    return time.strftime("%H:%M:%S", time.localtime(unix_ms / 1000))


def length(seconds: float) -> str:
    """Return a length of time in its two largest units.

    >>> length(7), length(95), length(7260), length(200_000)
    ('7 s', '1 min 35 s', '2 h 1 min', '2 d 7 h')
    """
    whole = int(seconds)
    for unit, small, n_small, n_unit in (
        ("d", "h", 3600, 86_400), ("h", "min", 60, 3600), ("min", "s", 1, 60),
    ):  # fmt: skip
        if whole >= n_unit:
            rest = whole % n_unit // n_small
            return (
                f"{whole // n_unit} {unit} {rest} {small}" if rest else f"{whole // n_unit} {unit}"
            )
    return f"{whole} s"


def presence_word(presence: Presence) -> str:
    """Return one word, in capitals unless all is well, so that it shows without colours."""
    return "live" if presence is Presence.LIVE else presence.value.upper()


def presence_sentence(box: Box, presence: Presence, now_s: float, link: Link) -> str:
    """Return why what is known of a box is not true now, and for how long it has not been."""
    age_s = box.age_s(now_s)
    since = "" if age_s is None else f"; the last vector came {length(age_s)} ago"
    if presence is Presence.CUT:
        lasted = length(now_s - link.since_s)
        return f"No connection to the broker for {lasted}: what the room feels is not known."
    if presence is Presence.OFFLINE:
        return "The box is offline: what the room feels is not known."
    if presence is Presence.SILENT:
        return f"The box says it is online, but sends nothing{since}."
    if presence is Presence.WAITING:
        return "The box has just come online; its first vector is due."
    return "Nothing was heard of the box yet."


def reason(item: Reading) -> str:
    """Return why a vector says nothing."""
    word = item.abstained or ""
    return REASONS.get(word, clean(word))


def people(item: Reading) -> str:
    """Return how many people are there, or nothing."""
    if item.people is None:
        return ""
    return "1 person" if item.people == "1" else f"{clean(item.people)} people"


def happening(item: Happening) -> tuple[str, str]:
    """Return one thing that happened as words, and its style."""
    lasted = "" if item.end_ms is None else f" for {length((item.end_ms - item.start_ms) / 1000)}"
    name = clean(item.name)
    if item.kind == "event":
        return f"{name}{lasted or ' …'}", ""
    if item.kind == "alert":
        over = f" (over after{lasted[4:]})" if lasted else ""
        return f"alert {name}: {clean(item.message or '')}{over}", SEVERITY_STYLE.get(
            item.severity or "", ""
        )
    if item.kind == "marker":
        number = "" if item.n is None else f"{item.n} "
        return f"marker {number}{name}".rstrip(), "bold"
    if item.kind == "gap":
        count = "an unknown number of" if item.n is None else str(item.n)
        return f"{count} vectors were lost", "warn"
    return f"went {name}" if item.kind == "status" else name, "dim"


def count(number: int, noun: str) -> str:
    """Return a number of things.

    >>> count(1, "box"), count(2, "box"), count(3, "alert")
    ('1 box', '2 boxes', '3 alerts')
    """
    plural = f"{noun}es" if noun.endswith("x") else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"
