"""Brokers that are not there, refuse, say nothing, or want TLS and a password."""

import gc
import itertools
import shutil
import subprocess

import pytest
from mqtt_parts import BASE, Box, Gate, wait_for

from edge_affect.broker import HOST, LocalBroker, free_port
from edge_affect.errors import BrokerError
from edge_affect.publishing import mqtt
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.daemon import Limits
from edge_affect.publishing.topics import Message


def test_a_broker_that_is_not_there_ends_an_interactive_command(closing):
    port = free_port()
    box = closing(Box(port, limits=Limits(give_up_s=1.0)))
    box.wait()
    assert isinstance(box.error, BrokerError)
    assert str(box.error) == (
        f"The broker at {HOST}:{port} cannot be reached: connection refused; "
        "check [mqtt] in the configuration."
    )
    assert box.error.exit_code == 69


def test_a_broker_that_refuses_says_why(broker, closing):
    gate = closing(Gate(broker.port, "refuse"))
    box = closing(Box(gate.port))
    box.give_up()
    assert "refuses: not authorized" in str(box.error)


def test_a_mute_broker_is_left_after_a_while(broker, listener, closing, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(mqtt, "ANSWER_TIMEOUT_S", 0.4)
        gate = closing(Gate(broker.port, "mute"))
        # Nor does its keep-alive end it.
        box = closing(Box(gate.port, keepalive_s=3600))
        wait_for(lambda: gate.n_connects >= 2, "a second attempt")
    # From now on it may take its time.
    gate.manner = "pass"
    wait_for(lambda: listener.payloads("status") == ["online"], "online")
    assert box.error is None


def test_waits_grow_while_the_broker_is_away(broker, closing):
    gate = closing(Gate(broker.port, "refuse"))
    closing(Box(gate.port))
    wait_for(lambda: gate.n_connects >= 3, "three attempts")
    # Waits of at most 1 and 2 s and at least half of each; a slow machine only adds to them.
    waits_s = [b - a for a, b in itertools.pairwise(gate.connects_s)]
    assert waits_s[0] >= 0.5
    assert waits_s[1] >= 1.0


def test_the_will_follows_a_connection_that_breaks(broker, listener):
    topics_will = mqtt.ClientIdentity(
        "will-test", Message(f"{BASE}/status", b"offline", retain=True)
    )
    connection = mqtt.Connection(BrokerAccess(HOST, broker.port), topics_will)
    connection.open()
    connection.drop()
    wait_for(lambda: listener.payloads("status") == ["offline"], "the will")


def test_passwords_open_a_closed_broker(tmp_path, closing):
    passwords = tmp_path / "passwords"
    program = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
    subprocess.run([program, "-c", "-b", passwords, "box", "s3cret"], check=True)
    own = tmp_path / "own"
    own.write_text("s3cret\n")
    own.chmod(0o600)
    closed = f"allow_anonymous false\npassword_file {passwords}\nuser root"
    with LocalBroker(extra_config=closed) as broker:
        box = closing(Box(broker.port, username="box", password_file=str(own)))
        wait_for(lambda: box.publisher._link.state.is_connected, "the connection")
        box.close()
        own.write_text("wrong\n")
        box = closing(Box(broker.port, username="box", password_file=str(own)))
        box.give_up()
        assert "refuses: not authorized" in str(box.error)


def make_certificates(folder, name):
    """A certificate authority and a server certificate for 127.0.0.1, valid for a day."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
         "-nodes", "-days", "1", "-subj", f"/CN={name}", "-keyout", f"{name}.key",
         "-out", f"{name}.pem", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, cwd=folder, capture_output=True,
    )  # fmt: skip
    return folder / f"{name}.pem", folder / f"{name}.key"


# paho leaves the socket of a failed handshake to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_tls_trusts_its_own_authority_only(tmp_path, closing):
    certificate, key = make_certificates(tmp_path, "one")
    other, _ = make_certificates(tmp_path, "other")
    port = free_port()
    tls = f"user root\nlistener {port} {HOST}\ncertfile {certificate}\nkeyfile {key}\n"
    with LocalBroker(extra_config=tls):
        box = closing(Box(port, ca_file=str(certificate)))
        wait_for(lambda: box.publisher._link.state.is_connected, "the connection")
        box.close()
        assert box.error is None
        box = closing(Box(port, ca_file=str(other)))
        box.give_up()
        assert "not signed by the authority" in str(box.error)
        box.close()
    gc.collect()
