"""Figures as words, the same way everywhere: with their interval and what they rest on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.reporting.charts import clock
from edge_affect.reporting.intervals import LEVEL
from edge_affect.reporting.page import Fact

if TYPE_CHECKING:
    from edge_affect.reporting.intervals import Estimate
    from edge_affect.reporting.texts import Texts

PERCENT, SHARE, SIGNED, SECONDS, RATE = "percent", "share", "signed", "seconds", "rate"

NO_BREAK = "\u00a0"


@dataclass(frozen=True, slots=True)
class Wording:
    """One language at work.

    Attributes:
        texts: Its sentences.
    """

    texts: Texts

    def value(self, number: float, kind: str) -> str:
        """Return a number in the digits that it deserves."""
        if kind == PERCENT:
            return f"{100 * number:.0f}{NO_BREAK}%"
        if kind == SECONDS:
            return self.texts.seconds.format(s=f"{number:.0f}")
        if kind == RATE:
            return f"{number:.1f}"
        return f"{number:.2f}".replace("-0.00", "0.00")

    def cell(self, estimate: Estimate | None, kind: str) -> str:
        """Return a figure for a table: with its interval, or that there is too little."""
        if estimate is None:
            return self.texts.too_few
        low, high = self._ends(estimate, kind)
        return f"{self.value(estimate.value, kind)} ({low} \u2026 {high})".replace(" ", NO_BREAK)

    def fact(self, name: str, estimate: Estimate | None, kind: str, too_few: str) -> Fact:
        """Return a figure that stands alone.

        Args:
            name: What it is.
            estimate: The figure.
            kind: How it is written.
            too_few: Said instead where there is none.
        """
        if estimate is None:
            return Fact(name, self.texts.too_few, too_few)
        low, high = self._ends(estimate, kind)
        rest = self.texts.range_is.format(
            level=f"{100 * LEVEL:.0f}", low=low, high=high, n=estimate.n
        )
        return Fact(name, self.value(estimate.value, kind), rest)

    def too_few(self, n: float, least: float, unit: str) -> str:
        """Return why there is no figure."""
        return self.texts.too_few_of.format(n=f"{n:g}", least=f"{least:g}", unit=unit)

    @staticmethod
    def span(start_s: float, end_s: float) -> str:
        """Return a stretch of media time that no line breaks."""
        return f"{clock(start_s)}\u2060\u2013\u2060{clock(end_s)}"

    @staticmethod
    def capital(text: str) -> str:
        """Return a name as a line begins with it."""
        return text[:1].upper() + text[1:]

    def named(self, name: str, value: str) -> str:
        """Return what something is, after its name."""
        return self.texts.named.format(name=name, value=value)

    def joined(self, parts: list[str]) -> str:
        """Return a list in words."""
        return self.texts.list_comma.join(parts)

    def _ends(self, estimate: Estimate, kind: str) -> tuple[str, str]:
        low, high = estimate.low, estimate.high
        # Widened intervals may lead out of what a figure can be.
        if kind in {PERCENT, SHARE}:
            low, high = max(0.0, low), min(1.0, high)
        elif kind in {SECONDS, RATE}:
            low = max(0.0, low)
        return self.value(low, kind), self.value(high, kind)
