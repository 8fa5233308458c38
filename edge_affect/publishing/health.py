"""How the publisher is doing.

What the sensing process could play with to get bits past the record (how many datagrams were
refused, when the last one came, how warm the board is) is told in coarse steps only.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.board import THERMAL, hottest_c
from edge_affect.publishing.payload import (
    SCHEMA_VERSION,
    bucket_text,
    sensing_payload,
    time_text,
)
from edge_affect.record import bucket

if TYPE_CHECKING:
    from edge_affect.publishing.link import LinkState
    from edge_affect.publishing.outbox import Outbox
    from edge_affect.publishing.payload import Stamp
    from edge_affect.record import AffectRecord

HEALTH_INTERVAL_S = 10.0
SPOOL_STATES: tuple[str, ...] = ("off", "on", "full", "read-only", "failed")
"""What ``queue.spool`` can say."""
REFUSED_EDGES: tuple[float, ...] = (1, 10, 100)
AGE_EDGES_S: tuple[float, ...] = (2, 5, 10, 60, 600)
LATE_S = AGE_EDGES_S[0]
"""A newest record older than this is news."""
TEMPERATURE_STEP_C = 5
_STATM = Path("/proc/self/statm")
_BYTES_PER_MB = 1_000_000


@dataclass(frozen=True, slots=True)
class SensingView:
    """What the publisher knows about sensing.

    Attributes:
        last: Newest record that was published, or None.
        age_s: Seconds since the tick that published it, or None.
        n_refused: Datagrams refused since the start.
    """

    last: AffectRecord | None = None
    age_s: float | None = None
    n_refused: int = 0


def health_payload(
    stamp: Stamp, link: LinkState, outbox: Outbox, sensing: SensingView
) -> dict[str, Any]:
    """Return the JSON object of the ``health`` topic.

    Args:
        stamp: The present time; its sequence is that of the next affect message.
        link: How the connection is doing.
        outbox: What waits and what was lost.
        sensing: What arrived.
    """
    return {
        "schema": SCHEMA_VERSION,
        "time": time_text(stamp.unix_ms),
        "clock_synced": stamp.clock_synced,
        "next_sequence": stamp.sequence,
        "queue": {
            "messages": len(outbox),
            "capacity": outbox.capacity,
            "lost": outbox.n_dropped,
            "spool": outbox.spool,
        },
        "mqtt": link.protocol,
        "reconnects": link.n_reconnects,
        "refused_datagrams": refused_text(sensing.n_refused),
        "record_age_s": age_text(sensing.age_s),
        "memory_mb": resident_mb(),
        "temperature_c": temperature_c(),
        "sensing": None if sensing.last is None else sensing_payload(sensing.last),
    }


def refused_text(n_refused: int) -> str:
    """Return how many datagrams were refused, as a power of ten at least.

    >>> [refused_text(n) for n in (0, 7, 12, 5000)]
    ['0', '1-9', '10-99', '100+']
    """
    return ("0", "1-9", "10-99", "100+")[bucket(n_refused, REFUSED_EDGES)]


def age_text(age_s: float | None) -> str | None:
    """Return how old the newest record is, in seconds, as a range.

    >>> age_text(0.2), age_text(7.0), age_text(None)
    ('<2', '5-10', None)
    """
    return None if age_s is None else bucket_text(bucket(age_s, AGE_EDGES_S), AGE_EDGES_S)


def resident_mb(statm: Path = _STATM) -> int:
    """Return the resident memory of this process in MB (10**6 bytes)."""
    pages = int(statm.read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / _BYTES_PER_MB)


def temperature_c(thermal: Path = THERMAL) -> int | None:
    """Return the hottest thermal zone in degrees Celsius, in steps of 5; None if there is none."""
    celsius = hottest_c(thermal)
    return None if celsius is None else round(celsius / TEMPERATURE_STEP_C) * TEMPERATURE_STEP_C
