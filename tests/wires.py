"""Wires to gpiozero's mock pins: what the outside world does to the switches of a box."""

from gpiozero.pins.mock import MockFactory, MockPin

MUTE, CONSENT, LIGHT = 17, 27, 22


class Wires:
    """Switches that stay as they are while the pins behind them come and go.

    Attributes:
        grounded: Pins that a closed switch connects to ground.
        trouble: Raised by whatever touches a pin of that number.
        factory: The newest one.
    """

    def __init__(self):
        self.grounded = {MUTE, CONSENT}
        self.trouble = {}
        self.stuck = set()
        self.factory = None

    def make_factory(self):
        wires = self

        class WiredPin(MockPin):
            def _get_state(self):
                wires.touch(self._number)
                if self._get_function() == "input":
                    return self._number not in wires.grounded
                return super()._get_state()

            def _set_state(self, value):
                wires.touch(self._number)
                if self._number not in wires.stuck:
                    super()._set_state(value)

        self.factory = MockFactory(pin_class=WiredPin)
        return self.factory

    def touch(self, number):
        if number in self.trouble:
            raise self.trouble[number]

    def turn(self, pin, *, is_closed):
        """Turn a switch."""
        self.grounded = self.grounded | {pin} if is_closed else self.grounded - {pin}

    @property
    def is_lit(self):
        """Whether the on-air light burns."""
        pins = () if self.factory is None else tuple(self.factory.pins.values())
        return any(pin._state for pin in pins if pin._number == LIGHT)
