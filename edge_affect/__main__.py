"""``python -m edge_affect`` is the ``edge-affect`` command."""

import sys

from edge_affect.cli import main

sys.exit(main())
