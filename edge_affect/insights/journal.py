"""The folder of results: what is done already, and the files of each recording.

``records/ID.bin`` holds the affect records of a recording and ``records/ID.json`` what was made of
them; the latter is written last, so that whatever it names is there. A recording is analysed anew
only where its file, the settings or the models have changed; other alert rules are applied to the
records that are there.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_affect.errors import CannotWriteError, ExitCode
from edge_affect.exporting.emotionml import EmotionmlWriter
from edge_affect.insights.findings import Finder, Findings, Row
from edge_affect.insights.part_process import Outcome
from edge_affect.insights.tables import FORMATS, PARTIAL_ENDING, Table, whole_text, write_bytes
from edge_affect.insights.vectors import COLUMNS, row_of, timed_records
from edge_affect.insights.wire import Facts, Failure, Job

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.insights.files import Found

RECORDS, VECTORS = "records", "vectors"
EMOTIONML = FORMATS[-1]
NS_PER_MS = 1_000_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording that is done, as well as it can be.

    Attributes:
        recording: What it is called.
        shown_path: Its file, printable.
        facts: What was analysed of it, or None.
        failure: Why not all of it, or None.
        summary: In the order of ``SUMMARY_COLUMNS``, or None where nothing could be analysed.
    """

    recording: str
    shown_path: str
    facts: Facts | None
    failure: Failure | None
    summary: Row | None


@dataclass(frozen=True, slots=True)
class Digests:
    """What results depend on besides the recording itself, as hexadecimal digits.

    Attributes:
        sensing: Models, settings and version: all that decides on the records.
        finding: Alert rules, formats: all that decides on what is made of records.
    """

    sensing: str
    finding: str


class Journal:
    """The folder of results; one process at a time works on it.

    Args:
        folder: Made where it does not exist.
        settings: For alert rules.
        digests: Of this analysis.
        formats: Of the tables of vectors.

    Raises:
        CannotWriteError: If the folder cannot be written, or another process works on it.
    """

    def __init__(
        self, folder: Path, settings: Config, digests: Digests, formats: tuple[str, ...]
    ) -> None:
        self._folder = folder
        self._settings = settings
        self._digests = digests
        self._formats = formats
        try:
            for name in (RECORDS, VECTORS):
                (folder / name).mkdir(parents=True, exist_ok=True)
            self._lock = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise CannotWriteError(f"{folder} cannot be written: {error.strerror}.") from None
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._lock)
            raise CannotWriteError(
                f"Another analysis writes to {folder} just now; wait for it, or choose another "
                "folder."
            ) from None
        for name in (RECORDS, VECTORS):
            for partial in (folder / name).glob(f"*{PARTIAL_ENDING}"):
                partial.unlink(missing_ok=True)

    def close(self) -> None:
        """Let others work on the folder."""
        os.close(self._lock)

    def known(self, found: Found) -> Entry | None:
        """Return what is known of a recording, or None where it must be analysed.

        What could not be read at all is tried again each time.
        """
        try:
            noted = json.loads(self._note(found.recording).read_bytes())
            is_same = (
                noted["path"] == _text(found)
                and noted["size_bytes"] == found.size_bytes
                and noted["mtime_ns"] == found.mtime_ns
                and noted["sensing"] == self._digests.sensing
                and noted["n_records"] > 0
            )
            if not is_same:
                return None
            if noted["finding"] == self._digests.finding and self._has_vectors(found.recording):
                return _entry(found, noted)
            records = self._records(found.recording).read_bytes()
            if hashlib.sha256(records).hexdigest() != noted["records_sha256"]:
                return None
        except (OSError, ValueError, KeyError, TypeError):
            return None
        outcome = Outcome(
            Job(str(found.path), 0), _facts(noted), records, noted["end_ns"], _failure(noted)
        )
        return self.add(found, outcome)

    def add(self, found: Found, outcome: Outcome) -> Entry:
        """Write all files of one recording and return what is in them.

        Raises:
            CannotWriteError: If the disk does not take it.
        """
        findings = None
        if outcome.n_records:
            write_bytes(self._records(found.recording), outcome.records)
            findings = self._find(found.recording, outcome)
        noted = {
            "path": _text(found),
            "size_bytes": found.size_bytes,
            "mtime_ns": found.mtime_ns,
            **asdict(self._digests),
            "facts": None if outcome.facts is None else asdict(outcome.facts),
            "failure": None if outcome.failure is None else asdict(outcome.failure),
            "end_ns": outcome.end_ns,
            "n_records": outcome.n_records,
            "records_sha256": hashlib.sha256(outcome.records).hexdigest(),
            "findings": None if findings is None else asdict(findings),
        }
        write_bytes(self._note(found.recording), json.dumps(noted).encode("ascii"))
        return _entry(found, noted)

    def findings(self, entry: Entry) -> Findings:
        """Return what was found in a recording that has a summary.

        Raises:
            CannotWriteError: If somebody took its file away.
        """
        try:
            noted = json.loads(self._note(entry.recording).read_bytes())
            return _findings(noted["findings"])
        except (OSError, ValueError, KeyError, TypeError):
            raise CannotWriteError(
                f"{self._note(entry.recording)} is gone or damaged; run the analysis again."
            ) from None

    def _find(self, recording: str, outcome: Outcome) -> Findings:
        finder = Finder(recording, self._settings)
        tick_hz = self._settings.publish.tick_hz

        with Table(self._folder / VECTORS, recording, COLUMNS, self._formats) as table:
            for at_ns, record in timed_records(outcome, tick_hz):
                finder.take(at_ns, record)
                table.add([row_of(recording, at_ns, record)])
            table.finish()
        if EMOTIONML in self._formats:
            self._write_emotionml(recording, outcome)
        return finder.finish()

    def _write_emotionml(self, recording: str, outcome: Outcome) -> None:
        period_ms = round(1000 / self._settings.publish.tick_hz)
        timed = [
            (at_ns // NS_PER_MS, record)
            for at_ns, record in timed_records(outcome, self._settings.publish.tick_hz)
        ]
        uri = Path(outcome.job.path).as_uri()
        with (
            whole_text(self._vectors(recording, EMOTIONML)) as file,
            EmotionmlWriter(file, recording=uri) as writer,
        ):
            for number, (at_ms, record) in enumerate(timed, 1):
                end_ms = timed[number][0] if number < len(timed) else at_ms + period_ms
                writer.write(record, at_ms, end_ms)

    def _has_vectors(self, recording: str) -> bool:
        return all(self._vectors(recording, kind).is_file() for kind in self._formats)

    def _vectors(self, recording: str, kind: str) -> Path:
        return self._folder / VECTORS / f"{recording}.{kind}"

    def _note(self, recording: str) -> Path:
        return self._folder / RECORDS / f"{recording}.json"

    def _records(self, recording: str) -> Path:
        return self._folder / RECORDS / f"{recording}.bin"


def _text(found: Found) -> str:
    return str(found.path)


def _facts(noted: dict[str, Any]) -> Facts | None:
    return None if noted["facts"] is None else Facts(**noted["facts"])


def _failure(noted: dict[str, Any]) -> Failure | None:
    if noted["failure"] is None:
        return None
    return Failure(ExitCode(noted["failure"]["code"]), noted["failure"]["sentence"])


def _findings(tables: dict[str, Any]) -> Findings:
    segments, events, alerts, phrases = (
        [tuple(row) for row in tables[name]] for name in ("segments", "events", "alerts", "phrases")
    )
    return Findings(segments, events, alerts, phrases, tuple(tables["summary"]))


def _entry(found: Found, noted: dict[str, Any]) -> Entry:
    summary = None if noted["findings"] is None else tuple(noted["findings"]["summary"])
    return Entry(found.recording, found.shown_path, _facts(noted), _failure(noted), summary)
