"""What one modality said over time, as one estimate."""

from __future__ import annotations

from edge_affect.clock import NS_PER_S
from edge_affect.types import ExpressionEstimate


class EvidenceFilter:
    """Follows the estimates of one modality; pure, it reads no clock.

    Args:
        half_life_s: Of what was seen or heard before, >= 0; 0 keeps the newest alone.
    """

    def __init__(self, half_life_s: float) -> None:
        self._half_life_s = half_life_s
        self.forget()

    def forget(self) -> None:
        """Drop everything that was seen or heard."""
        self._estimate: ExpressionEstimate | None = None

    @property
    def estimate(self) -> ExpressionEstimate | None:
        """The filtered estimate, as old as the newest that went in; None before the first."""
        return self._estimate

    def add(self, new: ExpressionEstimate) -> None:
        """Take the next estimate into account, exponentially forgetting those before it.

        Every frame and window counts, not only the last one before a tick.
        """
        before = self._estimate
        if before is None or self._half_life_s == 0.0:
            self._estimate = new
            return
        age_s = max(0.0, (new.observed_ns - before.observed_ns) / NS_PER_S)
        kept = 0.5 ** (age_s / self._half_life_s)
        self._estimate = ExpressionEstimate(
            probabilities=kept * before.probabilities + (1.0 - kept) * new.probabilities,
            reliability=kept * before.reliability + (1.0 - kept) * new.reliability,
            observed_ns=new.observed_ns,
        )
