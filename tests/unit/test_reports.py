"""Reports: what they say, what they keep to themselves, and that nothing can be put into them."""

import json
import re
import string
from dataclasses import fields
from html.parser import HTMLParser

import numpy as np
import pytest
from report_parts import (
    CENTRE,
    PHRASE_1,
    WITH_PHRASES,
    angry_call,
    changed_run,
    lesson,
    made,
    many_calls,
    nothing,
    results,
    room,
    run,
    voice,
)

from edge_affect.errors import DataError, ExitCode
from edge_affect.reporting import calls, markers
from edge_affect.reporting.languages import LANGUAGES
from edge_affect.reporting.results import Results
from edge_affect.reporting.texts import EN, Texts

VOID = {"meta", "rect", "path", "circle"}


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    return results(tmp_path_factory.mktemp("calls") / "out", many_calls(), CENTRE + WITH_PHRASES)


class Balanced(HTMLParser):
    """Fails where elements are not closed in order; collects names and attributes."""

    def __init__(self):
        super().__init__()
        self.open, self.names, self.attributes = [], [], []

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if tag not in VOID:
            assert self.open.pop() == tag


def parsed(text):
    parser = Balanced()
    parser.feed(text)
    parser.close()
    assert parser.open == []
    return parser


def test_languages_are_in_step():
    """Every sentence is there in every language, takes the same figures, and is translated."""
    same = {"time_axis"}
    n_compared = 0
    for language, texts in LANGUAGES.items():
        for item in fields(Texts):
            text, english = getattr(texts, item.name), getattr(EN, item.name)
            n_compared += 1
            assert text, (language, item.name)
            assert placeholders(text) == placeholders(english), (language, item.name)
            if texts is not EN and item.name not in same:
                assert text != english, (language, item.name)
    assert set(LANGUAGES) == {"en", "zh"}
    assert n_compared == 2 * len(fields(Texts)) > 200


def test_a_chinese_report_says_nothing_in_english(centre):
    text = re.sub(r"<style>.*?</style>|<[^>]+>", " ", made(centre, language="zh"), flags=re.DOTALL)
    known = (
        r"call-\d\d-[0-9a-f]+|[\[\].=_a-z-]*(alert|legal|insights|phrases|deployment)[\].=_a-z ]*"
    )
    words = re.findall(r"\b[A-Za-z]{4,} [a-z]{3,} [a-z]{3,}", re.sub(known, "", text))
    assert words == [], words


@pytest.mark.parametrize("kind", ["contact-centre", "lesson", "show"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_report_is_whole_asks_for_nothing_and_is_the_same_twice(tmp_path, kind, language):
    rng = np.random.default_rng(1)
    if kind == "contact-centre":
        recordings = {
            f"call-{number:02d}": [
                *angry_call(),
                *[voice(level)] * (7 + level),
                *angry_call(),
                *[voice(1, PHRASE_1), voice(1)] * (level % 3),
            ]
            for number, level in enumerate(map(int, rng.integers(6, 15, 24)))
        }
        folder = results(tmp_path / "out", recordings, CENTRE + WITH_PHRASES)
    else:
        evening = [room(int(level)) for level in rng.integers(3, 14, 700)]
        folder = results(tmp_path / "out", {"evening": evening})
    text = made(folder, kind, language, alerts_per_week=1000)
    assert text == made(folder, kind, language, alerts_per_week=1000)
    assert kind != "contact-centre" or "[alert.rising-anger]" in text
    parser = parsed(text)
    assert not set(parser.names) & {"script", "link", "img", "iframe", "object", "form", "a"}
    assert not {name for name, _ in parser.attributes} & {"src", "href", "style", "onload"}
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert parser.names.count("svg") >= 1
    drawn = re.findall(r"<svg [^>]*>", text)
    assert all('role="img"' in svg and re.search(r'aria-label="[^"]{20,}"', svg) for svg in drawn)
    assert "nan" not in re.sub(r"<style>.*?</style>", "", text, flags=re.DOTALL).lower().split()


def test_hostile_names_and_phrases_are_text(tmp_path):
    """A file, a phrase, a purpose, a marker or a folder of results that says HTML stays words."""
    hostile = '"><script>alert(1)</script>&'
    folder = results(tmp_path / "out", many_calls(), CENTRE + WITH_PHRASES)

    def poison(run):
        for rule in run["alert_rules"]:
            rule["name"] = hostile + rule["name"]
        run["deployment"]["purpose"] = run["deployment"]["legal_basis"] = hostile
        run["models"] = {hostile: hostile}
        run["version"] = hostile

    changed_run(folder, poison)
    for path in (*folder.glob("vectors/*"), *folder.glob("records/*.bin")):
        path.rename(path.with_name("<img src=x onerror=1>" + path.name))
    table = folder / "recordings.csv"
    table.write_text(table.read_text().replace("\ncall-", "\n<img src=x onerror=1>call-"))
    text = made(folder)
    assert "&lt;script&gt;" in text
    assert "&lt;img" in text
    assert "<img" not in text
    assert "<script" not in text
    parsed(text)
    evening = results(tmp_path / "evening", {"evening": [room() for _ in range(300)]})
    marked = made(evening, "lesson", markers=(markers.Marker(150.0, hostile),))
    assert "&lt;script&gt;" in marked
    assert "<script" not in marked


def test_where_anger_rises_and_falls(centre):
    told = Results(centre)
    taken = calls.Calls(told.tick_s)
    for recording in told.recordings:
        taken.take(recording, told.series(recording))
    assert taken.n_stretches == 12
    (stretch,) = taken.stretches[0]
    assert 60 <= stretch.start_s <= 64
    assert 90 < stretch.end_s <= 100
    assert stretch.has_fallen
    assert taken.fell_again.value == 1.0
    assert taken.with_anger.n == 12
    assert 0.7 < taken.with_anger.low < 1.0
    rose, fell = taken.rose_and_fell
    assert (rose[4], fell[7] + fell[6]) == (12, 12)
    assert taken.told.value == pytest.approx(130 / 131)
    window = taken.worst()[0]
    assert 55 <= window.start_s <= 75
    assert all(one.valence.value <= other.valence.value for one, other in zip(
        taken.worst(), taken.worst()[1:], strict=False))  # fmt: skip


def test_a_call_that_ends_angry_has_not_fallen_again(tmp_path):
    told = Results(results(tmp_path / "out", {"c": [voice(11)] * 30 + [nothing()] * 30}, CENTRE))
    (stretch,) = calls.angry_stretches(told.series(told.recordings[0]), 1.0)
    assert not stretch.has_fallen
    assert stretch.end_s == 30


def test_pain_points_are_phrases_near_anger_with_counts_and_intervals(centre):
    told = Results(centre)
    taken = calls.Calls(told.tick_s)
    for recording in told.recordings:
        taken.take(recording, told.series(recording))
    found, is_ranked = taken.phrases(calls.phrase_names(told.run))
    assert is_ranked
    assert [phrase.name for phrase in found] == ["cancellation", "opening-hours"]
    assert [phrase.near.value for phrase in found] == [1.0, 0.0]
    assert found[0].times_chance.value > 1.5
    assert (found[0].n_said, found[0].n_calls) == (12, 12)
    text = made(centre)
    assert "cancellation" in text
    assert "Consent of &lt;i&gt;callers&lt;/i&gt;" in text


@pytest.mark.parametrize("missing", ["switch", "basis"])
def test_phrases_need_the_switch_and_a_legal_basis(tmp_path, missing):
    folder = results(tmp_path / "out", many_calls(), CENTRE + WITH_PHRASES)

    def change(run):
        if missing == "switch":
            run["insights"]["phrases"] = False
        else:
            run["deployment"]["legal_basis"] = " "

    changed_run(folder, change)
    text = made(folder)
    assert EN.phrases_off in text
    assert "cancellation" not in text
    assert "opening-hours" not in text


def test_few_calls_are_not_ranked(tmp_path):
    folder = results(tmp_path / "out", many_calls(calls.MIN_CALLS - 1), CENTRE + WITH_PHRASES)
    text = made(folder)
    assert f"{calls.MIN_CALLS - 1} of at least {calls.MIN_CALLS} calls" in text
    assert EN.worst_caption not in text
    told = Results(folder)
    taken = calls.Calls(told.tick_s)
    for recording in told.recordings:
        taken.take(recording, told.series(recording))
    found, is_ranked = taken.phrases(calls.phrase_names(told.run))
    assert not is_ranked
    assert [phrase.near for phrase in found] == [None, None]


def test_no_table_has_a_row_for_a_call_but_the_worst_stretches(centre):
    """Nothing that would let calls, and who took them, be put in order."""
    named = re.findall(r"<table>.*?</table>", made(centre), flags=re.DOTALL)
    with_calls = [table for table in named if "call-0" in table]
    assert len(with_calls) == 1
    assert EN.worst_caption in with_calls[0]
    assert with_calls[0].count("<tr>") - 1 <= calls.N_WORST


def test_the_command_writes_one_file(tmp_path, centre, capsys):
    out = tmp_path / "r.html"
    assert run(centre, "--kind", "contact-centre", "--language", "zh", "--out", out) == 0
    assert 'lang="zh-CN"' in out.read_text("utf-8")
    assert "12 recordings" in capsys.readouterr().out


def test_policy_holds_for_reports(tmp_path, centre, capsys):
    """Calls need calls, lessons are not calls, and where analysis is forbidden, so are reports."""
    out = tmp_path / "r.html"
    evening = lesson(tmp_path / "out")
    assert run(evening, "--kind", "contact-centre", "--out", out) == ExitCode.REFUSED_BY_POLICY
    assert run(centre, "--kind", "show", "--out", out) == ExitCode.REFUSED_BY_POLICY

    def forbid(run):
        run["deployment"] |= {"setting": "classroom", "jurisdiction": "EU"}

    changed_run(evening, forbid)
    assert run(evening, "--kind", "lesson", "--out", out) == ExitCode.REFUSED_BY_POLICY
    assert "Article 5(1)(f)" in capsys.readouterr().err
    assert not out.exists()


def test_damaged_results_are_one_sentence(tmp_path, capsys):
    out = tmp_path / "r.html"
    assert run(tmp_path, "--kind", "lesson", "--out", out) == ExitCode.INPUT_MISSING
    damages = (
        ("run.json", "{", ExitCode.BAD_DATA),
        ("run.json", "[]", ExitCode.BAD_DATA),
        ("run.json", '{"product": "edge-affect", "layout": 99}', ExitCode.BAD_DATA),
        ("recordings.csv", "recording,path\n../x,y\n", ExitCode.BAD_DATA),
        ("vectors", "recording,at_s\nx,soon\n", ExitCode.BAD_DATA),
        ("vectors", None, ExitCode.INPUT_MISSING),
        ("records", None, ExitCode.INPUT_MISSING),
    )
    for number, (name, text, code) in enumerate(damages):
        folder = lesson(tmp_path / str(number))
        pattern = {"vectors": "vectors/*.csv", "records": "records/*.bin"}.get(name, name)
        (path,) = folder.glob(pattern)
        path.unlink() if text is None else path.write_text(text)
        capsys.readouterr()
        assert run(folder, "--kind", "lesson", "--out", out) == code, (name, text)
        assert len(capsys.readouterr().err.splitlines()) == 1
    rules = json.loads((lesson(tmp_path / "rules") / "run.json").read_text())
    assert rules["alert_rules"]
    changed_run(tmp_path / "rules", lambda run: run["alert_rules"][0].pop("rule"))
    assert run(tmp_path / "rules", "--kind", "lesson", "--out", out) == ExitCode.BAD_DATA
    assert not out.exists()


def test_wrong_usage_is_one_sentence(tmp_path, centre):
    out = tmp_path / "r.html"
    usage = ExitCode.USAGE
    assert run(centre, "--kind", "contact-centre", "--out", tmp_path / "r.pdf") == usage
    assert run(centre, "--kind", "contact-centre", "--markers", "m", "--out", out) == usage
    assert run(centre, "--kind", "lesson", "--started", "now", "--out", out) == usage
    assert run(centre, "--kind", "lesson", "--hours-per-week", "169", "--out", out) == usage
    assert run(centre, "--kind", "lesson", "--alerts-per-week", "nan", "--out", out) == usage
    assert run(centre, "--kind", "tribunal", "--out", out) == usage


def test_a_report_of_parquet_alone_is_the_same(tmp_path):
    pytest.importorskip("pyarrow")
    both = ("csv", "parquet")
    folder = results(tmp_path / "out", many_calls(), CENTRE + WITH_PHRASES, both)
    before = made(folder)
    for path in (*folder.glob("*.csv"), *folder.glob("vectors/*.csv")):
        path.unlink()
    assert made(folder) == before
    assert "cancellation" in before
    next(folder.glob("vectors/*.parquet")).write_bytes(b"PAR1")
    with pytest.raises(DataError):
        made(folder)
