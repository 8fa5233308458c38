"""Runs both processes of a box from ``box_part.py`` with the product's own launcher.

``box_here.py CONFIG CLIP SECONDS``
"""

import logging
import sys
from pathlib import Path

from edge_affect.launcher import LaunchSettings, launch

PART = str(Path(__file__).with_name("box_part.py"))


def main():
    config, clip, seconds = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="run: %(message)s")
    settings = LaunchSettings((sys.executable, PART, "sense"), (sys.executable, PART, "publish"))
    options = ["--config", config]
    # sensing alone has an end: without it the publisher is told to stop
    sensing = [*options, "--seconds", seconds, "--video", clip]
    sys.exit(launch(sensing, options, settings))


if __name__ == "__main__":
    main()
