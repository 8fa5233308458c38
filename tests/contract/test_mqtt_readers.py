"""Reading vectors at a broker, as a script does."""

import time

import pytest
from mqtt_parts import BASE, WAIT_S, Gate

from edge_affect.broker import HOST, free_port
from edge_affect.errors import BrokerError
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.subscriber import watch


def test_watching_sees_payloads_and_passes_over_the_rest(broker, listener):
    seen = []
    deadline_s = time.monotonic() + WAIT_S

    def is_over():
        listener.publish(f"{BASE}/affect", b"not json")
        listener.publish(f"{BASE}/affect", b"[1]")
        listener.publish(f"{BASE}/affect", b'{"sequence":1}')
        return len(seen) >= 2 or time.monotonic() > deadline_s

    watch(BrokerAccess(HOST, broker.port), f"{BASE}/affect", seen.append, is_over)
    assert len(seen) >= 2
    assert seen == [{"sequence": 1}] * len(seen)


@pytest.mark.parametrize("manner", ["no-5", "hang-up-5"])
def test_watching_a_broker_without_mqtt_5(broker, listener, closing, manner):
    gate = closing(Gate(broker.port, manner))
    watch(BrokerAccess(HOST, gate.port), "#", lambda _payload: None, lambda: bool(gate.levels[1:]))
    assert gate.levels == [5, 4]


def test_watching_nothing_gives_up():
    access = BrokerAccess(HOST, free_port())
    with pytest.raises(BrokerError, match="connection refused"):
        watch(access, "#", lambda _payload: None, lambda: False, patience_s=0.3)
