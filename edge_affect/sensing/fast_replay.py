"""A recording through the pipeline as fast as possible, in the order of media time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge_affect.capture.replay import interleave
from edge_affect.clock import NS_PER_S
from edge_affect.record import SourceState
from edge_affect.types import AudioBlock

if TYPE_CHECKING:
    from collections.abc import Callable

    from edge_affect.capture.recording import Recording
    from edge_affect.record import AffectRecord
    from edge_affect.sensing.pipeline import Pipeline


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
