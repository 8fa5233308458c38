"""Where the box stands: the configuration, the policy and the leak ceiling."""

from __future__ import annotations

from edge_affect.diagnosis.check import Finding, Subject, ok, warn
from edge_affect.leak_ceiling import leak_ceiling
from edge_affect.privacy import policy
from edge_affect.privacy.explanation import explain


def policy_here(subject: Subject) -> Finding:
    """Say what the policy makes of the place, or that none is declared."""
    if subject.path is None:
        return warn(
            "No configuration was named, so no place is declared and live capture would not start.",
            "Name one with --config; edge-affect config init writes an example.",
        )
    policy.check_live(subject.config)
    said = explain(subject.config)
    return ok(
        f"Declared as {said.setting} in {said.jurisdiction}: {said.outcome}.",
        min_people=said.min_people,
    )


def ceiling(subject: Subject) -> Finding:
    """Say how much can leave at most."""
    most = leak_ceiling(subject.config.publish.tick_hz)
    return ok(f"No more than this can leave, whatever sensing does: {most}.", **most.as_json())
