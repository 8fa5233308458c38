"""When the samples of a sound device were taken, on the monotonic clock."""

from __future__ import annotations

from edge_affect.clock import NS_PER_S
from edge_affect.types import SAMPLE_RATE_HZ

MISSING_S = 0.06
"""By more than this the clock is not ahead through drift: something was lost."""
GAP_S = 0.08
"""The same at once, where the driver says when sound was taken: it waits for no program."""
PATIENCE_S = 1.0
"""For this long the clock has to be ahead: sound servers hold a burst back, then catch up."""
SURPLUS_S = 0.06
"""By more than this the count is not ahead by jitter: no sample arrives before it was taken."""
GAIN = 1 / 64
"""Share of the difference between device and clock that one observation corrects."""


class SoundTime:
    """Time of every sample by counting, steered slowly to the clock.

    A device's quartz is off by up to a few hundred parts in a million, and the moment at which a
    buffer arrives jitters by milliseconds: counting is smooth, the clock is true. Each
    observation therefore moves the count by a small part of the difference, at most half a
    sample, so that blocks stay gap-free to within one sample and sound keeps time with pictures
    for months. After a loss the count starts anew.

    Args:
        native_hz: Rate of the device, > 0.
    """

    def __init__(self, native_hz: float) -> None:
        self._native_hz = native_hz
        self._anchor_ns: float | None = None
        self._n_in = 0
        self._n_out = 0
        self._end_ns = 0
        self._behind = _Lasting()
        self._surplus = _Lasting()
        self._is_shedding = False

    def is_behind(self, first_ns: int, *, is_sure: bool = False) -> bool:
        """Return whether the clock has been ahead for so long that sound must be missing.

        Args:
            first_ns: Clock when the first sample of a buffer was taken.
            is_sure: Whether the driver says so, not the moment of delivery.
        """
        ahead_ns = self._ahead_ns(first_ns)
        has_lasted = self._behind.has_lasted(ahead_ns > MISSING_S * NS_PER_S, first_ns)
        return has_lasted or (is_sure and ahead_ns > GAP_S * NS_PER_S)

    def is_surplus(self, first_ns: int, *, is_sure: bool = False) -> bool:
        """Return whether a buffer is to be left out so that the clock can catch up.

        Once it was so, it stays so until the clock has. Arguments as of ``is_behind``.
        """
        surplus_ns = -self._ahead_ns(first_ns)
        if self._is_shedding:
            self._is_shedding = first_ns < self._end_ns
        else:
            has_lasted = self._surplus.has_lasted(surplus_ns > SURPLUS_S * NS_PER_S, first_ns)
            self._is_shedding = has_lasted or (is_sure and surplus_ns > GAP_S * NS_PER_S)
        return self._is_shedding

    def restart(self, first_ns: int, native_hz: float | None = None) -> int:
        """Start counting anew and return how many samples at 16 kHz the clock says are missing.

        Args:
            first_ns: Clock when the first sample from here on was taken.
            native_hz: Rate from here on, if it is another one.
        """
        if self._anchor_ns is None:
            n_missing = 0
        else:
            n_missing = round(max(0.0, self._ahead_ns(first_ns)) * SAMPLE_RATE_HZ / NS_PER_S)
        # Time never runs backwards, even where the device had run ahead of the clock.
        self._anchor_ns = float(max(first_ns, self._end_ns))
        self._n_in = self._n_out = 0
        self._native_hz = native_hz or self._native_hz
        self._behind, self._surplus, self._is_shedding = _Lasting(), _Lasting(), False
        return n_missing

    def observe(self, first_ns: int, n_samples: int) -> None:
        """Take note of a buffer from the device.

        Args:
            first_ns: Clock when its first sample was taken, as far as known.
            n_samples: Its length at the device's rate.
        """
        if self._anchor_ns is None:
            self._anchor_ns = float(first_ns)
        half_sample_ns = 0.5 * NS_PER_S / SAMPLE_RATE_HZ
        correction_ns = self._ahead_ns(first_ns) * GAIN
        self._anchor_ns += min(half_sample_ns, max(-half_sample_ns, correction_ns))
        self._n_in += n_samples

    def stamp(self, n_samples: int) -> int:
        """Return the start of the next block of ``n_samples`` at 16 kHz."""
        if self._anchor_ns is None:
            raise ValueError("A block cannot be stamped before sound has been observed.")
        start_ns = round(self._anchor_ns + self._n_out * NS_PER_S / SAMPLE_RATE_HZ)
        self._n_out += n_samples
        self._end_ns = start_ns + n_samples * NS_PER_S // SAMPLE_RATE_HZ
        return start_ns

    def _ahead_ns(self, first_ns: int) -> float:
        """Return by how much the clock is ahead of the count."""
        if self._anchor_ns is None:
            return 0.0
        return first_ns - (self._anchor_ns + self._n_in * NS_PER_S / self._native_hz)


class _Lasting:
    """Tells what lasts from what comes and goes."""

    def __init__(self) -> None:
        self._since_ns: int | None = None

    def has_lasted(self, is_so: bool, now_ns: int) -> bool:  # noqa: FBT001 (what it is about)
        """Return whether it has been so at every question of the last ``PATIENCE_S``."""
        if not is_so:
            self._since_ns = None
            return False
        if self._since_ns is None:
            self._since_ns = now_ns
        return now_ns - self._since_ns >= PATIENCE_S * NS_PER_S
