"""Values out of JSON objects that anybody may have written: of the right kind, or None.

A reader passes over keys and words that it does not know, and over values that cannot be what
their key promises: a box of a newer version, or a stranger at the broker, must not stop it.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from edge_affect.errors import DataError

MAX_BYTES = 65_536
"""No message of a box comes near this."""
TEXT_MAX = 300
"""Characters of a text that are kept."""
LIST_MAX = 64


def json_object(payload: bytes) -> dict[str, Any]:
    """Return the JSON object in a message.

    Raises:
        DataError: If it is none, or longer than any message of a box.
    """
    if len(payload) > MAX_BYTES:
        raise DataError(f"A message of {len(payload)} bytes is none of a box.")
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        raise DataError("The message is no JSON.") from None
    if not isinstance(value, dict):
        raise DataError("The message is no JSON object.")
    return value


def text(value: Any, longest: int = TEXT_MAX) -> str | None:
    r"""Return a text without control characters, cut to ``longest``; None where it is none.

    >>> text("hall"), text(7), text("a\x1b[2J")
    ('hall', None, 'a [2J')
    """
    if not isinstance(value, str):
        return None
    return "".join(c if c.isprintable() else " " for c in value[:longest])


def number(value: Any, low: float, high: float) -> float | None:
    """Return a number from ``low`` to ``high``, or None.

    >>> number(0.5, 0, 1), number(True, 0, 1), number(10**400, 0, 1), number("1", 0, 1)
    (0.5, None, None, None)
    """
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # Compared before it is converted: JSON has whole numbers that no float can hold.
    return float(value) if low <= value <= high else None


def whole(value: Any, high: int = 2**63) -> int | None:
    """Return a whole number from 0 to ``high``, or None."""
    is_whole = isinstance(value, int) and not isinstance(value, bool)
    return value if is_whole and 0 <= value <= high else None


def texts(value: Any) -> tuple[str, ...]:
    """Return the texts in a list; nothing where it is none."""
    items = value[:LIST_MAX] if isinstance(value, list) else []
    return tuple(found for item in items if (found := text(item)) is not None)


def table(value: Any) -> dict[str, Any]:
    """Return an object, empty where it is none."""
    return value if isinstance(value, dict) else {}


def unix_ms(value: Any) -> int | None:
    """Return a moment of RFC 3339 in milliseconds since 1970, or None.

    >>> unix_ms("1970-01-01T00:00:01.500Z"), unix_ms("soon"), unix_ms("1970-01-01")
    (1500, None, None)
    """
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value.replace("Z", "+00:00"))
    except ValueError:
        return None
    return None if moment.tzinfo is None else ms_since_1970(moment)


def ms_since_1970(moment: datetime) -> int:
    """Return a moment that has a time zone in milliseconds since 1970, >= 0."""
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return max(0, round(since.total_seconds() * 1000))
