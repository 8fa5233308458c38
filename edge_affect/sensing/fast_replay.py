"""A recording through the pipeline as fast as possible, in the order of media time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.capture.recording import Playing, recording
from edge_affect.capture.replay import interleave
from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.record import SourceState
from edge_affect.sensing.assembly import build_pipeline
from edge_affect.types import AudioBlock

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from edge_affect.capture.recording import Recording
    from edge_affect.config import Config
    from edge_affect.record import AffectRecord
    from edge_affect.sensing.pipeline import Pipeline


def replay_files(
    files: tuple[Path | None, Path | None],
    settings: Config,
    show: Callable[[AffectRecord, float], None],
    channel: int | None = None,
    own: dict[str, Path] | None = None,
) -> None:
    """Run recordings through a pipeline of their own: the same answers on every machine.

    Args:
        files: Sound and pictures; pictures alone bring their own sound.
        settings: Of the box.
        show: As in `replay_fast`.
        channel: Of the sound, instead of the configured one.
        own: As in `build_pipeline`.

    Raises:
        MediaError: If a recording cannot be read, or is damaged.
    """
    clock = ManualClock()
    playing = Playing(
        is_paced=False,
        is_looped=False,
        channel=settings.audio.channel if channel is None else channel,
        frame_rate_hz=settings.video.frame_rate_hz,
    )
    media = recording(*files, clock, playing)
    pipeline = build_pipeline(
        settings,
        clock,
        has_sound=media.audio is not None,
        has_pictures=media.video is not None,
        is_unhurried=True,
        own=own,
    )
    replay_fast(pipeline, media, settings.publish.tick_hz, show)


def replay_fast(
    pipeline: Pipeline,
    media: Recording,
    tick_hz: float,
    show: Callable[[AffectRecord, float], None],
) -> None:
    """Run everything on this thread and show every record with its media time in seconds.

    Args:
        pipeline: Of the clock on which the recording runs, a ``ManualClock``.
        media: Not open yet; closed afterwards, whatever happens.
        tick_hz: Records per second; a last part of at least half a tick gets one as well, and so
            does one in which the end cut words off.
        show: Takes the records.

    Raises:
        MediaError: If the recording is damaged.
    """
    microphone = SourceState.OFF if media.audio is None else SourceState.OK
    camera = SourceState.OFF if media.video is None else SourceState.OK
    sources = [source for source in (media.audio, media.video) if source is not None]
    period_ns = round(NS_PER_S / tick_hz)

    def tick(at_ns: int) -> None:
        show(pipeline.record(microphone, camera, at_ns=at_ns), media.time.media_s(at_ns))

    try:
        for source in sources:
            source.open()
        now_ns = media.time.at_ns(0)
        due_ns = now_ns + period_ns
        for item in interleave(media.audio, media.video):
            now_ns = item.end_ns if isinstance(item, AudioBlock) else item.captured_ns
            while now_ns > due_ns:
                tick(due_ns)
                due_ns += period_ns
            if isinstance(item, AudioBlock):
                pipeline.on_block(item)
            else:
                pipeline.on_frame(item)
        # The last part of a tick is told as well, so that a clip shorter than one is not silent.
        has_words = pipeline.end_sound()
        if has_words or now_ns > due_ns - period_ns // 2:
            tick(now_ns)
    finally:
        for source in sources:
            source.close()
