"""Whether a device runs at the rate that it claims."""

from __future__ import annotations

from collections import deque

from edge_affect.clock import NS_PER_S

RATES_HZ: tuple[float, ...] = (
    8_000.0, 11_025.0, 16_000.0, 22_050.0, 24_000.0, 32_000.0, 44_100.0, 48_000.0, 88_200.0,
    96_000.0, 176_400.0, 192_000.0,
)  # fmt: skip
"""What devices run at; no two are closer than eight percent."""
PART_S = 1.0
N_PARTS = 4
"""So many parts in a row have to agree: a stumbling sound server loses sound, but not evenly."""
TOLERANCE = 0.025
"""Share by which one part may be off through jitter."""


class TrueRate:
    """Measures the rate against the clock, in parts of a second.

    Some USB devices claim 48 kHz and deliver 44,100 samples a second, or the other way round:
    everything would be heard too low and would slip against the pictures.

    Args:
        claimed_hz: What the device says.
    """

    def __init__(self, claimed_hz: float) -> None:
        self._claimed_hz = claimed_hz
        self._begun_ns: int | None = None
        self._n_samples = 0
        self._found_hz: deque[float | None] = deque(maxlen=N_PARTS)

    def observe(self, first_ns: int, n_samples: int) -> float | None:
        """Take note of a buffer.

        Args:
            first_ns: Clock when its first sample was taken.
            n_samples: Its length.

        Returns:
            The true rate, if it is plainly another one than claimed; after four seconds.
        """
        if self._begun_ns is None:
            self._begun_ns = first_ns
        elapsed_s = (first_ns - self._begun_ns) / NS_PER_S
        if elapsed_s >= PART_S:
            self._found_hz.append(_nearest(self._n_samples / elapsed_s))
            self._begun_ns, self._n_samples = first_ns, 0
        self._n_samples += n_samples
        rates = set(self._found_hz)
        if len(self._found_hz) < N_PARTS or len(rates) != 1:
            return None
        rate_hz = rates.pop()
        is_other = rate_hz is not None and rate_hz != _nearest(self._claimed_hz)
        return rate_hz if is_other else None


def _nearest(rate_hz: float) -> float | None:
    """Return the usual rate that is meant, or None if it is none of them."""
    best_hz = min(RATES_HZ, key=lambda usual_hz: abs(usual_hz - rate_hz))
    return best_hz if abs(best_hz - rate_hz) <= TOLERANCE * best_hz else None
