"""What Home Assistant is shown, and what it should make of it."""

import json
from pathlib import Path

from edge_affect.config import Config, Device, parse
from edge_affect.publishing.about import about_payload
from edge_affect.publishing.home_assistant import discovery_payload
from edge_affect.record import (
    EVENTS,
    EXPRESSIONS,
    STATES,
    AbstainReason,
    AffectRecord,
    Modality,
    People,
    SourceState,
)

GOLDEN = Path(__file__).resolve().parent / "golden" / "home_assistant.json"
SLUG = "edge_affect_hall_one"
ALERTING = """
[deployment]
setting = "home"
[events]
experimental = true
[publish]
tick_hz = 5.0
[home_assistant]
enabled = true
[alerts]
preset = "none"
[alert.joy]
signals = ["happiness"]
threshold = 0.5
clear = 0.3
dwell_s = 0.0
clear_after_s = 0.0
unknown_hold_s = 2.0
refractory_s = 0.0
steps = [{ after_s = 0.0, severity = "warn", message = "Somebody \\"shows\\" joy." }]
"""
SPEAKING = AffectRecord(
    expressions=(4, 9, 2, 0, 0, 0, 0, 0),
    valence=8,
    arousal=-4,
    valence_relative=15,
    arousal_relative=None,
    states=(14, 7, 0, None, 1, 2),
    events=(6, 3, 2, 0, None),
    modalities=Modality.VOICE | Modality.FACE,
    confidence=11,
    people=People.FEW,
    speech_share=3,
    microphone=SourceState.OK,
    camera=SourceState.STALLED,
    frame_rate=4,
    latency=2,
    drops=0,
)
ABSTAINING = AffectRecord(abstained=AbstainReason.PAUSED)


def _shown(words, kind="sensor"):
    return {f"{kind}.{SLUG}_{name}": value for name, value in words.items()}


NULL = "unknown"
EXPECTED = {
    "speaking": {
        **_shown(
            {
                "expression": "happiness", "neutral": "26.7", "happiness": "60.0",
                "surprise": "13.3", "sadness": "0.0", "anger": "0.0", "disgust": "0.0",
                "fear": "0.0", "contempt": "0.0", "valence": "0.533", "arousal": "-0.267",
                "valence_relative": "1.0", "arousal_relative": NULL,
                "attention": "100.0", "engagement": "50.0", "confusion": "0.0", "anxiety": NULL,
                "excitement": "7.1", "incongruence": "14.3", "confidence": "73.3",
                "people": "2-4", "speech_share": "50.0", "abstained": "no",
                "laughter_level": "100.0", "cheering_level": "50.0", "applause_level": "33.3",
                "crying_level": "0.0", "screaming_level": NULL,
                "microphone": "ok", "camera": "stalled", "frame_rate": "8-12",
                "latency": "100-200", "dropped_input": "<0.1%", "record_age": "<2",
                "refused_datagrams": "0", "lost_messages": "0", "spool": "off",
                "mqtt_version": "5", "reconnects": "0", "leak_ceiling": "572.08",
            }
        ),
        **_shown(
            {
                "laughter": "on", "cheering": "on", "applause": "off", "crying": "off",
                "screaming": NULL, "alert_joy": "on", "sensing": "on",
            },
            "binary_sensor",
        ),
    },
    "abstaining": {
        **_shown(
            {
                **dict.fromkeys(
                    (
                        "expression", *EXPRESSIONS, "valence", "arousal", "valence_relative",
                        *STATES, *(f"{name}_level" for name in EVENTS), "people", "speech_share",
                    ),
                    NULL,
                ),
                "confidence": "0.0", "abstained": "paused",
            }
        ),
        **_shown(
            {**dict.fromkeys(EVENTS, NULL), "alert_joy": "off", "sensing": "off"}, "binary_sensor"
        ),
    },
}  # fmt: skip


def configuration(text=ALERTING):
    """Return the configuration of the box that is shown."""
    config = parse(text)
    names = {name: getattr(config, name) for name in Config.__dataclass_fields__}
    return Config(**{**names, "device": Device("hall", "one")})


def discovery(text=ALERTING):
    """Return its discovery message."""
    config = configuration(text)
    return discovery_payload(config, about_payload(config, []))


def kept():
    """Return the message as it is kept, without the version of the software."""
    return json.loads(
        json.dumps(discovery()).replace(f'"{discovery()["origin"]["sw_version"]}"', '"VERSION"')
    )
