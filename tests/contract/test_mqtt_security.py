"""A closed mosquitto, set up with the files that ship: who gets in, who is believed."""

import contextlib
import gc
import json
import logging
import os
import socket
import ssl
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from mqtt_parts import BASE, WAIT_S, Box, wait_for
from tls_parts import PASSWORD, SHIPPED, Person, certificates, connect, doctor

from edge_affect.broker import HOST, LocalBroker, free_port
from edge_affect.config import Mqtt, parse
from edge_affect.errors import BrokerError, ConfigError, InputMissingError
from edge_affect.publishing.access import BrokerAccess, broker_access
from edge_affect.publishing.mqtt import ClientIdentity, Connection
from edge_affect.publishing.tls import KEY_CREDENTIAL, handshake_failure
from edge_affect.record import AbstainReason, AffectRecord

ROOT = Path(__file__).resolve().parents[2]
NOBODY = AffectRecord(abstained=AbstainReason.NOBODY)

# paho leaves the socket of a failed handshake to the garbage collector.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture
def closing():
    with contextlib.ExitStack() as stack:
        yield lambda part: stack.enter_context(contextlib.closing(part))
    gc.collect()


# ---- getting in, and not ----


def test_a_box_gets_in_over_tls_with_its_password(closed_broker, closed, capsys, tmp_path):
    code, checks, said = doctor(capsys, tmp_path, closed.settings())
    assert code == 0
    assert [check["state"] for check in checks.values()] == ["ok"] * 6
    assert PASSWORD not in said


def cases(closed):
    """Return by name what is wrong, which check finds it, and the sentence."""
    folder = closed.folder
    stranger = {"cert_file": str(folder / "other/hall.one.pem"),
                "key_file": str(folder / "other/hall.one.key")}  # fmt: skip
    wrong = closed.secret("wrong", "not the password")
    return {
        "wrong-ca": (
            {"ca_file": str(closed.other_ca)}, "broker-tls",
            "its certificate is not signed by the authority of [mqtt] ca_file",
        ),
        "no-ca": (
            {"ca_file": "", "tls": True}, "broker-tls",
            "its certificate is not signed by the authority of [mqtt] ca_file",
        ),
        "wrong-name": (
            {"port": closed.elsewhere}, "broker-tls",
            f"its certificate is not for the name {HOST} ([mqtt] host)",
        ),
        "wrong-host-name": (
            {"port": closed.elsewhere, "host": "localhost"}, "broker-tls",
            "its certificate is not for the name localhost ([mqtt] host)",
        ),
        "expired": (
            {"port": closed.expired}, "broker-tls",
            "its certificate has expired, or this box's clock is ahead",
        ),
        "no-own-certificate": (
            {"port": closed.strict}, "broker-login",
            "it asks for a certificate of this box; set [mqtt] cert_file and key_file",
        ),
        "strange-own-certificate": (
            {"port": closed.strict, **stranger}, "broker-login",
            "it refuses this box's certificate: unknown ca",
        ),
        "wrong-password": ({"password_file": str(wrong)}, "broker-login", "not authorized"),
        "no-password": ({"password_file": ""}, "broker-login", "not authorized"),
        "unknown-user": ({"username": "hall.nine"}, "broker-login", "not authorized"),
    }  # fmt: skip


CASES = (
    "wrong-ca", "no-ca", "wrong-name", "wrong-host-name", "expired", "no-own-certificate",
    "strange-own-certificate", "wrong-password", "no-password", "unknown-user",
)  # fmt: skip


def test_all_cases_are_tried(closed):
    assert tuple(cases(closed)) == CASES


@pytest.mark.parametrize("case", CASES)
def test_what_keeps_a_box_out_is_one_sentence_and_a_code(
    closed_broker, closed, capsys, tmp_path, closing, case
):
    changes, check, sentence = cases(closed)[case]
    settings = closed.settings(**changes)
    # An interactive command gives up with 69 ...
    box = closing(Box(**settings))
    box.give_up()
    assert isinstance(box.error, BrokerError)
    assert box.error.exit_code == 69
    assert str(box.error).startswith(f"The broker at {settings['host']}:{settings['port']} ")
    assert sentence in str(box.error)
    # ... and doctor says the same, and at which step.
    code, checks, said = doctor(capsys, tmp_path, settings)
    assert code == 69
    assert [name for name, found in checks.items() if found["state"] == "fail"] == [check]
    assert sentence in checks[check]["finding"]
    assert PASSWORD not in said + str(box.error)


def test_the_wrong_port_is_told(closed_broker, closed, capsys, tmp_path):
    with pytest.raises(BrokerError, match="hangs up at the handshake, as a port without TLS does"):
        connect(closed.settings(port=closed_broker.port))
    _, checks, _ = doctor(capsys, tmp_path, closed.settings(port=closed_broker.port))
    assert "as a port without TLS does" in checks["broker-tls"]["finding"]
    with pytest.raises(BrokerError, match="without an answer, as one does that wants TLS"):
        connect(closed.settings(ca_file=""))


def test_tls_1_2_says_the_same_in_the_handshake(closed_broker, closed):
    access = broker_access(Mqtt(**closed.settings(port=closed.strict)))
    access.tls.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(BrokerError, match="refuses: it breaks TLS off; it may ask for a certif"):
        Connection(access, ClientIdentity("probe")).open()


@pytest.mark.parametrize(
    ("code", "says"),
    [
        (9, "is not trusted: its certificate is not valid yet, or this box's clock is behind"),
        (10, "is not trusted: its certificate has expired, or this box's clock is ahead"),
        (23, "is not trusted: its certificate is refused: certificate revoked"),
    ],
)
def test_what_a_certificate_can_be(code, says):
    # OpenSSL before 3.4 makes no certificate that begins tomorrow.
    error = ssl.SSLCertVerificationError(1, "x")
    error.verify_code, error.verify_message = code, "certificate revoked"
    assert handshake_failure(error, "broker.lan") == says


def test_the_daemon_keeps_trying_until_the_broker_is_put_right(closed, closing, caplog):
    port = free_port()
    bad = closed.shipped(port).replace("own/server.", "expired/server.")
    caplog.set_level(logging.DEBUG)
    with LocalBroker(extra_config=f"user root\n{bad}"):
        box = closing(Box(**closed.settings(port=port)))
        wait_for(lambda: "has expired" in caplog.text, "the refusal")
    with LocalBroker(extra_config=f"user root\n{closed.shipped(port)}"):
        wait_for(lambda: box.publisher._link.state.is_connected, "the connection")
        box.close()
    assert box.error is None
    assert PASSWORD not in caplog.text


def test_a_certificate_of_the_box_is_its_user(closed_broker, closed, closing):
    own = closed.folder / "own"
    settings = {"host": HOST, "port": closed.strict, "ca_file": str(closed.ca),
                "cert_file": str(own / "hall.one.pem")}  # fmt: skip
    reader = closing(Person(closed, "reader"))
    box = closing(Box(**settings, key_file=str(own / "hall.one.key")))
    wait_for(lambda: (f"{BASE}/status", b"online") in reader.seen, "online")
    box.close()


def test_its_key_comes_from_a_credential(closed_broker, closed, tmp_path, monkeypatch):
    own = closed.folder / "own"
    settings = {"host": HOST, "port": closed.strict, "ca_file": str(closed.ca),
                "cert_file": str(own / "hall.one.pem")}  # fmt: skip
    with pytest.raises(ConfigError, match="Others can read the private key"):
        connect(settings)
    (tmp_path / KEY_CREDENTIAL).write_bytes((own / "hall.one.key").read_bytes())
    (tmp_path / KEY_CREDENTIAL).chmod(0o440)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    connect(settings)


def test_what_tls_says_is_what_keeps_it_out(closed_broker, closed):
    # The same connections with the checks taken away succeed: the tests above can fail.
    for port in (closed.elsewhere, closed.expired):
        careless = ssl.create_default_context(cafile=str(closed.ca))
        careless.check_hostname = False
        careless.verify_mode = ssl.CERT_NONE
        connection = Connection(
            BrokerAccess(HOST, port, "hall.one", PASSWORD, careless), ClientIdentity("careless")
        )
        connection.open()
        connection.close()


class Impostor:
    """A TLS server with a certificate of its own making that writes down what it is told."""

    def __init__(self, folder):
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(folder / "server.pem", folder / "server.key")
        self._server = socket.create_server((HOST, 0))
        self.port = self._server.getsockname()[1]
        self.heard = b""
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        plain, _ = self._server.accept()
        self._server.close()
        plain.settimeout(30.0)
        with (
            plain,
            contextlib.suppress(OSError),
            self._context.wrap_socket(plain, server_side=True) as secured,
        ):
            self.heard = secured.recv(4096)

    def close(self):
        self._thread.join(WAIT_S)


@pytest.mark.parametrize("is_careless", [False, True])
def test_an_impostor_learns_nothing(closed, tmp_path, closing, is_careless):
    certificates(tmp_path, "ca")
    certificates(tmp_path, "server", HOST)
    impostor = closing(Impostor(tmp_path))
    access = broker_access(Mqtt(**closed.settings(port=impostor.port)))
    if is_careless:
        access.tls.check_hostname = False
        access.tls.verify_mode = ssl.CERT_NONE
    with pytest.raises(BrokerError):
        Connection(access, ClientIdentity("probe")).open()
    impostor.close()
    assert (PASSWORD.encode() in impostor.heard) == is_careless
    assert bool(impostor.heard) == is_careless


# ---- refused before anything is sent ----


def test_certificates_that_cannot_be_used(closed, tmp_path):
    own, other = closed.folder / "own", closed.folder / "other"
    certificate, key = str(own / "hall.one.pem"), str(own / "hall.one.key")
    ca = str(closed.ca)
    wide = tmp_path / "wide.key"
    wide.write_bytes(Path(key).read_bytes())
    wide.chmod(0o640)
    locked = tmp_path / "locked.key"
    subprocess.run(
        ["openssl", "pkcs8", "-topk8", "-in", key, "-passout", "pass:x", "-out", locked], check=True
    )
    locked.chmod(0o600)
    missing = str(tmp_path / "missing")
    for settings, kind, sentence in (
        ({"cert_file": certificate, "key_file": key}, ConfigError, "cert_file needs TLS"),
        ({"ca_file": ca, "cert_file": missing}, InputMissingError, "There is no certificate"),
        (
            {"ca_file": ca, "cert_file": certificate, "key_file": missing},
            InputMissingError, "There is no private key",
        ),
        (
            {"ca_file": ca, "cert_file": certificate, "key_file": str(wide)},
            ConfigError, f"run: chmod 600 {wide}",
        ),
        (
            {"ca_file": ca, "cert_file": certificate, "key_file": str(locked)},
            ConfigError, "asks for a passphrase",
        ),
        (
            {"ca_file": ca, "cert_file": certificate, "key_file": str(other / "hall.one.key")},
            ConfigError, "cannot be used together",
        ),
        (
            {"ca_file": ca, "cert_file": key, "key_file": key},
            ConfigError, "cannot be used together",
        ),
    ):  # fmt: skip
        with pytest.raises(kind, match=sentence.replace("(", r"\(")) as caught:
            broker_access(Mqtt(**settings))
        assert str(caught.value).count("\n") == 0


def publish(tmp_path, text, *options):
    """Run the daemon's own command and return exit code and what it said."""
    path = tmp_path / "box.toml"
    path.write_text(f'[device]\nsite = "hall"\nname = "one"\n[mqtt]\n{text}')
    records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with records, inlet:
        done = subprocess.run(
            [sys.executable, "-m", "edge_affect", "publish", "--config", path, "--records-fd",
             str(inlet.fileno()), *options],
            pass_fds=[inlet.fileno()], capture_output=True, text=True, timeout=WAIT_S, check=False,
        )  # fmt: skip
    return done.returncode, done.stderr


def test_the_daemon_sends_no_password_in_clear_unless_told(closed, tmp_path, caplog, capsys):
    clear = f'host = "192.0.2.7"\nusername = "hall.one"\npassword_file = "{closed.password_file}"\n'
    code, said = publish(tmp_path, clear)
    assert code == 78
    (sentence,) = said.splitlines()
    assert sentence.startswith("edge-affect: The password would travel in clear to 192.0.2.7; ")
    # The command line leads there just as little as the file.
    code, _ = publish(tmp_path, clear.replace("192.0.2.7", HOST), "--host", "192.0.2.7")
    assert code == 78
    told = parse(f"[mqtt]\n{clear}allow_cleartext_password = true").mqtt
    caplog.set_level(logging.INFO)
    assert broker_access(told).password == PASSWORD
    assert "the password travels in clear to 192.0.2.7" in caplog.text
    assert PASSWORD not in caplog.text + sentence


def test_doctor_warns_of_what_travels_in_clear(closed):
    from edge_affect.diagnosis import broker as steps
    from edge_affect.diagnosis.check import Subject

    def found(**settings):
        finding = steps.tls(Subject(parse("").__class__(mqtt=Mqtt(**settings)), None))
        return finding.state.value, finding.sentence

    own = {"username": "hall.one", "password_file": str(closed.password_file)}
    told = {"allow_cleartext_password": True}
    assert found(host="192.0.2.7", **own, **told) == (
        "warn", "The password travels in clear to 192.0.2.7.",
    )  # fmt: skip
    assert found(host="192.0.2.7") == ("warn", "Messages travel in clear to 192.0.2.7.")
    assert found(**own)[0] == "ok"


# ---- secrets stay where they are ----


def traces(pid, *texts):
    """Return where the password shows: command line, environment, or one of the texts."""
    places = {name: Path(f"/proc/{pid}/{name}").read_bytes() for name in ("cmdline", "environ")}
    places.update({f"text {i}": text.encode() for i, text in enumerate(texts)})
    return [name for name, data in places.items() if PASSWORD.encode() in data]


def test_the_password_is_nowhere_to_be_seen(closed_broker, closed, closing, tmp_path):
    reader = closing(Person(closed, "reader"))
    path = tmp_path / "box.toml"
    lines = "\n".join(f"{k} = {json.dumps(v)}" for k, v in closed.settings().items())
    path.write_text(f'[device]\nsite = "hall"\nname = "one"\n[mqtt]\n{lines}\n')
    log = tmp_path / "log"
    records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with records, inlet, log.open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "edge_affect", "publish", "--config", path,
             "--records-fd", str(inlet.fileno())],
            pass_fds=[inlet.fileno()], stderr=said, stdout=said,
        )  # fmt: skip
        try:
            wait_for(lambda: (f"{BASE}/status", b"online") in reader.seen, "online")
            about = dict(reader.seen)[f"{BASE}/about"].decode()
            assert json.loads(about)["schema"]
            everything = repr(reader.seen)
            assert traces(process.pid, about, everything, log.read_text()) == []
        finally:
            process.terminate()
            process.wait(WAIT_S)
    assert "broker connected" in log.read_text()
    assert PASSWORD not in log.read_text()


def test_a_password_on_the_command_line_or_in_the_environment_would_be_found():
    command = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    for arguments, variables, place in (
        ([PASSWORD], {}, "cmdline"), ([], {"MQTT_PASSWORD": PASSWORD}, "environ"),
    ):  # fmt: skip
        with subprocess.Popen(
            [*command, *arguments], env={**os.environ, **variables}, stdin=subprocess.PIPE
        ) as leaky:
            wait_for(lambda: traces(leaky.pid) == [place], place)  # noqa: B023 (used at once)
            leaky.stdin.close()
    assert traces(os.getpid(), f"x {PASSWORD} x") == ["text 0"]


# ---- the guide ----


def test_the_guide_tells_what_is_said(closed):
    guide = " ".join((ROOT / "docs" / "broker.md").read_text().split())
    for name, (_, _, sentence) in cases(closed).items():
        told = sentence.replace(f"the name {HOST}", "the name ...")
        told = told.replace("the name localhost", "the name ...")
        assert told in guide, name
    for name in ("ca.pem", "server.pem", "server.key", "passwords", "acl"):
        assert f"/etc/mosquitto/edge-affect/{name}" in (SHIPPED / "edge-affect.conf").read_text()
        assert name in guide
