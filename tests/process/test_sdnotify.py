"""Messages to the service manager, on a real socket."""

import os
import socket

import pytest

from edge_affect.errors import UnavailableError
from edge_affect.sdnotify import Notifier


@pytest.fixture(params=["path", "abstract"])
def manager(request, tmp_path):
    """A listening socket and the environment that names it."""
    name = str(tmp_path / "notify") if request.param == "path" else f"\0edge-affect-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name)
        listener.settimeout(60)
        yield listener, {"NOTIFY_SOCKET": name.replace("\0", "@")}


def test_messages_are_those_of_the_protocol(manager):
    listener, environment = manager
    notifier = Notifier(environment)
    notifier.ready()
    notifier.watchdog()
    notifier.status("two\nlines of 1 status")
    notifier.stopping()
    messages = [listener.recv(256) for _ in range(4)]
    notifier.close()
    assert messages == [b"READY=1", b"WATCHDOG=1", b"STATUS=two lines of 1 status", b"STOPPING=1"]


def test_socket_is_open_before_it_is_needed(manager):
    _, environment = manager
    notifier = Notifier(environment)
    assert len(notifier.fds) == 1
    assert os.get_inheritable(notifier.fds[0]) is False
    notifier.close()
    assert notifier.fds == ()


def test_without_a_manager_nothing_happens():
    notifier = Notifier({})
    notifier.ready()
    notifier.close()
    assert (notifier.fds, notifier.watchdog_s) == ((), None)


def test_named_but_absent_manager_is_told(tmp_path):
    with pytest.raises(UnavailableError, match="does not answer"):
        Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")})


def test_manager_that_goes_or_stalls_does_not_stop_the_service(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        notifier = Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify")})
        for _ in range(2000):
            notifier.watchdog()
    notifier.watchdog()
    notifier.close()


@pytest.mark.parametrize(
    ("variables", "period_s"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_watchdog_period_is_for_this_process(variables, period_s):
    assert Notifier(variables).watchdog_s == period_s
