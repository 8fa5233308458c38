"""The shipped access list: who writes and reads what, and what a box is told that may not."""

import contextlib
import logging

import pytest
from mqtt_parts import BASE, Box, wait_for
from tls_parts import SHIPPED, USERS, Person, doctor

from edge_affect.broker import LocalBroker, free_port
from edge_affect.record import AbstainReason, AffectRecord

NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)

# paho leaves the socket of a failed handshake to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


OTHER = "edge-affect/hall/two"
WRITES = [
    # who, topic, allowed
    ("hall.one", f"{BASE}/affect", True),
    ("hall.one", f"{BASE}/alert/laughter", True),
    ("hall.one", f"{BASE}/doctor", True),
    ("hall.one", "homeassistant/device/edge-affect-hall-one/config", True),
    ("hall.one", "homie/5/edge-affect-hall-one/$state", True),
    ("hall.one", f"{OTHER}/affect", False),
    ("hall.one", f"{OTHER}/status", False),
    ("hall.one", f"{OTHER}/set/pause", False),
    ("hall.one", "edge-affect/hall/on/affect", False),
    ("hall.one", "edge-affect/hall/one2/affect", False),
    ("hall.one", "edge-affect/other/one/affect", False),
    ("hall.one", "homeassistant/device/edge-affect-hall-two/config", False),
    ("hall.one", "homeassistant/status", False),
    ("hall.one", "homie/5/edge-affect-hall-two/$state", False),
    ("hall.one", "something/else", False),
    ("hall.two", f"{OTHER}/affect", True),
    ("hall.two", f"{BASE}/affect", False),
    ("reader", f"{BASE}/set/pause", False),
    ("reader", f"{BASE}/affect", False),
    ("operator", f"{BASE}/set/pause", True),
    ("operator", f"{OTHER}/set/resume", True),
    ("operator", f"{BASE}/affect", False),
    ("operator", f"{BASE}/status", False),
    ("homeassistant", f"{BASE}/set/pause", True),
    ("homeassistant", "homeassistant/status", True),
    ("homeassistant", f"{BASE}/affect", False),
]  # fmt: skip


def allowed(people):
    return [(who, topic, people[who].may_publish(topic)) for who, topic, _ in WRITES]


def test_each_user_writes_its_own_topics_and_reads_what_it_may(closed_broker, closed, closing):
    people = {user: closing(Person(closed, user)) for user in USERS}
    assert allowed(people) == WRITES
    # Messages come in order: who has the last one that is for it has got all before.
    ends = {"hall.one": f"{BASE}/last", "hall.two": f"{OTHER}/last"}
    for user, end in ends.items():
        assert people[user].may_publish(end)
    for user, person in people.items():
        end = ends.get(user, f"{OTHER}/last")
        wait_for(lambda p=person, e=end: (e, b"x") in p.seen, f"the last message at {user}")
    taken = {topic for _, topic, is_allowed in WRITES if is_allowed} | {*ends.values()}
    # Retained words of other tests' boxes may come as well.
    seen = {user: {t for t, data in person.seen if data == b"x"} for user, person in people.items()}
    ours = {topic for topic in taken if topic.startswith("edge-affect/")}
    assert seen["reader"] == seen["operator"] == ours
    assert seen["homeassistant"] == ours | {t for t in taken if t.startswith("homeassistant/")}
    homie, status = "homie/5/edge-affect-hall-one/$state", "homeassistant/status"
    assert seen["hall.one"] == {t for t in ours if t.startswith(f"{BASE}/")} | {homie, status}
    assert seen["hall.two"] == {t for t in ours if t.startswith(f"{OTHER}/")} | {status}


def test_a_looser_list_would_be_noticed(closed, closing):
    port = free_port()
    loose = closed.folder / "loose"
    loose.write_text("topic readwrite edge-affect/#\n" + "".join(
        f"user {user}\ntopic readwrite edge-affect/hall/#\n" for user in USERS
    ))  # fmt: skip
    text = closed.shipped(port).replace("own/acl", "loose")
    assert str(loose) in text
    with LocalBroker(extra_config=f"user root\n{text}"):
        elsewhere = type("Elsewhere", (), {"ca": closed.ca, "port": port})
        with contextlib.ExitStack() as stack:
            people = {
                user: stack.enter_context(contextlib.closing(Person(elsewhere, user)))
                for user in USERS
            }
            found = allowed(people)
    wrong = [row[:2] for row, right in zip(found, WRITES, strict=True) if row != right]
    assert ("hall.one", f"{OTHER}/affect") in wrong
    assert ("reader", f"{BASE}/set/pause") in wrong


def test_the_template_gives_what_the_list_has():
    template = (SHIPPED / "box.acl").read_text()
    listed = [
        line for line in (SHIPPED / "acl").read_text().splitlines()
        if line and not line.startswith("#")
    ]  # fmt: skip
    for device in ("one", "two"):
        block = template.replace("SITE", "hall").replace("DEVICE", device).splitlines()
        at = listed.index(block[0])
        assert listed[at : at + len(block)] == block


def test_a_box_works_under_the_list_and_obeys_those_who_may(closed_broker, closed, closing, caplog):
    caplog.set_level(logging.INFO)
    reader, operator = closing(Person(closed, "reader")), closing(Person(closed, "operator"))
    box = closing(Box(**closed.settings(), text='[deployment]\nsetting = "venue"\n'))
    wait_for(lambda: box.publisher._link.state.is_connected, "the connection")
    box.feed([NOBODY] * 3)
    for name in ("status", "about", "affect", "health", "alert/applause"):
        wait_for(lambda t=f"{BASE}/{name}": t in dict(reader.seen), name)
    assert not reader.may_publish(f"{BASE}/set/resume", b"")
    assert operator.may_publish(f"{BASE}/set/pause", b"")
    # Only the operator's word arrives: the reader's, which came first, does not.
    assert box.commands.recv(10) == b"\x01"
    assert "throws messages away" not in caplog.text
    box.close()


def test_a_box_that_says_it_is_another_is_heard_by_nobody_and_told(
    closed_broker, closed, closing, caplog, capsys, tmp_path
):
    settings = closed.settings(username="hall.two")
    reader, two = closing(Person(closed, "reader")), closing(Person(closed, "hall.two"))
    box = closing(Box(**settings))
    box.feed([NOBODY] * 5)
    wait_for(lambda: "throws messages away: not authorized" in caplog.text, "the log line")
    box.feed([NOBODY] * 5)
    box.close()
    assert caplog.text.count("throws messages away") == 1
    assert box.error is None
    code, checks, _ = doctor(capsys, tmp_path, settings)
    assert code == 69
    assert checks["broker-login"]["state"] == "ok"
    assert checks["broker-message"]["finding"] == (
        f"The broker takes no message to {BASE}/doctor: not authorized."
    )
    assert two.may_publish(f"{OTHER}/last")
    wait_for(lambda: f"{OTHER}/last" in dict(reader.seen), "the last message")
    # Topics that are not retained, so that nothing of an earlier box is among them.
    assert {f"{BASE}/{name}" for name in ("affect", "health", "doctor")} & {
        *dict(reader.seen)
    } == set()
