"""What happens to the box in a soak: each fault, how `health` shows it, and when it is over."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    from soak_run import Soak

PATIENCE_S = 60.0
DISK_PATIENCE_S = 120.0
"""The spool tries a disk again a minute after it failed."""
OUTAGE_S = 3.0
HOLD_S = 1.0
GONE = ("missing", "stalled")
JUMPS = ("+3y", "-50y", "-1h", "+12h")
LEAST_JUMP_S = 1800.0
FATAL, HARMLESS = True, False
"""Whether a fault ends a process, and with it a line of memory."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one fault; times in real seconds, None where it never came."""

    fault: str
    tick: int
    seen_after_s: float | None
    seen_as: str
    recovered_after_s: float | None
    lost_messages: int

    @property
    def is_well(self) -> bool:
        """Whether it was both told and mended."""
        return self.seen_after_s is not None and self.recovered_after_s is not None


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        name: For the table.
        is_fatal: Whether it ends a process, and with it a line of memory.
        begin: Makes it happen.
        end: Makes it stop happening.
        seen: Returns what tells of it now, or an empty string.
        patience_s: For being told, and again for being mended.
    """

    name: str
    is_fatal: bool
    begin: Callable[[], object]
    end: Callable[[], object]
    seen: Callable[[], str]
    patience_s: float = PATIENCE_S


def suffer(soak: Soak, fault: Fault) -> Outcome:
    """Let one thing go wrong and come right again."""
    soak.is_calm = False
    tick, lost = soak.ear.n_ticks, soak.ear.n_lost
    began_s = time.monotonic()
    fault.begin()
    as_what = ""

    def is_seen() -> bool:
        nonlocal as_what
        as_what = as_what or fault.seen()
        return bool(as_what)

    seen_s = soak.until(is_seen, fault.patience_s)
    soak.spend(HOLD_S)
    ended_s = time.monotonic()
    fault.end()
    before = soak.ear.n_full
    recovered_s = soak.until(lambda: soak.is_well(before), fault.patience_s)
    soak.is_calm = True
    return Outcome(
        fault.name,
        tick,
        None if seen_s is None else seen_s - began_s,
        as_what or "never",
        None if recovered_s is None else recovered_s - ended_s,
        soak.ear.n_lost - lost,
    )


def nothing() -> None:
    """End a fault that has ended by itself."""


def faults(soak: Soak) -> list[Fault]:
    """Return what can happen to this box."""
    sense, publish = soak.sense, soak.publish
    made = [
        device(soak, "microphone", signal.SIGUSR1),
        device(soak, "camera", signal.SIGUSR2),
        outage(soak),
        Fault(
            "kill -9 of sensing", FATAL, lambda: sense.signal(signal.SIGKILL), nothing,
            lambda: sensing_trouble(soak.ear.health),
        ),
        Fault(
            "kill -9 of the publisher", FATAL,
            lambda: soak.strike(publish, signal.SIGKILL), nothing,
            lambda: "status offline (will)" if soak.ear.n_offline > soak.offline_before else "",
        ),
        Fault(
            "a stage of sensing hangs for ever", FATAL,
            lambda: sense.signal(signal.SIGRTMIN), nothing, lambda: restarted(soak, "sense"),
        ),
        Fault(
            "the publisher is frozen", FATAL, lambda: soak.strike(publish, signal.SIGSTOP), nothing,
            lambda: restarted(soak, "publish"),
        ),
    ]  # fmt: skip
    if soak.clock_file is not None:
        made.append(clock_jump(soak, soak.clock_file))
    if soak.spool_is_small:
        made.append(disk_full(soak))
    return made


def device(soak: Soak, name: str, number: signal.Signals) -> Fault:
    """Return the loss of a device, until it is put back."""

    def turn() -> None:
        soak.sense.signal(number)

    def seen() -> str:
        state = str((soak.ear.health.get("sensing") or {}).get(name))
        return f"sensing.{name} {state}" if state in GONE else ""

    return Fault(f"{name} lost", HARMLESS, turn, turn, seen)


def sensing_trouble(health: dict[str, Any]) -> str:
    """Return what `health` says of sensing that is away or only just starting."""
    sensing = health.get("sensing") or {}
    for name in ("microphone", "camera"):
        if sensing.get(name) not in {"ok", None}:
            return f"sensing.{name} {sensing[name]}"
    age = health.get("record_age_s")
    return f"record_age_s {age}" if age not in {"<2", None} else ""


def restarted(soak: Soak, name: str) -> str:
    """Return that the watchdog has restarted a process and the broker heard of it, if both hold."""
    service = soak.service(name)
    if not (service.restarts and service.restarts[-1].by_watchdog and service.is_ready):
        return ""
    if service.restarts[-1].at_s < soak.fault_began_s:
        return ""
    told = sensing_trouble(soak.ear.trouble)
    if name == "publish":
        told = "status offline (will)" if soak.ear.n_offline > soak.offline_before else ""
    return told and f"watchdog, {told}"


def outage(soak: Soak) -> Fault:
    """Return a broker that dies and comes back."""
    reconnects = 0

    def begin() -> None:
        nonlocal reconnects
        reconnects = int(soak.ear.health.get("reconnects", 0))
        soak.broker.kill()
        soak.spend(OUTAGE_S)
        soak.broker.start()

    def seen() -> str:
        now = int(soak.ear.health.get("reconnects", 0))
        return "reconnects + 1" if now > reconnects else ""

    return Fault("broker dies for 3 s", HARMLESS, begin, nothing, seen)


def clock_jump(soak: Soak, file: Path) -> Fault:
    """Return a wall clock of the publisher that is set by years or hours, and set right again."""

    def begin() -> None:
        file.write_text(soak.random.choice(JUMPS))

    def seen() -> str:
        off_s = soak.ear.clock_off_s
        if abs(off_s) < LEAST_JUMP_S:
            return ""
        synced = soak.ear.health.get("clock_synced")
        return f"time, clock_synced {str(synced).lower()}"

    return Fault(
        "wall clock set by hours or years", HARMLESS, begin, lambda: file.write_text("+0"), seen
    )


def disk_full(soak: Soak) -> Fault:
    """Return a disk without room for a fresh spool, while the broker is away."""
    ballast = soak.spool / "ballast"

    def begin() -> None:
        soak.renew_spool()
        with ballast.open("wb", buffering=0) as file:
            try:
                while file.write(b"\0" * 4096):
                    pass
            except OSError:
                pass  # full, as it should be
        soak.broker.kill()
        soak.spend(2 * OUTAGE_S)
        soak.broker.start()

    def seen() -> str:
        state = (soak.ear.health.get("queue") or {}).get("spool")
        return f"queue.spool {state}" if state == "full" else ""

    return Fault(
        "disk of the spool full, broker away", FATAL, begin, ballast.unlink, seen, DISK_PATIENCE_S
    )
