"""Every check, in the order in which they make sense."""

from __future__ import annotations

from edge_affect.diagnosis import broker, machine, models, place, sandbox, service, sources, upright
from edge_affect.diagnosis.check import Check

BROKER_REMEDY = "Check [mqtt] host and port, and that the broker runs and may be reached."

CHECKS: tuple[Check, ...] = (
    Check("system", "machine", machine.system, "Report it."),
    Check("python", "machine", machine.python, "Report it."),
    Check("clock", "machine", machine.clock, "Report it."),
    Check("temperature", "machine", machine.temperature, "Report it."),
    Check("throttling", "machine", machine.throttling, "Report it."),
    Check("disk", "machine", machine.disk, "Report it."),
    Check("models", "software", models.model_files, "Reinstall, or run: edge-affect models fetch"),
    Check(
        "sandbox",
        "privacy",
        sandbox.cage,
        "Follow the sentence; where no cage can be built, nothing is published.",
    ),
    Check("policy", "privacy", place.policy_here, "Run: edge-affect policy explain --config FILE"),
    Check("leak-ceiling", "privacy", place.ceiling, "Report it."),
    Check("service", "service", service.service, "Report it."),
    Check("permissions", "devices", sources.permissions, "Report it."),
    Check("microphone", "devices", sources.microphone, "Report it."),
    Check("camera", "devices", sources.camera, "Report it."),
    Check(
        "camera-upright",
        "devices",
        upright.upright,
        "Follow the sentence, and stop edge-affect-sense while you look.",
        ("sandbox", "policy"),
        opens_devices=True,
    ),
    Check("switches", "devices", sources.switches, "Report it."),
    Check("broker-name", "broker", broker.name, BROKER_REMEDY, is_live=True),
    Check(
        "broker-connection",
        "broker",
        broker.connection,
        BROKER_REMEDY,
        ("broker-name",),
        is_live=True,
    ),
    Check(
        "broker-tls",
        "broker",
        broker.tls,
        "Check [mqtt] ca_file and port, the certificate's name and its dates.",
        ("broker-connection",),
        is_live=True,
    ),
    Check(
        "broker-login",
        "broker",
        broker.mqtt_session,
        "Check [mqtt] username, password_file and cert_file, and the broker's log.",
        ("broker-tls",),
        is_live=True,
    ),
    Check(
        "broker-topics",
        "broker",
        broker.subscriptions,
        "Let the broker's access list allow this box to read the topic.",
        ("broker-login",),
        is_live=True,
    ),
    Check(
        "broker-message",
        "broker",
        broker.there_and_back,
        "Let the broker's access list allow this box its own prefix.",
        ("broker-login",),
        is_live=True,
    ),
)
STAGES: tuple[str, ...] = tuple(dict.fromkeys(check.stage for check in CHECKS))
