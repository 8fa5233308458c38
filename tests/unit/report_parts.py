"""Folders of results as ``analyze`` writes them, made of chosen records."""

import json

from edge_affect import cli, config
from edge_affect.insights.analysis import Plan, analyse, write_tables
from edge_affect.insights.channels import chosen_channel
from edge_affect.insights.files import Found
from edge_affect.insights.journal import Journal
from edge_affect.insights.part_process import Outcome
from edge_affect.insights.wire import Facts, Job
from edge_affect.record import AbstainReason, AffectRecord, Modality, People, encode
from edge_affect.reporting import page
from edge_affect.reporting.languages import LANGUAGES
from edge_affect.reporting.making import Wish, report
from edge_affect.reporting.results import Results

CENTRE = """\
[deployment]
setting = "contact-centre"
jurisdiction = "US"
purpose = "<b>quality</b>"
contact = "privacy@example.org"
"""
WITH_PHRASES = """\
legal_basis = "Consent of <i>callers</i>"
[words]
enabled = true
[insights]
phrases = true
[phrase.cancellation]
say = ["cancel my contract"]
[phrase.opening-hours]
say = ["when do you open"]
"""
NS_PER_S = 1_000_000_000


def voice(anger=0, phrases=(0,) * 8):
    """Return a told second of a call; ``anger`` of 15 parts, the rest neutral."""
    return AffectRecord(
        expressions=(15 - anger, 0, 0, 0, anger, 0, 0, 0), valence=-anger // 2, arousal=anger // 3,
        abstained=AbstainReason.NONE, modalities=Modality.VOICE, confidence=12, speech_share=6,
        phrases=phrases,
    )  # fmt: skip


def nothing():
    """Return a second in which nothing is told."""
    return AffectRecord(abstained=AbstainReason.NOBODY)


def room(attention=12, people=People.GROUP, laughter=0, confusion=2, engagement=10):
    """Return a told second of an audience."""
    return AffectRecord(
        expressions=(15, 0, 0, 0, 0, 0, 0, 0), valence=0, arousal=0,
        states=(attention, engagement, confusion, 0, 0, None), events=(laughter, 0, 0, 0, 0),
        abstained=AbstainReason.NONE, modalities=Modality.FACE, confidence=12, people=people,
    )  # fmt: skip


def results(folder, recordings, text="", formats=("csv",)):
    """Write a folder of results.

    Args:
        folder: Where.
        recordings: Names with their records, one a second.
        text: The configuration.
        formats: Of the tables.
    """
    settings = config.parse(text)
    channel = chosen_channel("customer=1" if "contact-centre" in text else None, settings)
    plan = Plan(settings, text, "test", channel, formats)
    found = [Found(folder.parent / f"{name}.wav", 1, 1) for name in recordings]
    outcomes = [
        Outcome(
            Job(str(item.path), 0), Facts(True, False, None),
            b"".join(map(encode, records)), len(records) * NS_PER_S, None,
        )
        for item, records in zip(found, recordings.values(), strict=True)
    ]  # fmt: skip
    journal = Journal(folder, settings, plan.digests(), plan.formats)
    try:
        told = list(analyse(plan, journal, found, 1, lambda _hands: iter(outcomes)))
        write_tables(folder, plan, journal, told)
    finally:
        journal.close()
    return folder


def changed_run(folder, change):
    """Let a function change what ``run.json`` holds."""
    path = folder / "run.json"
    run = json.loads(path.read_text())
    change(run)
    path.write_text(json.dumps(run))


def made(folder, kind="contact-centre", language="en", **wishes):
    return page.page(report(Results(folder), Wish(kind, **wishes), LANGUAGES[language]))


def run(*arguments):
    return cli.main(["report", *map(str, arguments)])


PHRASE_1 = (1, 0, 0, 0, 0, 0, 0, 0)
PHRASE_2 = (0, 1, 0, 0, 0, 0, 0, 0)


def angry_call():
    """One minute calm, half a minute angry, then calm; a phrase where anger begins, one before."""
    calm = [voice(1) for _ in range(60)]
    calm[10] = voice(1, PHRASE_2)
    angry = [voice(11) for _ in range(30)]
    angry[3] = voice(11, PHRASE_1)
    return [*calm, *angry, *(voice(1) for _ in range(40)), nothing()]


def many_calls(n=12):
    return {f"call-{number:02d}": angry_call() for number in range(n)}


def lesson(folder, **changes):
    """Three parts; in the second people look away and frown."""
    parts = [[room() for _ in range(200)] for _ in range(3)]
    parts[1] = [room(**{"attention": 5, "confusion": 11, **changes}) for _ in range(200)]
    return results(folder, {"algebra": [*parts[0], *parts[1], *parts[2]]})
