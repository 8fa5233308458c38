"""The caged process that analyses: what it may read, how it dies, how much memory it takes."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from recordings import RATE_HZ, silence, write

from edge_affect.errors import CageError, ExitCode
from edge_affect.insights import part_process
from edge_affect.insights.part_process import Watch, outcomes
from edge_affect.insights.wire import Hand, Job
from tests.patience import is_running

ROOT = Path(__file__).resolve().parents[2]


def hand(*paths, is_caged=True, config="") -> Hand:
    return Hand(tuple(Job(str(path), 0) for path in paths), config, "test", is_caged)


PRISONER = """
import os, socket, sys
from pathlib import Path
from edge_affect.insights.part import enter_cage
from edge_affect.insights.wire import Hand, Job
own, other, out = sys.argv[1:]
enter_cage(Hand((Job(own, 0),), "", "", True), 1)
def works(attempt):
    try:
        attempt()
    except OSError:
        return False
    return True
print(
    works(lambda: open(own, "rb").read()),
    works(lambda: open(other, "rb").read()),
    works(lambda: open(out, "w")),
    works(lambda: open(own, "r+b")),
    works(lambda: socket.socket()),
    works(lambda: os.fork()),
)
"""


def test_a_part_reads_its_own_recordings_and_can_do_nothing_else(tmp_path):
    own, other = write(tmp_path / "own.wav", silence(1.0)), write(tmp_path / "o.wav", silence(1.0))
    done = subprocess.run(
        [sys.executable, "-c", PRISONER, str(own), str(other), str(tmp_path / "out")],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.stdout.split() == ["True", *["False"] * 5], done.stderr


def test_without_a_cage_nothing_is_analysed(tmp_path, monkeypatch):
    script = tmp_path / "part.py"
    script.write_text(
        "import sys\n"
        "from edge_affect.errors import CageError\n"
        "from edge_affect.insights import part\n"
        "from edge_affect.sensing import namespaces\n"
        "def refuse():\n    raise CageError('The kernel does not let this user build a cage.')\n"
        "namespaces.unshare_all = refuse\n"
        "sys.exit(part.main())\n"
    )
    monkeypatch.setattr(part_process, "PROGRAM", (sys.executable, str(script)))
    path = write(tmp_path / "a.wav", silence(1.0))
    with pytest.raises(Exception, match="does not let this user") as refused:
        list(outcomes(hand(path)))
    assert refused.value.exit_code == CageError.exit_code
    assert [o.n_records for o in outcomes(hand(path, is_caged=False))] == [1]


DIES = """
import os, signal, sys
from pathlib import Path
from edge_affect.insights import playing, part
from edge_affect.record import encode
flag, times = Path(sys.argv[1]), int(sys.argv[2])
n_before = len(flag.read_text()) if flag.exists() else 0
play = playing.play
def dying(job, settings, writer):
    if Path(job.path).stem == "die" and n_before < times:
        flag.write_text("x" * (n_before + 1))
        {}
    play(job, settings, writer)
playing.play = dying
sys.exit(part.main())
"""
KILLED = "os.kill(os.getpid(), signal.SIGKILL)"
HANGS = "flag.with_name('hanging').write_text(str(os.getpid())); __import__('time').sleep(600)"


def hurried(hanging: Path) -> Watch:
    """Return a watch that loses patience as soon as a process hangs, and with no slow one."""
    watch = Watch()

    def look() -> bool:
        is_hanging = hanging.exists() and is_running(hanging.read_text() or "none")
        watch.stall_s = 0.5 if is_hanging else 600.0
        return False

    watch.is_cancelled = look
    return watch


@pytest.mark.parametrize(
    ("times", "how", "words"),
    [
        (1, KILLED, None),
        (9, KILLED, "by signal 9"),
        (9, "1 / 0", "ZeroDivisionError"),
        (9, HANGS, "nothing came of it"),
    ],
)
def test_a_part_that_dies_costs_at_most_the_recording_it_read(
    tmp_path, monkeypatch, times, how, words
):
    script = tmp_path / "part.py"
    script.write_text(DIES.format(how))
    program = (sys.executable, str(script), str(tmp_path / "flag"), str(times))
    monkeypatch.setattr(part_process, "PROGRAM", program)
    paths = [write(tmp_path / f"{name}.wav", silence(2.0)) for name in ("a", "die", "c")]
    found = list(outcomes(hand(*paths, is_caged=False), hurried(tmp_path / "hanging")))
    assert [Path(o.job.path).stem for o in found] == ["a", "die", "c"]
    assert [o.n_records for o in found] == [2, 2 if words is None else 0, 2]
    if words is None:
        assert found[1].failure is None
    else:
        assert found[1].failure.code is ExitCode.BAD_DATA
        assert words in found[1].failure.sentence


MEASURED = """
import sys
from edge_affect.insights import part
code = part.main()
print(open("/proc/self/status").read(), file=sys.stderr)
sys.exit(code)
"""


def highest_memory_mb(path: Path) -> float:
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], input=hand(path, is_caged=False).to_bytes(),
        cwd=ROOT, capture_output=True, check=True, timeout=600,
    )  # fmt: skip
    assert len(done.stdout) > 20 * 18
    line = next(line for line in done.stderr.decode().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def test_memory_does_not_grow_with_the_length_of_a_recording(tmp_path):
    short = highest_memory_mb(write(tmp_path / "short.wav", np.zeros(30 * RATE_HZ)))
    long = highest_memory_mb(write(tmp_path / "long.wav", np.zeros(480 * RATE_HZ)))
    # The samples of the long one alone would take 31 MB.
    assert long < short + 8.0
    assert short < 150.0
