"""Subscriptions that a real broker refuses: who says so, where, and with which exit code.

mosquitto agrees to every subscription under an ``acl_file`` and then sends nothing; its own plug-in
for rights, dynamic security, refuses. So do other brokers.
"""

import json
import logging
import math
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from mqtt_parts import BASE, Box, Gate, wait_for

from edge_affect import cli
from edge_affect.broker import HOST, LocalBroker
from edge_affect.errors import BrokerError
from edge_affect.publishing import mqtt
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.mqtt import MQTT_3, ClientIdentity, Connection
from edge_affect.publishing.subscriber import watch
from edge_affect.record import AbstainReason, AffectRecord
from edge_affect.subscriber.feed import Feed
from edge_affect.subscriber.fleet import Fleet

NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)
COMMANDS = f"{BASE}/set/+"
ALL_BOXES = "edge-affect/+/+/#"
EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
PLUGINS = sorted(Path("/usr/lib").glob("*/mosquitto_dynamic_security.so"))


class Rights:
    """What everybody may at a mosquitto with dynamic security; it reads them when it starts."""

    def __init__(self, folder):
        self._path = folder / "rights.json"
        self.refuse()

    @property
    def config(self):
        """Lines for mosquitto.conf."""
        return f"user root\nplugin {PLUGINS[0]}\nplugin_opt_config_file {self._path}\n"

    def refuse(self, *filters):
        """Let these filters be refused, and nothing else."""
        acls = [
            {"acltype": "subscribeLiteral", "topic": text, "priority": 1, "allow": False}
            for text in filters
        ]
        kinds = ("publishClientSend", "publishClientReceive", "subscribe", "unsubscribe")
        rights = {
            "defaultACLAccess": dict.fromkeys(kinds, True),
            "roles": [{"rolename": "any", "acls": acls}],
            "groups": [{"groupname": "any", "roles": [{"rolename": "any"}], "clients": []}],
            "anonymousGroup": "any",
            "clients": [],
        }
        self._path.write_text(json.dumps(rights))


@pytest.fixture
def rights(tmp_path):
    if not PLUGINS:
        pytest.skip("this mosquitto comes without its dynamic security plug-in")
    return Rights(tmp_path)


@pytest.fixture
def strict(rights):
    """Return a function that starts a broker which refuses some filters."""
    brokers = []

    def start(*filters):
        rights.refuse(*filters)
        brokers.append(LocalBroker(extra_config=rights.config))
        brokers[-1].start()
        return brokers[-1]

    yield start
    for broker in brokers:
        broker.stop()


def sentence(port, topic_filter, reason="not authorized"):
    return (
        f"The broker at {HOST}:{port} refuses the subscription to {topic_filter}: {reason}; "
        "see its access list."
    )


def warnings(caplog):
    return [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]


@pytest.mark.parametrize(
    ("manner", "reason"), [("pass", "not authorized"), ("no-5", "unspecified error")]
)
def test_a_box_whose_commands_are_refused_says_so_once_and_goes_on(
    strict, closing, caplog, manner, reason
):
    broker = strict(COMMANDS)
    gate = closing(Gate(broker.port, manner))
    seen = []
    reader = Connection(
        BrokerAccess(HOST, broker.port), ClientIdentity("reader"), MQTT_3,
        lambda topic, _payload, _retain: seen.append(topic),
    )  # fmt: skip
    reader.open()
    closing(reader)
    reader.listen(f"{BASE}/affect")
    box = closing(Box(gate.port))
    told = (
        f"the broker refuses the subscription to {COMMANDS}: {reason}; nothing sent there "
        "arrives; see its access list"
    )
    wait_for(lambda: told in warnings(caplog), "the log line")
    box.feed([NOBODY] * 5)
    wait_for(lambda: reader.step(0.1) or len(seen) >= 3, "vectors")
    assert [line for line in warnings(caplog) if "subscription" in line] == [told]
    assert box.error is None


def test_a_box_that_may_read_all_it_wants_says_nothing(strict, closing, caplog):
    broker = strict()
    text = "[home_assistant]\nenabled = true\n[homie]\nenabled = true\n"
    box = closing(Box(broker.port, text=text))
    wait_for(lambda: box.publisher._link.state.is_connected, "the connection")
    box.feed([NOBODY] * 5)
    assert warnings(caplog) == []


@pytest.mark.parametrize(
    "topic_filter",
    [COMMANDS, "homeassistant/status", "homie/5/edge-affect-hall-one/control/+/set"],
)
def test_the_doctor_tries_what_the_box_subscribes_to(
    strict, capsys, tmp_path, closing, caplog, topic_filter
):
    broker = strict(topic_filter)
    smart_homes = "[home_assistant]\nenabled = true\n[homie]\nenabled = true\n"
    path = tmp_path / "box.toml"
    path.write_text(
        f'[device]\nsite = "hall"\nname = "one"\n{smart_homes}'
        f'[mqtt]\nhost = "{HOST}"\nport = {broker.port}\n'
    )
    code = cli.main(["doctor", "--config", str(path), "--only", "broker", "--json"])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    assert code == 69
    assert [name for name, check in checks.items() if check["state"] != "ok"] == ["broker-topics"]
    assert checks["broker-topics"]["finding"] == sentence(broker.port, topic_filter)
    # It is what the box itself is refused.
    closing(Box(broker.port, text=smart_homes))
    wait_for(lambda: f"subscription to {topic_filter}: " in caplog.text, "the log line")


def test_the_doctor_says_that_it_may_not_read_its_own_message(
    strict, capsys, tmp_path, monkeypatch
):
    # What it waits for a message.
    monkeypatch.setattr("edge_affect.diagnosis.broker.TIMEOUT_S", 600.0)
    broker = strict("edge-affect/site/box/doctor")
    path = tmp_path / "box.toml"
    path.write_text(f'[mqtt]\nhost = "{HOST}"\nport = {broker.port}\n')
    begun_s = time.monotonic()
    assert cli.main(["doctor", "--config", str(path), "--only", "broker"]) == 69
    assert sentence(broker.port, "edge-affect/site/box/doctor") in capsys.readouterr().out
    # At once: it does not wait for a message that cannot come.
    assert time.monotonic() - begun_s < 300.0


@pytest.mark.parametrize("command", [("watch", "--lines"), ("dashboard", "--port", "0")])
def test_readers_end_with_one_sentence(strict, capsys, command):
    broker = strict(ALL_BOXES)
    code = cli.main([*command, "--broker", f"{HOST}:{broker.port}", "--seconds", "120"])
    captured = capsys.readouterr()
    assert code == 69
    assert captured.err.splitlines() == [f"edge-affect: {sentence(broker.port, ALL_BOXES)}"]


def test_a_script_that_reads_vectors_gives_up(strict):
    broker = strict(f"{BASE}/affect")
    access = BrokerAccess(HOST, broker.port)
    with pytest.raises(BrokerError) as caught:
        watch(access, f"{BASE}/affect", print, lambda: False, patience_s=0.3)
    assert str(caught.value) == sentence(broker.port, f"{BASE}/affect")


def test_a_page_that_runs_says_what_is_refused_until_it_is_put_right(strict, rights, closing):
    broker = strict()
    fleet = Fleet()
    feed = Feed(BrokerAccess(HOST, broker.port), fleet)
    feed.connect()
    feed.start()
    try:
        closing(Box(broker.port))
        wait_for(lambda: fleet.get("hall/one") and fleet.get("hall/one").status, "the box")
        broker.stop()
        rights.refuse(ALL_BOXES)
        broker.start()
        told = sentence(broker.port, ALL_BOXES)
        wait_for(lambda: fleet.link.error == told, "the refusal")
        # It never looks as if it had worked: not even between two attempts.
        n_connections = fleet.link.n_connections
        time.sleep(1.5)
        assert (fleet.link.is_connected, fleet.link.error) == (False, told)
        assert fleet.link.n_connections == n_connections
        broker.stop()
        rights.refuse()
        broker.start()
        wait_for(lambda: fleet.link.is_connected, "the subscription")
        wait_for(lambda: fleet.get("hall/one").status == "online", "the box, again")
    finally:
        feed.stop()


def test_a_broker_that_does_not_answer_a_subscription_is_not_waited_for_long(
    broker, closing, monkeypatch
):
    gate = closing(Gate(broker.port))
    connection = Connection(BrokerAccess(HOST, gate.port), ClientIdentity("patient"))
    connection.open()
    gate.delay_s = math.inf
    monkeypatch.setattr(mqtt, "ANSWER_TIMEOUT_S", 0.3)
    with pytest.raises(BrokerError, match=r"did not answer the subscription to a/b within 0 s"):
        connection.listen("a/b")
    assert not connection.is_open


def test_an_answer_that_nobody_asked_for_is_passed_over():
    with socket.create_server((HOST, 0)) as server:
        connection = Connection(BrokerAccess(HOST, server.getsockname()[1]), ClientIdentity("box"))

        def answer():
            peer, _ = server.accept()
            peer.recv(4096)
            # Yes, and "not authorized" to a subscription of another number.
            peer.sendall(b"\x20\x03\0\0\0" + b"\x90\x04\x12\x34\0\x87")
            peer.recv(4096)
            peer.close()

        broker = threading.Thread(target=answer)
        broker.start()
        connection.open()
        connection.subscribe(COMMANDS)
        wait_for(lambda: connection.step(0.1) or not connection.is_open, "its end")
        assert (dict(connection.refused_filters), connection.n_unanswered) == ({}, 1)
        connection.close()
        broker.join()


def test_a_reader_ends_at_once_though_the_broker_does_not_answer(broker, closing, monkeypatch):
    monkeypatch.setattr(mqtt, "ANSWER_TIMEOUT_S", 600.0)
    gate = closing(Gate(broker.port, "mute"))
    feed = Feed(BrokerAccess(HOST, gate.port), Fleet())
    feed.start()
    wait_for(lambda: gate.n_connects, "the first try")
    started_s = time.monotonic()
    feed.stop()
    assert time.monotonic() - started_s < 60.0
    # What was left behind ends by itself.
    gate.shut()
    wait_for(lambda: not feed._thread.is_alive(), "its end")
    feed.stop()


def test_a_connection_that_ends_instead_of_the_answer(broker, closing):
    gate = closing(Gate(broker.port))
    connection = Connection(BrokerAccess(HOST, gate.port), ClientIdentity("unlucky"))
    connection.open()
    gate.shut()
    with pytest.raises(BrokerError, match="ended the connection at the subscription to a/b"):
        connection.listen("a/b")


def test_what_comes_before_the_brokers_yes_is_not_lost(broker, monkeypatch):
    # MQTT lets a broker send retained messages before its answer.
    class Hasty(Connection):
        def listen(self, topic_filter):
            self._on_message(f"{BASE}/status", b"online", True)
            super().listen(topic_filter)

    monkeypatch.setattr("edge_affect.publishing.subscriber.Connection", Hasty)
    fleet = Fleet()
    feed = Feed(BrokerAccess(HOST, broker.port), fleet)
    feed.connect()
    feed.start()
    try:
        wait_for(lambda: fleet.get("hall/one"), "the box")
        assert fleet.get("hall/one").status == "online"
    finally:
        feed.stop()


@pytest.mark.parametrize(
    ("program", "refused"),
    [
        (("subscriber",), "edge-affect/#"),
        (("alert_to_chat", "--webhook", "http://127.0.0.1:9/"), "edge-affect/+/+/alert/+"),
        (("effect_trigger", "--alert", "anger"), "edge-affect/+/+/alert/anger"),
        (("shared_consumer", "--name", "one"), "$share/store/edge-affect/+/+/affect"),
    ],
)
def test_the_examples_do_not_wait_for_what_cannot_come(strict, tmp_path, program, refused):
    broker = strict(refused)
    name, *options = program
    done = subprocess.run(
        [sys.executable, EXAMPLES / f"{name}.py", "--port", str(broker.port), *options],
        cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("The broker refuses the subscription: ")
    assert done.stdout == ""
