"""Write the messages of many boxes to SQLite, sharing the work with other copies of this program.

    python examples/shared_consumer.py --name one --database one.sqlite
    python examples/shared_consumer.py --name two --database two.sqlite

By an MQTT 5 shared subscription each message goes to one copy alone. It is acknowledged when it is
on disk, and a message that comes twice is written once. Without `--session` the others take over at
once from a copy that dies; what was on its way to it may be lost. With `--session 300` the broker
keeps that, but mosquitto also keeps dealing it its share, until it comes back under its name.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import sys
import time
from typing import Any

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

BATCH = 50
"""So many messages go into one transaction, and may be on their way at a time."""
LONGEST_WAIT_S = 0.5
TABLE = """CREATE TABLE IF NOT EXISTS affect (
    box TEXT, sequence INTEGER, time TEXT, expression TEXT, valence REAL, arousal REAL,
    payload TEXT,
    PRIMARY KEY (box, sequence, time)
) WITHOUT ROWID"""


def row(topic: str, payload: bytes) -> tuple[Any, ...]:
    """Return one affect message as a row of the table."""
    said = json.loads(payload)
    box = "/".join(topic.split("/")[1:3])
    values = (said["expression"], said["valence"], said["arousal"])
    return (box, said["sequence"], said["time"], *values, payload.decode())


def on_subscribe(_client: Client, _data: Any, _mid: int, answers: Any, _properties: Any) -> None:
    """Say that it begins, or end where the broker refuses: nothing would ever come."""
    for answer in answers:
        if answer.is_failure:
            sys.exit(f"The broker refuses the subscription: {answer}.")
    print("ready", flush=True)


def main() -> None:
    """Write until Ctrl-C."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--host", default="localhost")
    parser.add_argument("--port", type=int, default=1883)
    parser.add_argument("--name", required=True, help="of this copy; no two may have the same")
    parser.add_argument("--group", default="store", help="copies of one group share the messages")
    parser.add_argument("--session", type=int, default=0, metavar="SECONDS")
    parser.add_argument("--database", default="affect.sqlite")
    args = parser.parse_args()
    database = sqlite3.connect(args.database)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute(TABLE)
    waiting: list[MQTTMessage] = []

    def on_connect(client: Client, *_: Any) -> None:
        client.subscribe(f"$share/{args.group}/edge-affect/+/+/affect", qos=1)

    def write() -> None:
        rows = [row(message.topic, message.payload) for message in waiting]
        with database:
            database.executemany("INSERT OR IGNORE INTO affect VALUES (?, ?, ?, ?, ?, ?, ?)", rows)

    def write_and_tell(client: Client) -> None:
        write()
        for message in waiting:
            client.ack(message.mid, message.qos)
        waiting.clear()

    def on_disconnect(*_: Any) -> None:
        # Their numbers mean nothing to the next connection.
        write()
        waiting.clear()

    client = Client(
        CallbackAPIVersion.VERSION2,
        client_id=f"edge-affect-{args.group}-{args.name}",
        protocol=MQTTProtocolVersion.MQTTv5,
        manual_ack=True,
    )
    client.on_connect = on_connect
    client.on_disconnect = on_disconnect
    client.on_message = lambda _client, _userdata, message: waiting.append(message)
    client.on_subscribe = on_subscribe
    properties = Properties(PacketTypes.CONNECT)
    properties.ReceiveMaximum = BATCH
    properties.SessionExpiryInterval = args.session
    client.connect(args.host, args.port, clean_start=not args.session, properties=properties)
    written_s = time.monotonic()
    try:
        while True:
            if client.loop(0.1) != MQTTErrorCode.MQTT_ERR_SUCCESS:
                time.sleep(1.0)
                with contextlib.suppress(OSError):
                    client.reconnect()
            is_due = time.monotonic() - written_s >= LONGEST_WAIT_S
            if waiting and (is_due or len(waiting) >= BATCH):
                write_and_tell(client)
                written_s = time.monotonic()
    except KeyboardInterrupt:
        write_and_tell(client)
        client.disconnect()


if __name__ == "__main__":
    main()
