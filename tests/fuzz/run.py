"""Fuzzes what reads the words of others, each target in a process of its own.

``run.py [--seed N] TARGET=CASES ...`` prints one line for each target: cases, how many were
accepted, seconds. A crash, a hang or a finding ends with code 1 and says how to make the case
again: ``run.py --seed N --only NUMBER TARGET``.
"""

import argparse
import json
import resource
import subprocess
import sys
import time
import traceback
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

MEMORY_BYTES = 2 << 30
"""A media file of a few kilobytes must not make anybody ask for more."""
BATCH = {"media": 100}
BATCH_TIMEOUT_S = 300


def run_batch(target, seed, first, n):
    """Run some cases in this process and return how many inputs were accepted."""
    from mutation import case
    from targets import TARGETS

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    accepted = 0
    for number in range(first, first + n):
        sys.stderr.write(f"{number}\r")
        accepted += TARGETS[target](case(seed, number))
    return accepted


def run_target(target, seed, n_cases):
    """Run all cases of a target in child processes and return accepted inputs and seconds.

    Raises:
        RuntimeError: With the case that crashed, hung or found something.
    """
    start_s = time.monotonic()
    size = BATCH.get(target, 50_000)
    accepted = 0
    for first in range(0, n_cases, size):
        n = min(size, n_cases - first)
        command = [sys.executable, __file__, "--batch", json.dumps([target, seed, first, n])]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, errors="replace", check=False,
                timeout=BATCH_TIMEOUT_S,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            last = (error.stderr or b"").decode(errors="replace").split("\r")[-2:]
            raise RuntimeError(f"{target}: a case hangs near number {last}") from None
        if done.returncode:
            tail = done.stderr.replace("\r", "\n")[-1500:]
            raise RuntimeError(f"{target}, seed {seed}: exit code {done.returncode}\n{tail}")
        accepted += int(done.stdout)
    return accepted, time.monotonic() - start_s


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("targets", nargs="*", help="TARGET=CASES")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="make this one case again")
    parser.add_argument("--batch", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.batch:
        print(run_batch(*json.loads(arguments.batch)))
        return 0
    if arguments.only is not None:
        print(run_batch(arguments.targets[0], arguments.seed, arguments.only, 1))
        return 0
    code = 0
    for wanted in arguments.targets:
        target, n_cases = wanted.split("=")
        try:
            accepted, seconds = run_target(target, arguments.seed, int(n_cases))
        except RuntimeError:
            traceback.print_exc()
            code = 1
        else:
            print(f"{target}: {n_cases} cases, {accepted} accepted, {seconds:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
