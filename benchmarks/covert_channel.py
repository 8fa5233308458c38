"""What a hostile sensing process and a colluding subscriber can really push through the slit.

python benchmarks/covert_channel.py [--seconds 60] [--json FILE]

The sender takes the place of sensing: it builds and proves the same cage, holds the same two
sockets and may send any valid record at any time. Publisher and mosquitto are the real ones. The
subscriber knows the code and sees what every subscriber sees, and when. Binary codes in time are
read with the threshold that serves best on the first half of the ticks, and scored on the second.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import random
import sys
import tempfile
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from record_rank import rank, record_of, unrank

from edge_affect.broker import LocalBroker
from edge_affect.launcher import LaunchSettings, ProcessPair
from edge_affect.publishing.access import BrokerAccess
from edge_affect.publishing.mqtt import MQTT_5, ClientIdentity, Connection
from edge_affect.record import AbstainReason, AffectRecord, bits_per_record, count_valid_records
from edge_affect.sensing import cage
from edge_affect.sensing.outlet import DatagramOutlet

NS_PER_S = 1_000_000_000
SETTLE_TICKS = 5
PLAIN = AffectRecord(abstained=AbstainReason.NOBODY)
METHODS: dict[str, str] = {
    "values": "any valid record as a code word",
    "missing": "a record or none in a tick",
    "arrival": "the record early or late in the tick",
    "count": "one record or a flood in the tick",
    "load": "idle, or all processors busy around the tick",
}
EMBEDDING_BITS: dict[str, int] = {
    "face embedding, 128 floats of 32 bits": 4096,
    "face embedding, 128 bytes": 1024,
}
CODEC_BITS_PER_S: dict[str, int] = {
    "Codec 2, lowest mode": 700,
    "LPCNet": 1600,
    "Codec 2, highest mode": 3200,
    "Opus, lowest rate": 6000,
}


def symbol(seed: int, period: int, method: str) -> int:
    """Return what is sent in a period of the publisher's clock; both ends can tell."""
    n = count_valid_records() if method == "values" else 2
    return random.Random(f"{seed}/{period}").randrange(n)  # noqa: S311 (a message, not a key)


# ---- the sender, inside the cage ----


def send(args: argparse.Namespace) -> int:
    """Build the cage, prove it, and send until killed."""
    policy = cage.CagePolicy(keep_fds=(args.records_fd, args.commands_fd))
    cage.enter(policy)
    outlet = DatagramOutlet(args.records_fd, cage.prove())
    period_ns = round(NS_PER_S / args.tick_hz)
    burner = Burner() if args.method == "load" else None
    period = time.monotonic_ns() // period_ns + 1
    while True:
        start_ns = period * period_ns
        number = symbol(args.seed, period, args.method)
        send_at = 0.45 if args.method == "arrival" and number else 0.05
        _sleep_until(start_ns + round(send_at * period_ns))
        if args.method == "values":
            outlet.send(unrank(number))
        elif args.method != "missing" or number:
            outlet.send(PLAIN)
        if args.method == "count" and number:
            while time.monotonic_ns() < start_ns + round(0.55 * period_ns):
                outlet.send(PLAIN)
        if burner is not None and number:
            burner.run_until(start_ns + round(0.6 * period_ns))
        period = max(period + 1, time.monotonic_ns() // period_ns)


class Burner:
    """Keeps all processors busy for a while; hashing lets go of the interpreter's lock."""

    def __init__(self, n_threads: int = 8) -> None:
        self._until_ns = 0
        self._wake = threading.Condition()
        for _ in range(n_threads):
            threading.Thread(target=self._burn, daemon=True).start()

    def run_until(self, until_ns: int) -> None:
        """Burn until then, and wait for it."""
        with self._wake:
            self._until_ns = until_ns
            self._wake.notify_all()
        _sleep_until(until_ns)

    def _burn(self) -> None:
        block = bytes(1 << 18)
        while True:
            with self._wake:
                while time.monotonic_ns() >= self._until_ns:
                    self._wake.wait()
            while time.monotonic_ns() < self._until_ns:
                hashlib.sha256(block)


def _sleep_until(at_ns: int) -> None:
    time.sleep(max(0, at_ns - time.monotonic_ns()) / NS_PER_S)


# ---- the subscriber ----


@dataclass(frozen=True, slots=True)
class Heard:
    """One message: when it came, on the shared monotonic clock, and what it said."""

    at_ns: int
    payload: dict[str, Any]


@dataclass
class Result:
    """What one method achieved at one tick rate.

    Attributes:
        method: See ``METHODS``.
        tick_hz: Of the publisher.
        n_symbols: Symbols that were scored.
        n_wrong: Of them, lost or misread.
        error_low: Lower end of the 95 % interval of the error rate (Wilson).
        error_high: Its upper end.
        bits_per_s: Achieved; for binary codes the capacity at the measured error rate.
        bits_per_s_low: At the less favourable end of the interval; 0 where that reaches one half.
    """

    method: str
    tick_hz: float
    n_symbols: int
    n_wrong: int
    error_low: float = field(init=False)
    error_high: float = field(init=False)
    bits_per_s: float = field(init=False)
    bits_per_s_low: float = field(init=False)

    def __post_init__(self) -> None:
        self.error_low, self.error_high = wilson(self.n_wrong, self.n_symbols)
        error = self.n_wrong / self.n_symbols
        if self.method == "values":
            bits = math.log2(count_valid_records())
            self.bits_per_s = (1 - error) * bits * self.tick_hz
            self.bits_per_s_low = (1 - self.error_high) * bits * self.tick_hz
        else:
            self.bits_per_s = capacity(error) * self.tick_hz
            self.bits_per_s_low = capacity(self.error_high) * self.tick_hz


def wilson(n_hits: int, n: int, z: float = 1.96) -> tuple[float, float]:
    """Return the Wilson interval of a share."""
    p = n_hits / n
    middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def capacity(error: float) -> float:
    """Return the bits per symbol of a binary symmetric channel; 0 where it is a coin or worse.

    The threshold fixes which side means one, so an error rate above one half is bad luck, no code.
    """
    if error >= 0.5:
        return 0.0
    if error <= 0.0:
        return 1.0
    return 1 + error * math.log2(error) + (1 - error) * math.log2(1 - error)


def listen(method: str, tick_hz: float, seconds: float, seed: int) -> list[Heard]:
    """Run sender, publisher and broker, and return what a subscriber heard."""
    heard: list[Heard] = []

    def take(topic: str, data: bytes, _retain: bool) -> None:  # noqa: FBT001 (the connection's callback)
        now_ns = time.monotonic_ns()
        if topic.endswith("/affect"):
            heard.append(Heard(now_ns, json.loads(data)))

    program = (sys.executable, str(Path(__file__).resolve()), "--send")
    options = ["--method", method, "--tick-hz", str(tick_hz), "--seed", str(seed)]
    pair = ProcessPair(LaunchSettings(sense_program=program))
    with LocalBroker() as broker, tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "box.toml"
        config.write_text(
            f'[publish]\ntick_hz = {tick_hz}\n[mqtt]\nhost = "127.0.0.1"\nport = {broker.port}\n'
        )
        access = BrokerAccess("127.0.0.1", broker.port)
        connection = Connection(access, ClientIdentity("covert"), MQTT_5, take)
        connection.open()
        connection.subscribe("edge-affect/#")
        pair.start(options, ["--config", str(config)])
        try:
            _wait_for_first(connection, heard, pair)
            end_s = time.monotonic() + seconds + SETTLE_TICKS / tick_hz
            while time.monotonic() < end_s and pair.poll() is None:
                connection.step(0.2)
        finally:
            pair.stop()
            connection.close()
    return heard


def _wait_for_first(connection: Connection, heard: list[Heard], pair: ProcessPair) -> None:
    limit_s = time.monotonic() + 30
    while not heard:
        if time.monotonic() > limit_s or pair.poll() is not None:
            raise SystemExit("Nothing came; can the cage be built here? See: edge-affect doctor")
        connection.step(0.2)


def measure(method: str, tick_hz: float, seconds: float, seed: int) -> Result:
    """Return what one method achieves."""
    heard = listen(method, tick_hz, seconds, seed)
    period_ns = round(NS_PER_S / tick_hz)
    # Ticks are at the middle of each period: a message belongs to the period it comes in.
    by_period = {h.at_ns // period_ns: h for h in heard}
    first, last = min(by_period) + SETTLE_TICKS, max(by_period)
    periods = range(first, last)
    sent = [symbol(seed, period, method) for period in periods]
    if method == "values":
        words = {rank(record_of(h.payload)) for h in heard}
        n_wrong = sum(word not in words for word in sent)
        return Result(method, tick_hz, len(sent), n_wrong)
    if method == "missing":
        n_wrong = sum((p in by_period) != bool(bit) for p, bit in zip(periods, sent, strict=True))
        return Result(method, tick_hz, len(sent), n_wrong)
    rows = [
        (bit, _times(by_period[p], period_ns))
        for p, bit in zip(periods, sent, strict=True)
        if p in by_period
    ]
    half = len(rows) // 2
    code = best_threshold(rows[:half])
    n_wrong = sum(code.read(times) != bit for bit, times in rows[half:])
    return Result(method, tick_hz, len(rows) - half, n_wrong)


def _times(heard: Heard, period_ns: int) -> tuple[float, float]:
    """Return what a clock shows: when the message came in its tick, and its own stamp, ms."""
    stamp_ms = float(heard.payload["time"][17:23]) * 1000.0
    return heard.at_ns % period_ns / 1e6, stamp_ms % (period_ns / 1e6)


@dataclass(frozen=True, slots=True)
class Threshold:
    """A way to read one bit from times: which of them, from where on, and which side is one."""

    which: int
    at_ms: float
    is_late_one: bool

    def read(self, times: tuple[float, float]) -> int:
        """Return the bit that times stand for."""
        return int((times[self.which] >= self.at_ms) == self.is_late_one)


def best_threshold(rows: list[tuple[int, tuple[float, float]]]) -> Threshold:
    """Return the reading with the fewest errors on ``rows``."""
    codes = [
        Threshold(which, at_ms, is_late_one)
        for which in (0, 1)
        for at_ms in sorted({times[which] for _, times in rows})
        for is_late_one in (True, False)
    ]
    return min(codes, key=lambda code: sum(code.read(times) != bit for bit, times in rows))


# ---- the report ----


def report(results: list[Result]) -> str:
    """Return the figures as text for people, in Markdown."""
    lines = [
        f"Ceiling: {bits_per_record():.2f} bits in a tick.",
        "",
        "| way | ticks/s | symbols | wrong | error (95 %) | bits/s | bits/s at least |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {METHODS[x.method]} | {x.tick_hz:g} | {x.n_symbols} | {x.n_wrong} "
        f"| {x.n_wrong / x.n_symbols:.1%} ({x.error_low:.1%}-{x.error_high:.1%}) "
        f"| {x.bits_per_s:.2f} | {x.bits_per_s_low:.2f} |"
        for x in results
    ]
    for kind in ("values", *[m for m in METHODS if m != "values"]):
        for x in results:
            if x.method == kind:
                lines += ["", f"{METHODS[kind]}, {x.tick_hz:g} ticks/s:", *_needs(x)]
    return "\n".join(lines)


def _needs(result: Result) -> list[str]:
    rate = result.bits_per_s
    if rate < 0.01:
        return ["  nothing in useful time"]
    return [
        *(f"  {name}: {bits / rate:,.0f} s" for name, bits in EMBEDDING_BITS.items()),
        *(
            f"  {name}, {bits} bit/s: {rate / bits:.3f} of what it needs"
            for name, bits in CODEC_BITS_PER_S.items()
        ),
    ]


def main() -> int:
    """Measure, or be the sender."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0, help="for each way and rate")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", type=Path, help="write the figures here as well")
    parser.add_argument("--method", choices=METHODS, help="only this way")
    parser.add_argument("--tick-hz", type=float, help="only this rate")
    parser.add_argument("--send", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--cage", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--records-fd", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--commands-fd", type=int, help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.send:
        return send(args)
    results = [
        measure(method, tick_hz, args.seconds, args.seed)
        for method in METHODS
        for tick_hz in (1.0, 5.0)
        if args.method in (None, method) and args.tick_hz in (None, tick_hz)
    ]
    print(report(results))
    if args.json is not None:
        rows = [asdict(result) for result in results]
        args.json.write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
