"""Show a real Home Assistant the discovery message of a real box, and read what it makes of it.

Home Assistant runs in an environment of its own (``make check-home-assistant``); a real mosquitto
stands between. When all holds, the message is kept in ``tests/golden/home_assistant.json`` with the
versions that took it: a test in the default suite refuses any other message.

Usage: check_home_assistant.py --python .venv-home-assistant/bin/python
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "contract"), str(ROOT / "tests")]

from home_assistant_parts import (  # noqa: E402 (found by the path above)
    ABSTAINING,
    ALERTING,
    EXPECTED,
    GOLDEN,
    SPEAKING,
    discovery,
    kept,
)
from mqtt_parts import BASE, Box, Listener  # noqa: E402

from edge_affect.broker import LocalBroker, free_port  # noqa: E402
from edge_affect.publishing.payload import Stamp, affect_payload, to_json  # noqa: E402

PROBE = ROOT / "tools" / "home_assistant_probe.py"
WAIT_S = 90.0
QUIET = ("aiohttp_fast_zlib", "homeassistant.helpers.frame")
"""Complaints not about us: a missing accelerator, Home Assistant about itself."""


class Mismatch(SystemExit):
    """Something that is not as it should be."""


class HomeAssistant:
    """The probe, asked over its pipes."""

    def __init__(self, python: str, folder: Path, mqtt_port: int) -> None:
        self._process = subprocess.Popen(
            [python, PROBE, folder, str(mqtt_port), str(free_port())],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if self._process.stdin is None or self._process.stdout is None:
            raise Mismatch("no pipes")
        self._in, self._out = self._process.stdin, self._process.stdout
        self.version: str = json.loads(self._answer())["version"]

    def _answer(self) -> str:
        line = self._out.readline()
        if not line:
            raise Mismatch("Home Assistant has ended; see above.")
        return line

    def ask(self, do: str, **more: Any) -> Any:
        """Return the probe's answer."""
        self._in.write(json.dumps({"do": do, **more}) + "\n")
        self._in.flush()
        return json.loads(self._answer())

    def press(self, domain: str, service: str, entity: str, **more: Any) -> None:
        """Call a service on one entity."""
        self.ask("call", domain=domain, service=service, data={"entity_id": entity, **more})

    def states(self) -> dict[str, Any]:
        """Return what every entity shows."""
        return {name: told["state"] for name, told in self.ask("states").items()}

    def complaints(self) -> list[str]:
        """Return warnings and errors that may be about us."""
        return [line for line in self.ask("log") if not any(word in line for word in QUIET)]

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(BrokenPipeError):
            self._in.close()
        try:
            self._process.wait(30.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def until(condition: Callable[[], Any], what: str, step: Callable[[], None] | None = None) -> Any:
    """Return what ``condition`` returns once it is true."""
    deadline_s = time.monotonic() + WAIT_S
    while True:
        found = condition()
        if found:
            return found
        if time.monotonic() >= deadline_s:
            raise Mismatch(f"waited in vain for {what}")
        if step is not None:
            step()
        time.sleep(0.2)


def same(found: Any, wanted: Any, what: str) -> None:
    """End with a sentence where two things differ."""
    if found != wanted:
        raise Mismatch(f"{what}:\n found  {found}\n wanted {wanted}")
    print(f"ok  {what}")


@contextlib.contextmanager
def box(port: int, text: str) -> Iterator[Box]:
    """A publisher at a gentle pace."""
    made = Box(port, tick_hz=5.0, text=text)
    try:
        yield made
    finally:
        made.close()


def values_are_right(home: HomeAssistant, one: Box, listener: Listener) -> None:
    """Compare every entity with what was published, then with what abstaining should show."""

    def feed(record: Any) -> Callable[[], None]:
        return lambda: one.feed([record], 0.2)

    def differing(wanted: dict[str, str]) -> dict[str, Any]:
        shown = home.states()
        return {k: (shown.get(k), v) for k, v in wanted.items() if shown.get(k) != v}

    for name, record in (("speaking", SPEAKING), ("abstaining", ABSTAINING)):
        try:
            until(lambda: not differing(EXPECTED[name]), name, feed(record))  # noqa: B023 (called at once)
        except Mismatch:
            raise Mismatch(f"{name}: found and wanted: {differing(EXPECTED[name])}") from None
        print(f"ok  {len(EXPECTED[name])} entities while {name}")
    # What has waited on disk comes late and must not look like now.
    late = affect_payload(SPEAKING, Stamp(0, clock_synced=True, sequence=0), is_late=True)
    listener.publish(f"{BASE}/affect", to_json(late).encode())
    time.sleep(1.0)
    same(differing(EXPECTED["abstaining"]), {}, "a late message changes nothing")


def commands_arrive(home: HomeAssistant, one: Box, listener: Listener, slug: str) -> None:
    """Press the buttons and write a marker."""
    home.press("button", "press", f"button.{slug}_pause")
    same(one.commands.recv(10), b"\x01", "pause reaches sensing")
    home.press("button", "press", f"button.{slug}_resume")
    same(one.commands.recv(10), b"\x02", "resume reaches sensing")
    home.press("text", "set_value", f"text.{slug}_set_marker", value='Slide "3"')
    (marker,) = until(lambda: listener.payloads("marker"), "the marker")
    same(json.loads(marker)["text"], 'Slide "3"', "a marker is published")
    shown = home.ask("states")[f"event.{slug}_marker"]["attributes"]
    same(shown.get("text"), 'Slide "3"', "and Home Assistant sees it")


def check(python: str) -> str:
    """Run everything and return Home Assistant's version."""
    slug = "edge_affect_hall_one"
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(LocalBroker()).port
        listener = stack.enter_context(contextlib.closing(Listener(port)))
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "home"
        wanted = discovery()["components"]
        ids = sorted(f"{made['platform']}.{slug}_{key}" for key, made in wanted.items())
        with box(port, ALERTING) as one:
            home = stack.enter_context(contextlib.closing(HomeAssistant(python, folder, port)))
            print(f"    Home Assistant {home.version}")
            try:
                until(lambda: len(home.states()) >= len(wanted), "the entities")
            except Mismatch as error:
                raise Mismatch(f"{error}; its log: {home.complaints()}") from None
            same(sorted(home.states()), ids, f"{len(ids)} entities with the ids of their names")
            devices = {told["device"] for told in home.ask("states").values()}
            same(devices, {"edge-affect hall one"}, "one device")
            values_are_right(home, one, listener)
            commands_arrive(home, one, listener, slug)
        until(lambda: set(home.states().values()) == {"unavailable"}, "the end")
        print("ok  everything is unavailable while the box is away")
        with box(port, ALERTING.partition("[alert.joy]")[0]):
            gone = f"binary_sensor.{slug}_alert_joy"
            until(lambda: gone not in home.states(), "the removed rule's entity to go")
            same(
                sorted(home.states()), [i for i in ids if i != gone], "a rule less, all else there"
            )
        with box(port, ALERTING.replace("enabled = true", "enabled = false")):
            until(lambda: not home.states(), "all entities to go")
            print("ok  switched off, nothing is left")
        same(home.complaints(), [], "no complaint in its log")
        return home.version


def main() -> None:
    """Check, and keep what was checked."""
    parser = argparse.ArgumentParser(description="Check Home Assistant's discovery for real.")
    parser.add_argument("--python", required=True, help="Python with homeassistant and paho-mqtt")
    version = check(parser.parse_args().python)
    known = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    same_message = known.get("discovery") == kept()
    versions = set(known.get("home_assistant", []) if same_message else []) | {version}
    told = {"home_assistant": sorted(versions), "discovery": kept()}
    GOLDEN.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print(f"kept in {GOLDEN.relative_to(ROOT)}: taken by {', '.join(sorted(versions))}")


if __name__ == "__main__":
    main()
