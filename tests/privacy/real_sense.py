"""Test-only entry point of the real sensing process: its own command, models, threads and cage.

``real_sense.py WALLS HIDDEN READABLE OTHER_PID OPTIONS OF SENSE``: the walls (separated by commas)
are left out of the cage. With HIDDEN not empty, every attempt is made from inside once records
flow, on a thread of the running daemon, and what came of them is printed as JSON. ``declared`` as
a wall makes the build that declares its proof instead of trying anything.
"""

import json
import os
import sys
import threading
from pathlib import Path

import walls
from attacks import DEADLY
from attempts import Surroundings
from prisoner import everything

from edge_affect import cli
from edge_affect.sensing import cage
from edge_affect.sensing.outlet import DatagramOutlet

ENOUGH_RECORDS = 4


def declare_the_proof():
    cage.enter = cage.seal = lambda _policy: None
    cage.prove = lambda: cage.CageProof(cage._PROOF_TOKEN, ())


def try_when_running(outside):
    """Make all attempts on a thread of their own as soon as records flow."""
    send = DatagramOutlet.send
    n_sent = 0

    def attempt_all():
        known = everything(outside)
        found = {name: known[name]() for name in known if name not in DEADLY}
        n_threads = len(list(Path("/proc/self/task").iterdir()))
        print(json.dumps({"threads": n_threads, "found": found}), flush=True)

    def counting_send(self, record):
        nonlocal n_sent
        send(self, record)
        n_sent += 1
        if n_sent == ENOUGH_RECORDS:
            threading.Thread(target=attempt_all).start()

    DatagramOutlet.send = counting_send


def main():
    missing, hidden, readable, other_pid, *options = sys.argv[1:]
    if missing == "declared":
        declare_the_proof()
    elif missing:
        walls.leave_out(missing.split(","))
    if hidden:
        records_fd = int(options[options.index("--records-fd") + 1])
        folder_fd = os.open(hidden, os.O_RDONLY)
        os.chdir(hidden)
        try_when_running(Surroundings(hidden, readable, records_fd, folder_fd, other_pid))
    sys.exit(cli.main(["sense", *options]))


if __name__ == "__main__":
    main()
