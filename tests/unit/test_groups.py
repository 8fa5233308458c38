"""Groups: how one person is differenced out of a mean, and how blocks of people stop that."""

from fractions import Fraction

import numpy as np
from group_parts import MARGIN, REST_S, K, Room, S, group_gate, mean_of, one_hot
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_affect.privacy.cohort import Cohort
from edge_affect.privacy.gate import Gate
from edge_affect.record import AbstainReason


def differenced(gate: Gate, seed: int, n: int) -> tuple[int, int] | None:
    """Somebody leaves a group of ``n`` that holds still; what does the observer make of it?

    The observer knows who is there and when, and subtracts one published mean from the other.
    Returns what that person showed and what the observer says, or None where nothing came.
    """
    rng = np.random.default_rng(seed)
    shown = {track: one_hot(int(rng.integers(8))) for track in range(n)}
    room = Room(gate)
    before = room.look(shown, 30.0)
    leaver = int(rng.integers(n))
    truth = int(shown.pop(leaver).argmax())
    after = room.look(shown, 8.0)
    if AbstainReason.TOO_FEW_PEOPLE in (before.abstained, after.abstained):
        return None
    guess = n * mean_of(before) - (n - 1) * mean_of(after)
    return truth, int(guess.argmax())


def test_a_gate_that_only_counts_falls_to_one_subtraction():
    told = [differenced(Gate(K), seed, 6) for seed in range(40)]
    assert None not in told
    assert sum(truth == guess for truth, guess in told) >= 36


def test_blocks_stop_the_subtraction():
    told = [t for seed in range(40) if (t := differenced(group_gate(20.0), seed, 20)) is not None]
    assert len(told) == 40
    # What is left is what a block of three or more has in common with its member: 1 of 3 or so.
    assert sum(truth == guess for truth, guess in told) / len(told) <= 0.5


def isolated(published: set[frozenset[int]], n_people: int) -> list[int]:
    """Whom some sum and difference of the published sums tells alone; exact.

    In the reduced row echelon form of the sums, a person who can be isolated is a row of its own.
    """
    matrix = [[Fraction(int(t in group)) for t in range(n_people)] for group in published]
    n = 0
    for column in range(n_people):
        pivot = next((i for i in range(n, len(matrix)) if matrix[i][column]), None)
        if pivot is None:
            continue
        matrix[n], matrix[pivot] = matrix[pivot], matrix[n]
        matrix[n] = [value / matrix[n][column] for value in matrix[n]]
        for i, row in enumerate(matrix):
            if i != n and (factor := row[column]):
                matrix[i] = [
                    a - factor * b if b else a for a, b in zip(row, matrix[n], strict=True)
                ]
        n += 1
    alone = [row for row in matrix if sum(map(bool, row)) == 1]
    return sorted(next(t for t in range(n_people) if row[t]) for row in alone)


def counted(present: dict[int, bool]) -> frozenset[int]:
    """The gate that only counts, as a cohort: everybody, from five on."""
    return frozenset(present) if len(present) >= K else frozenset()


comings = st.lists(st.tuples(st.booleans(), st.integers(0, 30)), min_size=10, max_size=60)


def play(moves, update, n_start: int = 12) -> tuple[list[frozenset[int]], int]:
    """Let people come (always new ones) and go, one a second, and return what was published."""
    present = list(range(n_start))
    n_people = n_start
    published = []
    published += [update(dict.fromkeys(present, True), step * S) for step in range(REST_S)]
    for step, (is_coming, who) in enumerate(moves, REST_S):
        if is_coming or not present:
            present.append(n_people)
            n_people += 1
        else:
            present.pop(who % len(present))
        published.append(update(dict.fromkeys(present, True), step * S))
    return published, n_people


def isolated_within(published: list[frozenset[int]], n_people: int, seconds: int) -> list[int]:
    """Whom anything that was published within so many seconds tells alone."""
    found: set[int] = set()
    for start in range(max(1, len(published) - seconds)):
        groups = {group for group in published[start : start + seconds + 1] if group}
        found.update(isolated(groups, n_people))
    return sorted(found)


@settings(max_examples=40)
@given(comings)
def test_nothing_published_within_the_rest_adds_up_to_one_person(moves):
    published, n_people = play(moves, Cohort(K, MARGIN, REST_S * S).update)
    assert isolated_within(published, n_people, REST_S) == []
    assert all(len(group) >= K for group in published if group)


flips = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 30)), min_size=10, max_size=60)


@settings(max_examples=40)
@given(flips)
def test_nor_where_faces_cannot_be_read_for_a_while(moves):
    cohort = Cohort(K, MARGIN, REST_S * S)
    present = dict.fromkeys(range(12), True)
    n_people = 12
    published = [cohort.update(present, step * S) for step in range(REST_S + 1)]
    assert published[-1]
    for step, (kind, who) in enumerate(moves, REST_S + 1):
        if kind == 0 or not present:
            present[n_people] = True
            n_people += 1
        elif kind == 1:
            del present[list(present)[who % len(present)]]
        else:
            track = list(present)[who % len(present)]
            present[track] = not present[track]
        published.append(cohort.update(dict(present), step * S))
    assert isolated_within(published, n_people, REST_S) == []


def test_the_same_check_finds_people_behind_gates_that_protect_less():
    moves = [(False, 3), (True, 0), (False, 5)] * 8
    found = {}
    for name, update in {
        "counting": lambda present, _at_ns: counted(present),
        "no rest": Cohort(K, MARGIN, 0).update,
        "blocks": Cohort(K, MARGIN, REST_S * S).update,
    }.items():
        published, n_people = play(moves, update)
        assert len(set(published)) >= 3, name
        found[name] = len(isolated_within(published, n_people, REST_S))
    assert found["counting"] >= 5
    assert found["no rest"] >= 1
    assert found["blocks"] == 0


@settings(max_examples=40)
@given(comings)
def test_nobody_is_in_two_blocks_within_the_rest(moves):
    cohort = Cohort(K, MARGIN, REST_S * S)
    left_ns: dict[int, int] = {}
    before: list[frozenset[int]] = []

    def update(present, at_ns):
        nonlocal before
        group = cohort.update(present, at_ns)
        members = [track for block in cohort._blocks for track in block]
        assert len(members) == len(set(members))
        for block in set(before) - set(cohort._blocks):
            left_ns.update(dict.fromkeys(block, at_ns))
        for block in set(cohort._blocks) - set(before):
            assert MARGIN <= len(block) < 2 * MARGIN
            assert all(at_ns - left_ns.get(t, -REST_S * S) >= REST_S * S for t in block)
        before = list(cohort._blocks)
        return group

    play(moves, update)
