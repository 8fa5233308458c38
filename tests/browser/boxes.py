"""Boxes that say what a test wants, in the publisher's own words, through a real broker."""

import json
import math
import time
from datetime import datetime, timezone

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from edge_affect.broker import HOST
from edge_affect.config import parse
from edge_affect.publishing.about import ModelCard, about_payload
from edge_affect.publishing.payload import Stamp, affect_payload, time_text, to_json
from edge_affect.record import (
    EXPRESSION_SUM,
    AbstainReason,
    AffectRecord,
    Modality,
    People,
    SourceState,
)

BOTH = Modality.VOICE | Modality.FACE
WORKING = {"microphone": SourceState.OK, "camera": SourceState.OK, "frame_rate": 4, "latency": 1}
ABOUT_TEXT = """
[deployment]
setting = "venue"
jurisdiction = "EU"
purpose = "the lights of the hall follow the audience"
contact = "hall@example.org"
"""


def record(shares, valence, arousal, confidence=11, **values):
    """Return a record; shares are fifteenths by position and are made to add up."""
    levels = [*shares, *[0] * (8 - len(shares))]
    levels[0] += EXPRESSION_SUM - sum(levels)
    values = {"people": People.FEW, "speech_share": 3, "modalities": BOTH, **WORKING, **values}
    return AffectRecord(
        expressions=tuple(levels), valence=valence, arousal=arousal, confidence=confidence, **values
    )


def quiet(reason, **values):
    return AffectRecord(abstained=reason, **{**WORKING, **values})


HAPPY = record((3, 10, 2), 9, 5, states=(11, 10, 1, 1, 8, None), events=(1, None, 0, 0, None))
CALM = record((13, 2), 3, -4, 12, states=(9, 6, 1, 1, 2, None), events=(0, None, 0, 0, None))
ANGRY = record((4, 0, 1, 0, 9, 1), -9, 8, 9, states=(10, 8, 3, 7, 5, 6))
NOBODY = quiet(AbstainReason.NOBODY, people=People.NONE, speech_share=0)


def now_ms():
    return round(datetime.now(timezone.utc).timestamp() * 1000)


class Boxes:
    """A client at the broker that speaks for any number of boxes."""

    def __init__(self, port):
        self._port = port
        self._sequences = {}
        self._client = None
        self.connect()

    def connect(self):
        self.close()
        self._client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
        self._client.max_inflight_messages_set(2000)
        self._client.connect(HOST, self._port)
        self._client.loop_start()

    def close(self):
        if self._client is not None:
            self._client.disconnect()
            self._client.loop_stop()
            self._client = None

    def send(self, box, topic, payload, retain=False):
        data = payload if isinstance(payload, str | bytes) else json.dumps(payload)
        info = self._client.publish(f"edge-affect/{box}/{topic}", data, 1, retain)
        info.wait_for_publish(60)

    def status(self, box, word="online"):
        self.send(box, "status", word, retain=True)

    def affect(self, box, item=HAPPY, ago_s=0.0, is_late=False, synced=True):
        sequence = self._sequences.get(box, 0)
        self._sequences[box] = sequence + 1
        stamp = Stamp(now_ms() - round(ago_s * 1000), synced, sequence)
        self.send(box, "affect", to_json(affect_payload(item, stamp, is_late=is_late)))

    def event(self, box, name, ago_s, lasted_s=None, level=0.8):
        said = {"event": name, "level": level, "since": time_text(now_ms() - round(ago_s * 1000))}
        end_s = ago_s if lasted_s is None else ago_s - lasted_s
        said["phase"] = "start" if lasted_s is None else "end"
        said["time"] = time_text(now_ms() - round(end_s * 1000))
        self.send(box, "event", said)

    def alert(self, box, name, message, severity="urgent", is_raised=True, ago_s=0.0):
        said = {"state": "raised" if is_raised else "cleared", "severity": severity}
        said |= {"since": time_text(now_ms() - round(ago_s * 1000)), "message": message}
        said["escalation"] = 0
        self.send(box, f"alert/{name}", said, retain=True)

    def about(self, box, text=ABOUT_TEXT):
        card = about_payload(parse(text), [ModelCard("face_expression", "3", "a1" * 32)])
        self.send(box, "about", to_json(card), retain=True)

    def health(self, box):
        said = {"queue": {"messages": 0, "capacity": 3600, "lost": 0, "spool": "on"}, "mqtt": "5"}
        said |= {"reconnects": 1, "refused_datagrams": "0", "record_age_s": "<2", "memory_mb": 27}
        said["temperature_c"] = 55
        said["sensing"] = {
            "microphone": "ok", "camera": "ok", "frame_rate_hz": "8-12", "latency_ms": "100-200",
            "dropped": "<0.1%",
        }  # fmt: skip
        self.send(box, "health", said)

    def evening(self, box, seconds=420):
        """Send minutes of a plausible evening as history, with a pause and a hole in it."""
        for ago_s in range(seconds, 0, -1):
            if 200 < ago_s < 218:
                continue
            self.affect(box, evening_at(ago_s), ago_s, is_late=True)

    def close_box(self, box):
        self.send(box, "status", b"", retain=True)


def evening_at(ago_s):
    """Return what a hall with an audience might show, ``ago_s`` seconds before the present."""
    if 120 < ago_s < 145:
        return NOBODY
    swing = math.sin(ago_s / 47.0) + 0.4 * math.sin(ago_s / 11.0)
    happy = round(max(0.0, 5 + 4 * swing))
    surprise = round(max(0.0, 2 + 2 * math.sin(ago_s / 17.0)))
    sad = round(max(0.0, 1.5 - 2 * swing))
    fear = 1 if ago_s % 90 < 8 else 0
    shares = [0, happy, surprise, sad, 0, 0, fear, 0]
    shares[0] = EXPRESSION_SUM - sum(shares)
    valence = max(-15, min(15, round(4 + 6 * swing)))
    arousal = max(-15, min(15, round(2 + 6 * math.sin(ago_s / 31.0 + 1.1))))
    level = max(0, min(14, round(8 + 4 * math.sin(ago_s / 60.0))))
    states = (level, max(0, level - 2), 2, 2, max(0, min(14, round(5 + 5 * swing))), None)
    return record(
        shares[:8], valence, arousal, max(6, min(14, round(10 + 2 * math.sin(ago_s / 13.0)))),
        states=states, events=(2 if swing > 1 else 0, None, 0, 0, None), people=People.GROUP,
    )  # fmt: skip


def wait_for(condition, what, timeout_s=15.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, f"waited in vain for {what}"
        time.sleep(0.05)
