"""What travels between an analysis and the caged process that reads the recordings.

Towards it goes one ``Hand`` of jobs. Back come frames of a kind and a length: affect records of 18
bytes, as through the slit of a live box, and what is known of the files themselves. Both ends
validate.
"""

from __future__ import annotations

import json
import math
import os
import struct
from dataclasses import asdict, dataclass, replace
from enum import Enum
from typing import Any

from edge_affect.errors import MEANING, DataError, EdgeAffectError, ExitCode
from edge_affect.record import SIZE_BYTES, decode

MAX_SENTENCE_BYTES = 600
_HEAD = struct.Struct(">cH")
_NUMBER = struct.Struct(">Q")


class Kind(Enum):
    """What a frame holds."""

    JOB = b"J"
    FACTS = b"F"
    RECORD = b"R"
    DONE = b"D"
    FAILED = b"X"


@dataclass(frozen=True, slots=True)
class Job:
    """One recording to analyse.

    Attributes:
        path: Absolute, of the file; bytes that are no UTF-8 as Python's file names have them.
        channel: Sound channel, from 1; 0 mixes all.
    """

    path: str
    channel: int


@dataclass(frozen=True, slots=True)
class Hand:
    """A few recordings for one process.

    Attributes:
        jobs: In order.
        config_text: The whole configuration file, empty for all defaults.
        config_name: What messages call it.
        is_caged: Whether the process cages itself first.
    """

    jobs: tuple[Job, ...]
    config_text: str
    config_name: str
    is_caged: bool

    def split(self) -> tuple[Hand, ...]:
        """Return a hand for each of the jobs."""
        return tuple(replace(self, jobs=(job,)) for job in self.jobs)

    def to_bytes(self) -> bytes:
        """Return the hand as JSON."""
        return json.dumps(asdict(self)).encode("ascii")

    @classmethod
    def from_bytes(cls, data: bytes) -> Hand:
        """Return the hand that ``to_bytes`` wrote."""
        values = json.loads(data)
        jobs = tuple(Job(**job) for job in values.pop("jobs"))
        return cls(jobs=jobs, **values)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is analysed of one recording.

    Attributes:
        has_sound: Whether its sound is.
        has_pictures: Whether its pictures are.
        duration_s: What the file says about its length, or None.
        note: What people should know of it, one sentence, or empty.
    """

    has_sound: bool
    has_pictures: bool
    duration_s: float | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a recording was not analysed, or not to its end.

    Attributes:
        code: The exit code it stands for.
        sentence: For people.
    """

    code: ExitCode
    sentence: str

    def error(self) -> EdgeAffectError:
        """Return it as an error of the same exit code."""
        error = EdgeAffectError(self.sentence)
        error.exit_code = self.code
        return error


Frame = tuple[Kind, Any]
"""A kind with an int (JOB: number, DONE: length in ns), Facts, record bytes or Failure."""


class FrameWriter:
    """The caged process's end."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def job(self, number: int) -> None:
        """Say which job begins."""
        self._write(Kind.JOB, _NUMBER.pack(number))

    def facts(self, facts: Facts) -> None:
        """Say what is analysed."""
        self._write(Kind.FACTS, json.dumps(asdict(facts)).encode("ascii"))

    def record(self, datagram: bytes) -> None:
        """Send one record as ``record.encode`` made it."""
        self._write(Kind.RECORD, datagram)

    def done(self, end_ns: int) -> None:
        """Say that a recording of this length is done."""
        self._write(Kind.DONE, _NUMBER.pack(end_ns))

    def failed(self, failure: Failure) -> None:
        """Say that a job, or before the first job everything, failed."""
        sentence = failure.sentence.encode("utf-8", "backslashreplace")[:MAX_SENTENCE_BYTES]
        self._write(Kind.FAILED, bytes([failure.code]) + sentence)

    def _write(self, kind: Kind, payload: bytes) -> None:
        data = _HEAD.pack(kind.value, len(payload)) + payload
        while data:
            data = data[os.write(self._descriptor, data) :]


class FrameReader:
    """The analysis's end: bytes in, frames out; keeps what is not complete yet."""

    def __init__(self) -> None:
        self._pending = b""

    def take(self, data: bytes) -> list[Frame]:
        """Return the frames that ``data`` completes.

        Raises:
            DataError: If the process said something that is no frame.
        """
        self._pending += data
        frames: list[Frame] = []
        while len(self._pending) >= _HEAD.size:
            code, size = _HEAD.unpack_from(self._pending)
            if len(self._pending) < _HEAD.size + size:
                break
            payload = self._pending[_HEAD.size : _HEAD.size + size]
            self._pending = self._pending[_HEAD.size + size :]
            try:
                frames.append(_frame(Kind(code), payload))
            except (ValueError, TypeError, IndexError, RecursionError, struct.error) as error:
                raise DataError(
                    f"The process that reads recordings said what it must not: {error}."
                ) from None
        return frames


def _frame(kind: Kind, payload: bytes) -> Frame:
    if kind is Kind.RECORD:
        if len(payload) != SIZE_BYTES:
            raise ValueError(f"a record of {len(payload)} bytes")
        decode(payload)
        return kind, payload
    if kind is Kind.FACTS:
        return kind, _facts(json.loads(payload))
    if kind is Kind.FAILED:
        code = ExitCode(payload[0])
        if code is ExitCode.DONE or code not in MEANING:
            raise ValueError("a failure that is none")
        return kind, Failure(code, one_line(payload[1:].decode("utf-8", "backslashreplace")))
    return kind, _NUMBER.unpack(payload)[0]


def _facts(values: dict[str, Any]) -> Facts:
    facts = Facts(**values)
    if not (isinstance(facts.has_sound, bool) and isinstance(facts.has_pictures, bool)):
        raise TypeError("facts of another kind")
    if not isinstance(facts.note, str):
        raise TypeError("facts of another kind")
    # What a file claims about its length may be any number.
    length_s = None if facts.duration_s is None else float(facts.duration_s)
    if length_s is not None and not 0.0 <= length_s < math.inf:
        length_s = None
    note = one_line(facts.note[:MAX_SENTENCE_BYTES])
    return Facts(facts.has_sound, facts.has_pictures, length_s, note)


def one_line(text: str) -> str:
    r"""Return text as one line without control characters, for terminals and tables.

    >>> one_line("a" + chr(10) + "b" + chr(27) + "[2J")
    'a\\nb\\x1b[2J'
    """
    shown = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in shown)
