"""Many boxes against one real mosquitto on this machine: throughput, delay, memory, processor time.

usage: fleet.py [--boxes 10 100 1000] [--seconds 60] [--readers 2] [--json FILE] [--plot FILE]

For each number of boxes it starts a broker of its own on the loopback interface, readers that share
one subscription, and processes of simulated boxes (see `fleet_boxes.py`: the product's own
payloads, alerts, trend, queue and MQTT connection). Boxes come in over a while, talk for
`--seconds`, lose connections on the way, tell what waited, and leave; then it all ends. Every
record is followed from its box to a reader by box and sequence number.

Delays are from handing the message to the network until a reader has its JSON, on one clock;
what had waited for a connection is counted apart. The broker's figures are the kernel's, over the
time in which all boxes talk. A thousand boxes take most of a core of this machine, most of it for
the boxes; where it cannot keep up, ticks are left out, and it says how many.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from fleet_boxes import SITE, Plan
from fleet_report import READ, Load, Usage, broker_use, draw, table, traffic

from edge_affect.broker import LocalBroker, free_port

HERE = Path(__file__).resolve().parent
AS_READER = "--as-reader"
SHARE = f"$share/readers/edge-affect/{SITE}/+/affect"
MAX_BOXES = 5_000
MAX_SECONDS = 3_600.0
BOXES_PER_PROCESS = 400
"""More would need descriptors beyond the 1,024 that select() can watch."""
QUIET_S = 2.0
READERS_WAIT_S = 30.0
BROKER_CONFIG = "sys_interval 1\n"
TICKS_HZ = os.sysconf("SC_CLK_TCK")
N_IN_FLIGHT = 100


class BrokerCounters:
    """Follows what the broker says of itself, and the kernel of it."""

    def __init__(self, broker: LocalBroker) -> None:
        from paho.mqtt.client import Client
        from paho.mqtt.enums import CallbackAPIVersion

        self._pid = broker.pid
        self._said: dict[str, int] = {}
        self._client = Client(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._client.connect(broker.host, broker.port)
        self._client.subscribe("$SYS/broker/bytes/+")
        self._client.loop_start()

    def _take(self, _client: Any, _userdata: Any, message: Any) -> None:
        self._said[message.topic.rpartition("/")[2]] = int(message.payload)

    def read(self) -> Usage:
        """Return what has been used so far."""
        fields = Path(f"/proc/{self._pid}/stat").read_text().rpartition(")")[2].split()
        lines = Path(f"/proc/{self._pid}/status").read_text().splitlines()
        rss_kb = next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))
        cpu_s = (int(fields[11]) + int(fields[12])) / TICKS_HZ
        said = self._said
        return Usage(time.monotonic(), cpu_s, rss_kb, said.get("received", 0), said.get("sent", 0))

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._client.loop_stop()


def read_share(port: int, out: Path) -> int:
    """Read one share of all affect messages until standard input ends; note when each came."""
    from paho.mqtt.client import Client, MQTTMessage
    from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
    from paho.mqtt.packettypes import PacketTypes
    from paho.mqtt.properties import Properties

    rows: list[bytes] = []
    newest_s = [time.monotonic()]

    def take(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
        said = json.loads(message.payload)
        newest_s[0] = time.monotonic()
        number = int(message.topic.split("/")[2].removeprefix("box"))
        rows.append(READ.pack(number, said["sequence"], time.monotonic_ns()))

    def subscribed(*_: Any) -> None:
        print("ready", flush=True)

    properties = Properties(PacketTypes.CONNECT)
    properties.ReceiveMaximum = N_IN_FLIGHT
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = take
    client.on_subscribe = subscribed
    client.connect("127.0.0.1", port, clean_start=True, properties=properties)
    client.subscribe(SHARE, qos=1)
    client.loop_start()
    started_s = time.process_time()
    sys.stdin.read()
    deadline_s = time.monotonic() + READERS_WAIT_S
    while time.monotonic() - newest_s[0] < QUIET_S and time.monotonic() < deadline_s:
        time.sleep(0.2)
    client.disconnect()
    client.loop_stop()
    out.write_bytes(b"".join(rows))
    print(time.process_time() - started_s)
    return 0


def _start_readers(load: Load, port: int, folder: Path) -> list[subprocess.Popen[str]]:
    readers = []
    for number in range(load.n_readers):
        command = [sys.executable, __file__, AS_READER, str(port), str(folder / f"read{number}")]
        reader = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        readers.append(reader)
    for reader in readers:
        if reader.stdout is None or reader.stdout.readline() != "ready\n":
            raise SystemExit("A reader did not come up.")
    return readers


def _start_boxes(load: Load, port: int, folder: Path) -> tuple[float, list[subprocess.Popen[str]]]:
    n_processes = max(2 if load.n_boxes > 1 else 1, -(-load.n_boxes // BOXES_PER_PROCESS))
    # Starting Python and reading the manifests takes a while.
    start_s = time.monotonic() + 3.0 + n_processes
    edges = [load.n_boxes * i // n_processes for i in range(n_processes + 1)]
    processes = []
    for number, (first, end) in enumerate(itertools.pairwise(edges)):
        plan = Plan(
            first=first, n_boxes=end - first, host="127.0.0.1", port=port, tick_hz=load.tick_hz,
            start_s=start_s, ramp_s=load.ramp_s, seconds=load.seconds, outages=load.outages,
            outage_s=load.outage_s, seed=load.seed, out=str(folder / f"sent{number}"),
        )  # fmt: skip
        command = [sys.executable, str(HERE / "fleet_boxes.py"), json.dumps(asdict(plan))]
        processes.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
    return start_s, processes


def _finish(processes: Sequence[subprocess.Popen[str]], timeout_s: float) -> list[str]:
    said = []
    for process in processes:
        try:
            said.append(process.communicate(timeout=timeout_s)[0])
        except subprocess.TimeoutExpired:
            raise SystemExit("A process did not end in time.") from None
        if process.returncode:
            raise SystemExit(f"A process ended with code {process.returncode}.")
    return said


def run(load: Load) -> dict[str, Any]:
    """Run one load and return what was measured, as plain JSON values."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edge-affect-fleet-")))
        broker = stack.enter_context(LocalBroker(free_port(), BROKER_CONFIG))
        counters = stack.enter_context(contextlib.closing(BrokerCounters(broker)))
        time.sleep(1.5)
        idle = counters.read()
        readers = _start_readers(load, broker.port, folder)
        started: list[subprocess.Popen[str]] = list(readers)
        stack.callback(lambda: [process.kill() for process in started if process.poll() is None])
        start_s, boxes = _start_boxes(load, broker.port, folder)
        started += boxes
        begin, end = [], []

        def measure() -> None:
            # All boxes are there from the end of the ramp on, and until the first one ends.
            for at_s, into in (
                (start_s + load.ramp_s, begin), (start_s + load.seconds, end),
            ):  # fmt: skip
                time.sleep(max(0.0, at_s - time.monotonic()))
                into.append(counters.read())

        thread = threading.Thread(target=measure)
        thread.start()
        limit_s = load.seconds + load.ramp_s + 60.0
        tallies = [json.loads(text) for text in _finish(boxes, limit_s)]
        thread.join()
        reader_cpu_s = sum(map(float, _finish(readers, READERS_WAIT_S + 10.0)))
        sent = b"".join(path.read_bytes() for path in sorted(folder.glob("sent*")))
        read = [path.read_bytes() for path in sorted(folder.glob("read*"))]
    total = {name: sum(tally[name] for tally in tallies) for name in tallies[0]}
    total["reader_cpu_us"] = round(1e6 * reader_cpu_s)
    return traffic(load, total, sent, read) | broker_use(load, sent, idle, begin[0], end[0])


def main() -> None:
    """Measure each number of boxes, print, and write what was asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--boxes", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--tick-hz", type=float, default=1.0)
    parser.add_argument("--readers", type=int, default=2, help="readers that share the messages")
    parser.add_argument(
        "--outages", type=float, default=6.0, help="lost connections, a box and hour"
    )
    parser.add_argument("--outage-s", type=float, default=15.0, help="how long at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write all figures")
    parser.add_argument("--plot", type=Path, help="write an SVG of several numbers of boxes")
    args = parser.parse_args()
    if not all(1 <= n <= MAX_BOXES for n in args.boxes) or not 1 <= args.seconds <= MAX_SECONDS:
        parser.error(f"at most {MAX_BOXES} boxes, for {MAX_SECONDS:.0f} s")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(args.boxes) + 200
    if soft < wanted:
        if hard < wanted:
            parser.error(f"the system allows {hard} open files; {wanted} are needed (ulimit -n)")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    reports = []
    for n_boxes in args.boxes:
        load = Load(
            n_boxes, args.seconds, args.tick_hz, args.readers, args.outages, args.outage_s,
            args.seed,
        )  # fmt: skip
        reports.append(run(load))
        print(json.dumps(reports[-1]), flush=True)
    print(table(reports))
    if args.json:
        args.json.write_text(json.dumps(reports, indent=2) + "\n", encoding="utf-8")
    if args.plot:
        args.plot.write_text(draw(reports), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) > 1 and sys.argv[1] == AS_READER:
        sys.exit(read_share(int(sys.argv[2]), Path(sys.argv[3])))
    main()
