"""The sound and the pictures of one recording as a pair of sources on one time axis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.capture.media_file import probe
from edge_affect.capture.media_time import MediaTime
from edge_affect.capture.replay import ReplayAudio, ReplayVideo
from edge_affect.errors import MediaError, UsageError

if TYPE_CHECKING:
    from pathlib import Path

    from edge_affect.clock import Clock


@dataclass(frozen=True, slots=True)
class Playing:
    """How a recording is played.

    Attributes:
        is_paced: In real time, else as fast as possible.
        is_looped: Round and round, else once.
        channel: Sound channel to use, from 1; 0 mixes all to mono.
        frame_rate_hz: Frames per second at most.
    """

    is_paced: bool
    is_looped: bool
    channel: int
    frame_rate_hz: float


@dataclass(frozen=True, slots=True)
class Recording:
    """The sources of one recording, not yet open; one of them may be missing."""

    audio: ReplayAudio | None
    video: ReplayVideo | None
    time: MediaTime
    duration_s: float | None


def recording(audio: Path | None, video: Path | None, clock: Clock, playing: Playing) -> Recording:
    """Return the sources of a sound file, a video file or both.

    A video file alone brings its own sound where it has some.

    Raises:
        UsageError: If neither is given.
        InputMissingError: If a file is not there.
        MediaError: If a file is no media file, or cannot be looped.
    """
    if audio is None and video is None:
        raise UsageError("A replay needs a recording; name one with --audio, --video or both.")
    facts = [probe(path) for path in (audio, video) if path is not None]
    lengths_s = [fact.duration_s for fact in facts if fact.duration_s is not None]
    duration_s = max(lengths_s, default=None)
    if playing.is_looped and duration_s is None:
        raise MediaError(
            f"{video or audio} does not say how long it is, so it cannot be looped; convert it."
        )
    time = MediaTime(
        clock,
        is_paced=playing.is_paced,
        loop_s=duration_s if playing.is_looped else None,
    )
    if audio is None and facts[0].has_audio:
        audio = video
    return Recording(
        None if audio is None else ReplayAudio(audio, time, playing.channel),
        None if video is None else ReplayVideo(video, time, playing.frame_rate_hz),
        time,
        duration_s,
    )
