"""Reports: what they say, what they keep to themselves, and that nothing can be put into them."""

import json
import re
import string
from dataclasses import fields
from html.parser import HTMLParser

import numpy as np
import pytest
from report_parts import CENTRE, WITH_PHRASES, changed_run, nothing, results, room, voice

from edge_affect import cli
from edge_affect.errors import DataError, ExitCode
from edge_affect.record import People
from edge_affect.reporting import audiences, calls, intervals, markers, page, thresholds
from edge_affect.reporting.languages import LANGUAGES
from edge_affect.reporting.making import Wish, report
from edge_affect.reporting.results import Results
from edge_affect.reporting.texts import EN, Texts

PHRASE_1 = (1, 0, 0, 0, 0, 0, 0, 0)
PHRASE_2 = (0, 1, 0, 0, 0, 0, 0, 0)
VOID = {"meta", "rect", "path", "circle"}


def placeholders(text):
    return sorted(name for _, name, _, _ in string.Formatter().parse(text) if name)


def angry_call():
    """One minute calm, half a minute angry, then calm; a phrase where anger begins, one before."""
    calm = [voice(1) for _ in range(60)]
    calm[10] = voice(1, PHRASE_2)
    angry = [voice(11) for _ in range(30)]
    angry[3] = voice(11, PHRASE_1)
    return [*calm, *angry, *(voice(1) for _ in range(40)), nothing()]


def many_calls(n=12):
    return {f"call-{number:02d}": angry_call() for number in range(n)}


@pytest.fixture(scope="module")
def centre(tmp_path_factory):
    return results(tmp_path_factory.mktemp("calls") / "out", many_calls(), CENTRE + WITH_PHRASES)


def made(folder, kind="contact-centre", language="en", **wishes):
    return page.page(report(Results(folder), Wish(kind, **wishes), LANGUAGES[language]))


def run(*arguments):
    return cli.main(["report", *map(str, arguments)])


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


def lesson(folder, **changes):
    """Three parts; in the second people look away and frown."""
    parts = [[room() for _ in range(200)] for _ in range(3)]
    parts[1] = [room(**{"attention": 5, "confusion": 11, **changes}) for _ in range(200)]
    return results(folder, {"algebra": [*parts[0], *parts[1], *parts[2]]})


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


def test_intervals_hold_what_they_say():
    """Wilson and Garwood by published values; the bootstrap by how often it covers the truth."""
    share = intervals.wilson(0, 10)
    assert (share.low, round(share.high, 3)) == (0.0, 0.278)
    rate = intervals.poisson_rate(10, 1.0)
    assert (round(rate.low, 2), round(rate.high, 2)) == (4.8, 18.39)
    assert intervals.wilson(3, 4, 5) is None
    assert intervals.bootstrap_ratio([1.0] * 5, [1.0] * 5, 6) is None
    for n_units in (6, 20):
        rng, n_covered = np.random.default_rng(3), 0
        for _ in range(300):
            found = intervals.bootstrap_ratio(rng.normal(4, 1, n_units), np.ones(n_units), 6)
            n_covered += found.low <= 4 <= found.high
        assert 0.92 * 300 <= n_covered <= 0.99 * 300, (n_units, n_covered)


def test_ratios_of_ratios_draw_units_together():
    """What goes together in every call has no spread; drawn apart it would have."""
    rng = np.random.default_rng(8)
    near, length = rng.integers(0, 40, 30).astype(float), np.full(30, 100.0)
    said = np.full(30, 10.0)
    one, other = (near / 10, said), (near, length)
    found = intervals.bootstrap_ratio_of_ratios(one, other, 10)
    assert found == intervals.bootstrap_ratio_of_ratios(one, other, 10)
    assert (found.low, found.value, found.high) == pytest.approx((1.0, 1.0, 1.0))
    mixed = (rng.permutation(near) / 10, said)
    apart = intervals.bootstrap_ratio_of_ratios(mixed, other, 10)
    assert apart.low < 0.9
    assert apart.high > 1.1
    assert apart == intervals.bootstrap_ratio_of_ratios(mixed, other, 10)
    assert (
        intervals.bootstrap_ratio_of_ratios((near[:9], said[:9]), (near[:9], said[:9]), 10) is None
    )


def test_a_threshold_is_proposed_from_the_recordings(tmp_path):
    """Short anger of 8/15 is common and 13/15 rare: what is wanted seldom needs more than 8/15."""
    recordings = {}
    for number in range(20):
        level = 13 if number % 5 == 0 else 8
        quiet = [voice(0) for _ in range(140)]
        recordings[f"call-{number:02d}"] = [*quiet, *(voice(level) for _ in range(20)), *quiet]
    told = Results(results(tmp_path / "out", recordings, CENTRE))
    rules = thresholds.named_rules(told.run)
    trial = thresholds.Trial(rules, told.tick_s, per_recording=True)
    for recording in told.recordings:
        trial.take(told.records(recording))
    hours = trial.hours
    assert hours == pytest.approx(20 * 300 / 3600)
    proposal = next(p for p in trial.proposals(8.0, hours) if p.rule.name == "rising-anger")
    assert proposal.now_per_week[0] == pytest.approx(20.0)
    assert 8 / 15 < proposal.threshold <= 0.6
    assert proposal.low <= proposal.threshold <= proposal.high
    assert proposal.per_week[0] == pytest.approx(4.0)
    assert proposal.clear == pytest.approx(proposal.threshold - 0.15)
    text = thresholds.toml_lines([proposal])
    assert text.startswith(f"[alert.rising-anger]\nthreshold = {proposal.threshold:g}\n")
    from edge_affect import config

    changed = config.parse(CENTRE + text)
    rule = next(rule for rule in changed.alert_rules if rule.name == "rising-anger")
    assert rule.rule.threshold == proposal.threshold
    quiet = next(p for p in trial.proposals(8.0, hours) if p.rule.name == "distress")
    assert quiet.threshold is None
    # Five alerts in forty hours cannot be counted in less than two.
    assert not any(p.is_enough for p in trial.proposals(5.0, 40.0))


def test_an_alert_that_is_always_on_makes_no_threshold(tmp_path):
    """Raised once and never over is few alerts, and no good threshold."""
    assert thresholds._chosen(np.array([1.0, 1.0, 9.0, 7.0, 4.0, 0.0]), 5.0) == 4
    assert thresholds._chosen(np.array([1.0, 1.0, 0.0]), 5.0) is None
    assert thresholds._chosen(np.array([9.0, 9.0]), 5.0) is None


def test_little_is_too_little_for_thresholds(tmp_path):
    text = made(results(tmp_path / "out", many_calls(3), CENTRE))
    assert "[alert." not in text
    assert EN.toml not in text


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
