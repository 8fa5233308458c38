"""What is said besides the vectors, and the time it is stamped with."""

import time

from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.publishing.bulletin import MAX_HAPPENINGS, Bulletin, Notice
from edge_affect.publishing.notices import WallMoments
from edge_affect.publishing.payload import Stamp
from edge_affect.publishing.stamping import local_minute
from edge_affect.publishing.topics import Message


def message(topic, payload=b"x", **more):
    return Message(topic, payload, **more)


def all_of(bulletin):
    taken = []
    while (notice := bulletin.take()) is not None:
        taken.append((notice.message.topic, notice.message.payload))
    return taken


def test_states_come_first_and_only_the_newest_of_each():
    bulletin = Bulletin(ManualClock())
    bulletin.put_moment(message("nobody is there to hear it"))
    bulletin.open()
    bulletin.put_moment(message("m"))
    bulletin.put_happening(message("h"))
    for payload in (b"1", b"2"):
        bulletin.put_state(message("a", payload))
        bulletin.put_state(message("b", payload))
    assert len(bulletin) == 4
    assert all_of(bulletin) == [("a", b"2"), ("b", b"2"), ("h", b"x"), ("m", b"x")]
    assert len(bulletin) == 0


def test_after_a_loss_states_are_said_again_and_moments_forgotten():
    bulletin = Bulletin(ManualClock())
    bulletin.put_state(message("a", b"1"))
    bulletin.put_happening(message("h", b"1"))
    taken = [bulletin.take(), bulletin.take()]
    bulletin.put_state(message("b"))
    bulletin.put_happening(message("h", b"2"))
    bulletin.open()
    bulletin.put_moment(message("m"))
    bulletin.after_loss([notice for notice in taken if notice is not None])
    assert all_of(bulletin) == [("a", b"1"), ("b", b"x"), ("h", b"1"), ("h", b"2")]


def test_a_happening_is_told_within_its_time_or_not_at_all():
    clock = ManualClock()
    bulletin = Bulletin(clock)
    bulletin.put_happening(message("h", b"old", expiry_s=60))
    clock.sleep(59.9)
    bulletin.put_happening(message("h", b"new"))
    clock.sleep(0.2)
    assert all_of(bulletin) == [("h", b"new")]


def test_happenings_are_bounded_and_the_oldest_go_first():
    bulletin = Bulletin(ManualClock())
    for number in range(MAX_HAPPENINGS + 5):
        bulletin.put_happening(message("h", str(number).encode()))
    bulletin.after_loss([Notice(message("h", b"older"), 60 * NS_PER_S)])
    told = all_of(bulletin)
    assert len(told) == MAX_HAPPENINGS
    assert told[0] == ("h", b"5")


def test_a_moment_is_told_the_same_until_the_clock_is_set():
    moments = WallMoments()

    def text(unix_ms, now_ns):
        return moments.text("alert/x", 1_000_000, Stamp(unix_ms, True, 0), now_ns)

    first = text(50_000, 1_000_000)
    assert first == "1970-01-01T00:00:50.000Z"
    # A millisecond of jitter between both clocks does not show; a year that NTP adds does.
    assert text(60_001, 10_001_000_000) == first
    assert text(31_536_060_000, 10_001_000_000) == "1971-01-01T00:00:50.000Z"


def test_the_local_minute_follows_the_zone_and_needs_a_right_clock(monkeypatch):
    stamp = Stamp(1_790_000_000_123, clock_synced=True, sequence=0)
    try:
        for zone, minute in (("UTC", 14 * 60 + 13), ("Asia/Tokyo", 23 * 60 + 13)):
            # As timedatectl does for the whole machine, while we run.
            monkeypatch.setenv("TZ", zone)
            assert local_minute(stamp) == minute
    finally:
        monkeypatch.undo()
        time.tzset()
    assert local_minute(Stamp(stamp.unix_ms, clock_synced=False, sequence=0)) is None


def test_an_emptied_bulletin_has_nothing_to_take():
    bulletin = Bulletin(ManualClock())
    assert bulletin.take() is None
    bulletin.put_state(message("a"))
    bulletin.take()
    assert bulletin.take() is None
