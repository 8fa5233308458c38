"""One recording through the product's own pipeline, inside the caged process."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edge_affect.capture.media_channels import is_side_of_call
from edge_affect.capture.media_file import probe
from edge_affect.clock import NS_PER_S
from edge_affect.errors import EdgeAffectError, ExitCode, MediaError, PolicyError
from edge_affect.insights.wire import Facts, Failure
from edge_affect.insights_settings import MONO_CUSTOMER
from edge_affect.privacy import policy
from edge_affect.privacy.rules import Effect
from edge_affect.record import N_PHRASES, encode
from edge_affect.sensing.fast_replay import replay_files

if TYPE_CHECKING:
    from edge_affect.config import Config
    from edge_affect.insights.wire import FrameWriter, Job
    from edge_affect.record import AffectRecord

NO_PHRASES = (0,) * N_PHRASES
MAX_LENGTH_S = 7 * 86_400.0
"""A recording longer than a week is a broken timestamp."""


def play(job: Job, settings: Config, writer: FrameWriter) -> None:
    """Analyse one recording and write its frames; what is wrong with it is written as well."""
    try:
        _play(Path(job.path), job.channel, settings, writer)
    except EdgeAffectError as error:
        writer.failed(Failure(error.exit_code, str(error)))
    except (OSError, MemoryError) as error:
        writer.failed(Failure(ExitCode.BAD_DATA, f"{job.path} cannot be analysed: {error}."))


def _play(path: Path, channel: int, settings: Config, writer: FrameWriter) -> None:
    if path.is_file() and path.stat().st_size == 0:
        raise MediaError(f"{path} is empty (0 bytes).")
    facts, channel = _plan(path, channel, settings)
    writer.facts(facts)
    end_s = 0.0

    def show(record: AffectRecord, media_s: float) -> None:
        nonlocal end_s
        end_s = media_s
        if media_s > MAX_LENGTH_S:
            raise MediaError(f"The timestamps of {path} run on for more than a week; convert it.")
        if not settings.insights.phrases:
            # Which phrases were said leaves this process on request alone, and not even in records.
            record = replace(record, phrases=NO_PHRASES)
        writer.record(encode(record))

    sound, film = (path if facts.has_sound else None), (path if facts.has_pictures else None)
    replay_files((sound, film), settings, show, channel)
    writer.done(round(end_s * NS_PER_S))


def _plan(path: Path, channel: int, settings: Config) -> tuple[Facts, int]:
    """Return what may be analysed of a file, and which channel of its sound.

    Raises:
        EdgeAffectError: If the file cannot be read, or nothing of it may be.
    """
    found = probe(path)
    has_pictures, note = found.has_video, ""
    if has_pictures and policy.has_rule(settings.deployment, Effect.NO_CAMERA):
        has_pictures, note = False, "its pictures are left out: they would show the employees"
    if not found.has_audio and not has_pictures:
        if found.has_video:
            raise PolicyError(f"{path} holds pictures alone, which are left out here.")
        raise MediaError(f"{path} holds neither sound nor pictures.")
    if found.has_audio and policy.has_rule(settings.deployment, Effect.ONE_CHANNEL):
        channel = _customers_channel(path, channel, settings)
    return Facts(found.has_audio, has_pictures, found.duration_s, note), channel


def _customers_channel(path: Path, channel: int, settings: Config) -> int:
    if is_side_of_call(path, channel):
        return channel
    if settings.insights.mono_recordings == MONO_CUSTOMER:
        return 1
    raise PolicyError(
        f"{path} is refused: it is mono, or has the same sound on another channel, so that the "
        "employee may be in it; where such recordings hold the customer alone, declare "
        '[insights] mono_recordings = "customer".'
    )
