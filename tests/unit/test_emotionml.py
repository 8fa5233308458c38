"""EmotionML: structure by the recommendation, values, words, times, bounded memory, the command."""

import io
import json
import signal
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge_affect import cli
from edge_affect.errors import BrokerError, DataError
from edge_affect.exporting import moments
from edge_affect.exporting.emotionml import EmotionmlWriter, vocabulary_document
from edge_affect.exporting.moments import REMEMBERED, Spans, read_moments
from edge_affect.exporting.vocabulary import BIG6, NAMESPACE, OWN, W3C_BIG6
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.record import EXPRESSIONS, STATES, AbstainReason, AffectRecord, Modality

etree = pytest.importorskip("lxml.etree")
ROOT = Path(__file__).resolve().parents[2]
GRAMMAR = etree.RelaxNG(etree.parse(str(ROOT / "tests" / "emotionml.rng")))
NS = {"e": NAMESPACE, "own": "urn:edge-affect:emotionml:1.0"}
T0_MS = 1_790_000_000_000
SAID = AffectRecord(
    expressions=(4, 9, 2, 0, 0, 0, 0, 0),
    valence=15,
    arousal=-15,
    valence_relative=0,
    states=(14, 7, 0, None, 1, 2),
    modalities=Modality.VOICE | Modality.FACE,
    confidence=11,
)
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)


def written(records, vocabulary=OWN, recording=None, step_ms=1000):
    out = io.StringIO()
    with EmotionmlWriter(out, vocabulary, recording) as writer:
        for index, record in enumerate(records):
            writer.write(record, T0_MS + index * step_ms, T0_MS + (index + 1) * step_ms)
    return valid(out.getvalue())


def valid(text):
    """Return the root of a document that holds to the grammar and to what it cannot say."""
    root = etree.fromstring(text.encode())
    GRAMMAR.assertValid(root)
    for emotion in root.iterfind("e:emotion", NS):
        names = [(child.tag, child.get("name")) for child in emotion]
        assert len(set(names)) == len(names)
        if emotion.get("end") is not None:
            assert int(emotion.get("end")) >= int(emotion.get("start"))
    for kind in ("category", "dimension"):
        uri = root.get(f"{kind}-set")
        words = {child.get("name") for child in root.iterfind(f"e:emotion/e:{kind}", NS)}
        if uri is not None and uri.startswith("#"):
            (own,) = root.iterfind(f"e:vocabulary[@id='{uri[1:]}'][@type='{kind}']", NS)
            assert words <= {item.get("name") for item in own}
        else:
            assert words <= {"category": set(BIG6), "dimension": {"valence", "arousal"}}[kind]
    return root


def values(emotion, kind):
    found = emotion.iterfind(f"e:{kind}", NS)
    return {child.get("name"): float(child.get("value")) for child in found}


def lines(records, step_ms=1000, media=False):
    for index, record in enumerate(records):
        stamp = Stamp(T0_MS + index * step_ms, clock_synced=True, sequence=index)
        payload = affect_payload(record, stamp, index * step_ms / 1000 if media else None)
        yield to_json(payload) + "\n"


def test_the_grammar_refuses_what_the_recommendation_forbids():
    good = written([SAID])
    for path, change in (
        (".", lambda e: e.set("version", "1.1")),
        (".", lambda e: e.attrib.pop("version")),
        ("e:emotion", lambda e: e.set("start", "-1")),
        ("e:emotion", lambda e: e.set("start", "1.5")),
        ("e:emotion", lambda e: [e.remove(child) for child in list(e)]),
        ("e:emotion/e:category", lambda e: e.set("value", "1.01")),
        ("e:emotion/e:category", lambda e: e.attrib.pop("name")),
        ("e:emotion/e:dimension", lambda e: e.set("value", "-0.1")),
        ("e:vocabulary", lambda e: e.set("type", "mood")),
    ):
        root = etree.fromstring(etree.tostring(good))
        change(root.find(path, NS))
        assert not GRAMMAR.validate(root), path


def test_one_record_in_own_words():
    root = written([SAID])
    (emotion,) = root.iterfind("e:emotion", NS)
    assert dict(emotion.attrib) == {
        "start": str(T0_MS), "end": str(T0_MS + 1000), "expressed-through": "voice face",
    }  # fmt: skip
    shares = values(emotion, "category")
    assert tuple(shares) == EXPRESSIONS
    assert sum(shares.values()) == pytest.approx(1.0, abs=0.002)
    assert shares["happiness"] == 0.6
    confident = [c.get("name") for c in emotion if c.get("confidence") is not None]
    assert confident == ["happiness"]
    assert values(emotion, "dimension") == {
        "valence": 1.0, "arousal": 0.0, "valence-relative": 0.5,
        "attention": 1.0, "engagement": 0.5, "confusion": 0.0, "excitement": 0.071,
        "incongruence": 0.143,
    }  # fmt: skip


def test_the_same_in_the_words_of_the_w3c():
    (emotion,) = written([SAID], W3C_BIG6).iterfind("e:emotion", NS)
    assert values(emotion, "category") == {
        "happiness": 0.6, "surprise": 0.133, "sadness": 0.0, "anger": 0.0, "disgust": 0.0,
        "fear": 0.0,
    }  # fmt: skip
    assert set(values(emotion, "dimension")) == {"valence", "arousal"}


def test_abstaining_is_left_out():
    root = written([NOBODY, SAID, NOBODY])
    assert [e.get("start") for e in root.iterfind("e:emotion", NS)] == [str(T0_MS + 1000)]
    assert len(written([])) == 3


def test_positions_in_a_recording_whatever_its_name():
    name = 'talk <1> & "two"\x00\x1f 你好.mp4'
    (emotion,) = written([SAID], recording=name).iterfind("e:emotion", NS)
    assert emotion.get("time-ref-uri") == (
        "talk%20%3C1%3E%20&%20%22two%22%00%1F%20%E4%BD%A0%E5%A5%BD.mp4"
    )
    assert emotion.get("start") is None
    assert (emotion.get("offset-to-start"), emotion.get("duration")) == (str(T0_MS), "1000")


def test_the_vocabulary_says_what_each_word_stands_for():
    out = io.StringIO()
    vocabulary_document(out)
    root = valid(out.getvalue())
    same = {
        item.get("name"): (found.get("vocabulary"), found.get("item"))
        for item in root.iterfind("e:vocabulary/e:item", NS)
        for found in item.iterfind("e:info/own:same-as", NS)
    }
    w3c = "http://www.w3.org/TR/emotion-voc/xml"
    assert same == {
        **{name: (f"{w3c}#big6", name) for name in BIG6},
        **{name: (f"{w3c}#fsre-dimensions", name) for name in ("valence", "arousal")},
    }
    items = [item.get("name") for item in root.iterfind("e:vocabulary/e:item", NS)]
    assert items[:8] == list(EXPRESSIONS)
    assert items[-6:] == list(STATES)
    kept = (ROOT / "docs" / "edge-affect.emotionml").read_text(encoding="utf-8")
    assert out.getvalue() == kept, "run: edge-affect export emotionml --vocabulary-only"


steps = st.none() | st.integers(-15, 15)


@given(
    st.lists(st.integers(0, 7), min_size=15, max_size=15), steps, steps, st.integers(0, 15),
    st.tuples(*[st.none() | st.integers(0, 14)] * 6),
)  # fmt: skip
def test_any_record_makes_a_valid_document(picks, valence, arousal, confidence, states):
    record = replace(
        SAID, expressions=tuple(picks.count(i) for i in range(8)), valence=valence,
        arousal=arousal, confidence=confidence, states=states,
    )  # fmt: skip
    for vocabulary in (OWN, W3C_BIG6):
        assert len(list(written([record], vocabulary).iterfind("e:emotion", NS))) == 1


def test_times_that_cannot_be_are_a_bug():
    with EmotionmlWriter(io.StringIO()) as writer:
        for times in ((-1, None), (5, 4)):
            with pytest.raises(ValueError, match="start_ms"):
                writer.write(SAID, *times)


# ---- moments ----


def test_each_moment_lasts_until_the_next_but_no_hole_is_filled():
    texts = list(lines([SAID] * 4))
    late = json.loads(texts[3])
    late["time"] = "2026-09-21T15:00:00.000Z"
    found = list(read_moments([*texts[:3], "\n", json.dumps(late)], "x"))
    assert [m.end_ms - m.start_ms for m in found] == [1000] * 4
    assert [m.start_ms for m in found[:3]] == [T0_MS, T0_MS + 1000, T0_MS + 2000]
    (alone,) = read_moments(texts[:1], "x")
    assert alone.end_ms is None


def test_what_comes_twice_counts_once_and_late_ones_count():
    texts = list(lines([SAID] * 5))
    order = [texts[i] for i in (0, 3, 3, 4, 1, 2, 1, 4)]
    starts = [(m.start_ms - T0_MS) // 1000 for m in read_moments(order, "x")]
    assert starts == [0, 3, 4, 1, 2]
    spans = Spans()
    for text in lines([NOBODY] * (3 * REMEMBERED)):
        spans.feed(json.loads(text))
    assert len(spans._known) == len(spans._seen) == REMEMBERED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("{}", "line 2 is no message of the affect topic"),
        ("[1]", "line 2 is no message"),
        ("nonsense", "line 2 is no message"),
        ("[" * 100_000, "line 2 is no message"),
        ("time: 1969-12-31T23:59:59.000Z", "line 2 is no message"),
        ("time: 2026-09-21T15:00:00.000", "line 2 is no message"),
        ("valence: 7", "line 2 contradicts itself"),
        ("media_time_s: 1e400", "line 2 is no message"),
        ("media_time_s: 1.0", "mix dates and positions"),
    ],
)
def test_a_line_that_is_none_is_told_by_its_number(text, sentence):
    first, second = lines([SAID] * 2)
    if ": " in text:
        name, _, value = text.partition(": ")
        changed = json.loads(second)
        changed[name] = value if name == "time" else json.loads(value)
        text = json.dumps(changed)
    with pytest.raises(DataError, match=sentence):
        list(read_moments([first, text], "x"))


def test_many_vectors_in_little_memory(monkeypatch):
    monkeypatch.setattr(moments, "REMEMBERED", 64)

    class Nowhere(io.TextIOBase):
        n_written = 0

        def write(self, text):
            self.n_written += len(text)
            return len(text)

    def peak(n):
        out = Nowhere()
        tracemalloc.start()
        with EmotionmlWriter(out) as writer:
            for moment in read_moments(lines([SAID] * n), "x"):
                writer.write(moment.record, moment.start_ms, moment.end_ms)
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert writer.n_written == n
        return most, out.n_written

    few, _ = peak(100)
    many, n_bytes = peak(500)
    assert n_bytes > 300_000
    assert many < few + 50_000


# ---- the command ----


def export(*arguments):
    return cli.main(["export", "emotionml", *map(str, arguments)])


def test_a_file_becomes_a_document(tmp_path, capsys):
    path, out = tmp_path / "x.jsonl", tmp_path / "x.emotionml"
    path.write_text("".join(lines([SAID, NOBODY, SAID], media=True)))
    assert export(path, "--out", out) == 0
    assert "Wrote 2 moments" in capsys.readouterr().out
    found = [e.get("time-ref-uri") for e in valid(out.read_text()).iterfind("e:emotion", NS)]
    assert found == ["urn:edge-affect:recording"] * 2
    assert export(path, "--recording", "talk.mp4", "--vocabulary", "big6") == 0
    root = valid(capsys.readouterr().out)
    assert root.get("category-set").endswith("#big6")
    assert root.find("e:emotion", NS).get("time-ref-uri") == "talk.mp4"
    path.write_text("")
    assert export(path) == 0
    valid(capsys.readouterr().out)
    assert export("--vocabulary-only") == 0
    valid(capsys.readouterr().out)


def test_bad_input_is_one_sentence_and_a_code(tmp_path, capsys):
    path, dated = tmp_path / "x.jsonl", tmp_path / "y.jsonl"
    path.write_text("".join(lines([SAID] * 2)) + "nonsense\n")
    dated.write_text("".join(lines([SAID])))
    binary = tmp_path / "z"
    binary.write_bytes(b"\xff\xfe\n")
    out, kept = tmp_path / "broken.emotionml", tmp_path / "kept.emotionml"
    kept.write_text("of last week")
    for arguments, code, sentence in (
        ((), 64, "Say either a file, or --live"),
        ((path, "--live"), 64, "Say either"),
        (("--live",), 64, "--live needs --config"),
        (("--live", "--config", "x", "--seconds", "0"), 64, "--seconds must be above 0"),
        ((dated, "--recording", "x"), 64, "these vectors have dates"),
        ((tmp_path / "no",), 66, "There is no file"),
        ((tmp_path,), 66, "cannot be read"),
        ((binary,), 65, "is not UTF-8 text"),
        ((path, "--out", out), 65, "line 3 is no message"),
        ((tmp_path / "no", "--out", kept), 66, "There is no file"),
        ((dated, "--recording", "x", "--out", kept), 64, "these vectors have dates"),
        (("--live", "--config", tmp_path / "no.toml", "--out", kept), 66, "no.toml"),
        ((dated, "--out", tmp_path / "no" / "x"), 73, "cannot be written"),
        ((dated, "--out", "/dev/full"), 73, "cannot be written"),
    ):
        assert export(*arguments) == code, arguments
        said = capsys.readouterr().err
        assert sentence in said
        assert said.count("\n") == 1
    # What was right before the bad line is a document all the same.
    valid(out.read_text())
    assert kept.read_text() == "of last week"


def test_standard_input_that_is_no_text_is_one_sentence(capsys, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), encoding="utf-8"))
    assert export("-") == 65
    assert capsys.readouterr().err == "edge-affect: - is not UTF-8 text.\n"


def test_a_broker_that_is_not_there_is_not_a_file_that_cannot_be_written(
    tmp_path, capsys, monkeypatch
):
    def nobody(*_):
        raise BrokerError("Nobody answers.")

    monkeypatch.setattr("edge_affect.publishing.subscriber.watch", nobody)
    config = tmp_path / "box.toml"
    config.write_text("")
    assert export("--live", "--config", config, "--out", tmp_path / "x") == 69
    assert capsys.readouterr().err == "edge-affect: Nobody answers.\n"


def test_live_vectors_become_a_document_whenever_it_ends(tmp_path):
    from edge_affect.broker import LocalBroker
    from edge_affect.publishing.access import BrokerAccess
    from edge_affect.publishing.mqtt import ClientIdentity, Connection
    from edge_affect.publishing.topics import Topics

    out = tmp_path / "live.emotionml"
    with LocalBroker() as broker:
        config = tmp_path / "box.toml"
        config.write_text(f'[mqtt]\nhost = "{broker.host}"\nport = {broker.port}\n')
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_affect", "export", "emotionml", "--live", "--config",
             config, "--out", out],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        box = Connection(BrokerAccess(broker.host, broker.port), ClientIdentity("box"))
        box.open()
        topics = Topics("edge-affect/site/box")
        deadline_s = time.monotonic() + 120.0
        number = 0
        while not out.exists() or out.read_text().count("<emotion ") < 3:
            assert time.monotonic() < deadline_s
            (text,) = list(lines([SAID] * (number + 1)))[number:]
            number += 1
            box.send(topics.affect(text.encode()))
            box.send(topics.affect(b'{"nonsense": 1}'))
            box.send(topics.affect(text.replace('"sequence":0', '"sequence":1e999').encode()))
            box.send(topics.affect(b"[" * 100_000))
            box.step(0.2)
        process.send_signal(signal.SIGTERM)
        said, complaints = process.communicate(timeout=60)
        box.close()
    assert process.returncode == 0
    assert "Wrote " in said
    assert "messages on edge-affect/site/box/affect were no vectors" in complaints
    assert len(list(valid(out.read_text()).iterfind("e:emotion", NS))) >= 3
