"""Test-only entry point of sensing, with parts of what keeps memory clean left out on request.

``sense_here.py [--keep-freed] [--keep-blocks] OPTIONS OF SENSE``
"""

import sys

from edge_affect import cli
from edge_affect.sensing import memory, pipeline


def main():
    arguments = sys.argv[1:]
    if "--keep-freed" in arguments:
        arguments.remove("--keep-freed")
        memory.overwrite_freed = lambda: "kept when freed"
    if "--keep-blocks" in arguments:
        arguments.remove("--keep-blocks")
        pipeline.overwrite = lambda _array: None
    sys.exit(cli.main(["sense", *arguments]))


if __name__ == "__main__":
    main()
