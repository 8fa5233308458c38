"""Launch the real processes over devices that fail; leaves with the exit code.

usage: launch_frail.py CONFIG
"""

import logging
import sys
from pathlib import Path

from edge_affect import launcher


def main():
    logging.basicConfig(level=logging.INFO, format="run: %(message)s")
    program = str(Path(__file__).with_name("frail_sense.py"))
    settings = launcher.LaunchSettings(sense_program=(sys.executable, program))
    options = ["--config", sys.argv[1]]
    sys.exit(launcher.launch(options, options, settings))


if __name__ == "__main__":
    main()
