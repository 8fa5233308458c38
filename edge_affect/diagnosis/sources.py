"""Microphone, camera and GPIO chip: is there one to open? Nothing is opened here."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from edge_affect.capture.sound_cards import sound_cards
from edge_affect.diagnosis.check import Finding, Subject, fail, ok, warn
from edge_affect.errors import ConfigError, DeviceError

SOUND_CARDS = Path("/proc/asound")
DEVICES = Path("/dev")
SOUND_SERVERS = ("/run/user/*/pulse/native", "/run/user/*/pipewire-0")


def microphone(subject: Subject) -> Finding:
    """Say whether the kernel knows a sound card, or a sound server runs."""
    if subject.config.audio.source != "microphone":
        return ok(f"[audio] source is {subject.config.audio.source}: no microphone is needed.")
    cards = sound_cards(SOUND_CARDS)
    if cards:
        named = ", ".join(f"{card.name} ({', '.join(card.identities)})" for card in cards)
        return ok(f"The kernel knows {len(cards)} sound cards: {named}.")
    if any(found for pattern in SOUND_SERVERS for found in Path("/").glob(pattern[1:])):
        return ok("The kernel knows no sound card, but a sound server runs.")
    return warn(
        "The kernel knows no sound card, and no sound server runs.",
        'Plug a microphone in, or set [audio] source to "none".',
    )


def camera(subject: Subject) -> Finding:
    """Say whether the configured camera's node is there."""
    video = subject.config.video
    if video.source != "camera":
        return ok(f"[video] source is {video.source}: no V4L2 camera is needed.")
    if Path(video.device).is_char_device():
        return ok(f"{video.device} is there.")
    others = ", ".join(sorted(str(path) for path in Path("/dev").glob("video*"))) or "none"
    return warn(
        f"There is no camera at {video.device} (there are: {others}).",
        'Plug one in, set [video] device, or set [video] source to "none".',
    )


def switches(subject: Subject) -> Finding:
    """Say whether the switches and the light could be had: without them nothing is sensed."""
    if not subject.config.switches.are_used:
        return ok("[switches] names no pin: the box has no switch and no light.")
    missing = [name for name in ("gpiozero", "lgpio") if find_spec(name) is None]
    if missing:
        return fail(
            ConfigError(f"[switches] needs {' and '.join(missing)}, which cannot be imported."),
            "Run: pip install 'edge-affect[pi]'",
        )
    chips = sorted(path.name for path in DEVICES.glob("gpiochip*"))
    if not chips:
        return fail(
            DeviceError(f"[switches] names pins, but there is no GPIO chip in {DEVICES}."),
            "Run on a board that has one, or set the pins to -1: until then nothing is sensed.",
        )
    return ok(f"There are GPIO chips ({', '.join(chips)}); whether the pins are wired is not seen.")
