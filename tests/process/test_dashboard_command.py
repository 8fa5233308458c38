"""``edge-affect dashboard`` as a process: it serves, ends cleanly, and tells its mistakes."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from edge_affect.broker import HOST, LocalBroker, free_port
from tests.patience import wait_for

ROOT = Path(__file__).resolve().parents[2]
EVERYWHERE = "0.0.0.0"  # noqa: S104 (what is tested)
COMMAND = [sys.executable, "-m", "edge_affect", "dashboard"]


def run(*options, **variables):
    return subprocess.run(
        [*COMMAND, *options],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env={**os.environ, **variables},
    )


def start(*options):
    process = subprocess.Popen(
        [*COMMAND, *options], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    line = process.stdout.readline()
    assert line.startswith("The page is at http://127.0.0.1:"), process.communicate()
    return process, int(line.split(":")[2].split("/")[0])


def status_of(port):
    connection = http.client.HTTPConnection(HOST, port, timeout=60)
    connection.request("GET", "/", headers={"Connection": "close"})
    with contextlib.closing(connection), connection.getresponse() as answer:
        return answer.status


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["sigterm", "ctrl-c"])
def test_it_serves_until_it_is_told_to_end(number):
    with LocalBroker() as broker:
        process, port = start("--broker", f"{HOST}:{broker.port}", "--port", "0")
        assert status_of(port) == 200
        process.send_signal(number)
        _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


def test_it_waits_for_a_broker_when_told_to():
    process, port = start("--broker", f"{HOST}:{free_port()}", "--port", "0", "--wait")
    assert status_of(port) == 200
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert (process.returncode, errors) == (0, "")


def test_who_opens_it_to_the_network_is_told_what_that_means():
    with LocalBroker() as broker:
        done = run(
            "--broker", f"{HOST}:{broker.port}", "--port", "0", "--listen", EVERYWHERE,
            "--seconds", "0.5",
        )  # fmt: skip
    assert done.returncode == 0
    assert "no password" in done.stderr
    assert done.stderr.count("\n") == 1


def test_mistakes_are_one_sentence_and_a_code(tmp_path):
    refused = f"{HOST}:{free_port()}"
    with LocalBroker() as broker, socket.create_server((HOST, 0)) as taken:
        there = f"{HOST}:{broker.port}"
        port = str(taken.getsockname()[1])
        cases = [
            (["--broker", refused, "--port", "0"], 69, "cannot be reached"),
            (["--broker", there, "--port", port], 69, f"Port {port} of {HOST} is in use"),
            (["--broker", there, "--port", "70000"], 64, "is no port"),
            (["--broker", there, "--port", "x"], 64, "invalid int"),
            (["--broker", there, "--listen", "here"], 64, "is no IP address"),
            (["--broker", there, "--box", "hall"], 64, "is no SITE/DEVICE"),
            (["--config", str(tmp_path / "none.toml")], 66, "none.toml"),
        ]
        for options, code, words in cases:
            done = run(*options)
            assert done.returncode == code, (options, done)
            assert words in done.stderr
            assert done.stderr.count("\n") == 1, done.stderr
            assert "Traceback" not in done.stderr


def test_a_broker_that_refuses_is_told_in_its_words():
    with LocalBroker(extra_config="allow_anonymous false") as broker:
        done = run("--broker", f"{HOST}:{broker.port}", "--port", "0")
    assert done.returncode == 69
    assert "not authorized" in done.stderr


def test_a_browser_is_opened_only_where_there_is_a_screen(tmp_path):
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    with LocalBroker() as broker:
        options = ["--broker", f"{HOST}:{broker.port}", "--port", "0", "--open", "--seconds", "1"]
        done = run(*options, BROWSER=str(browser), DISPLAY="", WAYLAND_DISPLAY="")
        assert done.returncode == 0
        assert not (tmp_path / "opened").exists()
        done = run(*options, BROWSER=f"{browser} %s", DISPLAY=":9")
    assert done.returncode == 0
    # The browser is a process of its own.
    opened = tmp_path / "opened"
    wait_for(lambda: opened.exists() and opened.read_text(), "the browser")
    assert opened.read_text().startswith("http://127.0.0.1:")
