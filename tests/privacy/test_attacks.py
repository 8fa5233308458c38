"""The table of attacks: each works in a build without its walls, and each wall alone stops it."""

import os

import pytest
from attacks import ATTACKS, DOCUMENT, document
from attempts import ATTEMPTS
from conftest import copied_python, user_ids
from walls import WALLS

from edge_affect.sensing import probes

NAMES = [f"probe:{probe.name}" for probe in probes.all_probes()] + list(ATTEMPTS)
EACH_ATTACK = pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
EACH_WALL = pytest.mark.parametrize(
    ("attack", "wall"),
    [
        pytest.param(attack, wall, id=f"{attack.name}-{wall}")
        for attack in ATTACKS
        for wall in attack.stopped_by
    ],
)
FIRST_USER = pytest.mark.parametrize(
    "outside", [next(iter(user_ids().items()))], ids=lambda item: item[0], indirect=True
)
NEEDS_CAGE = pytest.mark.usefixtures("cage_is_possible")
NOT_BUILT_IN = {"ENOSYS", "EAFNOSUPPORT"}
"""What a kernel answers that was built without the thing asked for."""
ROOTS_OWN = {"probe:write-root", "probe:write-working-folder"}
"""The working folder of the cage is ``/``, where an ordinary user may not write anyway."""
UNPROBED_BUILDS = {
    # the walls that no harmless probe at start can see missing
    "send-records-elsewhere", "reconnect-records", "make-folder", "mark-kept-file",
    "write-named-pipe", "read-covered-file", "read-working-folder", "use-inherited-folder",
    "find-shared-memory", "allow-core-dumps", "set-own-name", "make-namespace-by-clone", "fork",
    "blind-thread-signal", "limit-other", "openat2-reachable", "network-file-handle",
    "future-call",
}  # fmt: skip


def result(built, attack, missing):
    found = built.of(attack.attempts, missing, attack.needs_room)
    assert sorted(found) == sorted(attack.attempts)
    return found


def test_every_attempt_is_in_the_table_once_and_every_wall_in_use():
    listed = [name for attack in ATTACKS for name in attack.attempts]
    assert len(listed) > 100
    assert sorted(listed) == sorted(NAMES)
    used = {wall for attack in ATTACKS for wall in attack.missing}
    # acct and its like are refused for want of capabilities too, and would harm the machine
    assert set(WALLS) - used == {"filter: open", "filter: creat", "filter: acct"}


def test_table_in_the_documents_is_this_one():
    assert document() in DOCUMENT.read_text(encoding="utf-8"), (
        "docs/attacks.md is out of date: python tests/privacy/attacks.py prints the table"
    )


@NEEDS_CAGE
@EACH_ATTACK
def test_attack_works_without_its_walls(attack, built, outside):
    found = result(built, attack, attack.missing)
    if outside.user != 0:
        found = {name: error for name, error in found.items() if name not in ROOTS_OWN}
    unknown = {name for name, error in found.items() if error in NOT_BUILT_IN}
    if len(unknown) == len(found) > 0:
        pytest.skip("this kernel is built without it")
    stopped = {name: e for name, e in found.items() if e is not None and name not in unknown}
    assert stopped == {}, "the check proves nothing"


@NEEDS_CAGE
@EACH_ATTACK
def test_attack_fails_though_everything_else_is_missing(attack, built, outside):
    if outside.user != 0 and not attack.needs_room:
        pytest.skip("an ordinary user cannot build this cage; root did")
    found = result(built, attack, attack.also_missing)
    assert [name for name, error in found.items() if error is None] == []


@NEEDS_CAGE
@FIRST_USER
@EACH_WALL
def test_wall_alone_stops_the_attack(attack, wall, built, outside):
    if outside.user != 0 and not attack.needs_room:
        pytest.skip("an ordinary user cannot build this cage; root did")
    found = result(built, attack, attack.all_but(wall))
    assert [name for name, error in found.items() if error is None] == []


@NEEDS_CAGE
@EACH_ATTACK
def test_proof_refuses_the_build_where_it_probes_the_channel(attack, built):
    refusal = built.of(None, attack.missing, attack.needs_room)
    if attack.name in UNPROBED_BUILDS:
        assert refusal is None
    else:
        assert refusal is not None, "cage.prove() lets this build send"
        assert refusal.startswith("The cage around sensing leaks: ")


def test_these_tests_run_as_an_ordinary_user_too(outside):
    if os.geteuid() == 0:
        assert outside.user in {0, 65534}
    assert outside.python()


def test_a_copied_interpreter_will_do_where_no_other_can_be_run(outside):
    """As where Python lives in a home that the ordinary user may not enter."""
    folder = outside.folder / "copied"
    program = copied_python(folder)
    for path in (folder, *folder.rglob("*")):
        os.chown(path, outside.user, outside.user) if os.geteuid() == 0 else None
    assert outside.is_usable(program)
