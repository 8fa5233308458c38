"""What tests against a real broker start with."""

import contextlib

import pytest
from mqtt_parts import Listener
from tls_parts import Closed

from edge_affect.broker import LocalBroker


@pytest.fixture
def broker():
    """A mosquitto of the test's own."""
    with LocalBroker() as local:
        yield local


@pytest.fixture
def closing():
    """Takes a part, and closes it when the test ends; the last one first."""
    with contextlib.ExitStack() as stack:
        yield lambda part: stack.enter_context(contextlib.closing(part))


@pytest.fixture
def listener(broker, closing):
    """A subscriber of everything."""
    return closing(Listener(broker.port))


@pytest.fixture(scope="session")
def closed(tmp_path_factory):
    """The files of a closed broker: certificates, passwords and the list, as shipped."""
    return Closed(tmp_path_factory.mktemp("closed"))


@pytest.fixture(scope="module")
def closed_broker(closed):
    """A mosquitto that is set up with these files."""
    with LocalBroker(extra_config=closed.text) as local:
        yield local
