"""Allowed hours: what people write, and the moments it covers."""

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from edge_affect import config
from edge_affect.clock import ManualClock
from edge_affect.consent import Consent, Switches
from edge_affect.errors import ConfigError
from edge_affect.hours import hours
from edge_affect.privacy.permission import AllowedHours, Mute, Permission
from edge_affect.record import Command

MONDAY = datetime(2026, 11, 23, tzinfo=timezone.utc)


def allowed_minutes(text):
    """Minutes of a week that the hours contain, counted one by one."""
    found = hours(text)
    return [
        minute for minute in range(7 * 1440) if found.contain(MONDAY + timedelta(minutes=minute))
    ]


@pytest.mark.parametrize(
    ("text", "n_minutes", "first", "last"),
    [
        ("mon-fri 08:00-18:00", 5 * 600, 480, 4 * 1440 + 1079),
        ("sat 10:00-14:00", 240, 5 * 1440 + 600, 5 * 1440 + 839),
        ("00:00-24:00", 7 * 1440, 0, 7 * 1440 - 1),
        ("fri-mon 09:00-10:00", 4 * 60, 540, 6 * 1440 + 599),
        ("sun 22:00-02:00", 240, 0, 7 * 1440 - 1),
        ("mon 08:00-09:00, mon 08:30-10:00", 120, 480, 599),
        ("MON 08:00-09:00", 60, 480, 539),
    ],
)
def test_hours_cover_what_they_say(text, n_minutes, first, last):
    minutes = allowed_minutes(text)
    assert (len(minutes), minutes[0], minutes[-1]) == (n_minutes, first, last)


@pytest.mark.parametrize(
    "text",
    [
        "mon", "8:00-18:00", "mon-fri 08:00", "mon 08:00-08:00", "mon 24:00-02:00",
        "mon 08:60-09:00", "mon 08:00-25:00", "mo 08:00-09:00", "mon-fun 08:00-09:00",
        "mon 08:00-09:00,", "mon 08:00 - 09:00",
    ],
)  # fmt: skip
def test_wrong_hours_are_refused_in_one_sentence(text):
    with pytest.raises(ConfigError, match=r"^\[consent\] hours has [^\n]*\.$"):
        config.parse(f'[consent]\nhours = "{text}"')


def test_wrong_zone_and_pins_are_refused():
    for zone in ("Mars/Olympus", "../etc/passwd", "Europe"):
        with pytest.raises(ConfigError, match="time_zone"):
            config.parse(f'[consent]\ntime_zone = "{zone}"')
    with pytest.raises(ConfigError, match="one pin twice"):
        config.parse("[switches]\nmute_pin = 4\nlight_pin = 4")
    with pytest.raises(ConfigError, match="-1 to 27"):
        config.parse("[switches]\nmute_pin = 28")
    assert not Switches().are_used
    assert Switches(light_pin=0).are_used


class Wall:
    def __init__(self, moment, synced=True):
        self.moment = moment
        self.synced = synced

    def now(self):
        return self.moment

    def is_synced(self):
        return self.synced


def test_hours_are_local_also_when_the_clocks_change():
    """Berlin goes back to winter time on 25 October 2026 at 03:00 local time, 01:00 UTC."""
    clock = ManualClock()
    wall = Wall(datetime(2026, 10, 25, 0, 59, tzinfo=timezone.utc))
    allowed = AllowedHours(Consent("sun 02:30-03:00", "Europe/Berlin"), wall, clock)
    found = []
    for minute in (0, 15, 31, 45, 59):
        wall.moment = datetime(2026, 10, 25, 1, minute, tzinfo=timezone.utc)
        clock.sleep(1.0)
        found.append(allowed.mute())
    assert found == [Mute.HOURS, Mute.HOURS, None, None, None]
    wall.moment = datetime(2026, 10, 25, 2, 0, tzinfo=ZoneInfo("UTC"))
    clock.sleep(1.0)
    assert allowed.mute() is Mute.HOURS


def test_an_unsure_clock_allows_nothing():
    clock = ManualClock()
    wall = Wall(MONDAY + timedelta(hours=9), synced=False)
    allowed = AllowedHours(Consent("mon-sun 00:00-24:00", "UTC"), wall, clock)
    assert allowed.mute() is Mute.CLOCK
    wall.synced = True
    clock.sleep(0.3)
    assert allowed.mute() is None
    wall.synced = False
    clock.sleep(0.3)
    assert allowed.mute() is Mute.CLOCK


def test_without_hours_the_clock_is_not_asked():
    assert AllowedHours(Consent(), None, ManualClock()).mute() is None


class SwitchState:
    is_permitted = True

    def exchange(self):
        pass


def test_any_mute_wins_over_every_resume():
    """All eight combinations of command, hours and switch: one alone is enough to mute."""
    n_seen = 0
    for is_paused in (False, True):
        for is_late in (False, True):
            for is_switched in (False, True):
                n_seen += 1
                clock = ManualClock()
                wall = Wall(MONDAY + timedelta(hours=20 if is_late else 9))
                switches = SwitchState()
                switches.is_permitted = not is_switched
                permission = Permission(
                    AllowedHours(Consent("mon 08:00-18:00", "UTC"), wall, clock), switches
                )
                permission.obey(Command.RESUME)
                if is_paused:
                    permission.obey(Command.PAUSE)
                expected = {Mute.COMMAND} if is_paused else set()
                expected |= {Mute.HOURS} if is_late else set()
                expected |= {Mute.SWITCH} if is_switched else set()
                assert permission.mutes() == expected
                permission.obey(Command.RESUME)
                assert permission.mutes() == expected - {Mute.COMMAND}
    assert n_seen == 8
