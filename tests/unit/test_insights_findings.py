"""What is found in the records of a recording, and the tables and notes made of it."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet
import pytest
from alert_parts import NOBODY, angry, with_event, with_state

from edge_affect.alerting.timeline import Timeline
from edge_affect.clock import NS_PER_S
from edge_affect.config import Config, parse
from edge_affect.errors import CannotWriteError, ExitCode, UsageError
from edge_affect.insights import tables
from edge_affect.insights.analysis import Plan, Result, exit_code, judged, write_tables
from edge_affect.insights.channels import Channel
from edge_affect.insights.files import Found
from edge_affect.insights.findings import (
    ALERT_COLUMNS,
    EVENT_COLUMNS,
    SEGMENT_COLUMNS,
    SUMMARY_COLUMNS,
    Finder,
)
from edge_affect.insights.journal import Entry, Journal
from edge_affect.insights.part_process import Outcome
from edge_affect.insights.vectors import COLUMNS, row_of, timed_records
from edge_affect.insights.wire import Facts, Failure, Job
from edge_affect.record import decode, encode

CENTRE = '[deployment]\nsetting = "contact-centre"\n'


def found_in(records, settings=None):
    finder = Finder("rec", settings or Config())
    for number, record in enumerate(records, 1):
        finder.take(number * NS_PER_S, record)
    return finder.finish()


def named(rows, columns):
    return [dict(zip(columns, row, strict=True)) for row in rows]


def outcome_of(records, end_ns=0, **values):
    return Outcome(
        Job("/x", 0), Facts(True, False, None), b"".join(map(encode, records)), end_ns, **values
    )


CALM, ANGRY = angry(0.0), angry(0.8)


def stretches(records):
    rows = named(found_in(records).segments, SEGMENT_COLUMNS)
    return [(r["start_s"], r["end_s"], r["expression"] or r["abstained"]) for r in rows]


def test_segments_are_stretches_of_one_expression():
    assert stretches([CALM] * 3 + [ANGRY] * 2) == [(0, 3, "neutral"), (3, 5, "anger")]


def test_a_short_gap_is_bridged_and_counts_into_no_mean():
    rows = named(found_in([ANGRY, ANGRY, NOBODY, NOBODY, NOBODY, ANGRY]).segments, SEGMENT_COLUMNS)
    assert [(r["start_s"], r["end_s"], r["n_vectors"]) for r in rows] == [(0, 6, 3)]
    assert rows[0]["level"] == pytest.approx(0.8)


def test_a_longer_gap_or_another_expression_ends_a_segment():
    assert stretches([ANGRY, *[NOBODY] * 4, ANGRY]) == [
        (0, 1, "anger"), (1, 5, "nobody"), (5, 6, "anger"),
    ]  # fmt: skip
    assert stretches([ANGRY, NOBODY, CALM]) == [
        (0, 1, "anger"), (1, 2, "nobody"), (2, 3, "neutral"),
    ]  # fmt: skip
    assert stretches([NOBODY, ANGRY, NOBODY]) == [
        (0, 1, "nobody"), (1, 2, "anger"), (2, 3, "nobody"),
    ]  # fmt: skip


def test_segments_leave_no_time_out_and_count_no_vector_twice():
    records = ([ANGRY] * 3 + [NOBODY] * 2 + [CALM] + [NOBODY] * 5 + [ANGRY, NOBODY]) * 7
    rows = named(found_in(records).segments, SEGMENT_COLUMNS)
    assert rows[0]["start_s"] == 0.0
    assert rows[-1]["end_s"] == len(records)
    assert [r["end_s"] for r in rows[:-1]] == [r["start_s"] for r in rows[1:]]
    n_told = sum(r["n_vectors"] for r in rows if r["expression"])
    assert n_told == sum(r != NOBODY for r in records)


CALL = (
    [with_event("laughter", 0.0)] * 3 + [with_event("laughter", 0.83)] * 3
    + [angry(0.07)] * 20 + [angry(0.8)] * 25 + [angry(0.07)] * 20
)  # fmt: skip


def test_alerts_are_those_of_the_live_rules():
    settings = parse(CENTRE)
    rows = named(found_in(CALL, settings).alerts, ALERT_COLUMNS)
    timeline = Timeline(settings.alert_rules, settings.alerts)
    changes = [
        (number, change.kind.value, change.state.name)
        for number, record in enumerate(CALL, 1)
        for change in timeline.step(number * NS_PER_S, record)[1]
    ]
    raised = [(at, name) for at, kind, name in changes if kind == "raised"]
    cleared = [at for at, kind, _ in changes if kind == "cleared"]
    assert len(raised) == 1
    assert [(r["raised_s"], r["alert"]) for r in rows] == raised
    assert [r["cleared_s"] for r in rows] == cleared
    assert rows[0]["severity"] == "urgent"
    assert rows[0]["escalations"] == 1
    assert rows[0]["reason"] == "over"


def test_what_still_goes_on_ends_with_the_recording():
    found = found_in([*CALL[:6], *[angry(0.07)] * 20, *[angry(0.8)] * 10], parse(CENTRE))
    [alert] = named(found.alerts, ALERT_COLUMNS)
    assert (alert["cleared_s"], alert["reason"]) == (36.0, "stopped")
    laughing = found_in([with_event("laughter", 0.83)] * 5)
    [event] = named(laughing.events, EVENT_COLUMNS)
    assert (event["event"], event["start_s"], event["end_s"]) == ("laughter", 1.0, 5.0)
    assert event["is_lost"] is True


def test_the_worst_level_of_an_alert_on_a_low_value_is_its_lowest():
    settings = parse(
        '[alerts]\npreset = "none"\n[alert.away]\nsignals = ["attention"]\ndirection = "below"\n'
        'threshold = 0.5\nclear = 0.6\ndwell_s = 1\nfollow = true\n[[alert.away.steps]]\n'
        'message = "x"\n'
    )  # fmt: skip
    records = [with_state("attention", share) for share in (0.9, 0.4, 0.4, 0.4, 0.1, 0.3, 0.9)]
    rows = named(found_in(records + records[-1:] * 5, settings).alerts, ALERT_COLUMNS)
    assert [row["level"] for row in rows] == [pytest.approx(0.071)]


def test_phrases_are_stretches_in_which_their_slot_is_told():
    first, both = (replace(CALM, phrases=flags) for flags in ((1, *[0] * 7), (1, 0, 1, *[0] * 5)))
    rows = found_in([CALM, first, both, CALM, CALM, first]).phrases
    assert rows == [("rec", 1, 1.0, 3.0), ("rec", 3, 2.0, 3.0), ("rec", 1, 5.0, 6.0)]


def test_the_last_vector_stands_where_the_recording_ends():
    timed = list(timed_records(outcome_of([CALM] * 3, 2_700_000_000), 1.0))
    assert [at_ns for at_ns, _ in timed] == [NS_PER_S, 2 * NS_PER_S, 2_700_000_000]
    assert [at for at, _ in timed_records(outcome_of([CALM] * 2), 5.0)] == [
        200_000_000,
        400_000_000,
    ]


def test_a_vector_says_what_the_record_says_and_nothing_where_it_abstains():
    row = dict(zip(COLUMNS, row_of("rec", NS_PER_S, ANGRY), strict=True))
    assert (row["expression"], row["anger"], row["neutral"], row["abstained"]) == (
        "anger", 0.8, 0.2, None,
    )  # fmt: skip
    row = dict(zip(COLUMNS, row_of("rec", NS_PER_S, NOBODY), strict=True))
    assert row["abstained"] == "nobody"
    assert {row[name] for name in ("expression", "anger", "valence", "confidence")} == {None}


class Folder:
    """A folder of results over one made-up file."""

    def __init__(self, path, settings=None, formats=("csv", "parquet")):
        self.path = path
        self.plan = Plan(settings or Config(), "", "test", Channel(0), formats)
        self.found = Found(Path("/x/ä\n.wav"), 10, 1)

    def journal(self):
        return Journal(self.path, self.plan.settings, self.plan.digests(), self.plan.formats)


def test_csv_and_parquet_hold_the_same_rows(tmp_path):
    folder = Folder(tmp_path)
    journal = folder.journal()
    entry = journal.add(folder.found, outcome_of(CALL, len(CALL) * NS_PER_S))
    write_tables(tmp_path, folder.plan, journal, [judged(entry, folder.plan.settings, is_new=True)])
    journal.close()
    n_rows = {}
    for path in sorted(tmp_path.rglob("*.parquet")):
        table = pyarrow.parquet.read_table(path)
        with path.with_suffix(".csv").open(newline="") as file:
            header, *lines = list(csv.reader(file))
        assert header == table.column_names
        as_text = [
            ["" if v is None else str(v).lower() if isinstance(v, bool) else str(v) for v in row]
            for row in zip(*table.to_pydict().values(), strict=True)
        ]
        assert lines == as_text
        n_rows[path.stem] = len(lines)
    assert n_rows.pop(folder.found.recording) == len(CALL)
    assert n_rows == {"recordings": 1, "segments": 4, "events": 1, "alerts": 2, "phrases": 0}
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["deployment"]["setting"] == ""
    assert len(run["models"]) >= 5


def test_other_alert_rules_are_applied_to_the_records_that_are_there(tmp_path):
    first = Folder(tmp_path, parse(CENTRE + '[alerts]\npreset = "none"\n'), ("csv",))
    journal = first.journal()
    journal.add(first.found, outcome_of(CALL))
    assert journal.known(first.found).summary[-2] == 0
    journal.close()
    second = Folder(tmp_path, parse(CENTRE), ("csv", "parquet"))
    journal = second.journal()
    assert journal.known(second.found).summary[-2] == 1
    assert (tmp_path / "vectors" / f"{second.found.recording}.parquet").is_file()
    journal.close()


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: setattr(folder, "found", replace(folder.found, mtime_ns=2)),
        lambda folder: setattr(folder, "found", replace(folder.found, size_bytes=11)),
        lambda folder: setattr(
            folder, "plan", replace(folder.plan, settings=parse("[voice]\nmin_speech_share = 0.5"))
        ),
        lambda folder: setattr(folder, "plan", replace(folder.plan, channel=Channel(1))),
        lambda folder: (folder.path / "records" / f"{folder.found.recording}.json").write_text("{"),
        lambda folder: (
            (folder.path / "vectors" / f"{folder.found.recording}.csv").unlink()
            or (folder.path / "records" / f"{folder.found.recording}.bin").write_bytes(b"x" * 18)
        ),
    ],
)
def test_what_has_changed_is_analysed_anew(tmp_path, change):
    folder = Folder(tmp_path)
    journal = folder.journal()
    journal.add(folder.found, outcome_of(CALL))
    assert journal.known(folder.found) is not None
    journal.close()
    change(folder)
    journal = folder.journal()
    assert journal.known(folder.found) is None
    journal.close()


def test_what_changes_nothing_in_records_does_not_count(tmp_path):
    folder = Folder(tmp_path)
    journal = folder.journal()
    journal.add(folder.found, outcome_of(CALL))
    journal.close()
    text = '[mqtt]\nhost = "x"\n[deployment]\npurpose = "y"\n[publish]\nqueue_size = 5\n'
    other = Folder(tmp_path, parse(text))
    assert other.plan.digests() == folder.plan.digests()


def test_a_file_that_failed_is_tried_again(tmp_path):
    folder = Folder(tmp_path)
    journal = folder.journal()
    failure = Failure(ExitCode.BAD_DATA, "It is broken.")
    journal.add(folder.found, Outcome(Job("/x", 0), failure=failure))
    assert journal.known(folder.found) is None
    journal.add(folder.found, outcome_of(CALL, failure=failure))
    assert judged(journal.known(folder.found), Config(), is_new=False).status == "damaged"
    journal.close()


def test_one_analysis_at_a_time_writes_to_a_folder(tmp_path):
    journal = Folder(tmp_path).journal()
    with pytest.raises(CannotWriteError, match="Another analysis"):
        Folder(tmp_path).journal()
    journal.close()
    Folder(tmp_path).journal().close()


def half_a_table(folder):
    with tables.Table(folder, "t", {"a": int}, tables.FORMATS) as table:
        table.add([(1,)])
        raise ZeroDivisionError


def test_a_table_that_is_not_finished_leaves_nothing(tmp_path):
    with pytest.raises(ZeroDivisionError):
        half_a_table(tmp_path)
    assert list(tmp_path.iterdir()) == []


def large_table(folder):
    with tables.Table(folder, "t", {"a": str}, ("csv",)) as table:
        table.add([("x" * 1000,)] * 100)
        table.finish()


def test_a_disk_that_takes_nothing_is_one_sentence(tmp_path):
    with pytest.raises(CannotWriteError, match="cannot be written"):
        large_table(tmp_path / "gone")
    with pytest.raises(CannotWriteError, match="cannot be written"):
        tables.write_bytes(tmp_path / "gone" / "x", b"x")
    (tmp_path / "t.csv.part").symlink_to("/dev/full")
    with pytest.raises(CannotWriteError, match="No space left"):
        large_table(tmp_path)
    assert not (tmp_path / "t.csv").exists()


def test_formats_that_cannot_be_written_are_refused(monkeypatch):
    assert tables.checked_formats(["parquet", "csv"]) == ("csv", "parquet")
    with pytest.raises(UsageError, match="xlsx"):
        tables.checked_formats(["xlsx"])
    monkeypatch.setattr(tables, "available_formats", lambda: ("csv",))
    with pytest.raises(UsageError, match=r"edge-affect\[insights\]"):
        tables.checked_formats(["parquet"])


def result(code, *, has_summary):
    summary = (0.0,) * len(SUMMARY_COLUMNS) if has_summary else None
    return Result(Entry("r", "/r", None, None, summary), "x", code, "", True)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([(0, True)], 0),
        ([(0, True), (65, False)], 75),
        ([(65, True)], 75),
        ([(75, False)], 75),
        ([(66, False), (66, False)], 66),
        ([(80, False)], 80),
        ([(80, False), (66, False)], 65),
    ],
)
def test_the_exit_code_says_what_became_of_all(codes, expected):
    results = [result(ExitCode(code), has_summary=summary) for code, summary in codes]
    assert exit_code(results) == expected


def test_emotionml_says_what_the_vectors_say_at_their_times(tmp_path):
    from xml.etree import ElementTree as ET

    folder = Folder(tmp_path, formats=("csv", "emotionml"))
    journal = folder.journal()
    journal.add(folder.found, outcome_of([NOBODY, ANGRY, CALM], 2_700_000_000))
    assert journal.known(folder.found) is not None
    journal.close()
    path = tmp_path / "vectors" / f"{folder.found.recording}.emotionml"
    space = "{http://www.w3.org/2009/10/emotionml}"
    emotions = ET.parse(path).getroot().findall(f"{space}emotion")  # noqa: S314 (our own)
    assert [(e.get("offset-to-start"), e.get("duration")) for e in emotions] == [
        ("2000", "700"), ("2700", "1000"),
    ]  # fmt: skip
    shares = {c.get("name"): c.get("value") for c in emotions[0].findall(f"{space}category")}
    assert (shares["anger"], shares["neutral"]) == ("0.8", "0.2")


@pytest.mark.parametrize("is_asked", [False, True])
def test_phrases_leave_the_caged_process_on_request_alone(tmp_path, monkeypatch, is_asked):
    from recordings import silence, write

    from edge_affect.insights import playing

    said = replace(CALM, phrases=(1, *[0] * 7))
    monkeypatch.setattr(
        playing, "replay_files", lambda _files, _settings, show, _channel: show(said, 1.0)
    )
    sent = []

    class Writer:
        def facts(self, facts):
            assert facts.has_sound

        def record(self, datagram):
            sent.append(decode(datagram).phrases)

        def done(self, end_ns):
            assert end_ns == NS_PER_S

    text = '[deployment]\nlegal_basis = "consent"\n[insights]\nphrases = true\n' if is_asked else ""
    path = write(tmp_path / "a.wav", silence(1.0))
    playing.play(Job(str(path), 0), parse(text), Writer())
    assert sent == [(int(is_asked), *[0] * 7)]
