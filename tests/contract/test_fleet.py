"""A few simulated boxes against a real broker: nothing lost, nothing invented, the load shared."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

FLEET = Path(__file__).resolve().parents[2] / "benchmarks" / "fleet.py"


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """What the simulator says of six boxes that lose their connection again and again."""
    out = tmp_path_factory.mktemp("fleet") / "report.json"
    plot = out.with_suffix(".svg")
    options = [
        "--boxes",
        "6",
        "--seconds",
        "5",
        "--outages",
        "1200",
        "--outage-s",
        "1.5",
        "--tick-hz",
        "2",
    ]
    subprocess.run(
        [sys.executable, FLEET, *options, "--outage-s", "1.5", "--json", out, "--plot", plot],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    assert "<svg" in plot.read_text()
    (measured,) = json.loads(out.read_text())
    return measured


def test_every_record_reaches_a_reader_through_outages(report):
    assert report["records"] + report["missed_ticks"] >= 55
    assert report["outages"] >= 3
    assert report["after_an_outage"] >= 3
    assert (report["read"], report["lost"], report["invented"]) == (report["records"], 0, 0)
    assert (report["unsent"], report["told_lost"]) == (0, 0)


def test_two_readers_share_the_load(report):
    one, two = report["shares"]
    assert min(one, two) >= 0.4 * (one + two)
    assert one + two == report["read"] + report["twice"]


def test_delay_size_and_use_are_measured(report):
    delay = report["delay_ms"]
    assert 0 < delay["p50"] <= delay["p95"] <= delay["p99"] <= delay["most"]
    assert 700 < report["affect_bytes"] < 900
    assert report["mqtt_bytes_in_per_tick"] > report["affect_bytes"]
    assert report["broker_mb"] > 1


def test_it_refuses_more_than_it_can_bear():
    done = subprocess.run(
        [sys.executable, FLEET, "--boxes", "1000000"], capture_output=True, text=True, check=False
    )
    assert done.returncode != 0
    assert "at most" in done.stderr
    assert "Traceback" not in done.stderr
