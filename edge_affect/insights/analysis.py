"""A whole analysis: recordings found, dealt out, noted down, and put together to tables."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import __version__
from edge_affect.errors import ExitCode
from edge_affect.insights.findings import (
    ALERT_COLUMNS,
    EVENT_COLUMNS,
    PHRASE_COLUMNS,
    SEGMENT_COLUMNS,
    SUMMARY_COLUMNS,
)
from edge_affect.insights.hands import dealt
from edge_affect.insights.journal import Digests, Entry, Journal
from edge_affect.insights.product import product_digest
from edge_affect.insights.tables import Table, write_bytes
from edge_affect.insights.wire import Hand, Job
from edge_affect.perception.model_store import shipped_manifests

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edge_affect.config import Config
    from edge_affect.insights.channels import Channel
    from edge_affect.insights.files import Found
    from edge_affect.insights.part_process import Outcome

RECORDING_COLUMNS: dict[str, type] = {
    "recording": str, "path": str, "status": str, "exit_code": int, "message": str,
    "has_sound": bool, "has_pictures": bool, **SUMMARY_COLUMNS,
}  # fmt: skip
DONE, NOTHING, DAMAGED, FAILED, REFUSED = "done", "nothing", "damaged", "failed", "refused"
STATUSES: tuple[str, ...] = (DONE, NOTHING, DAMAGED, FAILED, REFUSED)
LAYOUT = 1
"""Version of the files in the folder of results."""
_WITHOUT_EFFECT: tuple[str, ...] = (
    "device", "consent", "switches", "sensing", "mqtt", "alerts", "alert", "audio",
)  # fmt: skip
"""Tables of the configuration that change nothing in the records of a recording."""
_OF_PUBLISH: tuple[str, ...] = ("tick_hz",)
_OF_DEPLOYMENT: tuple[str, ...] = ("setting", "jurisdiction", "exception")


@dataclass(frozen=True, slots=True)
class Plan:
    """How recordings are analysed.

    Attributes:
        settings: The configuration.
        config_text: The same as text, for other processes.
        config_name: What messages call it.
        channel: Which sound channel.
        formats: Of tables.
        is_caged: Whether the processes that read recordings are caged.
    """

    settings: Config
    config_text: str
    config_name: str
    channel: Channel
    formats: tuple[str, ...]
    is_caged: bool = True

    def digests(self) -> Digests:
        """Return what results depend on."""
        settings = self.settings
        tables = asdict(settings)
        for name in _WITHOUT_EFFECT:
            del tables[name]
        tables["publish"] = {name: tables["publish"][name] for name in _OF_PUBLISH}
        tables["deployment"] = {name: tables["deployment"][name] for name in _OF_DEPLOYMENT}
        sensing = [product_digest(), self.channel.number, tables]
        rules = [asdict(rule) for rule in settings.alert_rules]
        finding = [LAYOUT, self.formats, rules, asdict(settings.alerts)]
        return Digests(_digest(sensing), _digest(finding))

    def hand(self, found: Sequence[Found]) -> Hand:
        """Return recordings as a hand for one process."""
        jobs = tuple(Job(str(item.path), self.channel.number) for item in found)
        return Hand(jobs, self.config_text, self.config_name, self.is_caged)

    def described(self) -> dict[str, Any]:
        """Return what reports need to know of the analysis; the same plan gives the same."""
        settings = self.settings
        return {
            "layout": LAYOUT,
            "product": "edge-affect",
            "version": __version__,
            "models": {m.name: m.sha256 for m in shipped_manifests()},
            "deployment": asdict(settings.deployment),
            "channel": asdict(self.channel),
            "insights": asdict(settings.insights),
            "tick_hz": settings.publish.tick_hz,
            "min_people": settings.min_people,
            "formats": list(self.formats),
            "alert_rules": [asdict(rule) for rule in settings.alert_rules],
            "digests": asdict(self.digests()),
        }


def _digest(values: Any) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode("ascii")).hexdigest()


@dataclass(frozen=True, slots=True)
class Result:
    """What became of one recording, for people and for the exit code.

    Attributes:
        entry: What is known of it.
        status: One of ``STATUSES``.
        code: The exit code it stands for.
        message: What is to be said of it, or empty.
        is_new: Whether it was analysed just now.
    """

    entry: Entry
    status: str
    code: ExitCode
    message: str
    is_new: bool


def analyse(
    plan: Plan,
    journal: Journal,
    found: Sequence[Found],
    n_players: int,
    run: Callable[[Sequence[Hand]], Iterator[Outcome]],
) -> Iterator[Result]:
    """Yield what becomes of each recording: first what is known already, then as it is done.

    Args:
        plan: How.
        journal: The folder of results.
        found: The recordings.
        n_players: How many processes will work at a time.
        run: Analyses hands, here or elsewhere, and yields outcomes in any order.

    Raises:
        EdgeAffectError: If nothing can be analysed at all, or nothing be written.
    """
    left = []
    for item in found:
        if item.failure is not None:
            entry = Entry(item.recording, item.shown_path, None, item.failure, None)
            yield judged(entry, plan.settings, is_new=True)
        elif (known := journal.known(item)) is not None:
            yield judged(known, plan.settings, is_new=False)
        else:
            left.append(item)
    by_path = {str(item.path): item for item in left}
    for outcome in run([plan.hand(hand) for hand in dealt(left, n_players)]):
        entry = journal.add(by_path.pop(outcome.job.path), outcome)
        yield judged(entry, plan.settings, is_new=True)


def judged(entry: Entry, settings: Config, *, is_new: bool) -> Result:
    """Return what a recording's entry means."""
    failure = entry.failure
    if failure is not None:
        if entry.summary is not None:
            status = DAMAGED
        elif failure.code is ExitCode.REFUSED_BY_POLICY:
            status = REFUSED
        else:
            status = FAILED
        return Result(entry, status, failure.code, failure.sentence, is_new)
    note = entry.facts.note if entry.facts is not None else ""
    if entry.summary is None:
        message = f"{entry.shown_path} is too short to say anything."
        return Result(entry, NOTHING, ExitCode.FINISHED_IN_PART, message, is_new)
    summary = dict(zip(SUMMARY_COLUMNS, entry.summary, strict=True))
    if summary["n_told"] == 0 and summary["n_events"] == 0:
        why = _why_nothing(entry, summary, settings)
        message = f"{entry.shown_path} tells nothing: {why}."
        return Result(entry, NOTHING, ExitCode.FINISHED_IN_PART, message, is_new)
    note = f"{entry.shown_path}: {note}." if note else ""
    return Result(entry, DONE, ExitCode.DONE, note, is_new)


def _why_nothing(entry: Entry, summary: dict[str, Any], settings: Config) -> str:
    if settings.min_people > 1:
        return f"there were never {settings.group_opens_at} faces to make a group"
    reasons = []
    if entry.facts is not None and entry.facts.has_sound:
        is_heard = bool(summary["speech_share"])
        reasons.append("no voice was clear enough" if is_heard else "no voice is heard")
    if entry.facts is not None and entry.facts.has_pictures:
        is_seen = summary["people"] not in {None, "0"}
        reasons.append("no face was clear enough" if is_seen else "no face is seen")
    return " and ".join(reasons)


def write_tables(folder: Path, plan: Plan, journal: Journal, results: Sequence[Result]) -> None:
    """Write what is said of all recordings together.

    Raises:
        CannotWriteError: If the disk does not take it.
    """
    ordered = sorted(results, key=lambda result: (result.entry.shown_path, result.entry.recording))
    empty = (None,) * len(SUMMARY_COLUMNS)
    formats = plan.formats
    with (
        Table(folder, "recordings", RECORDING_COLUMNS, formats) as recordings,
        Table(folder, "segments", SEGMENT_COLUMNS, formats) as segments,
        Table(folder, "events", EVENT_COLUMNS, formats) as events,
        Table(folder, "alerts", ALERT_COLUMNS, formats) as alerts,
        Table(folder, "phrases", PHRASE_COLUMNS, formats) as phrases,
    ):
        for result in ordered:
            entry = result.entry
            facts: tuple[bool | None, bool | None] = (None, None)
            if entry.facts is not None:
                facts = (entry.facts.has_sound, entry.facts.has_pictures)
            head = (entry.recording, entry.shown_path, result.status, int(result.code))
            recordings.add([(*head, result.message or None, *facts, *(entry.summary or empty))])
            if entry.summary is not None:
                found = journal.findings(entry)
                segments.add(found.segments)
                events.add(found.events)
                alerts.add(found.alerts)
                phrases.add(found.phrases)
        for table in (recordings, segments, events, alerts, phrases):
            table.finish()
    text = json.dumps(plan.described(), indent=1, sort_keys=True)
    write_bytes(folder / "run.json", text.encode("ascii") + b"\n")


def exit_code(results: Sequence[Result]) -> ExitCode:
    """Return how an analysis ends: done, in part, or why not at all."""
    codes = {result.code for result in results}
    if codes <= {ExitCode.DONE}:
        return ExitCode.DONE
    is_any_analysed = any(result.entry.summary is not None for result in results)
    if is_any_analysed or ExitCode.FINISHED_IN_PART in codes:
        return ExitCode.FINISHED_IN_PART
    return codes.pop() if len(codes) == 1 else ExitCode.BAD_DATA
