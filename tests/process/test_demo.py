"""The demo, as a newcomer runs it, on a clip from the data folder instead of a download."""

import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.patience import no_longer_than

ROOT = Path(__file__).resolve().parents[2]
COMMAND = [sys.executable, "-m", "edge_affect", "demo"]


def run(*options: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [*COMMAND, *options], cwd=ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def start(*options: str) -> subprocess.Popen:
    return subprocess.Popen(
        [*COMMAND, *options],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        # Where these tests run in a shell's background Ctrl-C is ignored, and is inherited so.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip


@pytest.mark.data
def test_it_shows_a_line_per_tick(data_dir):
    clip = data_dir / "video" / "ravdess" / "01-01-01-01-01-01-01.mp4"
    process = start("--video", str(clip), "--loop")
    said = ""
    with no_longer_than(process), process:
        for line in process.stdout:
            said += line
            if "1 person" in line and "face" in line:
                break
        process.send_signal(signal.SIGINT)
        # What was read ahead comes first.
        said += process.stdout.read()
        errors = process.stderr.read()
    assert process.returncode == 0, errors
    lines = re.findall(r"^\d\d:\d\d:\d\d  (.+)$", said, re.MULTILINE)
    assert any("1 person" in line and "face" in line for line in lines)
    assert re.search(r"^== The room as a page: http://127.0.0.1:\d+/$", said, re.MULTILINE)
    assert "mosquitto_sub -h 127.0.0.1 -p" in said
    assert '{"schema":"1.0",' in said
    assert f"== {len(lines)} messages." in said


@pytest.mark.data
def test_ctrl_c_ends_it_cleanly(data_dir):
    clip = data_dir / "video" / "clips" / "no_face.mp4"
    process = start("--video", str(clip), "--loop")
    with no_longer_than(process), process:
        for line in process.stdout:
            if "as a page" in line:
                port = int(line.split(":")[-1].rstrip("/\n"))
                socket.create_connection(("127.0.0.1", port), 60).close()
            if "no affect: nobody there" in line:
                break
        process.send_signal(signal.SIGINT)
        rest, errors = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0, errors
    assert "messages." in rest
    # Nothing of it is left: the page's process has ended too.
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)
    assert "Traceback" not in errors


@pytest.mark.data
def test_it_can_do_without_the_page_and_ends_by_itself(data_dir):
    clip = data_dir / "video" / "clips" / "no_face.mp4"
    done = run("--video", str(clip), "--seconds", "2", "--no-dashboard")
    assert done.returncode == 0, done.stderr
    assert "as a page" not in done.stdout


def test_mistakes_are_one_sentence():
    done = run("--live")
    assert (done.returncode, done.stderr.count("\n")) == (64, 1)
    assert "config init" in done.stderr
    done = run("--video", "/no/such.mp4")
    assert done.returncode == 66
    assert "/no/such.mp4" in done.stderr
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("--port", str(port), "--video", str(ROOT / "README.md"))
    assert done.returncode == 69
    assert str(port) in done.stderr


@pytest.mark.data
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP], ids=["sigterm", "hang-up"])
def test_a_terminal_that_is_closed_at_the_start_leaves_no_broker_behind(data_dir, number):
    clip = data_dir / "video" / "clips" / "no_face.mp4"
    process = subprocess.Popen(
        [*COMMAND, "--video", str(clip), "--no-dashboard"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    port = int(re.search(r"port (\d+)", process.stdout.readline())[1])
    socket.create_connection(("127.0.0.1", port), 5).close()
    process.send_signal(number)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 0, errors
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 5)
    assert "Traceback" not in errors
