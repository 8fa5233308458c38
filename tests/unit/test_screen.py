"""The line for people: readable, never too wide, coloured only where it shows."""

import io
import itertools
import re
from types import SimpleNamespace

import pytest

from edge_affect.publishing.payload import Stamp, affect_payload
from edge_affect.publishing.screen import WIDTH, Look, line, look_of
from edge_affect.record import (
    N_STATES,
    AbstainReason,
    AffectRecord,
    Expression,
    Modality,
    People,
    SourceState,
)

STAMP = Stamp(1_790_000_000_123, True, 0)


def naming(top=Expression.HAPPINESS, **more):
    levels = tuple(15 if e == top else 0 for e in Expression)
    return AffectRecord(expressions=levels, **{"modalities": Modality.FACE, **more})


def text_of(record, look=None, **more):
    payload = affect_payload(record, STAMP, **more)
    return line(payload) if look is None else line(payload, look)


def test_a_full_line():
    record = naming(
        valence=8, arousal=-4, modalities=Modality.FACE | Modality.VOICE, confidence=11,
        people=People.FEW, speech_share=3,
    )  # fmt: skip
    assert text_of(record) == (
        "14:13:20  happiness ▁█▁▁▁▁▁▁  73%  valence +0.5 arousal -0.3  2-4 people  speech 50%  "
        "voice+face"
    )


def test_a_replay_shows_the_position_in_the_recording():
    assert text_of(naming(), media_time_s=12.345).startswith("  12.35s  happiness")


def test_unknown_axes_are_shown_as_unknown():
    assert "valence  --  arousal  -- " in text_of(naming())


def test_an_abstaining_line_says_why_and_what_does_not_work():
    record = AffectRecord(
        abstained=AbstainReason.NO_SOURCE,
        microphone=SourceState.MISSING,
        camera=SourceState.STALLED,
    )
    assert text_of(record) == ("14:13:20  no affect: no source works  mic missing  camera stalled")


@pytest.mark.parametrize("reason", [r for r in AbstainReason if r])
def test_every_reason_has_words(reason):
    text = text_of(AffectRecord(abstained=reason))
    assert text.startswith("14:13:20  no affect: ")
    assert "-" not in text


def test_no_line_is_too_wide():
    everything = [
        naming(
            top, valence=-15, arousal=-15, states=(14,) * N_STATES, modalities=Modality(m),
            confidence=15, people=People.CROWD, speech_share=6, camera=SourceState.STALLED,
        )
        for top, m in itertools.product(Expression, range(1, 8))
    ]  # fmt: skip
    sealed = (AbstainReason.STARTING, AbstainReason.PAUSED, AbstainReason.TOO_FEW_PEOPLE)
    everything += [
        AffectRecord(
            abstained=reason, people=None if reason in sealed else People.CROWD,
            speech_share=None if reason in sealed else 6, microphone=state, camera=state,
        )
        for reason, state in itertools.product(AbstainReason, SourceState)
        if reason
    ]  # fmt: skip
    widths = [len(text_of(r, media_time_s=123456.789)) for r in everything]
    assert len(widths) == 8 * 7 + 7 * 8
    assert max(widths) <= WIDTH


@pytest.mark.parametrize("record", [naming(), AffectRecord(abstained=AbstainReason.NOBODY)])
def test_colour_adds_nothing_but_colour(record):
    coloured = text_of(record, Look(has_colour=True))
    assert re.sub(r"\x1b\[\d+m", "", coloured) == text_of(record)
    assert coloured != text_of(record)


def test_without_block_characters_the_line_is_ascii():
    assert text_of(naming(), Look(has_blocks=False)).isascii()


def terminal(encoding, *, is_tty):
    return SimpleNamespace(encoding=encoding, isatty=lambda: is_tty)


def test_what_a_stream_can_show(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert look_of(terminal("UTF-8", is_tty=True)) == Look(True, True)
    assert look_of(terminal("ISO-8859-1", is_tty=False)) == Look(False, False)
    assert look_of(io.StringIO()) == Look(False, False)
    monkeypatch.setenv("NO_COLOR", "1")
    assert look_of(terminal("utf8", is_tty=True)) == Look(False, True)
