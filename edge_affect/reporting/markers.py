"""Markers: when a slide, a part of a lesson or an act of a show began."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from edge_affect.errors import DataError, InputMissingError, UsageError, shown

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

MAX_MARKERS = 200
MAX_TEXT = 80
MAX_BYTES = 1_000_000


@dataclass(frozen=True, slots=True)
class Marker:
    """Where a section begins.

    Attributes:
        at_s: Seconds from the start of the recording.
        text: What begins, at most ``MAX_TEXT`` characters.
        recording: Of which recording, by its name in tables; empty for all.
    """

    at_s: float
    text: str
    recording: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A section between two markers.

    Attributes:
        number: From 1.
        text: What it is called, or empty.
        start_s: Seconds from the start of the recording.
        end_s: Later.
    """

    number: int
    text: str
    start_s: float
    end_s: float


def read_markers(path: Path, started: str | None) -> tuple[Marker, ...]:
    """Return the markers in a file, in order of time.

    CSV has the columns ``at,text`` and optionally ``recording``; ``at`` is seconds, ``mm:ss`` or
    ``h:mm:ss``. JSON is a list of objects with the same keys, or lines as the ``marker`` topic
    publishes them, with ``time``.

    Args:
        path: The file.
        started: When the recording started (RFC 3339), for markers with ``time``.

    Raises:
        InputMissingError: If it cannot be read.
        DataError: If it holds no markers.
        UsageError: If ``started`` is needed, or no time.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputMissingError(f"{path} cannot be read: {error.strerror}.") from None
    if len(data) > MAX_BYTES:
        raise DataError(f"{path} has {len(data)} bytes; a file of markers has at most {MAX_BYTES}.")
    try:
        rows = _rows(data.decode("utf-8-sig"))
    except (ValueError, RecursionError, csv.Error):
        raise DataError(
            f"{path} holds no markers; write CSV with the columns at,text or a JSON list."
        ) from None
    if not 0 < len(rows) <= MAX_MARKERS:
        raise DataError(f"{path} holds {len(rows)} markers; it must hold 1 to {MAX_MARKERS}.")
    start = None if started is None else _moment(started, "--started")
    markers = [_marker(row, number, path, start) for number, row in enumerate(rows, 1)]
    return tuple(sorted(markers, key=lambda marker: (marker.at_s, marker.text)))


def parts(
    markers: Sequence[Marker], recording: str, duration_s: float, part_s: float
) -> tuple[Part, ...]:
    """Return the sections of a recording: between its markers, or of equal length without any.

    Args:
        markers: Of all recordings.
        recording: Its name.
        duration_s: Its length.
        part_s: Length of a section where there are no markers.
    """
    own = [m for m in markers if m.recording in {"", recording} and m.at_s < duration_s]
    if not own:
        n_parts = max(1, round(duration_s / part_s))
        edges = [duration_s * number / n_parts for number in range(n_parts + 1)]
        return tuple(
            Part(number + 1, "", edges[number], edges[number + 1]) for number in range(n_parts)
        )
    starts = [(0.0, "")] if own[0].at_s > 0 else []
    starts += [(marker.at_s, marker.text) for marker in own]
    ends = [start for start, _ in starts[1:]] + [duration_s]
    found = [
        (text, start, end) for (start, text), end in zip(starts, ends, strict=True) if end > start
    ]
    return tuple(Part(number, *part) for number, part in enumerate(found, 1))


def _rows(text: str) -> list[dict[str, Any]]:
    if text.lstrip()[:1] in {"[", "{"}:
        if text.lstrip().startswith("["):
            rows = json.loads(text)
        else:
            rows = [json.loads(line) for line in text.splitlines() if line.strip()]
        if not all(isinstance(row, dict) for row in rows):
            raise ValueError("rows")
        return list(rows)
    reader = csv.DictReader(text.splitlines())
    if "at" not in (reader.fieldnames or ()):
        raise ValueError("columns")
    return list(reader)


def _marker(row: dict[str, Any], number: int, path: Path, start: datetime | None) -> Marker:
    where = f"Marker {number} of {path}"
    text, slide = row.get("text"), row.get("number")
    text = str(text).strip() if text else f"{slide}" if slide is not None else ""
    if len(text) > MAX_TEXT or not text.isprintable():
        raise DataError(f"{where} has a text that is not 0 to {MAX_TEXT} printable characters.")
    if row.get("at") not in {None, ""}:
        at_s = _seconds(row["at"], where)
    elif row.get("time"):
        if start is None:
            raise UsageError(
                f"{where} has a time of day; say when the recording started: --started "
                "2026-03-01T18:00:00Z"
            )
        at_s = (_moment(str(row["time"]), where) - start).total_seconds()
    else:
        raise DataError(f"{where} says neither at nor time.")
    # A marker from before the start names what goes on at the start.
    return Marker(max(0.0, at_s), text, str(row.get("recording") or ""))


def _seconds(value: Any, where: str) -> float:
    try:
        parts = [float(part) for part in str(value).split(":")]
        total = sum(part * 60.0**power for power, part in enumerate(reversed(parts)))
    except (ValueError, OverflowError):
        total = -1.0
        parts = []
    if not 1 <= len(parts) <= 3 or not 0 <= total < 7 * 86_400 or min(parts) < 0:
        raise DataError(f"{where} is at {shown(value)}; write seconds, mm:ss or h:mm:ss.")
    return total


def _moment(text: str, where: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(f"{where} is {shown(text)}; write a time as in 2026-03-01T18:00:00Z.")
    return moment
