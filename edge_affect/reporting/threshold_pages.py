"""The section that proposes alert thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.reporting import thresholds as tried
from edge_affect.reporting.page import Code, Paragraph, Section, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.reporting.page import Block
    from edge_affect.reporting.thresholds import Proposal
    from edge_affect.reporting.wording import Wording


def threshold_section(
    proposals: Sequence[Proposal],
    hours: float,
    n_units: int,
    unit: str,
    wanted: float,
    hours_per_week: float,
    wording: Wording,
) -> Section:
    """Return what thresholds are proposed.

    Args:
        proposals: One of each rule.
        hours: Of recordings tried.
        n_units: What intervals draw.
        unit: Its name.
        wanted: Alerts a week.
        hours_per_week: That the box would watch.
        wording: The language.
    """
    texts = wording.texts
    if not proposals:
        return Section(texts.thresholds_heading, (Paragraph(texts.no_rules),))
    how = texts.thresholds_how.format(
        hours=f"{hours:.1f}", units=n_units, unit=unit, per_week=f"{hours_per_week:g}",
        wanted=f"{wanted:g}",
    )  # fmt: skip
    head = (texts.rule, texts.now, texts.now_week, texts.proposed, texts.proposed_week)
    rows = tuple(_row(proposal, unit, wanted, wording) for proposal in proposals)
    blocks: list[Block] = [Paragraph(how), Table(texts.thresholds_caption, head, rows)]
    lines = tried.toml_lines(proposals)
    if lines:
        blocks += [Paragraph(texts.toml), Code(lines)]
    return Section(texts.thresholds_heading, tuple(blocks))


def _row(proposal: Proposal, unit: str, wanted: float, wording: Wording) -> tuple[str, ...]:
    texts = wording.texts
    named = proposal.rule
    sign = "\u2265" if named.rule.direction == "above" else "\u2264"
    now = f"{sign} {named.rule.threshold:g}"
    if not proposal.is_enough:
        few = texts.enough_is.format(
            units=tried.MIN_UNITS, unit=unit, hours=f"{tried.MIN_HOURS:g}", raised=tried.MIN_RAISED
        )
        return (named.name, now, texts.too_few, few, texts.too_few)
    if proposal.threshold is None or proposal.low is None or proposal.high is None:
        is_quiet = proposal.most_per_week <= wanted
        kept = texts.keep_quiet if is_quiet else texts.keep_busy
        return (named.name, now, _per_week(proposal.now_per_week), kept, texts.none)
    proposed = f"{sign} {proposal.threshold:g} ({proposal.low:g} \u2026 {proposal.high:g})"
    return (
        named.name, now, _per_week(proposal.now_per_week), proposed,
        _per_week(proposal.per_week or (0.0, 0.0, 0.0)),
    )  # fmt: skip


def _per_week(rate: tuple[float, float, float]) -> str:
    return f"{rate[0]:.1f} ({rate[1]:.1f} \u2026 {rate[2]:.1f})"
