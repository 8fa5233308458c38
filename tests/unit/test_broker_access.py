"""Credentials and encryption: refused before a single byte goes out."""

import ssl

import pytest

from edge_affect.config import Mqtt
from edge_affect.errors import ConfigError, InputMissingError
from edge_affect.publishing.access import BrokerAccess, broker_access, is_loopback


@pytest.fixture
def password_file(tmp_path):
    path = tmp_path / "password"
    path.write_text("secret\n")
    path.chmod(0o600)
    return path


def test_defaults_are_anonymous_and_plain():
    access = broker_access(Mqtt())
    assert (access.host, access.port, access.username, access.password, access.tls) == (
        "localhost", 1883, "", "", None,
    )  # fmt: skip


def test_the_password_is_read_and_never_shown(password_file):
    access = broker_access(Mqtt(username="box", password_file=str(password_file)))
    assert access.password == "secret"  # noqa: S105 (a test's)
    assert "secret" not in repr(access)


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_a_password_that_others_can_touch_is_refused(password_file, mode):
    password_file.chmod(mode)
    with pytest.raises(ConfigError, match=r"chmod 600"):
        broker_access(Mqtt(password_file=str(password_file)))


def test_an_empty_password_file_is_refused(password_file):
    password_file.write_text("\n")
    with pytest.raises(ConfigError, match="empty"):
        broker_access(Mqtt(password_file=str(password_file)))


def test_missing_files_are_named(tmp_path):
    missing = str(tmp_path / "none")
    with pytest.raises(InputMissingError, match="no password file"):
        broker_access(Mqtt(password_file=missing))
    with pytest.raises(InputMissingError, match="no CA file"):
        broker_access(Mqtt(ca_file=missing))


def test_a_ca_file_without_a_certificate_is_refused(tmp_path):
    path = tmp_path / "ca.pem"
    path.write_text("no certificate\n")
    with pytest.raises(ConfigError, match="no certificate that can be read"):
        broker_access(Mqtt(ca_file=str(path)))


@pytest.mark.parametrize("host", ["broker.lan", "192.168.1.5", "::2", "localhost.example.org"])
def test_a_password_never_goes_out_in_clear(password_file, host):
    with pytest.raises(ConfigError, match="in clear"):
        broker_access(Mqtt(host=host, password_file=str(password_file)))
    tls = ssl.create_default_context()
    assert BrokerAccess(host, 8883, "box", "x", tls).tls is tls


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "127.1.2.3", "::1"])
def test_loopback(host):
    assert is_loopback(host)
    assert BrokerAccess(host, 1883, "box", "x").tls is None
