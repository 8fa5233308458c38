"""The real Picamera2 on libcamera's virtual pipeline, which lacks what a Pi has beside it.

Three things are missing without a Pi and replaced here, by ways that the library leaves open: its
allocator takes buffers from a DMA heap, its list of raw modes asks a sensor, and the pipeline
delivers NV12 only, which is turned into the bytes that a Pi delivers. Opening, configuring,
requests, meta data, buffers, stopping and closing are the library's own. `pykms`, for a preview on
a screen, is an empty module of the environment that `tools/check_cameras.sh` makes.
"""

from __future__ import annotations

import mmap
import os
from typing import Any

import libcamera
import numpy as np
from picamera2 import Picamera2
from picamera2.allocators.allocator import Allocator
from PIL import Image

from edge_affect.capture.camera_names import find_camera
from edge_affect.capture.pi_camera import pi_cameras, tidily

LASTING = libcamera.CameraManager.singleton()
"""Without cameras open the library lets go of libcamera's manager; a second one in the same process
does not get the virtual pipeline going again."""


class MappedBuffer:
    """One buffer, mapped while it is read; Picamera2 asks its allocator for this as ``sync``."""

    def __init__(self, _allocator: Allocator, buffer: Any, _write: bool) -> None:
        self._fd = buffer.planes[0].fd
        self._n_bytes = sum(plane.length for plane in buffer.planes)

    def __enter__(self) -> mmap.mmap:
        self._map = mmap.mmap(self._fd, self._n_bytes)
        return self._map

    def __exit__(self, *_: object) -> None:
        self._map.close()


class MemoryAllocator(Allocator):
    """Buffers from anonymous memory."""

    def __init__(self) -> None:
        super().__init__()
        self.sync = MappedBuffer
        self._by_stream: dict[Any, list[Any]] = {}
        self._fds: list[int] = []

    def allocate(self, configuration: Any, _use_case: Any) -> None:
        for stream in configuration:
            buffers = []
            for _ in range(stream.buffer_count):
                fd = os.memfd_create("camera")
                os.ftruncate(fd, stream.frame_size)
                self._fds.append(fd)
                n_luma = stream.stride * stream.size.height
                plane = libcamera.FrameBuffer.Plane
                planes = [plane(fd, 0, n_luma), plane(fd, n_luma, n_luma // 2)]
                buffers.append(libcamera.FrameBuffer(planes))
            self._by_stream[stream.stream] = buffers

    def buffers(self, stream: Any) -> list[Any]:
        return self._by_stream[stream]

    def acquire(self, _buffers: Any) -> None:
        pass

    def release(self, _buffers: Any) -> None:
        pass

    def close(self) -> None:
        while self._fds:
            os.close(self._fds.pop())

    # The library throws its allocator away and closes none, like its own one, which does this.
    __del__ = close


class VirtualRequest:
    """A request whose NV12 picture reads as the blue, green and red bytes of a Pi."""

    def __init__(self, request: Any, size_px: tuple[int, int], stride_px: int) -> None:
        self._request = request
        self._size_px = size_px
        self._stride_px = stride_px

    def make_array(self, name: str) -> np.ndarray:
        (width, height), stride = self._size_px, self._stride_px
        raw = np.asarray(self._request.make_buffer(name))
        luma = raw[: stride * height].reshape(height, stride)[:, :width]
        chroma = raw[stride * height : stride * height * 3 // 2].reshape(height // 2, stride)
        u, v = chroma[:, 0:width:2], chroma[:, 1:width:2]
        half = [Image.fromarray(np.ascontiguousarray(part)) for part in (u, v)]
        whole = [part.resize((width, height), Image.Resampling.NEAREST) for part in half]
        merged = Image.merge("YCbCr", [Image.fromarray(np.ascontiguousarray(luma)), *whole])
        return np.ascontiguousarray(np.asarray(merged.convert("RGB"))[:, :, ::-1])

    def get_metadata(self) -> dict[str, Any]:
        return self._request.get_metadata()

    def release(self) -> None:
        self._request.release()


class VirtualPi(tidily(Picamera2)):
    """Picamera2 where there is no Pi."""

    def _get_raw_modes(self) -> list[dict[str, Any]]:
        roles = [libcamera.StreamRole.Viewfinder]
        formats = self.camera.generate_configuration(roles).at(0).formats
        return [
            {"format": str(pixels), "size": (size.width, size.height)}
            for pixels in formats.pixel_formats
            for size in formats.sizes(pixels)
        ]

    def create_video_configuration(self, **wishes: Any) -> Any:
        wishes["main"] = {**wishes.get("main", {}), "format": "NV12"}
        return super().create_video_configuration(**{**wishes, "raw": None})

    def start_(self) -> None:
        # The virtual pipeline completes requests while they are being queued, as no sensor could;
        # the library forgets those that it gets to see before it calls itself started.
        with self._cm._lock:
            super().start_()

    def close(self) -> None:
        try:
            super().close()
        except RuntimeError as error:
            # Its very last act is to make an allocator for a next opening, from the DMA heap.
            if "dmaHeap" not in str(error):
                raise

    def capture_request(self, *, wait: float) -> VirtualRequest:
        main = self.camera_configuration()["main"]
        return VirtualRequest(super().capture_request(wait=wait), main["size"], main["stride"])


def open_virtual(wanted: str) -> VirtualPi:
    """Open the camera that is meant, as ``open_picamera2`` does."""
    found = find_camera(wanted, pi_cameras(Picamera2.global_camera_info()), "Pi camera")
    return VirtualPi(int(found.handle), allocator=MemoryAllocator())
