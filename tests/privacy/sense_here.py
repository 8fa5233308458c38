"""Test-only entry point of sensing that can be told to keep what it should forget.

``sense_here.py [--hoard] OPTIONS OF SENSE``
"""

import sys

from edge_affect import cli
from edge_affect.sensing import pipeline

HOARD = []


def hoard():
    """Hold on to the first blocks and frames, as a history without an end would."""

    def keep(array):
        if len(HOARD) < 200:
            HOARD.append(array.copy())
        array.fill(0)

    pipeline.overwrite = keep


def main():
    arguments = sys.argv[1:]
    if "--hoard" in arguments:
        arguments.remove("--hoard")
        hoard()
    sys.exit(cli.main(["sense", *arguments]))


if __name__ == "__main__":
    main()
