"""The benchmark's numbering of records: one to one, and readable again from what is published."""

import random
import sys
from pathlib import Path

import pytest

from edge_affect.publishing.payload import Stamp, affect_payload
from edge_affect.record import count_valid_records

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from record_rank import rank, record_of, unrank


def test_every_number_is_a_record_and_every_record_a_number():
    n, rng = count_valid_records(), random.Random(1)  # noqa: S311 (a choice, not a key)
    numbers = [0, 1, n - 1, n - 2, *(rng.randrange(n) for _ in range(200))]
    # Records that abstain are a tiny part at the end.
    numbers += [n - 1 - rng.randrange(10**e) for e in range(1, 13) for _ in range(20)]
    records = [unrank(number) for number in numbers]
    assert len({r.abstained for r in records}) == 8
    assert [rank(r) for r in records] == numbers
    assert [record_of(affect_payload(r, Stamp(0, True, 0))) for r in records] == records


def test_there_is_no_record_beyond_the_last():
    with pytest.raises(IndexError):
        unrank(count_valid_records())
