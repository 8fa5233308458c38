"""The real process of the switches on mock pins, which a test moves through a folder.

usage: wired_switches.py FOLDER OPTIONS...; FOLDER/grounded lists the closed switches, FOLDER/light
says how the light is, FOLDER/trouble makes every pin fail while it exists.
"""

import sys
from functools import partial
from pathlib import Path

from edge_affect import cli
from edge_affect.commands import switches
from edge_affect.switching.pins import BoxPins
from tests.wires import LIGHT, Wires


class FolderWires(Wires):
    """Wires whose state stands in files."""

    def __init__(self, folder):
        super().__init__()
        self.folder = folder

    def touch(self, number):
        if (self.folder / "trouble").exists():
            raise OSError("the chip has gone")
        self.grounded = {int(word) for word in (self.folder / "grounded").read_text().split()}
        if number == LIGHT:
            (self.folder / "light").write_text("on" if self.is_lit else "off")


def main():
    wires = FolderWires(Path(sys.argv[1]))
    switches.BoxPins = partial(BoxPins, make_factory=wires.make_factory)
    sys.exit(cli.main(["switches", *sys.argv[2:]]))


if __name__ == "__main__":
    main()
