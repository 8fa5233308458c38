"""Cards are told apart by USB id and port, ALSA's id or name: by what stays, never a number."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_affect.capture.microphone_choice import choose
from edge_affect.capture.sound_cards import SoundCard, sound_cards
from edge_affect.capture.sound_host import SoundInput
from edge_affect.errors import DeviceError

CARDS = """\
 0 [vc4hdmi0       ]: vc4-hdmi - vc4-hdmi-0
                      vc4-hdmi-0
 1 [Device         ]: USB-Audio - USB PnP Sound Device
                      C-Media Electronics Inc. USB PnP Sound Device at usb-0000:01:00.0-1.2
 2 [Device_1       ]: USB-Audio - USB PnP Sound Device
                      C-Media Electronics Inc. USB PnP Sound Device at usb-0000:01:00.0-1.4
10 [seeed2micvoicec]: seeed-2mic-voic - seeed-2mic-voicecard
                      seeed-2mic-voicecard
"""


@pytest.fixture
def machine(tmp_path: Path) -> tuple[Path, Path]:
    """Return stand-ins for /proc/asound and /sys/class/sound, made as the kernel makes them."""
    cards, places = tmp_path / "asound", tmp_path / "class"
    cards.mkdir()
    places.mkdir()
    (cards / "cards").write_text(CARDS)
    for number, port in ((1, "1-1.2"), (2, "1-1.4")):
        (cards / f"card{number}").mkdir()
        (cards / f"card{number}" / "usbid").write_text("0d8c:0014\n")
        device = tmp_path / "devices/pci0000:00/usb1/1-1" / port / f"{port}:1.0"
        card = device / "sound" / f"card{number}"
        card.mkdir(parents=True)
        (card / "device").symlink_to("../../../" + device.name)
        (places / f"card{number}").symlink_to(card)
    return cards, places


def test_the_kernels_words_are_read(machine: tuple[Path, Path]) -> None:
    found = sound_cards(*machine)
    assert [(card.number, card.card_id, card.usb_id, card.port) for card in found] == [
        (0, "vc4hdmi0", "", ""),
        (1, "Device", "0d8c:0014", "1-1.2"),
        (2, "Device_1", "0d8c:0014", "1-1.4"),
        (10, "seeed2micvoicec", "", ""),
    ]
    assert found[1].name == "USB PnP Sound Device"
    assert found[1].identities == ("usb:0d8c:0014", "usb:0d8c:0014@1-1.2", "card:Device")
    assert found[3].identities == ("card:seeed2micvoicec",)


def test_a_machine_without_sound_has_no_cards(tmp_path: Path) -> None:
    assert sound_cards(tmp_path / "none", tmp_path) == ()


def card(number: int, card_id: str, usb_id: str = "", port: str = "") -> SoundCard:
    return SoundCard(number, card_id, card_id, usb_id, port)


def inputs(*names: str, default: str = "") -> tuple[SoundInput, ...]:
    return tuple(SoundInput(i, name, 2, 48_000.0, name == default) for i, name in enumerate(names))


JABRA, LOGI = card(1, "Jabra", "0b0e:0412", "1-1.1"), card(2, "C920", "046d:082d", "1-1.3")
HDMI = card(0, "vc4hdmi")


@pytest.mark.parametrize("wanted", ["usb:0b0e:0412", "USB:0B0E:0412@1-1.1", "card:jabra"])
@pytest.mark.parametrize("shift", [0, 3])
def test_an_identity_means_the_same_device_whatever_its_number(wanted: str, shift: int) -> None:
    cards = [card(c.number + shift, c.card_id, c.usb_id, c.port) for c in (HDMI, JABRA, LOGI)]
    there = [f"{c.card_id}: Audio (hw:{c.number},{device})" for c in cards for device in (1, 0)]
    for order in (there, there[::-1]):
        found = choose(inputs(*order), tuple(cards), wanted)
        assert found.name == f"Jabra: Audio (hw:{1 + shift},0)"


def test_a_name_means_the_whole_name_first_and_never_the_first_of_a_list() -> None:
    there = ("USB Audio 2", "usb audio", "Big USB Audio", "default")
    for order in (there, there[::-1]):
        assert choose(inputs(*order), (), "USB audio").name == "usb audio"
        assert choose(inputs(*order), (), "big").name == "Big USB Audio"
        assert choose(inputs(*order, default="default"), (), "").name == "default"


def test_a_number_selects_nothing() -> None:
    with pytest.raises(DeviceError, match="no microphone whose name contains 'hw:1'"):
        choose(inputs("Jabra: Audio (hw:1,0)"), (JABRA,), "hw:1")


def test_two_of_a_kind_are_told_apart_by_their_ports_or_refused() -> None:
    twins = (card(1, "Device", "0d8c:0014", "1-1.2"), card(2, "Device_1", "0d8c:0014", "1-1.4"))
    there = inputs("USB PnP: Audio (hw:1,0)", "USB PnP: Audio (hw:2,0)")
    assert choose(there, twins, "usb:0d8c:0014@1-1.4").name == "USB PnP: Audio (hw:2,0)"
    for wanted in ("usb:0d8c:0014", "usb pnp"):
        with pytest.raises(DeviceError, match=r"usb:0d8c:0014@1-1\.2, usb:0d8c:0014@1-1.4"):
            choose(there, twins, wanted)


def test_what_is_not_there_is_said_with_what_is() -> None:
    there = inputs("Jabra: Audio (hw:1,0)")
    with pytest.raises(DeviceError, match=r"no microphone usb:0:0 \(there are: .*card:vc4hdmi"):
        choose(there, (JABRA, HDMI), "usb:0:0")
    with pytest.raises(DeviceError, match="the kernel knows no sound card"):
        choose(there, (), "card:jabra")
    with pytest.raises(DeviceError, match="no microphone on this machine"):
        choose((), (), "")
