"""A wall clock that jumps by years under the real publisher, with a real mosquitto.

faketime moves the wall clock of the publisher's process alone; the monotonic clock stays the
kernel's. A mount namespace holds the file by which systemd-timesyncd says that it is right.
"""

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path

import pytest
from mqtt_parts import WAIT_S, Listener, wait_for
from tls_parts import certificates

from edge_affect.broker import HOST, LocalBroker, free_port
from edge_affect.publishing.outboxes import FILE_NAME
from edge_affect.record import AffectRecord, Modality, encode
from edge_affect.wall_clock import kernel_clock_is_synced

LIBRARIES = sorted(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"))
CONFIG = """\
[device]
site = "hall"
name = "one"
[publish]
tick_hz = 5.0
{publish}
[mqtt]
host = "127.0.0.1"
port = {port}
{mqtt}
"""
IN_THE_PAST = "-50y"
NOW = "+0"
NOT_YET = "its certificate is not valid yet, or this box's clock is behind"
RECORD = AffectRecord(
    expressions=(2, 13, 0, 0, 0, 0, 0, 0), modalities=Modality.FACE, confidence=9, valence=8,
)  # fmt: skip

if not LIBRARIES:
    pytest.skip("no libfaketime here; install the package faketime", allow_module_level=True)


class ClockedPublisher:
    """``edge-affect publish`` whose wall clock is set from outside."""

    def __init__(self, folder, port, *, publish="", mqtt="", clock=IN_THE_PAST):
        self._file = folder / "faketime"
        self._file.write_text(clock)
        path = folder / "box.toml"
        path.write_text(CONFIG.format(port=port, publish=publish, mqtt=mqtt))
        self.records, inlet = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        program = [
            sys.executable, "-m", "edge_affect", "publish", "--config", str(path),
            "--records-fd", str(inlet.fileno()),
        ]  # fmt: skip
        # /run is this process's own from here on: another program may keep the real file there.
        hidden = "mount -t tmpfs tmpfs /run && exec "
        faked = (
            f"env LD_PRELOAD={LIBRARIES[0]} FAKETIME_TIMESTAMP_FILE={self._file} "
            "FAKETIME_NO_CACHE=1 FAKETIME_DONT_FAKE_MONOTONIC=1 DONT_FAKE_MONOTONIC=1 "
        )
        self._log = folder / "log.txt"
        with inlet, self._log.open("w") as log:
            self.popen = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", f'{hidden}{faked}"$@"', "sh", *program],
                pass_fds=(inlet.fileno(),), stderr=log,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )  # fmt: skip

    def set_clock(self, text, *, is_synced):
        """Set the wall clock, as the first answer of NTP does, all at once."""
        self.popen.send_signal(signal.SIGSTOP)
        self._file.write_text(text)
        flag = Path(f"/proc/{self.popen.pid}/root/run/systemd/timesync/synchronized")
        if is_synced:
            flag.parent.mkdir(parents=True, exist_ok=True)
            flag.touch()
        else:
            flag.unlink(missing_ok=True)
        self.popen.send_signal(signal.SIGCONT)

    def feed(self, seconds):
        """Send records at the pace of sensing, as many as that time holds."""
        for _ in range(round(seconds / 0.1)):
            with contextlib.suppress(ConnectionRefusedError):
                self.records.send(encode(RECORD))
            time.sleep(0.1)

    def said(self):
        """Return what it logged so far."""
        return self._log.read_text()

    def end(self):
        """End it and return what it logged."""
        self.popen.terminate()
        self.popen.wait(WAIT_S)
        self.records.close()
        said = self.said()
        assert "Traceback" not in said, said
        assert self.popen.returncode == 0, said
        return said


@pytest.fixture
def publisher(tmp_path):
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a mount namespace of its own needs root and unshare")
    if kernel_clock_is_synced():
        pytest.skip("the kernel's clock is kept right here, so it cannot be called wrong")
    started = []

    def start(port, **options):
        started.append(ClockedPublisher(tmp_path, port, **options))
        return started[-1]

    yield start
    for one in started:
        if one.popen.poll() is None:
            one.popen.kill()
            one.popen.wait()


def affect(listener):
    return [json.loads(text) for text in listener.payloads("affect")]


def year(payload):
    return datetime.fromisoformat(payload["time"].replace("Z", "+00:00")).year


THIS_YEAR = datetime.now().astimezone().year


def test_a_jump_of_fifty_years_and_back_changes_nothing_but_the_stamps(publisher):
    with LocalBroker() as broker, contextlib.closing(Listener(broker.port)) as listener:
        box = publisher(broker.port)
        wait_for(lambda: box.feed(0.2) or len(affect(listener)) >= 5, "messages")
        began_s = time.monotonic()
        for clock, is_synced in ((NOW, True), (IN_THE_PAST, False)):
            box.set_clock(clock, is_synced=is_synced)
            n_before = len(affect(listener))
            # One or two of them may be of before.
            wait_for(lambda n=n_before + 8: box.feed(0.2) or len(affect(listener)) >= n, clock)
        said = box.end()
        took_s = time.monotonic() - began_s
        wait_for(lambda: listener.payloads("status")[-1] == "offline", "offline")
        got, raw = affect(listener), listener.of("affect")
        health = [json.loads(text) for text in listener.payloads("health")]
        alerts = [m for m in listener.messages if "/alert/" in m.topic]
    eras = [(year(payload) == THIS_YEAR, payload["clock_synced"]) for payload in got]
    first, last = eras.index((True, True)), len(eras) - eras[::-1].index((True, True))
    assert set(eras[:first]) == set(eras[last:]) == {(False, False)}
    assert set(eras[first:last]) == {(True, True)}
    assert min(first, last - first, len(eras) - last) >= 5
    assert [payload["sequence"] for payload in got] == list(range(len(got)))
    assert not any("gap" in payload or "late" in payload for payload in got)
    # Ticks went on: 5 a second at most over two jumps, none made up for.
    assert len(eras) - first <= 5 * took_s + 1
    # A message that waits at the broker says how long it is still good for.
    assert {m.properties.MessageExpiryInterval for m in raw} <= set(range(30, 61))
    assert health
    # Said once, at the start, and cleared at no jump.
    assert len(alerts) == len({m.topic for m in alerts})
    assert re.findall(r"the clock was set by ([+-])15\d{8} s", said) == ["+", "-"]


def test_what_waited_through_a_jump_comes_in_order_and_says_what_was_not_synced(
    publisher, tmp_path
):
    spool = tmp_path / "spool"
    spool.mkdir()
    port = free_port()
    box = publisher(port, publish=f'spool_dir = "{spool}"')
    wait_for((spool / FILE_NAME).exists, "the spool")
    box.feed(4.0)
    box.set_clock(NOW, is_synced=True)
    box.feed(3.0)
    with LocalBroker(port) as broker, contextlib.closing(Listener(broker.port)) as listener:
        wait_for(lambda: box.feed(0.2) or len(affect(listener)) >= 20, "what waited")
        box.feed(1.0)
        box.end()
        wait_for(lambda: listener.payloads("status")[-1:] == ["offline"], "offline")
        got = affect(listener)
    late = [payload for payload in got if payload.get("late")]
    numbers = [payload["sequence"] for payload in late]
    assert len(late) >= 8
    assert numbers == sorted(set(numbers))
    assert sorted({payload["sequence"] for payload in got}) == list(range(len(got)))
    flags = [payload["clock_synced"] for payload in late]
    n_unsynced = flags.count(False)
    assert n_unsynced >= 2
    assert flags == [False] * n_unsynced + [True] * (len(flags) - n_unsynced)
    assert [year(payload) == THIS_YEAR for payload in late] == flags


def test_a_certificate_of_the_future_is_waited_for(publisher, tmp_path):
    certificates(tmp_path, "ca")
    certificates(tmp_path, "server", "localhost", HOST)
    port = free_port()
    extra = (
        f"listener {port} {HOST}\ncafile {tmp_path}/ca.pem\n"
        f"certfile {tmp_path}/server.pem\nkeyfile {tmp_path}/server.key\nuser root"
    )
    with (
        LocalBroker(extra_config=extra) as broker,
        contextlib.closing(Listener(broker.port)) as listener,
    ):
        box = publisher(port, mqtt=f'ca_file = "{tmp_path}/ca.pem"')
        wait_for(lambda: box.feed(0.2) or NOT_YET in box.said(), "the refusal")
        box.feed(1.5)
        assert box.popen.poll() is None
        assert not affect(listener)
        box.set_clock(NOW, is_synced=True)
        wait_for(lambda: box.feed(0.2) or affect(listener), "messages after NTP")
        box.end()
    # What waited in memory went first, and says that its time was wrong.
    assert not affect(listener)[0]["clock_synced"]
