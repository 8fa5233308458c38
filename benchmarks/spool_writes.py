"""Bytes that the spool makes a disk take, by what the broker does; and how fast it opens.

The kernel counts them (write_bytes in /proc/self/io: pages made dirty and not taken back), on the
disk that holds FOLDER; a file system's own journal comes on top. With --device, such as loop0 for a
file system in a file, what reached that device is told as well, journal and all. Each case runs in
real time for a while, and is told as bytes per day.

usage: spool_writes.py FOLDER [--seconds 60] [--tick-hz 1] [--device loop0]
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from edge_affect.config import Publish
from edge_affect.publishing.outboxes import outbox_for
from edge_affect.publishing.payload import Stamp
from edge_affect.record import AbstainReason, AffectRecord

RECORD = AffectRecord(abstained=AbstainReason.NOBODY)
DAY_S = 86_400


def written() -> int:
    """Return the bytes this process has caused to be written so far."""
    lines = Path("/proc/self/io").read_text(encoding="ascii").splitlines()
    return int(dict(line.split(": ") for line in lines)["write_bytes"])


def on_device(device: str | None) -> int:
    """Return the bytes a block device has taken so far; the kernel counts sectors of 512."""
    if device is None:
        return 0
    return int(Path(f"/sys/block/{device}/stat").read_text(encoding="ascii").split()[6]) * 512


def measure(folder: str, args: argparse.Namespace, *, is_there: bool) -> tuple[int, int, float]:
    """Return bytes, bytes on the device and seconds, with a broker that is there or away."""
    outbox = outbox_for(Publish(spool_dir=folder))
    outbox.start()
    # What made the file is not what is measured.
    os.sync()
    start_s, before, n = time.monotonic(), written(), 0
    device_before = on_device(args.device)
    while time.monotonic() - start_s < args.seconds:
        outbox.put(RECORD, Stamp(n, clock_synced=True, sequence=outbox.first_sequence + n))
        n += 1
        if is_there and (entry := outbox.take()) is not None:
            outbox.settle(entry)
        time.sleep(1 / args.tick_hz)
    n_bytes, took_s = written() - before, time.monotonic() - start_s
    n_device = on_device(args.device) - device_before
    outbox.close()
    return n_bytes, n_device, took_s


def main() -> None:
    """Measure a broker that is there and one that is away, and opening a full spool."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tick-hz", type=float, default=1.0)
    parser.add_argument("--device", help="block device of FOLDER, as in /sys/block")
    args = parser.parse_args()
    for name, is_there in (("there", True), ("away", False)):
        with tempfile.TemporaryDirectory(dir=args.folder) as folder:
            n_bytes, n_device, took_s = measure(folder, args, is_there=is_there)
        per_day = n_bytes / took_s * DAY_S / 1e6
        text = f"broker {name}: {n_bytes} bytes in {took_s:.0f} s, {per_day:.1f} MB a day"
        if args.device:
            text += f"; on the device {n_device / took_s * DAY_S / 1e6:.1f} MB a day"
        print(text, flush=True)
    with tempfile.TemporaryDirectory(dir=args.folder) as folder:
        publish = Publish(spool_dir=folder, queue_size=100_000)
        outbox = outbox_for(publish)
        for n in range(100_000):
            outbox.put(RECORD, Stamp(n, clock_synced=True, sequence=n))
        start_s = time.monotonic()
        outbox.close()
        written_s, start_s = time.monotonic() - start_s, time.monotonic()
        outbox = outbox_for(publish)
        opened_s = time.monotonic() - start_s
        print(f"100,000 entries: written in {written_s:.2f} s, opened in {opened_s:.2f} s")
        outbox.close()


if __name__ == "__main__":
    main()
