"""Resident memory of uncaged sensing without locked memory, locked as used, and locked at once.

usage: locked_memory.py CLIP   (as root, or with an unlimited RLIMIT_MEMLOCK)
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

SETTLE_S = 25.0
CURRENT, FUTURE, ON_FAULT = 1, 2, 4
WAYS = {
    "not locked": 0,
    "locked as used": CURRENT | FUTURE | ON_FAULT,
    "locked at once": CURRENT | FUTURE,
}
CODE = """
import ctypes, sys
from edge_affect import cli
from edge_affect.sensing import memory
memory.lock = lambda: "locked by the benchmark"
flags = int(sys.argv[1])
if flags and ctypes.CDLL(None).mlockall(flags):
    sys.exit("this user may not lock memory")
sys.exit(cli.main(["sense", "--allow-unsandboxed", "--loop", "--video", sys.argv[2]]))
"""


def main() -> None:
    """Run sensing once for each way and print what the kernel says of its memory."""
    for name, flags in WAYS.items():
        process = subprocess.Popen(
            [sys.executable, "-c", CODE, str(flags), sys.argv[1]],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            time.sleep(SETTLE_S)
            status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
        finally:
            process.kill()
            process.wait()
        kb = {key: int(status.split(f"{key}:")[1].split()[0]) for key in ("VmRSS", "VmLck")}
        print(f"{name}: {kb['VmRSS'] / 1024:.0f} MB resident, {kb['VmLck'] / 1024:.0f} MB locked")


if __name__ == "__main__":
    main()
