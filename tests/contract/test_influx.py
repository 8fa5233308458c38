"""A real publisher's messages by Telegraf's rules in a real InfluxDB; Grafana's queries on it."""

import contextlib
import json
import re
import shutil
import subprocess
import urllib.parse
import urllib.request

import pytest
from home_assistant_parts import ABSTAINING, ALERTING, SPEAKING
from mqtt_parts import WAIT_S, Box, Listener, wait_for
from telegraf_parts import INTEGRATIONS, line, point

from edge_affect.broker import HOST, LocalBroker, free_port

DASHBOARD = json.loads((INTEGRATIONS / "grafana" / "dashboard.json").read_text())
VARIABLES = {
    "$site": "hall",
    "$device": ".*",
    "$timeFilter": "time > now() - 10m",
    "$__interval": "1s",
}
pytestmark = pytest.mark.skipif(
    shutil.which("influxd") is None, reason="influxd is not installed (apt install influxdb)"
)


class Influx:
    """``influxd`` in a folder of its own, on loopback ports."""

    def __init__(self, folder):
        self.port = free_port()
        config = folder / "influxdb.conf"
        config.write_text(
            f'reporting-disabled = true\nbind-address = "{HOST}:{free_port()}"\n'
            f'[meta]\ndir = "{folder}/meta"\n'
            f'[data]\ndir = "{folder}/data"\nwal-dir = "{folder}/wal"\n'
            f'[http]\nbind-address = "{HOST}:{self.port}"\n'
        )
        self._log = (folder / "log").open("wb")
        self._process = subprocess.Popen(
            ["influxd", "-config", config], stdout=self._log, stderr=self._log
        )
        wait_for(self._answers, "influxd")
        self.ask("CREATE DATABASE edge_affect", post=True)

    def _answers(self):
        with contextlib.suppress(OSError):
            return (
                urllib.request.urlopen(f"http://{HOST}:{self.port}/ping", timeout=5).status == 204
            )
        return False

    def ask(self, query, post=False):
        asked = urllib.parse.urlencode({"db": "edge_affect", "q": query})
        url = f"http://{HOST}:{self.port}/query"
        request = (url, asked.encode()) if post else (f"{url}?{asked}", None)
        # Loopback, and http by the line above.
        with urllib.request.urlopen(*request, timeout=60) as answer:  # noqa: S310
            (result,) = json.load(answer)["results"]
        assert "error" not in result, (query, result)
        return result.get("series", [])

    def write(self, lines):
        url = f"http://{HOST}:{self.port}/write?db=edge_affect"
        with urllib.request.urlopen(url, "\n".join(lines).encode(), timeout=60) as answer:
            assert answer.status == 204

    def close(self):
        self._process.terminate()
        self._process.wait(WAIT_S)
        self._log.close()


def test_every_query_of_the_dashboard_finds_what_the_box_said(tmp_path):
    with LocalBroker() as broker, contextlib.closing(Listener(broker.port)) as listener:
        box = Box(broker.port, text=ALERTING)
        wait_for(lambda: listener.of("status"), "online")
        box.feed([SPEAKING] * 20)
        wait_for(lambda: listener.of("health"), "health")
        box.feed([ABSTAINING] * 10)
        box.feed([SPEAKING] * 10)
        wait_for(lambda: len(listener.of("event")) >= 2, "events")
        box.close()
        messages = list(listener.messages)
    points = [point(m.topic, m.payload) for m in messages if m.topic.startswith("edge-affect/")]
    kept = [one for one in points if one is not None]
    assert {one[0] for one in kept} == {
        "edge_affect", "edge_affect_alert", "edge_affect_event", "edge_affect_health",
        "edge_affect_status",
    }  # fmt: skip
    with contextlib.closing(Influx(tmp_path)) as influx:
        influx.write([line(*one) for one in kept])
        empty = []
        queries = [t["query"] for panel in DASHBOARD["panels"] for t in panel["targets"]]
        queries += [v["query"] for v in DASHBOARD["templating"]["list"] if v["type"] == "query"]
        for asked in queries:
            query = asked
            for name, value in VARIABLES.items():
                query = query.replace(name, value)
            assert "$" not in re.sub(r"\$/", "", query)
            if not influx.ask(query):
                empty.append(re.findall(r'"(\w+)"', query)[0])
        # Never known in these records, or not on this machine.
        assert set(empty) - {"temperature_c"} == {
            "arousal_relative", "states_anxiety", "events_screaming",
        }  # fmt: skip
        # Abstaining is a gap: no value, not zero.
        (series,) = influx.ask('SELECT count("valence"), count("sequence") FROM "edge_affect"')
        _, known, every = series["values"][0]
        assert 0 < known < every
        assert influx.ask('SELECT "valence" FROM "edge_affect" WHERE "abstained" != \'\'') == []
