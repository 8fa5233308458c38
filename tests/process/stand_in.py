"""A small program in place of sense or publish, for tests of the launcher.

It writes what it was given into a JSON file, then waits for SIGTERM or its time.
"""

import argparse
import json
import os
import signal
import stat
import sys
import time
from pathlib import Path


def enter_cage(args):
    """Enter the real cage and return what to say about it; nothing can be written after."""
    from edge_affect.errors import CageError
    from edge_affect.sensing import cage

    try:
        cage.enter(cage.CagePolicy(keep_fds=(args.records_fd, args.commands_fd)))
    except CageError as error:
        return f"no cage: {error}"
    return f"caged {len(cage.prove().refused)}"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cage", action="store_true")
    parser.add_argument("--allow-unsandboxed", action="store_true")
    parser.add_argument("--records-fd", type=int)
    parser.add_argument("--commands-fd", type=int)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--code", type=int, default=0)
    parser.add_argument("--deaf", action="store_true")
    parser.add_argument("--really", action="store_true", help="build the cage before reporting")
    args = parser.parse_args()

    def stop(_number, _frame):
        if not args.deaf:
            log = args.folder / "stopped.txt"
            log.write_text((log.read_text() if log.exists() else "") + args.name + "\n")
            sys.exit(args.code)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, lambda *_: os._exit(99))  # Ctrl-C must not get here
    if args.really:
        sys.stderr.write(f"{enter_cage(args)}\n")
        time.sleep(args.seconds)
    kinds = {}
    for entry in Path("/proc/self/fd").iterdir():
        try:
            kinds[int(entry.name)] = stat.S_ISSOCK(os.fstat(int(entry.name)).st_mode)
        except OSError:
            continue
    report = {
        "pid": os.getpid(),
        "session": os.getsid(0),
        "sockets": sorted(fd for fd, is_socket in kinds.items() if is_socket),
        "channels": sorted(fd for fd in (args.records_fd, args.commands_fd) if fd is not None),
        "fds": sorted(kinds),
        "environment": dict(os.environ),
        "is_caged": args.cage,
        "is_unsandboxed": args.allow_unsandboxed,
    }
    unfinished = args.folder / f"{args.name}.new"
    unfinished.write_text(json.dumps(report))
    unfinished.rename(args.folder / f"{args.name}.json")
    print(args.name, "says hello", flush=True)
    other = args.folder / ("publish.json" if args.name == "sense" else "sense.json")
    while args.seconds == 0 and args.records_fd is not None and not other.exists():
        time.sleep(0.01)  # so that both have seen the start before one ends
    time.sleep(args.seconds)
    if args.deaf:
        time.sleep(60)
    sys.exit(args.code)


if __name__ == "__main__":
    main()
