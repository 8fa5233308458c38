"""Switches, light and sensing on one line: real gpiozero on mock pins, real sockets, real threads.

The devices are synthetic ones that count how often they are opened and closed.
"""

import threading
import time

import pytest

from edge_affect.capture.synthetic import SyntheticAudio, SyntheticVideo
from edge_affect.clock import ManualClock, MonotonicClock
from edge_affect.config import Fusion
from edge_affect.consent import Switches
from edge_affect.errors import DeviceError
from edge_affect.fusion.scene import SceneFusion
from edge_affect.privacy.gate import Gate
from edge_affect.privacy.permission import Permission
from edge_affect.record import AbstainReason, Command, SourceState
from edge_affect.sensing.daemon import (
    CLOSING_S,
    COMMAND_POLL_S,
    Ports,
    Schedule,
    SensingDaemon,
    workers_over,
)
from edge_affect.sensing.on_air import FRESH_S, SwitchedAir
from edge_affect.sensing.pipeline import Pipeline, Stages
from edge_affect.sensing.source_worker import READ_TIMEOUT_S
from edge_affect.switch_line import Claim, Permit, SwitchLine, line_pair
from edge_affect.switching.daemon import POLL_S, SwitchDaemon
from edge_affect.switching.pins import BoxPins
from tests.patience import WAIT_S, Stopwatch, wait_for
from tests.wires import CONSENT, LIGHT, MUTE, Wires

SWITCHES = Switches(mute_pin=MUTE, consent_pin=CONSENT, light_pin=LIGHT)
LIMIT_S = 1.0
"""From a mute to every device closed."""


def counted(kind, wires):
    """A synthetic device that notes that it opens and closes, and how the light was then."""

    class Counted(kind):
        def __init__(self, *args):
            super().__init__(*args)
            self.log = []

        def open(self):
            super().open()
            self.log.append("open")
            self.was_lit = wires.is_lit

        def close(self):
            if self._is_open:
                self.log.append("close")
            super().close()

        @property
        def is_open(self):
            return self._is_open

    return Counted


class Latest:
    """Keeps the newest record."""

    record = None

    def send(self, record):
        self.record = record


class Queue:
    def __init__(self):
        self.commands = []

    def poll(self):
        return self.commands.pop(0) if self.commands else None


class Box:
    """Sensing and switches in two threads, as in two processes."""

    def __init__(self):
        self.wires = Wires()
        theirs, ours = line_pair()
        clock = MonotonicClock()
        self.switches = SwitchDaemon(self.take_pins, SwitchLine(theirs), clock)
        self.line = SwitchLine(ours)
        air = SwitchedAir(self.line, clock)
        self.microphone = counted(SyntheticAudio, self.wires)(clock)
        self.camera = counted(SyntheticVideo, self.wires)(clock, 160, 120)
        pipeline = Pipeline(Stages(None, None, SceneFusion(Fusion()), Gate(1)), clock)
        self.outlet, self.queue = Latest(), Queue()
        self.daemon = SensingDaemon(
            pipeline,
            workers_over(self.microphone, self.camera, pipeline, clock, air),
            Ports(self.outlet, self.queue, Permission(None, air)),
            Schedule(20.0, 60.0, None),
            clock,
        )
        self.threads = [
            threading.Thread(target=self.switches.run), threading.Thread(target=self.daemon.run)
        ]  # fmt: skip
        for thread in self.threads:
            thread.start()

    def take_pins(self):
        return BoxPins(SWITCHES, self.wires.make_factory)

    @property
    def is_lit(self):
        return self.wires.is_lit

    @property
    def are_open(self):
        return (self.microphone.is_open, self.camera.is_open)

    def wait(self, condition):
        wait_for(condition, "what shall come")

    def wait_open(self):
        self.wait(lambda: self.are_open == (True, True))
        self.wait(lambda: self.is_lit)

    def wait_closed(self):
        """Wait until both devices are closed, as soon as is promised."""
        with Stopwatch() as watch:
            wait_for(lambda: self.are_open == (False, False), "both devices to be closed")
        assert watch.took_s < LIMIT_S

    def close(self):
        self.daemon.stop()
        self.threads[1].join(WAIT_S)
        self.switches.stop()
        self.threads[0].join(WAIT_S)
        self.line.close()
        assert not any(thread.is_alive() for thread in self.threads)


@pytest.fixture
def box(monkeypatch):
    # Who does not close in time ends the process; here a slow machine shall not.
    monkeypatch.setattr("edge_affect.sensing.daemon.CLOSING_S", WAIT_S)
    made = Box()
    yield made
    made.close()


@pytest.mark.parametrize("pin", [MUTE, CONSENT])
def test_a_switch_closes_the_devices_within_a_second_and_puts_out_the_light(box, pin):
    box.wait_open()
    assert (box.microphone.was_lit, box.camera.was_lit) == (True, True)
    for n_times in (1, 2):
        box.wires.turn(pin, is_closed=False)
        box.wait_closed()
        box.wait(lambda: not box.is_lit)
        box.wait(lambda: box.outlet.record.abstained is AbstainReason.PAUSED)
        box.wait(
            lambda: (
                (box.outlet.record.microphone, box.outlet.record.camera)
                == (SourceState.PAUSED, SourceState.PAUSED)
            )
        )
        for device in (box.microphone, box.camera):
            # A machine that stands still for half a second mutes, too.
            assert device.log == ["open", "close"] * (len(device.log) // 2)
            assert len(device.log) >= 2 * n_times
        box.wires.turn(pin, is_closed=True)
        box.wait_open()


def test_resume_does_not_lift_the_switch_nor_the_switch_the_pause(box):
    box.wait_open()
    box.wires.turn(MUTE, is_closed=False)
    box.wait_closed()
    box.queue.commands.append(Command.RESUME)
    time.sleep(0.6)
    assert box.are_open == (False, False)
    box.queue.commands.append(Command.PAUSE)
    box.wires.turn(MUTE, is_closed=True)
    time.sleep(0.6)
    assert box.are_open == (False, False)
    box.wait(lambda: not box.is_lit)
    box.queue.commands.append(Command.RESUME)
    box.wait_open()


def test_a_command_closes_within_a_second(box):
    box.wait_open()
    box.queue.commands.append(Command.PAUSE)
    box.wait_closed()
    box.wait(lambda: not box.is_lit)


def test_the_second_is_made_of_its_parts():
    """Seen or asked, heard, closed; the process ends where the last takes longer."""
    assert POLL_S + COMMAND_POLL_S + CLOSING_S < LIMIT_S
    # Where the switches say nothing any more: too old, noticed, the end of a read.
    assert FRESH_S + COMMAND_POLL_S + READ_TIMEOUT_S < LIMIT_S


class VanishedError(Exception):
    """What a pin library says when the chip has gone."""


@pytest.mark.parametrize("pin", [MUTE, CONSENT, LIGHT])
def test_pins_that_fail_mute_until_they_are_back(box, monkeypatch, caplog, pin):
    caplog.set_level("INFO")
    monkeypatch.setattr("edge_affect.switching.daemon.RETRY_S", 0.3)
    box.wait_open()
    box.wires.trouble[pin] = VanishedError("no such chip")
    box.wait_closed()
    box.wait(lambda: "no such chip" in caplog.text)
    box.wait(lambda: "devices closed: muted by a switch" in caplog.text)
    box.wait(lambda: box.outlet.record.abstained is AbstainReason.PAUSED)
    time.sleep(0.5)
    assert box.are_open == (False, False)
    del box.wires.trouble[pin]
    box.wait_open()


def test_a_light_that_does_not_follow_mutes(box):
    box.wait_open()
    box.wires.stuck.add(LIGHT)
    box.wires.factory.pin(LIGHT)._state = False
    box.wait_closed()
    time.sleep(0.5)
    assert box.are_open == (False, False)


def test_a_dead_or_frozen_process_of_the_switches_mutes(box, monkeypatch):
    box.wait_open()
    with monkeypatch.context() as patch:
        patch.setattr(box.switches, "step", lambda: None)
        box.wait_closed()
    box.wait_open()
    box.switches.stop()
    box.wait_closed()


def test_sensing_that_dies_puts_out_the_light(box):
    box.wait_open()
    box.daemon.stop()
    box.threads[1].join(WAIT_S)
    box.line.close()
    box.wait(lambda: not box.is_lit)
    box.threads[0].join(WAIT_S)
    assert not box.threads[0].is_alive()


@pytest.fixture
def ends():
    """Both ends of a line."""
    theirs, ours = line_pair()
    with theirs, ours:
        yield theirs, ours


def test_a_dead_line_ends_sensing_after_a_while(ends):
    clock = ManualClock()
    theirs, ours = ends
    air = SwitchedAir(SwitchLine(ours), clock)
    theirs.close()
    clock.sleep(9.0)
    air.exchange()
    assert not air.is_permitted
    clock.sleep(2.0)
    with pytest.raises(DeviceError, match="mute and consent switches has ended"):
        air.exchange()


class NoPins:
    """Pins that are always fine, and count what the light does."""

    def __init__(self):
        self.states = []

    def permit(self):
        return True

    def set_light(self, *, is_on):
        if not self.states or self.states[-1] is not is_on:
            self.states.append(is_on)

    def close(self):
        self.states.append(None)


def test_the_light_is_no_channel_worth_having(ends):
    """A sensing process that toggles its claim all the time moves the light twice a second."""
    clock = ManualClock()
    theirs, ours = ends
    pins = NoPins()
    daemon = SwitchDaemon(lambda: pins, SwitchLine(theirs), clock)
    hostile = SwitchLine(ours)
    seconds = 20
    for i in range(seconds * 20):
        hostile.send(Claim.DEVICE if i % 2 else Claim.NONE)
        daemon.step()
        hostile.newest_permit()
        clock.sleep(0.05)
    assert 2 <= len(pins.states) <= 2 * seconds + 1


def test_what_is_no_state_is_ignored(ends):
    theirs, ours = ends
    line = SwitchLine(ours)
    for packet in (b"\x03", b"\xff", b"\x02\x02", b"\x00" * 100):
        theirs.send(packet)
    assert line.newest_permit() is None
    theirs.send(bytes([Permit.LIT]))
    theirs.send(b"\x09")
    assert line.newest_permit() is Permit.LIT
    assert not line.is_gone
    theirs.close()
    assert line.newest_permit() is None
    assert line.is_gone
