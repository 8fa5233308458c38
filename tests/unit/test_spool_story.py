"""The spool as a property: any order of what may happen to it."""

import random

from hypothesis import given, settings
from hypothesis import strategies as st
from spool_parts import RECORD, Bench

from edge_affect.publishing.outbox import unpack
from edge_affect.publishing.payload import Stamp

STEPS = st.lists(
    st.sampled_from(
        ["put"] * 2 + ["take"] * 2 + ["settle", "give_back"] + ["commit"] * 2
        + ["kill", "power", "close"]
    ),
    max_size=80,
)  # fmt: skip


class Story:
    """A spool to which things happen, and what became of each record."""

    def __init__(self, n_slots, seed):
        self.rng = random.Random(seed)  # noqa: S311 (repeatable)
        self.bench = Bench(n_slots, capacity=100)
        self.lent, self.young, self.excusable, self.n_crashes = [], set(), set(), 0
        self.all_put, self.seen, self.gaps = {}, [], {}

    def put(self):
        bench = self.bench
        self.all_put[bench.sequence] = Stamp(bench.n_put + 1, True, bench.sequence)
        self.young |= set(bench.put())

    def take(self):
        entry = self.bench.spool.take()
        if entry is not None:
            self.lent.append(entry)
            self.seen.append(entry.sequence)
            if entry.gap is not None:
                self.gaps[entry.sequence] = entry.gap
            assert unpack(entry.packed) == (RECORD, self.all_put[entry.sequence])
        return entry

    def settle(self):
        if self.lent:
            self.bench.spool.settle(self.lent.pop(self.rng.randrange(len(self.lent))))

    def give_back(self):
        self.bench.spool.put_back(self.lent)
        self.lent = []

    def commit(self):
        self.bench.commit()
        self.young = set()

    def close(self):
        self.give_back()
        self.bench.spool.close()
        self.young = set()
        self.bench.open()

    def kill(self):
        self.n_crashes += 1
        self.excusable |= self.young
        self.lent, self.young = [], set()
        self.bench.open()

    def power(self):
        self.bench.platter.cut_power(self.rng)
        self.kill()

    def end(self):
        """Deliver all that is left and return it."""
        self.give_back()
        self.put()
        last = []
        self.bench.now_s += 1.0
        while (entry := self.take()) is not None:
            last.append(entry)
            self.lent.pop()
            self.bench.spool.settle(entry)
            self.bench.now_s += 1.0
        return last


@given(STEPS, st.sampled_from([1, 2, 5, 12, 100]), st.integers(0, 2**32))
@settings(max_examples=400, deadline=None)
def test_any_interleaving_keeps_order_loses_nothing_and_invents_nothing(steps, n_slots, seed):
    """Puts, deliveries, broken connections, kills and power cuts in any order.

    What was written and synced before a crash comes out after it. What never comes out was either
    dropped past the bound, or younger than the last commit at a crash; both are told as a gap.
    """
    story = Story(n_slots, seed)
    for step in steps:
        story.bench.now_s += 0.3
        getattr(story, step)()
    last = story.end()
    assert len(story.bench.spool) == 0
    missing = set(story.all_put) - set(story.seen)
    gaps = story.gaps.values()
    n_told = sum(gap.n_messages or 0 for gap in gaps)
    assert any(gap.n_messages is None for gap in gaps) == (story.n_crashes > 0)
    if len(story.all_put) <= n_slots:
        # Only a crash loses anything then, and only what was not committed yet.
        assert missing <= story.excusable
        assert n_told == 0 or story.n_crashes > 0
        late = [entry.sequence for entry in last if entry.is_late]
        assert late == sorted(late)
    if story.n_crashes == 0:
        assert n_told >= len(missing)
