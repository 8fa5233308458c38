"""``python -m edge_affect``: the same as the ``edge-affect`` command."""

from __future__ import annotations

import sys

from edge_affect.cli import main

if __name__ == "__main__":
    sys.exit(main())
