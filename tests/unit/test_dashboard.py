"""The page's server: what it hands out, to whom, and what it never does."""

import contextlib
import http.client
import json
import re
import socket
import time
from pathlib import Path

import pytest

from edge_affect.alert_settings import SEVERITIES
from edge_affect.broker import HOST
from edge_affect.commands import broker_arguments
from edge_affect.dashboard import server as server_module
from edge_affect.dashboard.assets import STATIC, load_assets
from edge_affect.dashboard.hosts import is_allowed
from edge_affect.dashboard.server import MAX_CONNECTIONS, PageServer, Site
from edge_affect.dashboard.stream import BEAT_S, Stream
from edge_affect.errors import EdgeAffectError, InputMissingError, UnavailableError, UsageError
from edge_affect.publishing.payload import Stamp, affect_payload, to_json
from edge_affect.record import (
    EVENTS,
    EXPRESSIONS,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    SourceState,
)
from edge_affect.subscriber.box import Moment, Presence
from edge_affect.subscriber.fleet import MAX_BOXES, Fleet

LANGUAGES = {
    path.stem: json.loads(path.read_text("utf-8")) for path in (STATIC / "lang").glob("*.json")
}
SCRIPTS = {path.name: path.read_text("utf-8") for path in (STATIC / "js").glob("*.js")}
START_MS = 1_790_000_000_000


@pytest.fixture
def served():
    server = PageServer(Site(Fleet(), load_assets(), "broker.lan:1883", frozenset({"localhost"})))
    server.start()
    yield server
    server.stop()


def ask(server, path="/", method="GET", host=None, **headers):
    connection = http.client.HTTPConnection(HOST, server.port, timeout=60)
    headers = {name.replace("_", "-"): value for name, value in headers.items()}
    connection.request(method, path, headers={"Host": host or f"{HOST}:{server.port}", **headers})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer, body


def affect(second=0, sequence=0):
    item = AffectRecord(
        expressions=(5, 10, 0, 0, 0, 0, 0, 0), confidence=9, modalities=Modality.FACE
    )
    return to_json(affect_payload(item, Stamp(START_MS + second * 1000, True, sequence))).encode()


def moment(second=0.0):
    return Moment(100.0 + second, START_MS + round(second * 1000))


def events(data):
    """Return the events in a stretch of the stream as pairs of name and value."""
    found = re.findall(rb"event: (\w+)\ndata: (.+)\n\n", data)
    assert b"".join(b"event: %s\ndata: %s\n\n" % pair for pair in found) == data
    return [(name.decode(), json.loads(value)) for name, value in found]


# ---- the two languages ----


def test_both_languages_have_the_same_sentences_with_the_same_places():
    assert set(LANGUAGES) == {"en", "zh"}
    assert list(LANGUAGES["en"]) == list(LANGUAGES["zh"])
    for key, text in LANGUAGES["en"].items():
        other = LANGUAGES["zh"][key]
        assert sorted(re.findall(r"\{\w+\}", text)) == sorted(re.findall(r"\{\w+\}", other)), key


def test_chinese_is_chinese():
    same = {"lang", "title", "mqtt"}
    names = {
        key for key, text in LANGUAGES["zh"].items() if not re.search(r"[\u4e00-\u9fff]", text)
    }
    assert names - same <= {"manner", "queue_of", "spoken_now", "trouble_source"}


def test_every_sentence_is_used_and_every_used_one_is_there():
    code = "\n".join(SCRIPTS.values())
    used = set(re.findall(r"""\bt\(\s*"([\w-]+)\"""", code))
    prefixes = set(re.findall(r"\bt\(`(\w+)_\$\{", code)) | set(re.findall(r'word\("(\w+)"', code))
    prefixes |= {"quadrant", "axis"}
    assert used <= set(LANGUAGES["en"])
    quoted = set(re.findall(r'"([\w-]+)"', code))
    unused = [
        key
        for key in LANGUAGES["en"]
        if key not in quoted | {"lang"}
        and not any(key.startswith(f"{prefix}_") for prefix in prefixes)
    ]
    assert unused == []


@pytest.mark.parametrize(
    ("prefix", "words"),
    [
        ("expression", EXPRESSIONS),
        ("lower", EXPRESSIONS),
        ("state", STATES),
        ("event", EVENTS),
        ("abstain", [r.name.lower().replace("_", "-") for r in AbstainReason][1:]),
        ("source", [s.name.lower() for s in SourceState]),
        ("modality", [m.name.lower() for m in Modality]),
        ("presence", [p.value for p in Presence]),
        ("text", [p.value for p in Presence][1:]),
        ("headline", [p.value for p in Presence][1:]),
        ("word", [p.value for p in Presence][1:]),
        ("severity", SEVERITIES),
        ("spool", ["off", "on", "full", "read-only", "failed"]),
    ],
)
def test_every_word_a_box_may_say_has_its_sentence(prefix, words):
    missing = [word for word in words if f"{prefix}_{word}" not in LANGUAGES["zh"]]
    assert len(words) > 2
    assert missing == []


def test_every_expression_has_a_colour_by_day_and_by_night():
    style = (STATIC / "css" / "theme.css").read_text()
    for name in EXPRESSIONS:
        assert len(re.findall(rf"--{name}: #[0-9a-f]{{6}};", style)) == 2, name


def test_no_file_of_the_page_names_another_host_or_runs_text():
    for path in [*STATIC.glob("*.html"), *STATIC.glob("css/*"), *STATIC.glob("js/*")]:
        text = path.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
        for word in (
            "http:",
            "https:",
            "innerHTML",
            "insertAdjacentHTML",
            "eval(",
            "document.write",
        ):
            assert word not in text, f"{path.name}: {word}"


# ---- the server ----


def test_the_page_and_its_parts_are_served(served):
    answer, body = ask(served)
    assert answer.status == 200
    assert b"edge-affect" in body
    parts = re.findall(r'(?:href|src)="(/[^"]+)"', body.decode())
    assert len(parts) > 4
    for part in parts:
        assert ask(served, part)[0].status == 200, part
    assert ask(served, "/vendor/uplot.js")[1].startswith(b"/*! https://github.com/leeoniya/uPlot")
    for script in SCRIPTS.values():
        for imported in re.findall(r'from "\./(\w+\.js)"', script):
            assert imported in SCRIPTS


def test_every_answer_forbids_what_the_page_does_not_need(served):
    for path in ("/", "/css/page.css", "/nothing", "/events"):
        connection = http.client.HTTPConnection(HOST, served.port, timeout=60)
        connection.request("GET", path)
        answer = connection.getresponse()
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Access-Control-Allow-Origin"] is None
        assert answer.headers["Set-Cookie"] is None
        connection.close()


@pytest.mark.parametrize(
    "path", ["/../cli.py", "/%2e%2e/assets.py", "//etc/passwd", "/js", "/lang/"]
)
def test_nothing_else_of_the_disk_can_be_asked_for(served, path):
    assert ask(served, path)[0].status == 404


def test_what_a_browser_has_is_not_sent_again(served):
    answer, _ = ask(served, "/css/page.css")
    again, body = ask(served, "/css/page.css", If_None_Match=answer.headers["ETag"])
    assert (again.status, body) == (304, b"")


def test_it_takes_no_orders(served):
    for method in ("POST", "PUT", "DELETE", "OPTIONS"):
        assert ask(served, "/", method)[0].status == 501
    answer, body = ask(served, "/", "HEAD")
    assert (answer.status, body) == (200, b"")
    assert ask(served, "/events", "HEAD")[0].status == 404


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:80", "localhost.evil.example", "[", "x y"]
)
def test_a_name_that_is_not_ours_gets_nothing(served, host):
    for path in ("/", "/events"):
        answer, body = ask(served, path, host=host)
        assert answer.status == 421
        assert b"<html" not in body


def test_addresses_and_our_own_names_are_served(served):
    for host in ("localhost", "LOCALHOST:80", "192.168.1.7", "[fe80::1]:8770"):
        assert ask(served, host=host)[0].status == 200
    assert not is_allowed(None, frozenset({"localhost"}))
    assert not is_allowed("", frozenset({"localhost"}))


def test_connections_are_bounded_and_come_free_again(monkeypatch, served):
    monkeypatch.setattr(server_module, "LOOK_S", 0.02)
    held = []
    for _ in range(MAX_CONNECTIONS):
        sock = socket.create_connection((HOST, served.port))
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert sock.recv(12) == b"HTTP/1.1 200"
        held.append(sock)
    with socket.create_connection((HOST, served.port)) as one_more:
        one_more.settimeout(60)
        one_more.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert one_more.recv(1) == b""
    for sock in held:
        sock.close()
    deadline_s = time.monotonic() + 60
    while True:
        try:
            assert ask(served)[0].status == 200
            break
        except (http.client.HTTPException, OSError):
            assert time.monotonic() < deadline_s, "no room came free"
            time.sleep(0.1)


def test_it_stops_while_browsers_listen():
    server = PageServer(Site(Fleet(), load_assets(), "b"))
    server.start()
    with socket.create_connection((HOST, server.port)) as sock:
        sock.sendall(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        sock.recv(12)
        started_s = time.monotonic()
        server.stop()
        assert time.monotonic() - started_s < 30
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((HOST, server.port))


def test_a_port_in_use_is_one_sentence(served):
    with pytest.raises(UnavailableError, match=f"Port {served.port} of {HOST} is in use"):
        PageServer(Site(Fleet(), {}, "b"), HOST, served.port)
    with pytest.raises(UnavailableError, match=r"no address 203\.0\.113\.9"):
        PageServer(Site(Fleet(), {}, "b"), "203.0.113.9")


def test_an_installation_without_its_charts_says_what_to_do(tmp_path):
    (tmp_path / "static").mkdir()
    with pytest.raises(InputMissingError, match="chart library"):
        load_assets(tmp_path / "static")


# ---- the stream ----


def test_a_browser_is_told_everything_once_and_then_what_is_new():
    fleet = Fleet()
    fleet.connected(100.0)
    fleet.take("edge-affect/a/1/status", b"online", moment())
    fleet.take("edge-affect/a/1/affect", affect(), moment())
    stream = Stream(fleet, "broker.lan:1883", "a/1")
    first = events(stream.news(moment(0.1)))
    assert [name for name, _ in first] == ["hello", "link", "boxes", "box", "beat"]
    told = dict(first)
    assert told["boxes"]["changed"]["a/1"]["presence"] == "live"
    assert told["boxes"]["changed"]["a/1"]["vector"]["expression"] == "happiness"
    assert len(told["box"]["points"]) == 1
    assert stream.news(moment(0.2)) == b""
    fleet.take("edge-affect/a/1/affect", affect(1, 1), moment(1))
    second = dict(events(stream.news(moment(1.1))))
    assert set(second) == {"boxes", "box", "beat"}
    assert [point[0] for point in second["box"]["points"]] == [START_MS // 1000 + 1]
    assert "about" not in second["box"]
    assert [name for name, _ in events(stream.news(moment(1.2 + BEAT_S)))] == ["beat"]
    # Silence is news too, though no message brings it.
    silent = dict(events(stream.news(moment(9))))
    assert silent["boxes"]["changed"]["a/1"]["presence"] == "silent"
    fleet.take("edge-affect/a/1/status", b"", moment(9))
    assert dict(events(stream.news(moment(9.1))))["boxes"]["gone"] == ["a/1"]


def test_a_slow_browser_gets_the_newest_state_and_no_backlog():
    fleet = Fleet()
    fleet.connected(100.0)
    stream = Stream(fleet, "b", "a/1")
    for n in range(500):
        fleet.take("edge-affect/a/1/affect", affect(0, n), moment(n / 500))
    data = stream.news(moment(1))
    (box,) = [value for name, value in events(data) if name == "box"]
    assert box["vector"]["sequence"] == 499
    assert len(data) < 10_000


def test_a_full_fleet_is_bounded_and_the_rest_is_counted():
    fleet = Fleet()
    fleet.connected(100.0)
    for n in range(MAX_BOXES + 7):
        fleet.take(f"edge-affect/a/{n}/status", b"online", moment())
    told = dict(events(Stream(fleet, "b").news(moment())))
    assert len(told["boxes"]["changed"]) == MAX_BOXES
    assert told["link"]["left_out"] == 7


def test_what_cannot_be_understood_is_told_as_unknown():
    fleet = Fleet()
    fleet.connected(100.0)
    said = {"leak_ceiling": [1], "models": [3, {"name": 4}], "purpose": 9, "group": {"noise": 1}}
    fleet.take("edge-affect/a/1/about", json.dumps(said).encode(), moment())
    fleet.take("edge-affect/a/1/health", b'{"queue": 7, "memory_mb": "many"}', moment())
    box = dict(events(Stream(fleet, "b", "a/1").news(moment())))["box"]
    assert (box["about"]["purpose"], box["about"]["bits_per_s"]) == (None, None)
    assert box["about"]["models"] == [{"name": None, "version": None, "sha256": None}] * 2
    assert (box["health"]["queued"], box["health"]["memory_mb"]) == (None, None)


# ---- the command ----


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("broker.lan", "broker.lan", 1883),
        ("broker.lan:8883", "broker.lan", 8883),
        ("[::1]:1884", "::1", 1884),
        ("[::1]", "::1", 1883),
        ("::1", "::1", 1883),
    ],
)
def test_a_broker_is_a_host_with_or_without_a_port(text, host, port):
    mqtt = broker_arguments.mqtt_of(None, text)
    assert (mqtt.host, mqtt.port) == (host, port)


@pytest.mark.parametrize("text", ["", "a:b", "a:0", "a:70000", ":1883"])
def test_what_is_no_broker_is_refused(text):
    with pytest.raises(UsageError, match="is no HOST or HOST:PORT"):
        broker_arguments.mqtt_of(None, text)


@pytest.mark.parametrize("text", ["hall", "hall/", "/one", "hall/one/more", "+/one", "hall/#"])
def test_what_is_no_box_is_refused(text):
    with pytest.raises(UsageError, match="is no SITE/DEVICE"):
        broker_arguments.topic_of(text)
    assert issubclass(UsageError, EdgeAffectError)


def test_a_box_is_its_topic():
    assert broker_arguments.topic_of("hall/one") == "edge-affect/hall/one/#"
    assert broker_arguments.topic_of(None) == "edge-affect/+/+/#"


def test_the_static_folder_is_where_it_is_looked_for():
    assert Path(STATIC, "index.html").is_file()
