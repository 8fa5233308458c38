"""Switches and light on GPIO pins, through gpiozero.

A switch permits while it connects its pin to ground: the pin has a pull-up, so that an open
switch, a loose plug and a cut wire all mute.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from edge_affect.consent import NO_PIN
from edge_affect.errors import ConfigError, DeviceError

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.consent import Switches


def lgpio_factory() -> Any:
    """Return gpiozero's hold on the GPIO chip through lgpio.

    No fallback to another library: that would hide trouble with the chip.

    Raises:
        ConfigError: If gpiozero or lgpio is not installed.
    """
    try:
        from gpiozero.pins.lgpio import LGPIOFactory
    except ImportError:
        raise ConfigError(
            "[switches] needs gpiozero and lgpio; install them with: pip install 'edge-affect[pi]'"
        ) from None
    return LGPIOFactory()


class BoxPins:
    """The pins of one box; any trouble with one of them is a ``DeviceError``.

    Args:
        switches: Which pins there are.
        make_factory: Returns a pin factory of gpiozero's, which is closed with the pins.

    Raises:
        ConfigError: If a library is not installed.
        DeviceError: If a pin cannot be had.
    """

    def __init__(self, switches: Switches, make_factory: Callable[[], Any] = lgpio_factory) -> None:
        self._factory: Any = None
        self._inputs: list[Any] = []
        self._light: Any = None
        try:
            self._factory = make_factory()
            self._take(switches)
        except ConfigError:
            raise
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            self.close()
            raise DeviceError(f"The GPIO pins cannot be had: {_reason(error)}.") from None

    def _take(self, switches: Switches) -> None:
        import gpiozero

        # An input without events: a poll tells of trouble, a missing event does not.
        for pin in (switches.mute_pin, switches.consent_pin):
            if pin != NO_PIN:
                self._inputs.append(
                    gpiozero.InputDevice(pin, pull_up=True, pin_factory=self._factory)
                )
        if switches.light_pin != NO_PIN:
            self._light = gpiozero.LED(
                switches.light_pin, initial_value=False, pin_factory=self._factory
            )

    def permit(self) -> bool:
        """Return whether every switch is closed.

        Raises:
            DeviceError: If one cannot be read.
        """
        try:
            # Each one is read, so that trouble with any of them shows.
            n_closed = sum(bool(item.is_active) for item in self._inputs)
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            raise DeviceError(f"A switch cannot be read: {_reason(error)}.") from None
        return n_closed == len(self._inputs)

    def set_light(self, *, is_on: bool) -> None:
        """Switch the light, and read back that its pin obeyed.

        Raises:
            DeviceError: If it did not.
        """
        if self._light is None:
            return
        try:
            self._light.on() if is_on else self._light.off()
            has_obeyed = bool(self._light.is_lit) is is_on
        except Exception as error:  # noqa: BLE001 (each pin library has errors of its own)
            raise DeviceError(f"The on-air light cannot be switched: {_reason(error)}.") from None
        if not has_obeyed:
            raise DeviceError("The on-air light's pin does not follow; check for a short circuit.")

    def close(self) -> None:
        """Let go of the pins and of the chip; the light goes out where that is still possible."""
        for item in (*self._inputs, self._light, self._factory):
            if item is not None:
                try:
                    item.close()
                except Exception:  # noqa: BLE001, S112 (the chip may be gone; all must be tried)
                    continue
        self._inputs, self._light, self._factory = [], None, None


def _reason(error: Exception) -> str:
    """Return what a pin library said, as the end of a sentence."""
    return (" ".join(str(error).split()) or type(error).__name__).rstrip(".")
