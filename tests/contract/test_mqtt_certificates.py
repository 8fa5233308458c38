"""The shipped script for certificates: what it refuses, and what it makes."""

import socket
import ssl

import pytest
from tls_parts import certificates

from edge_affect.broker import HOST, LocalBroker


@pytest.fixture(scope="module")
def broker(closed):
    with LocalBroker(extra_config=closed.text) as local:
        yield local


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        ((), 64, "say ca, server or client"),
        (("ca", "x"), 64, "ca takes no name"),
        (("server",), 64, "say the names"),
        (("server", "a/b"), 64, "neither a host name nor an address"),
        (("client", "a b"), 64, "is no user name"),
        (("client", "hall.nine"), 66, "there is no ca.pem"),
    ],
)
def test_the_script_says_what_is_wrong(tmp_path, arguments, code, says):
    done = certificates(tmp_path, *arguments, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (code, 1)
    assert says in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_script_overwrites_nothing_and_keeps_keys_private(closed):
    own = closed.folder / "own"
    for arguments in (("ca",), ("server", HOST), ("client", "hall.one")):
        done = certificates(own, *arguments, check=False)
        assert (done.returncode, "exists already" in done.stderr) == (73, True)
    keys = sorted(own.glob("*.key"))
    assert [key.name for key in keys] == ["ca.key", "hall.one.key", "server.key"]
    assert {key.stat().st_mode & 0o777 for key in keys} == {0o600}


def test_its_certificates_pass_the_strict_checks_of_newer_pythons(closed, broker):
    context = ssl.create_default_context(cafile=str(closed.ca))
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with (
        socket.create_connection((HOST, closed.port), 5.0) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        assert secured.version() == "TLSv1.3"
