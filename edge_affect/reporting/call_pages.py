"""The report on the calls of a contact centre."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.reporting import calls as measured
from edge_affect.reporting.charts import Line, Plane, line_plot
from edge_affect.reporting.page import FINDING, NOTE, Facts, Paragraph, Plot, Section, Table
from edge_affect.reporting.wording import PERCENT, RATE, SECONDS, SHARE, SIGNED

if TYPE_CHECKING:
    from edge_affect.reporting.calls import Calls, Phrase, Window
    from edge_affect.reporting.intervals import Estimate
    from edge_affect.reporting.page import Block
    from edge_affect.reporting.wording import Wording


def call_sections(
    calls: Calls, names: dict[int, str] | None, legal_basis: str, wording: Wording
) -> list[Section]:
    """Return what is said of calls.

    Args:
        calls: All of them.
        names: Of phrases, or None where they may not be told.
        legal_basis: As declared; shown beside phrases.
        wording: The language.
    """
    return [
        _overview(calls, wording),
        _anger(calls, wording),
        _worst(calls, wording),
        _phrases(calls, names, legal_basis, wording),
    ]


def _overview(calls: Calls, wording: Wording) -> Section:
    texts = wording.texts
    few = wording.too_few(calls.n, measured.MIN_CALLS, texts.unit_calls)
    few_stretches = wording.too_few(calls.n_stretches, measured.MIN_STRETCHES, texts.unit_stretches)
    facts = (
        wording.fact(texts.coverage_name, calls.told, PERCENT, few),
        wording.fact(texts.confidence_name, calls.confidence, PERCENT, few),
        wording.fact(texts.valence_name, calls.valence, SIGNED, few),
        wording.fact(texts.anger_name, calls.with_anger, PERCENT, few),
        wording.fact(texts.stretches_name, calls.fell_again, PERCENT, few_stretches),
        wording.fact(texts.length_name, calls.length_s, SECONDS, few_stretches),
    )
    return Section(texts.overview, (Facts(facts), Paragraph(texts.abstained, NOTE)))


def _anger(calls: Calls, wording: Wording) -> Section:
    texts = wording.texts
    blocks: list[Block] = [
        Paragraph(
            texts.anger_how.format(
                half=f"{measured.HALF_LIFE_S:g}", rise=measured.RISE, fall=measured.FALL,
                least=f"{measured.MIN_STRETCH_S:g}", n=calls.n_stretches,
            )
        )
    ]  # fmt: skip
    courses = [calls.course(0), calls.course(1)]
    if any(estimate is not None for course in courses for estimate in course):
        blocks.append(_course(courses, wording))
    else:
        few = wording.too_few(calls.n, measured.MIN_CALLS, texts.unit_calls)
        blocks.append(Paragraph(wording.named(texts.too_few, few), FINDING))
    if calls.n_stretches:
        rose, fell = calls.rose_and_fell
        head = (texts.tenth, *(str(t + 1) for t in range(measured.N_TENTHS)))
        rows = (
            (wording.capital(texts.rose), *map(str, rose)),
            (wording.capital(texts.fell), *map(str, fell)),
        )
        blocks.append(Table(texts.rose_caption, head, rows))
    return Section(texts.anger_heading, tuple(blocks))


def _course(courses: list[list[Estimate | None]], wording: Wording) -> Plot:
    texts = wording.texts
    x = tuple((tenth + 0.5) / measured.N_TENTHS for tenth in range(measured.N_TENTHS))
    lines = []
    values = []
    for name, course in zip((texts.course_anger, texts.course_valence), courses, strict=True):
        ends = [(np.nan, np.nan, np.nan) if e is None else (e.value, e.low, e.high) for e in course]
        middle, lower, upper = (tuple(map(float, column)) for column in zip(*ends, strict=True))
        lines.append(Line(name, x, middle, lower, upper))
        told = ["-" if e is None else f"{e.value:.2f}" for e in course]
        values.append(wording.named(name, wording.joined(told)))
    label = texts.course_label.format(values=texts.list_semicolon.join(values))
    ends_of_all = [edge for line in lines for edge in (*line.low, *line.high) if not np.isnan(edge)]
    low = -1.0 if min(ends_of_all) < -0.5 else -0.5
    high = 1.0 if max(ends_of_all) > 0.5 else 0.5
    steps = range(round(4 * low), round(4 * high) + 1)
    ticks = tuple((step / 4, f"{step / 4:g}") for step in steps)
    across = tuple((t / 5, f"{20 * t} %") for t in range(6))
    plane = Plane(0, 1, low, high, across, ticks, texts.course_axis, texts.course_level, 190)
    return Plot(
        line_plot(label, plane, lines), texts.course_caption.format(least=measured.MIN_CALLS)
    )


def _worst(calls: Calls, wording: Wording) -> Section:
    texts = wording.texts
    how = Paragraph(texts.worst_how.format(s=f"{measured.WINDOW_S:g}", of_call=measured.N_OF_CALL))
    worst = calls.worst()
    if worst is None:
        n_calls = len({window.call for window in calls.windows})
        few = wording.too_few(n_calls, measured.MIN_CALLS, texts.unit_calls)
        return Section(
            texts.worst_heading, (how, Paragraph(wording.named(texts.too_few, few), FINDING))
        )
    head = (
        texts.call, texts.time, wording.capital(texts.valence), wording.capital(texts.anger),
        texts.confidence, texts.coverage,
    )  # fmt: skip
    rows = tuple(_worst_row(window, wording) for window in worst)
    return Section(texts.worst_heading, (how, Table(texts.worst_caption, head, rows)))


def _worst_row(window: Window, wording: Wording) -> tuple[str, ...]:
    return (
        window.call,
        wording.span(window.start_s, window.end_s),
        wording.cell(window.valence, SIGNED),
        wording.cell(window.anger, SHARE),
        wording.value(window.confidence, PERCENT),
        wording.value(window.told_share, PERCENT),
    )


def _phrases(
    calls: Calls, names: dict[int, str] | None, legal_basis: str, wording: Wording
) -> Section:
    texts = wording.texts
    if names is None:
        return Section(texts.phrases_heading, (Paragraph(texts.phrases_off),))
    if not names:
        return Section(texts.phrases_heading, (Paragraph(texts.phrases_none),))
    found, is_ranked = calls.phrases(names)
    order = texts.phrases_order if is_ranked else texts.phrases_unranked
    level = f"{100 * measured.phrase_level(len(names)):.3g}"
    how = texts.phrases_how.format(s=f"{measured.NEAR_S:g}", level=level)
    return Section(
        texts.phrases_heading,
        (
            Paragraph(wording.named(texts.legal_basis, legal_basis)),
            Paragraph(how),
            *((Paragraph(_links(found, wording), FINDING),) if is_ranked else ()),
            Table(
                order.format(calls=measured.MIN_CALLS, stretches=measured.MIN_STRETCHES),
                (texts.phrase, texts.said, texts.in_calls, texts.near, texts.times_chance),
                tuple(_phrase_row(phrase, calls.n, wording) for phrase in found),
            ),
        ),
    )


def _links(found: list[Phrase], wording: Wording) -> str:
    linked = [p.name for p in found if p.times_chance is not None and p.times_chance.low > 1]
    if not linked:
        return wording.texts.phrases_unlinked
    return wording.texts.phrases_linked.format(names=wording.joined(linked))


def _phrase_row(phrase: Phrase, n_calls: int, wording: Wording) -> tuple[str, ...]:
    of_all = wording.texts.n_of.format(n=phrase.n_calls, all=n_calls)
    return (
        phrase.name,
        str(phrase.n_said),
        wording.named(of_all, wording.cell(phrase.calls, PERCENT)),
        wording.cell(phrase.near, PERCENT),
        wording.cell(phrase.times_chance, RATE),
    )
