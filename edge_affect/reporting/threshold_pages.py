"""The section that proposes alert thresholds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.reporting import thresholds as tried
from edge_affect.reporting.page import NOTE, Code, Paragraph, Section, Table
from edge_affect.reporting.wording import NO_BREAK

if TYPE_CHECKING:
    from edge_affect.reporting.making import Wish
    from edge_affect.reporting.page import Block
    from edge_affect.reporting.thresholds import Proposal, Trial
    from edge_affect.reporting.wording import Wording


def threshold_section(trial: Trial, unit: str, wish: Wish, wording: Wording) -> Section:
    """Return what thresholds are proposed.

    Args:
        trial: All rules, tried on recordings.
        unit: What intervals draw, by name.
        wish: How many alerts are wanted.
        wording: The language.
    """
    texts = wording.texts
    wanted = wish.alerts_per_week
    proposals = trial.proposals(wanted, wish.hours_per_week)
    if not proposals:
        return Section(texts.thresholds_heading, (Paragraph(texts.no_rules),))
    how = texts.thresholds_how.format(
        hours=f"{trial.hours:.1f}", units=trial.n_units, unit=unit,
        per_week=f"{wish.hours_per_week:g}", wanted=f"{wanted:g}",
    )  # fmt: skip
    head = (texts.rule, texts.now, texts.now_week, texts.proposed, texts.proposed_week)
    rows = tuple(_row(proposal, wish, wording) for proposal in proposals)
    blocks: list[Block] = [Paragraph(how), Table(texts.thresholds_caption, head, rows)]
    if not all(proposal.is_enough for proposal in proposals):
        needed = tried.hours_needed(wanted, wish.hours_per_week)
        few = texts.enough_is.format(
            hours=f"{needed:.0f}", unit=unit, units=tried.MIN_UNITS, raised=tried.MIN_RAISED
        )
        blocks.append(Paragraph(few, NOTE))
    lines = tried.toml_lines(proposals)
    if lines:
        blocks += [Paragraph(texts.toml), Code(lines)]
    return Section(texts.thresholds_heading, tuple(blocks))


def _row(proposal: Proposal, wish: Wish, wording: Wording) -> tuple[str, ...]:
    texts = wording.texts
    named = proposal.rule
    sign = "\u2265" if named.rule.direction == "above" else "\u2264"
    now = f"{sign} {named.rule.threshold:g}"
    if not proposal.is_enough:
        return (named.name, now, *[texts.too_few] * 3)
    if proposal.threshold is None or proposal.low is None or proposal.high is None:
        is_quiet = proposal.most_per_week <= wish.alerts_per_week
        kept = texts.keep_quiet if is_quiet else texts.keep_busy
        return (named.name, now, _per_week(proposal.now_per_week), kept, texts.none)
    proposed = f"{sign} {proposal.threshold:g} ({proposal.low:g} \u2026 {proposal.high:g})"
    return (
        named.name, now, _per_week(proposal.now_per_week), proposed,
        _per_week(proposal.per_week or (0.0, 0.0, 0.0)),
    )  # fmt: skip


def _per_week(rate: tuple[float, float, float]) -> str:
    return f"{rate[0]:.1f} ({rate[1]:.1f} \u2026 {rate[2]:.1f})".replace(" ", NO_BREAK)
