"""The same analysis on a real Dask cluster on loopback: the same bytes, a lost worker or not."""

import os
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import pytest
from recordings import silence, voice, write

pytest.importorskip("distributed", reason="pip install 'edge-affect[cluster]'")

ROOT = Path(__file__).resolve().parents[2]
N_FILES = int(os.environ.get("EDGE_AFFECT_CLUSTER_FILES", "4"))
"""More of them, and longer ones, with ``make test-cluster``."""
SECONDS = 20 if N_FILES == 4 else 120


def tree(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def analyze(*arguments) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "edge_affect", "analyze", *map(str, arguments)],
        cwd=ROOT, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip


class Cluster:
    """A scheduler and two workers of one thread, as processes of their own."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack = stack
        scheduler = self._start("dask_scheduler", "--port", "0")
        self.address = self._said(scheduler, r"Scheduler at:\s+(tcp://\S+)")
        self.workers = [
            self._start("dask_worker", self.address, "--nthreads", "1", "--no-nanny")
            for _ in range(2)
        ]
        for worker in self.workers:
            self._said(worker, r"Registered to:\s+(tcp://\S+)")

    def _start(self, module: str, *arguments: str) -> subprocess.Popen:
        command = [sys.executable, "-W", "ignore", "-m", f"distributed.cli.{module}"]
        log = self._stack.enter_context(open(os.devnull, "w"))  # noqa: PTH123, SIM115 (closed by the stack)
        process = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--no-dashboard", *arguments],
            cwd=ROOT, stdout=log, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._stack.callback(process.stderr.close)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process

    def _said(self, process: subprocess.Popen, pattern: str) -> str:
        for line in process.stderr:
            if found := re.search(pattern, line):
                return found[1]
        raise AssertionError("the cluster did not start")


@contextmanager
def cluster():
    with ExitStack() as stack:
        yield Cluster(stack)


def children(pid: int) -> list[str]:
    try:
        return [
            child
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except FileNotFoundError:
        return []


def test_a_worker_that_is_killed_costs_nothing_but_time(tmp_path):
    media = tmp_path / "media"
    media.mkdir()
    for number in range(N_FILES):
        write(media / f"{number}.wav", np.tile(voice(10.0), SECONDS // 10 + number % 3))
    (media / "zero.wav").touch()
    (media / "text.mp4").write_text("This is no film.\n")
    local = analyze(media, "--out", tmp_path / "local")
    assert local.returncode == 75, local.stderr
    out = tmp_path / "cluster"
    with cluster() as started:
        process = subprocess.Popen(
            [
                sys.executable, "-m", "edge_affect", "analyze", str(media), "--out", str(out),
                "--dask", started.address,
            ],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        lost = started.workers[0]
        ends_s = time.monotonic() + 120
        while not (parts := children(lost.pid)):
            assert process.poll() is None, "it was done before a worker could be killed"
            assert time.monotonic() < ends_s
            time.sleep(0.005)
        lost.send_signal(signal.SIGKILL)
        lost.wait()
        said, err = process.communicate(timeout=300)
        assert process.returncode == 75, err
        assert "Traceback" not in err
        assert not any(Path(f"/proc/{part}").exists() for part in parts)
        assert f"{N_FILES + 2} recordings" in said
        assert tree(out) == tree(tmp_path / "local")
        assert sorted(err.splitlines()) == sorted(local.stderr.splitlines())


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--dask", "tcp://127.0.0.1:1"), 69, "no Dask scheduler at tcp://127.0.0.1:1"),
        (("--dask", "nonsense://"), 69, "no Dask scheduler"),
        (("--dask", "tcp://127.0.0.1:1", "--jobs", "2"), 64, "--jobs is for this machine"),
    ],
)
def test_without_a_cluster_there_is_one_sentence(
    tmp_path, monkeypatch, capsys, options, code, words
):
    from edge_affect.cli import main
    from edge_affect.insights import cluster as module

    monkeypatch.setattr(module, "CONNECT_S", 2.0)
    path = write(tmp_path / "a.wav", silence(0.1))
    assert main(["analyze", str(path), "--out", str(tmp_path / "out"), *options]) == code
    err = capsys.readouterr().err
    assert words in err.splitlines()[-1]
    assert "Traceback" not in err


def test_a_worker_of_another_version_is_refused(monkeypatch):
    from edge_affect.errors import UnavailableError
    from edge_affect.insights.cluster import analyse_hand
    from edge_affect.insights.wire import Hand

    with pytest.raises(UnavailableError, match="another version"):
        analyse_hand(Hand((), "", "test", is_caged=True), "something else")
