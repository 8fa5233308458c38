"""Launch the real processes, with the switches on mock pins; leaves with the exit code.

usage: launch_wired.py FOLDER CONFIG
"""

import logging
import sys
from pathlib import Path

from edge_affect import launcher


def main():
    logging.basicConfig(level=logging.INFO, format="run: %(message)s")
    folder, config = sys.argv[1:]
    program = str(Path(__file__).with_name("wired_switches.py"))
    settings = launcher.LaunchSettings(switches_program=(sys.executable, program, folder))
    options = ["--config", config]
    sys.exit(launcher.launch(options, options, settings, switches_args=options))


if __name__ == "__main__":
    main()
