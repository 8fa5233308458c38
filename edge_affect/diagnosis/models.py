"""The model files: present, unchanged, and loading."""

from __future__ import annotations

from edge_affect.diagnosis.check import Finding, State, Subject, ok
from edge_affect.errors import ExitCode, InputMissingError
from edge_affect.own_models import in_use
from edge_affect.perception.model_check import check_model
from edge_affect.perception.model_store import shipped_models_dir


def model_files(subject: Subject) -> Finding:
    """Check the hash of every model and load it, as ``edge-affect models check`` does."""
    paths = sorted(shipped_models_dir().glob("*.toml"))
    if not paths:
        raise InputMissingError(f"There is no manifest in {shipped_models_dir()}.")
    own = in_use(subject.config.models).values()
    verdicts = [check_model(path) for path in (*paths, *own)]
    bad = [verdict for verdict in verdicts if verdict.exit_code != ExitCode.DONE]
    if not bad:
        return ok(f"All {len(verdicts)} models are there, have their hash and load.")
    # A corrupt file is worse news than a missing one.
    worst = min(bad, key=lambda verdict: verdict.exit_code)
    return Finding(
        State.FAIL,
        f"{len(bad)} of {len(verdicts)} models cannot be used: {worst.message}",
        "Run: edge-affect models fetch; then: edge-affect models check",
        ExitCode(worst.exit_code),
    )
