"""One check, what it finds, and running many of them in their order.

A new check is a function from a ``Subject`` to a ``Finding`` in a module of its noun, and a row in
``edge_affect.diagnosis.all_checks``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from edge_affect.errors import EdgeAffectError, ExitCode

if TYPE_CHECKING:
    from pathlib import Path

    from edge_affect.config import Config


class State(Enum):
    """How a check went."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Subject:
    """What is examined.

    Attributes:
        config: The configuration, all defaults where no file was named.
        path: The file it came from, or None.
    """

    config: Config
    path: Path | None


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found.

    Attributes:
        state: How it went.
        sentence: One sentence.
        remedy: One sentence on what to do; empty where nothing needs doing.
        exit_code: What the command ends with if this is the first failure.
        figures: Numbers behind the sentence, as plain JSON values.
    """

    state: State
    sentence: str
    remedy: str = ""
    exit_code: ExitCode = ExitCode.DONE
    figures: dict[str, Any] | None = None

    def __post_init__(self) -> None:
        if (self.state is State.FAIL) != (self.exit_code is not ExitCode.DONE):
            raise ValueError("A finding has an exit code exactly if it is a failure.")
        if self.state in (State.FAIL, State.WARN) and not self.remedy:
            raise ValueError("A finding that is not good needs a remedy.")


def ok(sentence: str, **figures: Any) -> Finding:
    """Return a finding that needs nothing."""
    return Finding(State.OK, sentence, figures=figures or None)


def warn(sentence: str, remedy: str, **figures: Any) -> Finding:
    """Return a finding that somebody should know of."""
    return Finding(State.WARN, sentence, remedy, figures=figures or None)


def fail(error: EdgeAffectError, remedy: str) -> Finding:
    """Return the finding that something does not work, as its error says it."""
    return Finding(State.FAIL, str(error), remedy, error.exit_code)


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: Unique, as shown: words with hyphens.
        stage: Group it belongs to.
        look: Makes the finding; an ``EdgeAffectError`` that it raises counts as a failure.
        remedy: For a failure that comes as an error.
        needs: Names of checks that must not have failed before; else this one is skipped.
        is_live: Whether it goes beyond this machine.
        opens_devices: Whether it looks through the camera, which must be asked for.
    """

    name: str
    stage: str
    look: Callable[[Subject], Finding]
    remedy: str
    needs: tuple[str, ...] = ()
    is_live: bool = False
    opens_devices: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A check and what it found."""

    check: Check
    finding: Finding

    def as_json(self) -> dict[str, Any]:
        """Return it as plain values."""
        finding = self.finding
        return {
            "name": self.check.name,
            "stage": self.check.stage,
            "state": finding.state.value,
            "finding": finding.sentence,
            "remedy": finding.remedy or None,
            "exit_code": int(finding.exit_code),
            "figures": finding.figures,
        }


def examine(checks: Sequence[Check], subject: Subject) -> list[Result]:
    """Run checks in their order and return what they found, one result for each."""
    results: list[Result] = []
    bad: set[str] = set()
    for check in checks:
        missing = [name for name in check.needs if name in bad]
        if missing:
            finding = Finding(State.SKIPPED, f"Not tried, since {missing[0]} did not work.")
        else:
            try:
                finding = check.look(subject)
            except EdgeAffectError as error:
                finding = fail(error, check.remedy)
        if finding.state in (State.FAIL, State.SKIPPED):
            bad.add(check.name)
        results.append(Result(check, finding))
    return results


def exit_code(results: Sequence[Result]) -> ExitCode:
    """Return the code of the first failure, or 0."""
    failures = (r.finding.exit_code for r in results if r.finding.state is State.FAIL)
    return next(failures, ExitCode.DONE)
