"""What tests of whole processes start with."""

import pytest

from edge_affect.broker import LocalBroker


@pytest.fixture
def broker():
    """A mosquitto of the test's own."""
    with LocalBroker() as local:
        yield local
