"""How much can leave the box through records at most, told with the same figures everywhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from edge_affect.record import SIZE_BYTES, bits_per_record, leak_ceiling_bits_per_s

S_PER_DAY = 86_400


@dataclass(frozen=True, slots=True)
class LeakCeiling:
    """The upper bound at one tick rate, rounded as it is told.

    Attributes:
        record_bytes: Size of a record.
        bits_per_record: Logarithm of the number of different records, and of none.
        records_per_s: The publisher's tick.
        bits_per_s: Product of both.
        bits_per_day: The same in a day.
    """

    record_bytes: int
    bits_per_record: float
    records_per_s: float
    bits_per_s: float
    bits_per_day: int

    def as_json(self) -> dict[str, Any]:
        """Return it as the retained ``about`` message tells it."""
        return asdict(self)

    def __str__(self) -> str:
        return (
            f"{self.bits_per_record:.2f} bits per record, {self.bits_per_s:.2f} per second at "
            f"{self.records_per_s:g} Hz, {self.bits_per_day:,} per day"
        )


def leak_ceiling(tick_hz: float) -> LeakCeiling:
    """Return the ceiling of a box whose publisher ticks at ``tick_hz`` > 0.

    >>> str(leak_ceiling(1.0))
    '114.42 bits per record, 114.42 per second at 1 Hz, 9,885,591 per day'
    """
    bits_per_s = leak_ceiling_bits_per_s(tick_hz)
    return LeakCeiling(
        record_bytes=SIZE_BYTES,
        bits_per_record=round(bits_per_record(), 2),
        records_per_s=tick_hz,
        bits_per_s=round(bits_per_s, 2),
        bits_per_day=round(bits_per_s * S_PER_DAY),
    )
