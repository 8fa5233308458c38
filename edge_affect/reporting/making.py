"""A whole report of one kind, from the folder of results to the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.anonymity import GROUP_MIN_PEOPLE
from edge_affect.config import Deployment
from edge_affect.privacy import policy
from edge_affect.reporting import audiences, thresholds
from edge_affect.reporting import calls as calls_measured
from edge_affect.reporting.audience_pages import group_blocks, sound_blocks, sound_note
from edge_affect.reporting.call_pages import call_sections
from edge_affect.reporting.markers import parts
from edge_affect.reporting.page import LEAD, NOTE, Heading, Paragraph, Report, Section, Table
from edge_affect.reporting.threshold_pages import threshold_section
from edge_affect.reporting.wording import Wording

if TYPE_CHECKING:
    from collections.abc import Iterator

    from edge_affect.reporting.markers import Marker
    from edge_affect.reporting.page import Block
    from edge_affect.reporting.results import Results
    from edge_affect.reporting.texts import Texts

CALLS, LESSON, SHOW = "contact-centre", "lesson", "show"
KINDS: tuple[str, ...] = (CALLS, LESSON, SHOW)
PART_S = 300.0
"""Sections are about this long where no markers say otherwise."""
DIGEST_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of a report.

    Attributes:
        kind: One of ``KINDS``.
        markers: Where sections begin.
        alerts_per_week: That one rule may raise at most.
        hours_per_week: That the box would watch.
    """

    kind: str
    markers: tuple[Marker, ...] = ()
    alerts_per_week: float = 5.0
    hours_per_week: float = 40.0


def report(results: Results, wish: Wish, texts: Texts) -> Report:
    """Return the report; the same results and wishes give the same.

    Raises:
        EdgeAffectError: If results are missing or damaged.
    """
    wording = Wording(texts)
    n_people = str(GROUP_MIN_PEOPLE)
    title, lead = {
        CALLS: (texts.title_calls, texts.lead_calls),
        LESSON: (texts.title_lesson, texts.lead_lesson),
        SHOW: (texts.title_show, texts.lead_show),
    }[wish.kind]
    hours = sum(item.duration_s for item in results.recordings) / 3600
    basis = texts.basis.format(
        n=len(results.recordings),
        hours=f"{hours:.2f}",
        nothing=results.n_nothing,
        failed=results.n_failed,
    )
    sections: list[Section]
    if not results.recordings:
        sections = [Section(texts.overview, (Paragraph(texts.nothing),))]
    else:
        told = _calls(results, wording) if wish.kind == CALLS else []
        sections = [*told, *_audiences(results, wish, wording)]
        sections.append(_thresholds(results, wish, wording))
    return Report(
        html_lang=texts.html_lang,
        title=title,
        lead=(Paragraph(lead.format(n=n_people), LEAD), Paragraph(basis, NOTE)),
        sections=tuple(sections),
        footer=tuple(_footer(results, wish, wording)),
    )


def _calls(results: Results, wording: Wording) -> list[Section]:
    calls = calls_measured.Calls(results.tick_s)
    for recording in results.recordings:
        calls.take(recording, results.series(recording))
    names = calls_measured.phrase_names(results.run)
    return call_sections(calls, names, str(results.run["deployment"]["legal_basis"]), wording)


def _audiences(results: Results, wish: Wish, wording: Wording) -> Iterator[Section]:
    if wish.kind == CALLS:
        return
    texts = wording.texts
    intro: list[Block] = []
    if len(results.recordings) > 1:
        intro.append(Paragraph(texts.not_compared))
    if not wish.markers:
        intro.append(Paragraph(texts.parts_equal))
    if wish.kind == SHOW:
        intro.append(sound_note(wording))
    yield Section(texts.overview, (*intro, Paragraph(texts.abstained, NOTE)))
    for recording in results.recordings:
        series = results.series(recording)
        own = parts(wish.markers, recording.name, recording.duration_s, PART_S)
        blocks = group_blocks(recording, series, own, wording)
        if wish.kind == SHOW:
            heard = sound_blocks(recording, series, own, results.tick_s, wording)
            headings = Heading(texts.sounds_heading), Heading(texts.group_heading)
            blocks = [headings[0], *heard, headings[1], *blocks]
        yield Section(recording.name, tuple(blocks))


def _thresholds(results: Results, wish: Wish, wording: Wording) -> Section:
    texts = wording.texts
    rules = thresholds.named_rules(results.run)
    hours = sum(item.duration_s for item in results.recordings) / 3600
    step = max(1, -int(-hours // thresholds.MAX_HOURS))
    chosen = results.recordings[::step]
    is_many = len(chosen) >= thresholds.MIN_UNITS
    trial = thresholds.Trial(rules, results.tick_s, per_recording=is_many)
    for recording in chosen:
        trial.take(results.records(recording))
    unit = texts.unit_recordings if is_many else texts.unit_ten_minutes
    return threshold_section(trial, unit, wish, wording)


def _footer(results: Results, wish: Wish, wording: Wording) -> Iterator[Section]:
    texts = wording.texts
    if wish.kind == CALLS:
        unit = texts.whole_calls
        minimum = texts.footer_minimum_calls.format(
            calls=calls_measured.MIN_CALLS, stretches=calls_measured.MIN_STRETCHES
        )
    else:
        block_s = f"{audiences.BLOCK_S:g}"
        unit = texts.whole_blocks.format(s=block_s)
        minimum = texts.footer_minimum_parts.format(blocks=audiences.MIN_BLOCKS, s=block_s)
    lines = (
        texts.footer_measures, texts.footer_never, texts.footer_how.format(unit=unit), minimum,
        texts.policy_words,
    )  # fmt: skip
    yield Section(texts.footer_heading, tuple(map(Paragraph, lines)))
    weak = [texts.weak_voice, texts.weak_states]
    if wish.kind != CALLS:
        weak = [texts.weak_face, texts.weak_states]
    if wish.kind == SHOW:
        weak.append(texts.weak_sounds)
    models = tuple(
        (str(name), str(digest)[:DIGEST_SHOWN])
        for name, digest in sorted(results.run["models"].items())
    )
    yield Section(
        texts.weak_heading,
        (*map(Paragraph, weak),
         Table(texts.models, (texts.model, "SHA-256"), models)),
    )  # fmt: skip
    yield Section(texts.policy_heading, tuple(_policy(results, wording)))


def _policy(results: Results, wording: Wording) -> Iterator[Paragraph]:
    texts = wording.texts
    deployment = Deployment(**results.run["deployment"])
    if deployment.setting:
        yield Paragraph(
            texts.policy_setting.format(
                setting=deployment.setting, jurisdiction=deployment.jurisdiction,
                purpose=deployment.purpose, contact=deployment.contact,
            )
        )  # fmt: skip
    else:
        yield Paragraph(texts.policy_none)
    if deployment.exception:
        yield Paragraph(texts.policy_exception.format(exception=deployment.exception))
    if deployment.legal_basis:
        yield Paragraph(wording.named(texts.legal_basis, deployment.legal_basis))
    for rule in policy.applying(deployment):
        sentence = getattr(texts, f"policy_{rule.effect.name.lower()}")
        yield Paragraph(sentence.format(n=results.run["min_people"]))
    yield Paragraph(texts.made_by.format(version=results.run["version"]), NOTE)
