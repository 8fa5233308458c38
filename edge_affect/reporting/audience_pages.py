"""The reports on lessons, talks and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from edge_affect.anonymity import GROUP_MIN_PEOPLE
from edge_affect.reporting import audiences as measured
from edge_affect.reporting.charts import (
    Line,
    Plane,
    binned,
    interval_plot,
    line_plot,
    time_ticks,
)
from edge_affect.reporting.intervals import LEVEL
from edge_affect.reporting.page import FINDING, NOTE, Fact, Facts, Heading, Paragraph, Plot, Table
from edge_affect.reporting.wording import NO_BREAK, PERCENT, RATE, SECONDS, SHARE, SIGNED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from edge_affect.reporting.audiences import PartFigures, SoundFigures
    from edge_affect.reporting.markers import Part
    from edge_affect.reporting.page import Block
    from edge_affect.reporting.results import Recording, Series
    from edge_affect.reporting.wording import Wording

_LEVELS = tuple((step / 4, f"{step / 4:g}") for step in range(5))


def group_blocks(
    recording: Recording, series: Series, parts: Sequence[Part], wording: Wording
) -> list[Block]:
    """Return what a group showed over the sections of one recording."""
    texts = wording.texts
    if not (measured.is_group(series) & series.is_told).any():
        return [Paragraph(texts.no_group.format(n=GROUP_MIN_PEOPLE), FINDING)]
    figures = measured.part_figures(series, parts)
    blocks: list[Block] = [Paragraph(line, FINDING) for line in _verdicts(figures, wording)]
    blocks.append(_state_plot(recording, series, parts, wording))
    blocks.append(_part_table(figures, wording))
    if len(parts) > 1:
        blocks += [_difference_plot(figures, name, wording) for name in measured.STATES]
    return blocks


def sound_blocks(
    recording: Recording, series: Series, parts: Sequence[Part], tick_s: float, wording: Wording
) -> list[Block]:
    """Return what an audience let hear over one recording."""
    texts = wording.texts
    if np.isnan(series.values["laughter"]).all():
        return [Paragraph(texts.no_sound, FINDING)]
    whole = measured.sound_figures(series, 0.0, recording.duration_s, tick_s)
    names = [n for n in measured.SOUNDS if not np.isnan(series.values[n]).all()]
    blocks: list[Block] = [
        Facts(
            (
                *(_sound_fact(whole, name, wording) for name in names),
                Fact(texts.coverage_name, wording.value(whole.heard_share, PERCENT), texts.heard),
            )
        ),
        _sound_plot(recording, series, parts, tick_s, wording),
    ]
    if len(parts) > 1:
        blocks.append(_sound_table(series, parts, tick_s, names, wording))
    return [*blocks, *_peak_blocks(recording, series, tick_s, wording)]


def _peak_blocks(
    recording: Recording, series: Series, tick_s: float, wording: Wording
) -> list[Block]:
    texts = wording.texts
    peaks = measured.peaks(series, recording.duration_s, tick_s)
    if peaks is None:
        few = texts.peaks_few.format(minutes=measured.MIN_PEAK_MIN, events=measured.MIN_EVENTS)
        return [Paragraph(few)]
    rows = tuple(
        (wording.span(60 * minute, 60 * minute + 60), f"{seconds:.0f}") for minute, seconds in peaks
    )
    return [Heading(texts.peaks), Table(texts.peaks_caption, (texts.minute, texts.together), rows)]


def part_name(part: Part) -> str:
    """Return what a section is called."""
    return f"{part.number} {part.text}".strip()


def _verdicts(figures: Sequence[PartFigures], wording: Wording) -> list[str]:
    texts = wording.texts
    n_comparable = sum(figure.differences["attention"] is not None for figure in figures)
    if n_comparable == 0:
        unit = f"{measured.BLOCK_S:g}"
        return [texts.part_too_few.format(n=measured.MIN_BLOCKS, s=unit)]
    found = []
    for sentence, parts in (
        (texts.lost, measured.lost(figures)),
        (texts.confused, measured.confused(figures)),
    ):
        if parts:
            named = wording.joined([part_name(figure.part) for figure in parts])
            found.append(sentence.format(parts=named))
    return found or [texts.no_part]


def _state_plot(
    recording: Recording, series: Series, parts: Sequence[Part], wording: Wording
) -> Plot:
    texts = wording.texts
    lines, values = [], []
    for name in measured.STATES:
        line = measured.group_line(series, name)
        shown = getattr(texts, name)
        lines.append(Line(shown, *binned(series.at_s, line, recording.duration_s)))
        if not np.isnan(line).all():
            values.append(f"{shown} {np.nanmin(line):.2f}\u2013{np.nanmax(line):.2f}")
    label = texts.lines_label.format(
        names=wording.joined([line.name for line in lines]), recording=recording.name,
        values=wording.joined(values),
    )  # fmt: skip
    plane = _time_plane(recording, wording)
    return Plot(line_plot(label, plane, lines, _edges(parts)), texts.lines_caption)


def _time_plane(recording: Recording, wording: Wording) -> Plane:
    texts = wording.texts
    end_s = recording.duration_s
    return Plane(
        0, end_s, 0, 1, time_ticks(end_s), _LEVELS, texts.time_axis, texts.level_axis
    )  # fmt: skip


def _edges(parts: Sequence[Part]) -> list[tuple[float, str]]:
    return [(part.start_s, str(part.number)) for part in parts] if len(parts) > 1 else []


def _part_table(figures: Sequence[PartFigures], wording: Wording) -> Table:
    texts = wording.texts
    states = [wording.capital(getattr(texts, name)) for name in measured.STATES]
    head = (texts.section, texts.time, *states, texts.confidence, texts.coverage)
    rows = tuple(
        (
            part_name(figure.part),
            wording.span(figure.part.start_s, figure.part.end_s),
            *(wording.cell(figure.levels[name], SHARE) for name in measured.STATES),
            texts.none if figure.confidence is None else wording.value(figure.confidence, PERCENT),
            wording.value(figure.told_share, PERCENT),
        )
        for figure in figures
    )
    return Table(texts.parts_caption.format(level=f"{100 * LEVEL:.0f}"), head, rows)


def _difference_plot(figures: Sequence[PartFigures], name: str, wording: Wording) -> Plot:
    texts = wording.texts
    rows = [(part_name(figure.part), figure.differences[name]) for figure in figures]
    values = [wording.named(row, wording.cell(estimate, SIGNED)) for row, estimate in rows]
    ends = [abs(end) for _, e in rows if e is not None for end in (e.low, e.high)]
    reach = next((r for r in (0.1, 0.2, 0.5, 1.0) if max(ends, default=0.0) <= r), 1.0)
    ticks = tuple((reach * s / 2, f"{reach * s / 2:+g}" if s else "0") for s in range(-2, 3))
    plane = Plane(-reach, reach, 0, 1, ticks, (), texts.diff_axis, "")
    shown = getattr(texts, name)
    label = texts.diff_label.format(state=shown, values=texts.list_semicolon.join(values))
    level = 100 * (1 - (1 - LEVEL) / len(figures))
    caption = texts.diff_caption.format(
        state=wording.capital(shown), level=f"{level:.3g}", n=len(figures)
    )
    return Plot(interval_plot(label, plane, rows, texts.too_few), caption)


def _sound_fact(whole: SoundFigures, name: str, wording: Wording) -> Fact:
    texts = wording.texts
    shown = wording.capital(texts.per_minute.format(name=getattr(texts, name)))
    minutes = (whole.end_s - whole.start_s) * whole.heard_share / 60
    few = wording.too_few(round(minutes, 1), measured.MIN_PART_MIN, texts.unit_minutes)
    return wording.fact(shown, whole.rates[name], RATE, few)


def _sound_plot(
    recording: Recording, series: Series, parts: Sequence[Part], tick_s: float, wording: Wording
) -> Plot:
    texts = wording.texts
    lines, spans, values = [], [], []
    for style, name in enumerate(("laughter", "applause"), 1):
        shown = getattr(texts, name)
        own = measured.events(series, name, tick_s)
        lines.append(Line(shown, *_binned_peaks(series, name, recording.duration_s)))
        spans += [(start, end, style) for start, end in own]
        together = f"{sum(end - start for start, end in own):.0f}"
        values.append(wording.named(shown, texts.counted.format(n=len(own), s=together)))
    label = texts.sounds_label.format(
        recording=recording.name, values=texts.list_semicolon.join(values)
    )
    plane = _time_plane(recording, wording)
    drawn = line_plot(label, plane, lines, _edges(parts), spans)
    return Plot(
        drawn, f"{texts.sounds_caption} {texts.list_semicolon.join(values)}{texts.full_stop}"
    )


def _binned_peaks(
    series: Series, name: str, end_s: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return the highest level in each bin: a mean would hide a laugh in a long show."""
    x, _ = binned(series.at_s, series.values[name], end_s)
    highest = np.full(len(x), -1.0)
    place = np.minimum((series.at_s / end_s * len(x) - 1e-9).astype(int), len(x) - 1)
    known = ~np.isnan(series.values[name])
    np.maximum.at(highest, place[known], series.values[name][known])
    return x, tuple(float(level) if level >= 0 else float("nan") for level in highest)


def _sound_table(
    series: Series, parts: Sequence[Part], tick_s: float, names: Sequence[str], wording: Wording
) -> Table:
    texts = wording.texts
    head = [texts.section, texts.time]
    for name in names:
        shown = getattr(texts, name)
        head.append(wording.capital(texts.sound_column.format(name=shown)))
    rows = []
    for part in parts:
        figures = measured.sound_figures(series, part.start_s, part.end_s, tick_s)
        row = [part_name(part), wording.span(part.start_s, part.end_s)]
        for name in names:
            seconds = wording.value(figures.seconds[name], SECONDS).replace(" ", NO_BREAK)
            row.append(f"{wording.cell(figures.rates[name], RATE)}{texts.list_semicolon}{seconds}")
        rows.append((*row, wording.value(figures.heard_share, PERCENT)))
    return Table(texts.shows_parts, (*head, texts.heard), tuple(rows))


def sound_note(wording: Wording) -> Paragraph:
    """Return how sounds are counted."""
    return Paragraph(
        wording.texts.sound_how.format(
            level=measured.GOES_ON, hold=f"{measured.HOLD_S:g}", least=f"{measured.MIN_PART_MIN:g}"
        ),
        NOTE,
    )
