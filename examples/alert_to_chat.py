"""Post raised and escalated alerts to a chat webhook, each once.

    python examples/alert_to_chat.py --webhook https://chat.example.org/hooks/abc

The webhook gets {"text": "..."} by HTTP POST, which most chats understand. Alerts of a box that is
offline are old and are not posted; nor are they posted again after a reconnect.
"""

from __future__ import annotations

import argparse
import json
import sys
import urllib.error
import urllib.request
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

GRAVE = ("prompt", "warn", "urgent")
TIMEOUT_S = 10.0


class Relay:
    """Decides what is news.

    Args:
        webhook: Where to post, an http or https address.
    """

    def __init__(self, webhook: str) -> None:
        self._webhook = webhook
        self._online: set[str] = set()
        self._told: dict[str, tuple[str, int]] = {}

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message of a box."""
        box = "/".join(topic.split("/")[1:3])
        if topic.endswith("/status"):
            (self._online.add if payload == b"online" else self._online.discard)(box)
            return
        if not payload:
            return
        said = json.loads(payload)
        if said["state"] != "raised" or said["severity"] not in GRAVE or box not in self._online:
            return
        news = said["since"], said["escalation"]
        if self._told.get(topic) == news:
            return
        self._told[topic] = news
        self._post(f"{box}: {said['message']} ({said['alert']}, {said['severity']})")

    def _post(self, text: str) -> None:
        request = urllib.request.Request(  # noqa: S310 (the address is the user's own)
            self._webhook,
            json.dumps({"text": text}).encode(),
            {"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S):  # noqa: S310 (as above)
                print(f"posted: {text}", flush=True)
        except (urllib.error.URLError, OSError) as error:
            print(f"not posted: {text}: {error}", file=sys.stderr, flush=True)


def on_subscribe(_client: Client, _data: Any, _mid: int, answers: Any, _properties: Any) -> None:
    """End where the broker refuses: nothing would ever come."""
    for answer in answers:
        if answer.is_failure:
            sys.exit(f"The broker refuses the subscription: {answer}.")


def main() -> None:
    """Relay until Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--webhook", required=True)
    args = parser.parse_args()
    relay = Relay(args.webhook)

    def on_connect(client: Client, *_: Any) -> None:
        # The states first: what is retained of a box comes in this order, too.
        client.subscribe("edge-affect/+/+/status", qos=1)
        client.subscribe("edge-affect/+/+/alert/+", qos=1)

    def on_message(_client: Client, _userdata: Any, message: MQTTMessage) -> None:
        relay.take(message.topic, message.payload)

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
