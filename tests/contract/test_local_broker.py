"""The throw-away broker of demo and tests: it starts, it ends, and leaves nothing."""

from pathlib import Path

import pytest

from edge_affect.broker import LocalBroker
from edge_affect.errors import UnavailableError


def test_a_start_that_is_interrupted_leaves_no_broker_behind(monkeypatch):
    started = []

    def interrupted(_self, process):
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(LocalBroker, "_wait_until_ready", interrupted)
    with pytest.raises(KeyboardInterrupt):
        LocalBroker().start()
    assert [process.poll() is None for process in started] == [False]


def test_a_port_in_use_is_one_sentence(broker):
    with pytest.raises(UnavailableError, match=r"could not start on port .*in use"):
        LocalBroker(broker.port).start()


def test_a_stopped_broker_can_be_started_again():
    local = LocalBroker()
    for _ in range(2):
        with local:
            Path(f"/proc/{local.pid}").stat()
            port = local.port
        assert local.pid is None
    assert port == local.port
