"""Nobody looks into the sensing process: not another user, not even another process of its own."""

import json
import os
import subprocess
from pathlib import Path

import pytest
from conftest import NOBODY, PRISONER, Outside
from intruder import INTRUSIONS

NEEDS_CAGE = pytest.mark.usefixtures("cage_is_possible")
STRANGER = NOBODY - 1
VICTIM = """
import sys
sys.path.insert(0, sys.argv[1])
import walls
from edge_affect.sensing import cage
walls.leave_out([wall for wall in sys.argv[2].split(",") if wall])
cage.enter(cage.CagePolicy())
print("caged", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def around():
    """The folders and the interpreter of the sensing user: an ordinary one."""
    prepared = Outside(os.geteuid() or NOBODY)
    prepared.folder.chmod(0o755)  # the other user runs its tools from there
    yield prepared
    prepared.close()


def intrude(around, missing, intruder_id):
    """Return what an intruder finds out about a caged process: intrusion to error or None."""
    tools = str(around.product / PRISONER.parent.name)
    victim = subprocess.Popen(
        [around.python(), "-c", VICTIM, tools, missing],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/",
        env=around.environment, **around._identity(),
    )  # fmt: skip
    try:
        assert victim.stdout.readline() == "caged\n"
        identity = {}
        if os.geteuid() == 0:
            identity = {"user": intruder_id, "group": intruder_id, "extra_groups": []}
        done = subprocess.run(
            [around.python(), f"{tools}/intruder.py", str(victim.pid)],
            capture_output=True, text=True, check=True, cwd="/", timeout=600,
            env=around.environment, **identity,
        )  # fmt: skip
    finally:
        victim.kill()
        victim.communicate()
    found = json.loads(done.stdout)
    assert sorted(found) == sorted(INTRUSIONS)
    return found


def tracing_is_restricted():
    path = Path("/proc/sys/kernel/yama/ptrace_scope")
    return path.exists() and path.read_text().strip() != "0"


@NEEDS_CAGE
def test_its_own_user_cannot_look_into_it(around):
    found = intrude(around, "", around.user)
    assert [name for name, error in found.items() if error is None] == []


@NEEDS_CAGE
def test_its_own_user_can_where_it_is_dumpable(around):
    if tracing_is_restricted():
        pytest.skip("Yama forbids tracing here even without the cage")
    found = intrude(around, "not dumpable", around.user)
    assert {name: e for name, e in found.items() if e is not None} == {}


@NEEDS_CAGE
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be two users")
@pytest.mark.parametrize("missing", ["", "not dumpable"])
def test_another_user_such_as_the_publisher_cannot_look_into_it(around, missing):
    found = intrude(around, missing, STRANGER)
    assert [name for name, error in found.items() if error is None] == []


@NEEDS_CAGE
def test_an_uncaged_process_can_be_looked_into(around):
    """The intruder's tools work where nothing is in their way."""
    if tracing_is_restricted():
        pytest.skip("Yama forbids tracing here")
    other = subprocess.Popen(["sleep", "60"], **around._identity())
    try:
        identity = around._identity()
        done = subprocess.run(
            [around.python(), str(around.product / PRISONER.parent.name / "intruder.py"),
             str(other.pid)],
            capture_output=True, text=True, check=True, cwd="/", env=around.environment, **identity,
        )  # fmt: skip
    finally:
        other.kill()
        other.wait()
    assert set(json.loads(done.stdout).values()) == {None}
