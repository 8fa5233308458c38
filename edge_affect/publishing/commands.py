"""Commands to the box: checked, limited in number, carried out, answered.

Pause and resume cross to sensing as one byte each. A marker never does: it stays in this process
and is published again with the box's own time.
"""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from edge_affect.publishing.payload import SCHEMA_VERSION, time_text, to_json
from edge_affect.publishing.topics import CommandRefusedError, Refusal

if TYPE_CHECKING:
    from edge_affect.publishing.bulletin import Bulletin
    from edge_affect.publishing.payload import Stamp
    from edge_affect.publishing.topics import Topics
    from edge_affect.record import Command

LOG = logging.getLogger("edge_affect.publishing")

BURST = 10
"""Commands of one kind that are taken at once."""
PER_S = 1.0
"""And so many each second after that."""
MARKER_BYTES_MAX = 1024
MARKER_TEXT_MAX = 80
MARKER_NUMBER_MAX = 999_999
_OTHERS = ""
"""All unknown names share one allowance, so that inventing names brings no more of it."""


@dataclass(frozen=True, slots=True)
class Request:
    """One message as it arrived, with what an answer to it needs.

    Attributes:
        topic: Full topic.
        payload: As received.
        retain: Whether it was sent to be kept by the broker.
        response_topic: Where the sender wants the answer, or None; MQTT 5 only.
        correlation: What the sender wants to see again in the answer, or None; MQTT 5 only.
    """

    topic: str
    payload: bytes
    retain: bool
    response_topic: str | None = None
    correlation: bytes | None = None


@dataclass(frozen=True, slots=True)
class Marker:
    """What somebody outside says about this moment: a slide, a lesson step.

    Attributes:
        text: 1 to 80 printable characters, or None.
        number: 0 to 999999, or None; one of both is there.
    """

    text: str | None
    number: int | None


def read_marker(payload: bytes) -> Marker:
    """Return the marker in a payload.

    Raises:
        CommandRefusedError: If it is none; the message does not repeat what was received.
    """
    table = _object(payload)
    if not table or not set(table) <= {"text", "number"}:
        raise _invalid("A marker is a JSON object with text, number or both, and nothing else.")
    text, number = table.get("text"), table.get("number")
    if "text" in table and not (
        isinstance(text, str)
        and len(text) <= MARKER_TEXT_MAX
        and text.strip()
        and text.isprintable()
    ):
        raise _invalid(f"The text of a marker has 1 to {MARKER_TEXT_MAX} printable characters.")
    if "number" in table and not (type(number) is int and 0 <= number <= MARKER_NUMBER_MAX):
        raise _invalid(f"The number of a marker is a whole number from 0 to {MARKER_NUMBER_MAX}.")
    return Marker(text, number)


def _object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in a payload, or an empty one if there is none."""
    if len(payload) > MARKER_BYTES_MAX:
        raise _invalid(f"A marker has at most {MARKER_BYTES_MAX} bytes.")
    try:
        table = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError):
        return {}
    return table if isinstance(table, dict) else {}


def _invalid(sentence: str) -> CommandRefusedError:
    return CommandRefusedError(Refusal.INVALID, sentence)


def marker_payload(marker: Marker, stamp: Stamp) -> dict[str, Any]:
    """Return the JSON object of the ``marker`` topic.

    Args:
        marker: What was sent.
        stamp: When it came; its sequence is that of the next affect message.
    """
    return {
        "schema": SCHEMA_VERSION,
        "time": time_text(stamp.unix_ms),
        "clock_synced": stamp.clock_synced,
        "next_sequence": stamp.sequence,
        "text": marker.text,
        "number": marker.number,
    }


def answer_payload(
    command: str | None, refusal: CommandRefusedError | None, stamp: Stamp
) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Args:
        command: Name of the command, or None if there is none of that name.
        refusal: Why it was not carried out, or None if it was.
        stamp: The present time.
    """
    return {
        "schema": SCHEMA_VERSION,
        "time": time_text(stamp.unix_ms),
        "clock_synced": stamp.clock_synced,
        "command": command,
        "ok": refusal is None,
        "error": None if refusal is None else refusal.reason.value,
        "message": _DONE[command or ""] if refusal is None else str(refusal),
    }


_DONE = {
    "pause": "The pause was passed on to sensing.",
    "resume": "The resume was passed on to sensing.",
    "marker": "The marker was published.",
}
COMMANDS = tuple(_DONE)
"""Names of all commands, as they stand below ``set/``."""


class Allowance:
    """Lets ``BURST`` through at once and ``PER_S`` each second after that.

    Args:
        monotonic_s: Returns monotonic seconds.
    """

    def __init__(self, monotonic_s: Callable[[], float]) -> None:
        self._monotonic_s = monotonic_s
        self._left = float(BURST)
        self._counted_s = monotonic_s()

    def take(self) -> bool:
        """Use one up; return False if there is none."""
        now_s = self._monotonic_s()
        self._left = min(float(BURST), self._left + (now_s - self._counted_s) * PER_S)
        self._counted_s = now_s
        if self._left < 1.0:
            return False
        self._left -= 1.0
        return True


class CommandDesk:
    """Takes requests, in any thread, and answers each, as long as they keep to their number.

    Each kind of command has an allowance of its own, so that nobody can crowd out a pause by
    sending markers. What comes beyond it is answered with an error, from an equal allowance for
    such errors; what comes beyond that as well is dropped without a word, because a flood must
    neither be doubled nor queued.

    Args:
        topics: Of this box.
        bulletin: Where markers and answers go.
        stamp: Returns the present time.
        forward: Hands one byte to sensing; raises OSError where that fails. None if there is no
            way to it.
        monotonic_s: Returns monotonic seconds.
    """

    def __init__(
        self,
        topics: Topics,
        bulletin: Bulletin,
        stamp: Callable[[], Stamp],
        forward: Callable[[Command], None] | None,
        monotonic_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._topics = topics
        self._bulletin = bulletin
        self._stamp = stamp
        self._forward = forward
        names = (*COMMANDS, _OTHERS)
        self._allowed = {name: Allowance(monotonic_s) for name in names}
        self._told = {name: Allowance(monotonic_s) for name in names}

    def take(self, request: Request) -> None:
        """Carry one command out, or refuse it; both are answered."""
        with self._lock:
            self._take(request)

    def _take(self, request: Request) -> None:
        name = self._topics.command_name(request.topic)
        known = name if name in COMMANDS else None
        kind = known or _OTHERS
        if self._allowed[kind].take():
            refusal = self._refusal(known, request)
        elif self._told[kind].take():
            refusal = CommandRefusedError(
                Refusal.TOO_MANY,
                f"Too many commands: {BURST} at once and then {PER_S:g} a second are taken.",
            )
        else:
            return
        if refusal is not None:
            LOG.warning("command refused: %s", refusal.reason.value)
        payload = to_json(answer_payload(known, refusal, self._stamp())).encode()
        answer = self._topics.answer(payload, request.response_topic, request.correlation)
        self._bulletin.put_answer(answer)

    def _refusal(self, name: str | None, request: Request) -> CommandRefusedError | None:
        try:
            self._carry_out(name, request)
        except CommandRefusedError as error:
            return error
        return None

    def _carry_out(self, name: str | None, request: Request) -> None:
        if name == "marker":
            if request.retain:
                raise CommandRefusedError.retained()
            marker = marker_payload(read_marker(request.payload), self._stamp())
            self._bulletin.put_happening(self._topics.marker(to_json(marker).encode()))
            return
        command = self._topics.command(request.topic, request.payload, retain=request.retain)
        if self._forward is None:
            raise CommandRefusedError(Refusal.UNAVAILABLE, "This box has no way to its sensing.")
        try:
            self._forward(command)
        except OSError:
            raise CommandRefusedError(
                Refusal.UNAVAILABLE, "Sensing does not take commands at the moment; try again."
            ) from None
        LOG.info("command passed on: %s", command.name.lower())
