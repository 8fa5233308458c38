"""``edge-affect alerts``: which alert rules are in effect, and what they make of a recording."""

from __future__ import annotations

import argparse
import json
import re
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect import config as configuration
from edge_affect.alerting.timeline import Timeline
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DataError, ExitCode, InputMissingError
from edge_affect.publishing.about import about_payload
from edge_affect.publishing.notices import Now, WallMoments, alert_payload, event_payload
from edge_affect.publishing.payload import Stamp, to_json
from edge_affect.publishing.stamping import Stamper
from edge_affect.publishing.vectors import Vector, read_vectors

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.alert_settings import NamedRule
    from edge_affect.alerting.event_edges import EventEdge
    from edge_affect.alerting.watch import AlertChange
    from edge_affect.config import Config
    from edge_affect.record import AffectRecord

EXAMPLES = """examples:
  edge-affect alerts list --config box.toml
  edge-affect alerts test call.wav --config box.toml
  edge-affect replay --video talk.mp4 --fast --json > talk.jsonl
  edge-affect alerts test talk.jsonl --json"""
_LONGEST_S = 365 * 86_400.0
"""No recording is longer than a year; what is later is a date."""
VECTOR_ENDINGS: tuple[str, ...] = (".jsonl", ".ndjson", ".json")


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    shape = argparse.RawDescriptionHelpFormatter
    parser = commands.add_parser(
        "alerts",
        help="show alert rules, and try them on a recording",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    shown = actions.add_parser(
        "list", help="the rules in effect", epilog=EXAMPLES, formatter_class=shape
    )
    shown.set_defaults(run=run_list)
    tried = actions.add_parser(
        "test",
        help="the alerts and events a recording would have caused",
        description="Replays a sound or video file through the live path, or vectors that "
        "edge-affect replay --json printed (.jsonl, or - for standard input), and prints every "
        "alert and sound event at its time. Nothing is sent anywhere.",
        epilog=EXAMPLES,
        formatter_class=shape,
    )
    tried.add_argument("clip", metavar="CLIP", help="sound, video, .jsonl, or - for vectors")
    tried.add_argument(
        "--at",
        type=_minute,
        metavar="HH:MM",
        help="local time at the start of the clip; without it no hour is quiet",
    )
    tried.set_defaults(run=run_test)
    for action in (shown, tried):
        action.add_argument("--config", type=Path, help="configuration file; default: all defaults")
        action.add_argument("--json", action="store_true", help="print JSON, one object per line")


def _minute(text: str) -> int:
    found = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 23:30")
    return int(found[1]) * 60 + int(found[2])


def run_list(args: argparse.Namespace) -> int:
    """Print the rules in effect."""
    settings = _settings(args)
    unknown = {name.rpartition(".")[2] for name in about_payload(settings, [])["not_sensed"]}
    for rule in settings.alert_rules:
        is_silent = unknown.issuperset(rule.rule.signals)
        if args.json:
            shown = {"name": rule.name, **asdict(rule.rule), "steps": _steps(rule)}
            print(json.dumps({**shown, "is_silent": is_silent}))
            continue
        print("\n".join(_described(rule)))
        if is_silent:
            print(f"  silent here: {', '.join(rule.rule.signals)} is never told by this box")
    if not settings.alert_rules and not args.json:
        print("No alert rule is in effect.")
    elif settings.quiet_hours is not None and not args.json:
        print(f"Quiet hours: {settings.alerts.quiet_hours}, local time.")
    return ExitCode.DONE


def run_test(args: argparse.Namespace) -> int:
    """Print what the rules make of a recording."""
    settings = _settings(args)
    timeline = Timeline(settings.alert_rules, settings.alerts, settings.quiet_hours)
    printer = _Printer(args.json)

    def take(vector: Vector) -> None:
        minute = None if args.at is None else int(args.at + vector.at_s / 60) % 1440
        edges, changes = timeline.step(round(vector.at_s * NS_PER_S), vector.record, minute)
        printer.show(edges, changes, vector.at_s)

    _play(args.clip, settings, take)
    if not args.json:
        print(printer.summary())
    return ExitCode.DONE


def _settings(args: argparse.Namespace) -> Config:
    return configuration.load(args.config) if args.config else configuration.Config()


def _play(clip: str, settings: Config, take: Callable[[Vector], None]) -> None:
    """Hand over every vector of a recording, with times from its start.

    Raises:
        InputMissingError: If there is no such file.
        DataError: If it holds neither vectors nor media.
    """
    path = Path(clip)
    if clip == "-" or path.suffix.lower() in VECTOR_ENDINGS:
        origin_s = 0.0
        for number, vector in enumerate(read_vectors(_lines(clip), clip)):
            if number == 0 and vector.at_s > _LONGEST_S:
                # Dates count from the first one; positions in a recording stay as they are.
                origin_s = vector.at_s
            take(Vector(vector.at_s - origin_s, vector.record))
        return
    _play_media(path, settings, take)


def _lines(clip: str) -> list[str]:
    try:
        if clip == "-":
            return list(sys.stdin)
        return Path(clip).read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise InputMissingError(f"There is no file {clip}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{clip} cannot be read: {error}.") from None


def _play_media(path: Path, settings: Config, take: Callable[[Vector], None]) -> None:
    from edge_affect.capture.media_file import probe
    from edge_affect.privacy import policy
    from edge_affect.sensing.fast_replay import replay_files

    facts = probe(path)
    if facts.has_audio:
        policy.check_channel(settings)
        policy.check_words(settings)

    def show(record: AffectRecord, media_time_s: float) -> None:
        take(Vector(media_time_s, record))

    replay_files((None, path) if facts.has_video else (path, None), settings, show)


class _Printer:
    """Prints what happened, for scripts as the payloads that would have been published."""

    def __init__(self, as_json: bool) -> None:  # noqa: FBT001 (one switch of the command line)
        self._as_json = as_json
        self._moments = WallMoments()
        self._started = Stamper().peek()
        self._n_ticks = 0
        self._n_raised = 0
        self._n_events = 0

    def show(
        self, edges: tuple[EventEdge, ...], changes: tuple[AlertChange, ...], at_s: float
    ) -> None:
        """Print what one tick brought."""
        unix_ms = self._started.unix_ms + round(at_s * 1000)
        stamp = Stamp(unix_ms, self._started.clock_synced, self._n_ticks)
        now = Now(round(at_s * NS_PER_S), stamp, self._n_ticks)
        self._n_ticks += 1
        for edge in edges:
            self._n_events += edge.is_start
            word = "starts" if edge.is_start else "ends"
            self._print(
                event_payload(edge, now, self._moments),
                at_s,
                f"{word:10s}{edge.event:20s}{'':8s}{edge.level:5.2f}",
            )
        for change in changes:
            state = change.state
            self._n_raised += change.kind.value == "raised"
            payload = alert_payload(state, now, self._moments)
            level = "   --" if state.level is None else f"{state.level:5.2f}"
            self._print(
                {**payload, "change": change.kind.value},
                at_s,
                f"{change.kind.value:10s}{state.name:20s}{payload['severity'] or '':8s}{level}  "
                f"{payload['message']}",
            )

    def _print(self, payload: dict[str, Any], at_s: float, text: str) -> None:
        if self._as_json:
            print(to_json({**payload, "media_time_s": round(at_s, 3)}), flush=True)
        else:
            print(f"{at_s:8.2f}s  {text}", flush=True)

    def summary(self) -> str:
        """Return one line on everything."""
        return (
            f"{self._n_ticks} ticks, {self._n_raised} alerts raised, {self._n_events} sound events."
        )


def _steps(rule: NamedRule) -> list[dict[str, Any]]:
    return [asdict(step) for step in rule.steps]


def _described(named: NamedRule) -> list[str]:
    """Return one rule as lines for people."""
    rule = named.rule
    sign, calm = (">=", "<=") if rule.direction == "above" else ("<=", ">=")
    condition = f"{' or '.join(rule.signals)} {sign} {rule.threshold:g} for {rule.dwell_s:g} s"
    end = f"over at {calm} {rule.clear:g} for {rule.clear_after_s:g} s"
    lines = [f"{named.name}: {condition}; {end}, then silent for {rule.refractory_s:g} s"]
    extras = []
    if rule.change:
        extras.append(f"only after a change of {rule.change:g} within {rule.change_over_s:g} s")
    if rule.smooth_half_life_s:
        extras.append(f"smoothed with a half-life of {rule.smooth_half_life_s:g} s")
    if rule.min_people:
        extras.append(f"only with at least {rule.min_people} faces")
    if rule.follow:
        extras.append("every change of the level is told")
    if rule.ignore_quiet_hours:
        extras.append("in quiet hours, too")
    if extras:
        lines.append(f"  {'; '.join(extras)}")
    lines += [f"  after {s.after_s:g} s  {s.severity:7s} {s.message}" for s in named.steps]
    return lines
