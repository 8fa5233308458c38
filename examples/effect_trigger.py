"""Turn the level of an effect alert into a command: light, sound, a relay.

    python examples/effect_trigger.py --alert applause -- ./set-lights.sh

The command gets one more argument, the level in percent, 0 when it is over. Without a command the
level is printed. Set `[publish] tick_hz = 5` and a setting or preset of `venue` on the box.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def percent(payload: bytes) -> int:
    """Return the level of an alert in percent; 0 while it is cleared or taken back."""
    if not payload:
        return 0
    said = json.loads(payload)
    return round(100 * said["level"]) if said["state"] == "raised" else 0


def on_subscribe(_client: Client, _data: Any, _mid: int, answers: Any, _properties: Any) -> None:
    """End where the broker refuses: nothing would ever come."""
    for answer in answers:
        if answer.is_failure:
            sys.exit(f"The broker refuses the subscription: {answer}.")


def main() -> None:
    """Follow one alert of one box until Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--box", default="+/+", help="site/device; default: all")
    parser.add_argument("--alert", default="laughter")
    parser.add_argument("command", nargs="*", help="called with the level in percent")
    args = parser.parse_args()
    base = f"edge-affect/{args.box}"
    before: dict[str, int] = {}

    def on_connect(client: Client, *_: Any) -> None:
        client.subscribe([(f"{base}/alert/{args.alert}", 1), (f"{base}/status", 1)])

    def on_message(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
        box = "/".join(message.topic.split("/")[:3])
        if message.topic.endswith("/status"):
            # A box that is gone cannot say that it is over.
            if message.payload == b"online":
                return
            level = 0
        else:
            level = percent(message.payload)
        if before.get(box, 0) == level:
            return
        before[box] = level
        if args.command:
            subprocess.run([*args.command, str(level)], check=False)
        else:
            print(f"{args.alert} {level}", flush=True)

    client = Client(CallbackAPIVersion.VERSION2)
    client.on_connect = on_connect
    client.on_subscribe = on_subscribe
    client.on_message = on_message
    client.connect(args.host, args.port)
    try:
        client.loop_forever()
    except KeyboardInterrupt:
        client.disconnect()


if __name__ == "__main__":
    main()
