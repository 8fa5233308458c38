"""From the configuration to sources that are ready to be opened."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from edge_affect.camera_settings import Video
    from edge_affect.capture.source import AudioSource, VideoSource
    from edge_affect.clock import Clock
    from edge_affect.config import Audio


def open_audio(settings: Audio, clock: Clock) -> AudioSource | None:
    """Return the sound source of the configuration, not yet open, or None for "none"."""
    if settings.source == "none":
        return None
    if settings.source == "synthetic":
        from edge_affect.capture.synthetic import SyntheticAudio

        return SyntheticAudio(clock)
    from edge_affect.capture.microphone import Microphone

    return Microphone(clock, settings.device, settings.channel)


def open_video(settings: Video, clock: Clock) -> VideoSource | None:
    """Return the picture source of the configuration, not yet open, or None for "none"."""
    if settings.source == "none":
        return None
    if settings.source == "synthetic":
        from edge_affect.capture.synthetic import SyntheticVideo

        return SyntheticVideo(clock, settings.width_px, settings.height_px, settings.frame_rate_hz)
    from edge_affect.capture.camera_asked import CameraSettings
    from edge_affect.capture.orientation import Orientation

    asked = CameraSettings(
        settings.device,
        settings.width_px,
        settings.height_px,
        settings.frame_rate_hz,
        Orientation(settings.rotation_deg, settings.mirror),
    )
    if settings.source == "picamera2":
        from edge_affect.capture.pi_camera import PiCameraSource

        return PiCameraSource(clock, asked)
    if settings.source == "jetson":
        from edge_affect.capture.gst_camera import GstSource, jetson_pipeline

        return GstSource(clock, asked, jetson_pipeline(asked))
    from edge_affect.capture.v4l2 import V4l2Source

    return V4l2Source(clock, asked)
