"""``edge-affect analyze``: folders of recordings in, tables out."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect import config as configuration
from edge_affect.clock import NS_PER_S
from edge_affect.errors import ExitCode, InputMissingError, UsageError
from edge_affect.privacy import policy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from edge_affect.insights.analysis import Plan, Result
    from edge_affect.insights.files import Found
    from edge_affect.insights.journal import Journal
    from edge_affect.insights.part_process import Outcome
    from edge_affect.insights.progress import Progress
    from edge_affect.insights.wire import Hand

    RunHands = Callable[[Sequence[Hand]], Iterator[Outcome]]

EXAMPLES = """examples:
  edge-affect analyze talk.mp4 --out talk
  edge-affect analyze lessons shows --out results --config box.toml --jobs 4
  edge-affect analyze calls --out results --config centre.toml --channel customer=left

Run the same line again after an interruption: what is finished is not done again."""


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "analyze",
        help="folders of recordings in, tables out",
        description="Runs sound and video files of any length through the live path, faster than "
        "real time, and writes vectors, segments, sound events and the alerts as they would have "
        "been raised. Recordings are read by caged processes without network. See "
        "docs/analyze.md.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "paths", metavar="PATH", nargs="+", type=Path, help="a file, or a folder with all below"
    )
    parser.add_argument("--out", type=Path, required=True, help="folder for the results")
    parser.add_argument("--config", type=Path, help="configuration file; default: all defaults")
    parser.add_argument(
        "--channel",
        metavar="WHICH",
        help="one sound channel alone: left, right, a number, or customer=left; default: "
        "[audio] channel",
    )
    parser.add_argument(
        "--jobs", type=_jobs, default=0, help="processes at a time; default: one for each core"
    )
    parser.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="analyse on the workers of a Dask cluster, such as tcp://10.0.0.5:8786; recordings "
        "must lie under the same path there",
    )
    parser.add_argument(
        "--formats", metavar="LIST", help="what to write: csv,parquet (default); emotionml as well"
    )
    parser.add_argument(
        "--allow-unsandboxed",
        action="store_true",
        help="read recordings without a cage, where the kernel cannot build one",
    )
    parser.set_defaults(run=run)


def _jobs(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of processes from 1 to 1024")
    return int(text)


def run(args: argparse.Namespace) -> int:
    """Analyse."""
    from edge_affect.insights.files import find
    from edge_affect.insights.journal import Journal

    plan = _plan(args)
    if not plan.settings.deployment.setting:
        _say("no [deployment] is declared, so no rule of a place is applied; see docs/analyze.md.")
    finding = find(args.paths, args.out)
    if finding.n_passed_over:
        _say(f"{finding.n_passed_over} other files in these folders are passed over.")
    if not finding.found:
        raise InputMissingError("There are no sound or video files in these folders.")
    journal = Journal(args.out, plan.settings, plan.digests(), plan.formats)
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(args, plan, journal, finding.found)
    finally:
        signal.signal(signal.SIGTERM, previous)
        journal.close()


def _run(
    args: argparse.Namespace, plan: Plan, journal: Journal, found: Sequence[Found]
) -> ExitCode:
    from edge_affect.insights.analysis import analyse, exit_code, write_tables
    from edge_affect.insights.progress import Progress

    sizes = {str(item.path): item.size_bytes for item in found if item.failure is None}
    progress = Progress(sizes, plan.settings.publish.tick_hz)
    results: list[Result] = []
    started_s = time.monotonic()
    try:
        with _players(args, progress) as (n_players, run_hands):
            for result in analyse(plan, journal, found, n_players, run_hands):
                results.append(result)
                if result.message:
                    progress.say(f"edge-affect: {result.message}")
    except KeyboardInterrupt:
        progress.end()
        _say(
            f"stopped: {len(results)} of {len(found)} recordings are done; "
            "run the same line again to go on."
        )
        return ExitCode.FINISHED_IN_PART
    finally:
        progress.end()
    write_tables(args.out, plan, journal, results)
    print("\n".join(_summary(results, time.monotonic() - started_s, args.out)))
    return exit_code(results)


@contextmanager
def _players(args: argparse.Namespace, progress: Progress) -> Iterator[tuple[int, RunHands]]:
    """Yield how many processes work at a time, and what lets them: here, or on a cluster."""
    from edge_affect.insights.cluster import Cluster
    from edge_affect.insights.local import run_local

    def told(outcomes: Iterator[Outcome]) -> Iterator[Outcome]:
        for outcome in outcomes:
            progress.on_done(outcome.job, outcome.end_ns / NS_PER_S)
            yield outcome

    if args.dask is None:
        n_jobs = args.jobs or len(os.sched_getaffinity(0))
        yield n_jobs, lambda hands: told(run_local(hands, n_jobs, progress.on_record))
        return
    with Cluster(args.dask) as cluster:
        yield cluster.n_players, lambda hands: told(cluster.run(hands))


def _plan(args: argparse.Namespace) -> Plan:
    from edge_affect.insights.analysis import Plan
    from edge_affect.insights.channels import chosen_channel
    from edge_affect.insights.tables import available_formats, checked_formats

    settings, text = configuration.Config(), ""
    if args.config is not None:
        settings = configuration.load(args.config)
        text = args.config.read_text(encoding="utf-8")
    policy.check_recordings(settings)
    channel = chosen_channel(args.channel, settings)
    if args.formats is None:
        formats = available_formats()
        if "parquet" not in formats:
            _say("CSV alone is written; Parquet needs: pip install 'edge-affect[insights]'.")
    else:
        formats = checked_formats([name.strip() for name in args.formats.split(",")])
    if args.dask is not None and args.jobs:
        raise UsageError(
            "--jobs is for this machine; with --dask the workers say how many there are."
        )
    if args.out.is_file():
        raise UsageError(f"{args.out} is a file; --out names a folder.")
    return Plan(
        settings, text, str(args.config or "defaults"), channel, formats,
        is_caged=not args.allow_unsandboxed,
    )  # fmt: skip


def _summary(results: Sequence[Result], passed_s: float, out: Path) -> list[str]:
    from edge_affect.insights.analysis import STATUSES
    from edge_affect.insights.progress import duration

    counts = Counter(result.status for result in results)
    n_before = sum(not result.is_new for result in results)
    new_s = sum(r.entry.summary[0] for r in results if r.is_new and r.entry.summary is not None)
    known_s = sum(r.entry.summary[0] for r in results if r.entry.summary is not None)
    named = {
        "done": "done", "nothing": "tell nothing", "damaged": "damaged", "failed": "failed",
        "refused": "refused",
    }  # fmt: skip
    parts = [f"{counts[status]} {named[status]}" for status in STATUSES if counts[status]]
    lines = [f"{len(results)} recordings, {duration(known_s)} of media: {', '.join(parts)}."]
    if n_before:
        lines.append(f"{n_before} of them were finished before.")
    if new_s:
        lines.append(
            f"{duration(new_s)} of media took {duration(passed_s)}: "
            f"{new_s / max(passed_s, 1e-3):.1f} times faster than real time."
        )
    lines.append(f"The tables are in {out}.")
    return lines


def _say(text: str) -> None:
    print(f"edge-affect: {text}", file=sys.stderr, flush=True)
