"""Cameras through GStreamer: the CSI cameras of a Jetson, whose own driver is a GStreamer element.

Contract-tested with GStreamer's test picture; not tried on a Jetson.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from edge_affect.capture.frame_pump import PumpedSource, Shot
from edge_affect.clock import NS_PER_S
from edge_affect.errors import DeviceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from edge_affect.capture.camera_asked import CameraSettings
    from edge_affect.clock import Clock

START_TIMEOUT_S = 5
PULL_TIMEOUT_S = 2
MAX_AGE_NS = 5 * NS_PER_S
"""A busy machine takes pictures late; a stamp further off comes from another clock."""
SINK = (
    "videoconvert ! video/x-raw,format=RGB ! "
    "appsink name=out max-buffers=1 drop=true sync=false enable-last-sample=false"
)


def jetson_pipeline(settings: CameraSettings) -> str:
    """Return the pipeline of a Jetson's CSI camera, after NVIDIA's accelerated GStreamer guide."""
    number = settings.device.removeprefix("sensor-") or "0"
    return (
        f"nvarguscamerasrc sensor-id={number} ! "
        f"video/x-raw(memory:NVMM),width={settings.width_px},height={settings.height_px} ! "
        f"nvvidconv ! video/x-raw,format=BGRx ! {SINK}"
    )


class GstSource(PumpedSource):
    """A camera behind a GStreamer pipeline that ends in ``SINK``.

    Args:
        clock: Stamps the frames.
        settings: Its rate and orientation are used.
        pipeline: In the words of gst-launch.
    """

    def __init__(self, clock: Clock, settings: CameraSettings, pipeline: str) -> None:
        super().__init__(lambda: _Pipeline(clock, pipeline), settings, "GStreamer camera")


def load_gst() -> Any:
    """Return the Gst module, started.

    Raises:
        DeviceError: If GStreamer's bindings for Python are missing.
    """
    try:
        import gi  # type: ignore[import-not-found,import-untyped,unused-ignore]  # a system package

        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")
        from gi.repository import (  # type: ignore[import-not-found,import-untyped,unused-ignore]
            Gst,
            GstApp,  # noqa: F401 (gives the appsink its methods)
        )
    except (ImportError, ValueError):
        raise DeviceError(
            "GStreamer's Python bindings are missing; install them with sudo apt install "
            "python3-gi gir1.2-gst-plugins-base-1.0 and make the virtual environment with "
            "--system-site-packages."
        ) from None
    # Without a process of its own that looks at plug-ins, which the cage would refuse.
    Gst.Registry.fork_set_enabled(False)  # noqa: FBT003 (GStreamer's signature)
    Gst.init(None)
    return Gst


class _Pipeline:
    """The pipeline's side, in the thread of the camera."""

    def __init__(self, clock: Clock, text: str) -> None:
        self._clock = clock
        self._text = text
        self._gst: Any = None
        self._pipeline: Any = None
        self._sink: Any = None

    def start(self) -> None:
        """Build and start the pipeline; see ``Camera``."""
        self._gst = gst = load_gst()
        try:
            self._pipeline = gst.parse_launch(self._text)
        except Exception as error:
            if type(error).__module__.partition(".")[0] != "gi":
                raise
            raise DeviceError(
                f"GStreamer cannot build the camera's pipeline ({error.message}); on a Jetson, "  # type: ignore[attr-defined]
                "install nvidia-l4t-gstreamer."
            ) from None
        self._sink = self._pipeline.get_by_name("out")
        self._pipeline.set_state(gst.State.PLAYING)
        result, _, _ = self._pipeline.get_state(START_TIMEOUT_S * gst.SECOND)
        if result not in (gst.StateChangeReturn.SUCCESS, gst.StateChangeReturn.NO_PREROLL):
            reason = self._reason() or "it does not start"
            self.stop()
            raise DeviceError(
                f"The GStreamer camera cannot be opened ({reason}); check its cable and whether "
                "another program uses it."
            )

    def shoot(self) -> Shot:
        """Wait for the next picture; see ``Camera``."""
        while True:
            sample = self._sink.try_pull_sample(PULL_TIMEOUT_S * self._gst.SECOND)
            if sample is not None:
                break
            reason = self._reason()
            if self._sink.is_eos() or reason:
                raise DeviceError(
                    f"The GStreamer camera has gone ({reason or 'its stream ended'}); check its "
                    "cable."
                )
        return Shot(self._taken_ns(sample), lambda: _pixels(sample, self._gst))

    def stop(self) -> None:
        """Stop the pipeline."""
        if self._pipeline is not None:
            self._pipeline.set_state(self._gst.State.NULL)

    def _reason(self) -> str:
        """Return what the pipeline reported as an error, or an empty string."""
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        return "" if message is None else str(message.parse_error()[0].message).rstrip(".")

    def _taken_ns(self, sample: Any) -> int:
        """Return when the picture was taken: stamps count from the start of the pipeline."""
        now_ns = self._clock.now_ns()
        clock, stamp_ns = self._pipeline.get_clock(), sample.get_buffer().pts
        if clock is None or stamp_ns == self._gst.CLOCK_TIME_NONE:
            return now_ns
        age_ns = clock.get_time() - self._pipeline.get_base_time() - stamp_ns
        return now_ns - age_ns if 0 <= age_ns <= MAX_AGE_NS else now_ns


def _pixels(sample: Any, gst: Any) -> NDArray[np.uint8]:
    """Return the picture of an RGB sample, shape ``(height, width, 3)``."""
    shape = sample.get_caps().get_structure(0)
    width, height = shape.get_value("width"), shape.get_value("height")
    buffer = sample.get_buffer()
    is_mapped, info = buffer.map(gst.MapFlags.READ)
    if not is_mapped:
        raise DeviceError("The GStreamer camera's picture cannot be read; check its cable.")
    try:
        rows = np.frombuffer(info.data, np.uint8)
        # Rows end at multiples of four bytes.
        stride = -(-width * 3 // 4) * 4
        padded = rows[: stride * height].reshape(height, stride)
        return np.ascontiguousarray(padded[:, : width * 3]).reshape(height, width, 3)
    finally:
        buffer.unmap(info)
