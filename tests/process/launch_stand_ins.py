"""Launch two stand-ins and leave with the launcher's exit code; a process of its own to signal."""

import json
import logging
import sys
from pathlib import Path

from edge_affect import launcher


def main():
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    folder, sense_args, publish_args, options = map(json.loads, sys.argv[1:])
    program = str(Path(__file__).with_name("stand_in.py"))
    settings = launcher.LaunchSettings(
        sense_program=(sys.executable, program, "sense", folder),
        publish_program=(sys.executable, program, "publish", folder),
        stop_timeout_s=options.pop("stop_timeout_s", 60.0),
    )
    sys.exit(launcher.launch(sense_args, publish_args, settings, **options))


if __name__ == "__main__":
    main()
