"""Print what boxes say: alerts, sound events and the mood, one line each.

python examples/subscriber.py --host localhost
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion


def line(topic: str, payload: bytes) -> str | None:
    """Return one message as one line, or None for what is not shown."""
    _, site, device, kind, *_ = topic.split("/")
    box = f"{site}/{device}"
    if kind == "status":
        return f"{box}  is {payload.decode()}"
    if not payload or kind not in {"affect", "event", "alert"}:
        return None
    said: dict[str, Any] = json.loads(payload)
    if kind == "event":
        return f"{box}  {said['event']} {said['phase']}s"
    if kind == "alert":
        return f"{box}  alert {said['alert']} {said['state']}: {said['message']}"
    mood = said["expression"] or f"nothing ({said['abstained']})"
    return f"{box}  {mood} {said['confidence']:.0%}"


def on_subscribe(_client: Client, _data: Any, _mid: int, answers: Any, _properties: Any) -> None:
    """End where the broker refuses: nothing would ever come."""
    for answer in answers:
        if answer.is_failure:
            sys.exit(f"The broker refuses the subscription: {answer}.")


def main() -> None:
    """Subscribe to all boxes until Ctrl-C."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    args = parser.parse_args()

    def on_connect(client: Client, *_: Any) -> None:
        client.subscribe("edge-affect/#", qos=1)

    def on_message(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
        text = line(message.topic, message.payload)
        if text is not None:
            print(text, flush=True)

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
