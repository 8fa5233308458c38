"""Run the Node-RED flow that ships in a real Node-RED, between a real publisher and a real broker.

Its debug nodes are replaced by ones that publish what they would show, so that it can be compared.

Usage: check_node_red.py FOLDER_OF_NODE_MODULES   (make check-node-red)
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests" / "contract"), str(ROOT / "tests")]

from home_assistant_parts import ABSTAINING, ALERTING, SPEAKING  # noqa: E402 (found by the path)
from mqtt_parts import BASE, Box, Listener  # noqa: E402

from edge_affect.broker import HOST, LocalBroker, free_port  # noqa: E402
from edge_affect.publishing.payload import Stamp, affect_payload, to_json  # noqa: E402

WAIT_S = 90.0
SETTINGS = """module.exports = {{
  uiHost: "{host}", uiPort: {port}, flowFile: "flow.json", credentialSecret: false,
  telemetry: {{ enabled: false }}, logging: {{ console: {{ level: "warn" }} }},
}};
"""


def prepared(broker_port: int) -> list[dict[str, Any]]:
    """Return the shipped flow at another port, with ears instead of debug nodes."""
    flow = json.loads((ROOT / "integrations" / "node-red" / "flow.json").read_text())
    made = []
    for node in flow:
        if node["type"] == "mqtt-broker":
            node.update(broker=HOST, port=str(broker_port))
        if node["type"] == "debug":
            out = f"{node['id']}-out"
            code = f'return {{ topic: "check/{node["name"]}", payload: msg.payload }};'
            made.append({
                "id": out, "type": "mqtt out", "z": node["z"], "name": "", "topic": "",
                "qos": "1", "retain": "false", "broker": "edge-affect-broker", "wires": [],
            })  # fmt: skip
            node.update(type="function", func=code, outputs=1, wires=[[out]], libs=[])
        made.append(node)
    return made


def until(condition: Callable[[], Any], what: str, step: Callable[[], None] | None = None) -> None:
    """Wait until a condition is true."""
    deadline_s = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() >= deadline_s:
            raise SystemExit(f"waited in vain for {what}")
        if step is not None:
            step()
        time.sleep(0.2)
    print(f"ok  {what}")


def check(modules: Path, folder: Path) -> None:
    """Run it."""
    with contextlib.ExitStack() as stack:
        port = stack.enter_context(LocalBroker()).port
        listener = stack.enter_context(contextlib.closing(Listener(port)))

        def shown(name: str) -> list[Any]:
            messages = list(listener.messages)
            return [json.loads(m.payload) for m in messages if m.topic == f"check/{name}"]

        ui_port = free_port()
        (folder / "flow.json").write_text(json.dumps(prepared(port)))
        (folder / "settings.js").write_text(SETTINGS.format(host=HOST, port=ui_port))
        process = subprocess.Popen([modules / ".bin" / "node-red", "--userDir", folder])
        stack.callback(process.wait)
        stack.callback(process.terminate)
        box = stack.enter_context(contextlib.closing(Box(port, tick_hz=5.0, text=ALERTING)))

        def feed(record: Any) -> Callable[[], None]:
            return lambda: box.feed([record], 0.2)

        online = {"site": "hall", "device": "one", "online": True}
        until(lambda: online in shown("status"), "the box is seen online")
        until(lambda: shown("mood"), "moods", feed(SPEAKING))
        mood = shown("mood")[-1]
        wanted = affect_payload(SPEAKING, Stamp(0, clock_synced=True, sequence=0))
        for name in ("expression", "valence", "arousal", "confidence", "people"):
            if mood[name] != wanted[name]:
                raise SystemExit(f"{name} is {mood[name]}, not {wanted[name]}")
        until(lambda: {"laughter"} <= {e["event"] for e in shown("event")}, "laughter is told",
              feed(SPEAKING))  # fmt: skip
        until(lambda: shown("alert") and shown("alert")[0]["alert"] == "joy", "the alert is told",
              feed(SPEAKING))  # fmt: skip
        n_moods = len(shown("mood"))
        until(lambda: shown("nothing is said"), "abstaining goes its own way", feed(ABSTAINING))
        late = affect_payload(SPEAKING, Stamp(0, clock_synced=True, sequence=0), is_late=True)
        listener.publish(f"{BASE}/affect", to_json(late).encode())
        until(lambda: shown("late"), "late ones go theirs")
        if len(shown("mood")) > n_moods + 1:
            raise SystemExit("abstaining or late vectors came out as moods")
        for name, byte in (("pause", b"\x01"), ("resume", b"\x02")):
            url = f"http://{HOST}:{ui_port}/inject/ea-{name}"
            # Loopback, and http by the line above.
            urllib.request.urlopen(url, b"", timeout=20).close()
            if box.commands.recv(10) != byte:
                raise SystemExit(f"{name} did not reach sensing")
            print(f"ok  {name} reaches sensing")
        box.close()
        until(lambda: {**online, "online": False} in shown("status"), "the box is seen offline")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        check(Path(sys.argv[1]), Path(made))
