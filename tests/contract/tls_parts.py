"""Parts for tests of a closed broker: certificates, passwords, the configuration as shipped."""

import json
import os
import shutil
import subprocess
import threading
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_affect import cli
from edge_affect.broker import HOST, free_port
from edge_affect.config import Mqtt
from edge_affect.publishing.access import broker_access
from edge_affect.publishing.mqtt import ClientIdentity, Connection

SHIPPED = Path(__file__).resolve().parents[2] / "integrations" / "mosquitto"
USERS = ("hall.one", "hall.two", "reader", "operator", "homeassistant")
PASSWORD = "pl4nted-s3cret"  # noqa: S105 (a test's)
WAIT_S = 60.0


def certificates(folder, *arguments, days=1, check=True):
    """Run the shipped script in ``folder``."""
    return subprocess.run(
        [SHIPPED / "certificates.sh", *arguments],
        cwd=folder, env={**os.environ, "DAYS": str(days)}, check=check,
        capture_output=True, text=True,
    )  # fmt: skip


class Closed:
    """Files of a closed broker, and ports with good and bad certificates.

    Attributes:
        text: Lines for mosquitto.conf.
        port: TLS as shipped.
        expired, elsewhere: TLS with a certificate that is too old, or for another name.
        strict: TLS that wants a certificate and takes its name as the user.
    """

    def __init__(self, folder):
        self.folder = folder
        for name in ("own", "expired", "elsewhere", "other"):
            (folder / name).mkdir()
        certificates(folder / "own", "ca")
        certificates(folder / "own", "server", "localhost", HOST)
        certificates(folder / "own", "client", "hall.one")
        for name, arguments, days in (
            ("expired", ("localhost", HOST), -1),
            ("elsewhere", ("elsewhere.lan",), 1),
        ):
            for part in ("ca.pem", "ca.key"):
                shutil.copy(folder / "own" / part, folder / name)
            certificates(folder / name, "server", *arguments, days=days)
        certificates(folder / "other", "ca")
        certificates(folder / "other", "client", "hall.one")
        self.ca = folder / "own" / "ca.pem"
        self.other_ca = folder / "other" / "ca.pem"
        self._make_passwords(folder / "own" / "passwords")
        shutil.copy(SHIPPED / "acl", folder / "own" / "acl")
        self.password_file = self.secret("password", PASSWORD)
        self.port, self.expired, self.elsewhere, self.strict = (free_port() for _ in range(4))
        self.text = "\n".join([
            "user root",
            self.shipped(self.port),
            *(
                f"listener {port} {HOST}\ncafile {self.ca}\n"
                f"certfile {folder / name}/server.pem\nkeyfile {folder / name}/server.key"
                for port, name in (
                    (self.expired, "expired"), (self.elsewhere, "elsewhere"), (self.strict, "own"),
                )
            ),
            "require_certificate true",
            "use_identity_as_username true",
        ])  # fmt: skip

    def shipped(self, port):
        """Return the shipped configuration with this folder and a port of the loopback."""
        text = (SHIPPED / "edge-affect.conf").read_text()
        assert text.count("listener 8883\n") == 1
        assert text.count("/etc/mosquitto/edge-affect/") == 5
        text = text.replace("listener 8883\n", f"listener {port} {HOST}\n")
        return text.replace("/etc/mosquitto/edge-affect", str(self.folder / "own"))

    def _make_passwords(self, path):
        program = shutil.which("mosquitto_passwd") or "/usr/bin/mosquitto_passwd"
        path.write_text("".join(f"{user}:{PASSWORD}\n" for user in USERS))
        path.chmod(0o600)
        subprocess.run([program, "-U", path], check=True)

    def secret(self, name, text):
        """Return a new file for its owner alone."""
        path = self.folder / name
        path.write_text(f"{text}\n")
        path.chmod(0o600)
        return path

    def settings(self, **changes):
        """Return settings of ``[mqtt]`` for a box that gets in."""
        return {
            "host": HOST, "port": self.port, "ca_file": str(self.ca), "username": "hall.one",
            "password_file": str(self.password_file), **changes,
        }  # fmt: skip


class Person:
    """A client of paho's own, over TLS, that knows what it was allowed."""

    def __init__(self, closed, user):
        self.seen = []
        self._subscribed = threading.Event()
        self._published = threading.Event()
        self._reason = None
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.username_pw_set(user, PASSWORD)
        self._client.tls_set(str(closed.ca))
        self._client.on_connect = lambda client, *_: client.subscribe("#", qos=1)
        self._client.on_subscribe = lambda *_: self._subscribed.set()
        self._client.on_publish = self._on_publish
        self._client.on_message = lambda _c, _u, message: self.seen.append(
            (message.topic, message.payload)
        )
        self._client.connect(HOST, closed.port)
        self._client.loop_start()
        assert self._subscribed.wait(WAIT_S)

    def _on_publish(self, _client, _userdata, _mid, reason, _properties):
        self._reason = reason
        self._published.set()

    def may_publish(self, topic, payload=b"x"):
        """Publish, and return whether the broker took it."""
        self._published.clear()
        self._client.publish(topic, payload, qos=1)
        assert self._published.wait(WAIT_S)
        assert not self._reason.is_failure or self._reason.getName() == "Not authorized"
        return not self._reason.is_failure

    def close(self):
        self._client.disconnect()
        self._client.loop_stop()


def connect(settings):
    """Connect as the box does, and hang up."""
    connection = Connection(broker_access(Mqtt(**settings)), ClientIdentity("probe"))
    connection.open()
    connection.close()


def doctor(capsys, tmp_path, settings):
    """Return exit code, the checks by name, and all that was printed."""
    path = tmp_path / "box.toml"
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    path.write_text('[device]\nsite = "hall"\nname = "one"\n[mqtt]\n' + "\n".join(lines))
    code = cli.main(["doctor", "--config", str(path), "--only", "broker", "--json"])
    captured = capsys.readouterr()
    checks = {check["name"]: check for check in json.loads(captured.out)["checks"]}
    return code, checks, captured.out + captured.err
