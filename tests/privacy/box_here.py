"""Runs both processes of a box from ``box_part.py`` with the product's own launcher.

``box_here.py CONFIG CLIP``; it plays the clip round and round until it is told to end.
"""

import logging
import sys
from pathlib import Path

from edge_affect.launcher import LaunchSettings, launch

PART = str(Path(__file__).with_name("box_part.py"))


def main():
    config, clip = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="run: %(message)s")
    settings = LaunchSettings((sys.executable, PART, "sense"), (sys.executable, PART, "publish"))
    options = ["--config", config]
    sys.exit(launch([*options, "--video", clip, "--loop"], options, settings))


if __name__ == "__main__":
    main()
