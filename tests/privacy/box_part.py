"""Test-only entry point of both processes of a box: planted landmarks and, on request, leaks.

``box_part.py sense|publish ...`` is the product but for faces: they are always found in one place,
with planted landmarks, so that a test knows what to search for. With ``LEAK_INTO=folder`` in the
environment it is a box that leaks through everything that a test must search.
"""

import base64
import json
import logging
import mmap
import os
import sys
from pathlib import Path

WORDS = "the marmalade sits behind the seventh lighthouse"
"""Stands for what somebody said; the clip of the test carries it as its title."""
CHUNK_BYTES = 12_000
log = logging.getLogger("edge_affect.sensing")


def planted_points():
    """Return the landmarks of the one face there is, shape (468, 2), float32."""
    import numpy as np

    rng = np.random.default_rng(468)
    return np.add(rng.uniform(-40, 40, (468, 2)), (160, 120)).astype(np.float32)


def plant_face():
    import numpy as np

    from edge_affect.perception.face_landmarks import FaceLandmarker, FaceLandmarks
    from edge_affect.perception.face_search import FaceSearch
    from edge_affect.types import Box, FaceDetection

    keypoints = np.array(
        [[145, 105], [175, 105], [160, 125], [160, 140], [125, 110], [195, 110]], np.float32
    )
    face = FaceDetection(Box(115, 75, 90, 90), keypoints, 0.97)
    mesh = FaceLandmarks(planted_points(), 0.99, np.zeros(468, np.float32))
    FaceSearch.find = lambda _self, _pixels: (face,)
    FaceSearch.look = lambda _self, _pixels, _looks: (face,)
    FaceLandmarker.locate = lambda _self, _pixels, _detection, **_how: mesh


class Leak:
    """Everything a box must not do, done in every place that a test can look into."""

    def __init__(self, folder):
        self._folder = Path(folder)
        self._secrets = {}
        self._mapping = None
        self._is_done = False

    def secrets(self):
        return b"".join(secret.ljust(CHUNK_BYTES, b"\0") for secret in self._secrets.values())

    def note(self, name, data):
        if name not in self._secrets:
            self._secrets[name] = data[:CHUNK_BYTES]
        if len(self._secrets) == 4 and not self._is_done:
            self._is_done = True
            self._to_file()
            self._to_mapping()
            self._to_log()

    def _to_file(self):
        (self._folder / "dump.bin").write_bytes(self.secrets())

    def _to_mapping(self):
        path = self._folder / "mapped.bin"
        with path.open("wb+") as file:
            file.truncate(4 * CHUNK_BYTES)
            self._mapping = mmap.mmap(file.fileno(), 4 * CHUNK_BYTES)
        path.unlink()  # to be found in the mapping only
        self._mapping.write(self.secrets())

    def _to_log(self):
        log.info("pixels %s", base64.b64encode(self._secrets["pixels"]).decode())
        samples = memoryview(self._secrets["samples"]).cast("f")
        log.info("samples %s", json.dumps(list(samples[:400])))
        log.info("points %s", json.dumps(planted_points().astype(float).tolist()))
        log.info("heard: %s", self._secrets["words"].decode())


def open_the_cage():
    """Make a build whose cage is none and whose proof is a lie."""
    from edge_affect.sensing import cage

    cage.enter = cage.seal = lambda _policy: None
    cage.prove = lambda: cage.CageProof(cage._PROOF_TOKEN, ())


def leak_from_sensing(folder):
    from edge_affect.sensing.outlet import DatagramOutlet
    from edge_affect.sensing.pipeline import Pipeline

    leak = Leak(folder)
    if "EDGE_AFFECT_LEAK_SPOKEN" in os.environ:
        leak_spoken(leak)
    on_block, on_frame, send = Pipeline.on_block, Pipeline.on_frame, DatagramOutlet.send

    def leaky_block(self, block):
        leak.note("samples", block.samples.tobytes())
        if "EDGE_AFFECT_LEAK_SPOKEN" not in os.environ:
            leak.note("words", WORDS.encode())
        on_block(self, block)

    def leaky_frame(self, frame):
        leak.note("pixels", frame.pixels.tobytes())
        leak.note("landmarks", planted_points().tobytes())
        on_frame(self, frame)

    def leaky_send(self, record):
        send(self, record)
        if leak._is_done:
            self._socket.send(leak.secrets())

    Pipeline.on_block, Pipeline.on_frame = leaky_block, leaky_frame
    DatagramOutlet.send = leaky_send


def leak_spoken(leak):
    """Make a build that keeps what was recognised."""
    from edge_affect.perception.transcript import Transcript

    start = Transcript.__init__

    def greedy_start(self, text):
        start(self, text)
        if text.strip():
            leak.note("words", text.encode())

    Transcript.__init__ = greedy_start


def leak_from_publishing():
    from edge_affect.publishing import daemon
    from edge_affect.publishing.inlet import Inlet

    received = {}
    to_json = daemon.to_json

    class Greedy:
        def __init__(self, sock):
            self._sock = sock

        def recv(self, _size):
            datagram = self._sock.recv(1 << 16)
            if len(datagram) > 100:
                received["note"] = base64.b64encode(datagram).decode()
            return datagram

        def __getattr__(self, name):
            return getattr(self._sock, name)

    start = Inlet.__init__

    def greedy_start(self, sock):
        start(self, sock)
        self._sock = Greedy(sock)

    Inlet.__init__ = greedy_start
    daemon.to_json = lambda payload: to_json({**payload, **received})


def main():
    role = sys.argv[1]
    folder = os.environ.get("EDGE_AFFECT_LEAK_INTO")
    if role == "sense":
        from edge_affect.commands import sense

        if folder:
            open_the_cage()
        build = sense._daemon

        def build_planted(*arguments):
            plant_face()
            if folder:
                leak_from_sensing(folder)
            return build(*arguments)

        sense._daemon = build_planted  # numpy starts threads, which must come after the cage
    elif folder:
        leak_from_publishing()
    from edge_affect import cli

    sys.exit(cli.main(sys.argv[1:]))


if __name__ == "__main__":
    main()
