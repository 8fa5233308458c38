"""Reports on lessons and shows: parts that lost people, laughs, and the markers that make parts."""

import numpy as np
import pytest
from report_parts import lesson, made, results, room, run

from edge_affect.errors import ExitCode
from edge_affect.record import People
from edge_affect.reporting import audiences, intervals, markers
from edge_affect.reporting.results import Results
from edge_affect.reporting.texts import EN

SLIDES = (markers.Marker(0, "Hello"), markers.Marker(200, "Proof"), markers.Marker(400, "End"))


def test_the_part_that_lost_people_is_named(tmp_path):
    text = made(lesson(tmp_path / "out"), "lesson", markers=SLIDES)
    assert EN.lost.format(parts="2 Proof") in text
    assert EN.confused.format(parts="2 Proof") in text


def test_parts_alike_are_not_told_apart(tmp_path):
    folder = lesson(tmp_path / "out", attention=12, confusion=2)
    text = made(folder, "lesson", markers=SLIDES)
    assert EN.no_part in text
    assert "Lost people" not in text


def test_chance_seldom_loses_people():
    """Of 200 lessons in which nothing differs, few have a section that is said to."""
    rng, n_wrong = np.random.default_rng(5), 0
    for _ in range(200):
        units = [(rng.normal(5, 1, 8), np.full(8, 10.0)) for _ in range(4)]
        for number in range(4):
            rest = [unit for other, unit in enumerate(units) if other != number]
            others = tuple(np.concatenate(column) for column in zip(*rest, strict=True))
            found = intervals.bootstrap_difference(units[number], others, 6, 1 - 0.05 / 4)
            n_wrong += found.high < 0 or found.low > 0
    assert n_wrong <= 20


def test_nothing_is_told_of_fewer_than_five_faces(tmp_path):
    """Neither in lessons nor in shows does a value of one face, or of a few, appear."""
    few = results(
        tmp_path / "out",
        {
            "algebra": [
                room(attention=3, people=bucket)
                for bucket in (People.ONE, People.FEW)
                for _ in range(200)
            ]
        },
    )
    for kind in ("lesson", "show"):
        text = made(few, kind)
        assert EN.no_group.format(n=5) in text
        assert EN.parts_caption.format(level=95) not in text
    series = Results(few).series(Results(few).recordings[0])
    assert not audiences.is_group(series).any()
    assert np.isnan(audiences.group_line(series, "attention")).all()


def test_laughs_are_counted_by_the_minute(tmp_path):
    laughing = {second + more for second in range(20, 700, 60) for more in (0, 1, 3)}
    records = [room(laughter=6 if second in laughing else 0) for second in range(720)]
    told = Results(results(tmp_path / "out", {"evening": records}))
    series = told.series(told.recordings[0])
    figures = audiences.sound_figures(series, 0, 720, 1.0)
    assert figures.rates["laughter"].n == 12
    assert figures.rates["laughter"].value == pytest.approx(1.0)
    assert figures.rates["laughter"].low < 0.7
    assert figures.rates["laughter"].high > 1.5
    assert audiences.sound_figures(series, 0, 60, 1.0).rates["laughter"] is None
    peaks = audiences.peaks(series, 720, 1.0)
    assert len(peaks) == 5
    assert audiences.peaks(series, 599, 1.0) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("at,text\n0:00,Hello\n1:30,Proof\n", [(0.0, "Hello"), (90.0, "Proof")]),
        ('[{"at": 75, "text": "B"}, {"at": "1:00:00", "number": 3}]', [(75.0, "B"), (3600.0, "3")]),
        (
            (
                '{"time": "2026-03-01T18:00:10.000Z", "text": null, "number": 1}\n'
                '{"time": "2026-03-01T19:01:00+01:00", "text": "Act"}\n'
            ),
            [(10.0, "1"), (60.0, "Act")],
        ),
    ],
)  # fmt: skip
def test_markers_are_read(tmp_path, text, wanted):
    path = tmp_path / "markers"
    path.write_text(text)
    found = markers.read_markers(path, "2026-03-01T18:00:00Z")
    assert [(marker.at_s, marker.text) for marker in found] == wanted


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", ExitCode.BAD_DATA),
        ("text\nA\n", ExitCode.BAD_DATA),
        ("at,text\nsoon,A\n", ExitCode.BAD_DATA),
        ("at,text\n-5,A\n", ExitCode.BAD_DATA),
        ("at,text\nnan,A\n", ExitCode.BAD_DATA),
        ("at,text\n1:2:3:4,A\n", ExitCode.BAD_DATA),
        ("at,text\n5," + "x" * 81 + "\n", ExitCode.BAD_DATA),
        ("[1, 2]", ExitCode.BAD_DATA),
        ("[" * 5000, ExitCode.BAD_DATA),
        ('[{"text": "A"}]', ExitCode.BAD_DATA),
        ('[{"time": "2026-03-01T18:00:00Z"}]', ExitCode.USAGE),
        ("at,text\n" + "5,A\n" * 201, ExitCode.BAD_DATA),
        ("\xff", ExitCode.BAD_DATA),
    ],
)
def test_bad_markers_are_one_sentence(tmp_path, capsys, text, code):
    folder = lesson(tmp_path / "out")
    path = tmp_path / "markers"
    path.write_bytes(text.encode("latin-1"))
    out = tmp_path / "r.html"
    assert run(folder, "--kind", "lesson", "--markers", path, "--out", out) == code
    assert len(capsys.readouterr().err.splitlines()) == 1
    assert not out.exists()


def test_parts_follow_markers_or_are_of_equal_length():
    marked = markers.parts((markers.Marker(30, "A"), markers.Marker(60, "B", "other")), "x", 90, 45)
    assert [(p.number, p.text, p.start_s, p.end_s) for p in marked] == [
        (1, "", 0.0, 30), (2, "A", 30, 90),
    ]  # fmt: skip
    equal = markers.parts((), "x", 90, 45)
    assert [(p.start_s, p.end_s) for p in equal] == [(0, 45), (45, 90)]
