"""Everything about this package is in setup.cfg; this adds the page's chart library to a build.

The library is downloaded by pip out of a pinned package, compared with its checksum, and put beside
the page's own files. Where it is there already nothing is downloaded.
"""

from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).resolve().parent


class BuildWithCharts(build_py):
    """``build_py`` that fetches the chart library first."""

    def run(self) -> None:
        """Fetch, then build as usual."""
        import sys

        sys.path.insert(0, str(HERE))
        from edge_affect.dashboard.vendor import MEMBERS, PACKAGE, vendor_dir
        from edge_affect.packages import fetch

        fetch(PACKAGE, MEMBERS, vendor_dir(HERE / "edge_affect" / "dashboard"), say=print)
        super().run()


setup(cmdclass={"build_py": BuildWithCharts})
