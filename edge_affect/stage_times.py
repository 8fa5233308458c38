"""What each stage of the installed box costs on this machine, on the clip of the demo.

The stages are the product's own objects, one by one, and the readers that put them together. Times
are processor time of the whole process, all its threads, so that other programs disturb them
little; the stages take turns, so that a machine that slows down slows all of them.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from itertools import cycle
from typing import TYPE_CHECKING

# Small products only: a second thread would wait for the first, and burn a core meanwhile.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

from edge_affect.clock import NS_PER_S, ManualClock
from edge_affect.config import Config
from edge_affect.demo_clip import SPEECH_RATE_HZ
from edge_affect.errors import MediaError
from edge_affect.perception.face_alignment import square_of_mesh
from edge_affect.perception.picture import cut
from edge_affect.record import SourceState, encode
from edge_affect.types import AudioBlock, VideoFrame

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from edge_affect.perception.face import FaceModels
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_search import FaceSearch
    from edge_affect.types import FaceDetection

    Pixels = NDArray[np.uint8]
    Samples = NDArray[np.float32]

FRAME, SECOND, VECTOR = "frame", "second of sound", "vector"
"""What one time is of."""
FILM_HZ = 10
FILM_START_S, FILM_S = 3.5, 7.0
"""The part of the clip with one close face, in one scene."""
SPEECH_START_S, SPEECH_S = 3.5, 7.0
"""The part of the clip in which somebody reads aloud."""
BLOCK = 512
EVENT_HOPS_PER_S = 5
WHOLE_PICTURE = "picture by itself: detection, landmarks, expression"
WHOLE_FILM = "frame of a film, one face, end to end"
WHOLE_SOUND = "second of speech, end to end"


@dataclass(frozen=True, slots=True)
class Stage:
    """One thing to time.

    Attributes:
        name: For people.
        of: ``FRAME``, ``SECOND`` or ``VECTOR``: what one call is.
        work: Does it once, on the next input.
    """

    name: str
    of: str
    work: Callable[[], object]


@dataclass(frozen=True, slots=True)
class ClipParts:
    """What the stages are given.

    Attributes:
        film: Consecutive frames, ten a second, of one face, each of shape ``(480, 640, 3)``.
        empty: A frame without a face.
        speech: Shape ``(n_samples,)``, float32, 16 kHz: somebody reads aloud.
    """

    film: tuple[Pixels, ...]
    empty: Pixels
    speech: Samples


def read_parts(video: Path, audio: Path) -> ClipParts:
    """Return the parts of the demo's clip that are timed.

    Args:
        video: The pictures, from `demo_clip.ensure`.
        audio: The sound.

    Raises:
        MediaError: If a file cannot be decoded or is shorter than the clip.
    """
    import wave

    import av

    film: list[Pixels] = []
    empty = None
    try:
        with av.open(str(video)) as clip:
            for frame in clip.decode(video=0):
                at_s = frame.time or 0.0
                if empty is None:
                    empty = frame.to_ndarray(format="rgb24")
                if at_s >= FILM_START_S + len(film) / FILM_HZ:
                    film.append(np.ascontiguousarray(frame.to_ndarray(format="rgb24")))
                if len(film) == round(FILM_S * FILM_HZ):
                    break
        with wave.open(str(audio)) as sound:
            sound.setpos(round(SPEECH_START_S * SPEECH_RATE_HZ))
            raw = sound.readframes(round(SPEECH_S * SPEECH_RATE_HZ))
    except (OSError, EOFError, wave.Error, av.FFmpegError) as error:
        raise MediaError(
            f"The demo clip {video} cannot be read ({error}); delete it, and it is made anew."
        ) from None
    if empty is None or len(film) < round(FILM_S * FILM_HZ):
        raise MediaError(f"The demo clip {video} is too short; delete it, and it is made anew.")
    speech = np.frombuffer(raw, "<i2").astype(np.float32) / 32768.0
    return ClipParts(tuple(film), np.ascontiguousarray(empty), speech)


def to_and_fro(film: Sequence[Pixels]) -> Iterator[Pixels]:
    """Yield frames for ever, forwards and backwards, so that nothing ever jumps.

    >>> from itertools import islice
    >>> list(islice(to_and_fro("abc"), 7))
    ['a', 'b', 'c', 'b', 'a', 'b', 'c']
    """
    return cycle([*film, *film[-2:0:-1]])


def face_stages(parts: ClipParts, models: FaceModels | None = None) -> list[Stage]:
    """Return the stages of a frame, the models loaded.

    Args:
        parts: Of the clip.
        models: To use; None loads the shipped ones.

    Raises:
        EdgeAffectError: If a model is missing or is not what its manifest says.
    """
    from edge_affect.perception.face import FaceModels, FaceReader
    from edge_affect.perception.face_gaze import GazeReader
    from edge_affect.perception.face_landmarks import FaceLandmarker
    from edge_affect.perception.face_search import FaceSearch

    models = FaceModels.load() if models is None else models
    settings = Config().face
    search = FaceSearch(models.near, models.far, settings.max_faces)
    landmarker = FaceLandmarker(models.landmarks)
    found = [(pixels, _surest(search, pixels)) for pixels in parts.film[::7]]
    meshed = [(pixels, landmarker.locate(pixels, face)) for pixels, face in found]
    size_px = models.expression.crop.size_px
    reader, follower, watcher = (FaceReader(models, settings) for _ in range(3))
    pictures, faces, meshes = cycle(parts.film[::7]), cycle(found), cycle(meshed)
    film, times_ns = to_and_fro(parts.film), iter(range(0, 10**15, NS_PER_S // FILM_HZ))
    empty_ns = iter(range(0, 10**15, NS_PER_S // FILM_HZ))

    def locate() -> FaceLandmarks:
        pixels, face = next(faces)
        return landmarker.locate(pixels, face, is_quick=True)

    def express() -> object:
        pixels, mesh = next(meshes)
        crop = cut(pixels, square_of_mesh(mesh), size_px, is_grey=True)
        return models.expression.probabilities(crop)

    stages = [
        Stage("face detection", FRAME, lambda: search.find(next(pictures))),
        Stage("landmarks of one face", FRAME, locate),
        Stage("expression of one face, crop included", FRAME, express),
        Stage(WHOLE_PICTURE, FRAME, lambda: reader.read(next(pictures))),
        Stage(WHOLE_FILM, FRAME, lambda: follower.observe(VideoFrame(next(film), next(times_ns)))),
        Stage(
            "frame of an empty room",
            FRAME,
            lambda: watcher.observe(VideoFrame(parts.empty, next(empty_ns))),
        ),
    ]
    if models.iris is not None:
        gaze, eyes = GazeReader(models.iris), cycle(meshed)

        def look() -> object:
            pixels, mesh = next(eyes)
            return gaze.read(pixels, mesh, is_quick=True)

        stages.insert(2, Stage("eye of one face, with its iris", FRAME, look))
    return stages


def picture_work(parts: ClipParts) -> Callable[[], tuple[FaceDetection, FaceLandmarks]]:
    """Return what detects the face of the next picture and puts the mesh on it, no more."""
    from edge_affect.perception.face import FaceModels
    from edge_affect.perception.face_landmarks import FaceLandmarker
    from edge_affect.perception.face_search import FaceSearch

    models = FaceModels.load()
    search = FaceSearch(models.near, models.far, 1)
    landmarker, pictures = FaceLandmarker(models.landmarks), cycle(parts.film[::7])

    def work() -> tuple[FaceDetection, FaceLandmarks]:
        pixels = next(pictures)
        face = _surest(search, pixels)
        return face, landmarker.locate(pixels, face)

    return work


def mesh_work(parts: ClipParts) -> Callable[[], FaceLandmarks]:
    """Return what puts the mesh on the next frame of the film, from where it was in the last one.

    A detector runs at the beginning alone, as long as the mesh fits.
    """
    from edge_affect.perception.face import FaceModels
    from edge_affect.perception.face_landmarks import FaceLandmarker
    from edge_affect.perception.face_search import FaceSearch
    from edge_affect.perception.face_track import face_of_mesh

    models = FaceModels.load()
    landmarker, film = FaceLandmarker(models.landmarks), to_and_fro(parts.film)
    face = _surest(FaceSearch(models.near, models.far, 1), parts.film[0])

    def work() -> FaceLandmarks:
        nonlocal face
        landmarks = landmarker.locate(next(film), face, is_quick=True)
        if landmarks.presence < models.landmarks.manifest.thresholds["min_presence"]:
            raise MediaError("The face of the demo clip was lost; delete it, and it is made anew.")
        face = face_of_mesh(landmarks)
        return landmarks

    return work


def _surest(search: FaceSearch, pixels: Pixels) -> FaceDetection:
    faces = search.find(pixels)
    if not faces:
        raise MediaError("No face is found in the demo clip; delete it, and it is made anew.")
    return faces[0]


def prosody_work(parts: ClipParts) -> Callable[[], object]:
    """Return what takes the next second of speech and tells the prosody of the latest window."""
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.perception.prosody import ProsodyHistory

    history = ProsodyHistory(VoiceExpressionModel.load().acoustic.n_window)
    seconds = _seconds(parts)

    def work() -> object:
        history.extend(next(seconds))
        return history.window()

    return work


def activity_work(parts: ClipParts) -> Callable[[], float]:
    """Return what finds speech in the next second, behind its level gate, in the box's steps."""
    from edge_affect.perception.chunk_activity import ChunkActivity
    from edge_affect.perception.speech_net import CHUNK_SAMPLES, SpeechModel

    n_chunks = SPEECH_RATE_HZ * 5 // 2 // CHUNK_SAMPLES
    activity, seconds = ChunkActivity(SpeechModel.load(), Config().voice, n_chunks), _seconds(parts)

    def work() -> float:
        for step in np.split(next(seconds), EVENT_HOPS_PER_S):
            activity.extend(step)
        return activity.share()

    return work


def sound_work(parts: ClipParts) -> Callable[[], int]:
    """Return what does all that is done to the next second of speech, in the box's blocks."""
    from edge_affect.sensing.assembly import build_voice_reader

    reader, seconds, start_ns = build_voice_reader(Config()), _seconds(parts), 0

    def work() -> int:
        nonlocal start_ns
        second, n_observations = next(seconds), 0
        for first in range(0, second.size, BLOCK):
            samples = second[first : first + BLOCK]
            block_ns = start_ns + first * NS_PER_S // SPEECH_RATE_HZ
            n_observations += len(reader.feed(AudioBlock(samples, block_ns)))
        start_ns += NS_PER_S
        return n_observations

    return work


def sound_stages(parts: ClipParts) -> list[Stage]:
    """Return the stages of a second of sound, the models loaded; errors as `face_stages`."""
    from edge_affect.perception.acoustic import log_mel_db
    from edge_affect.perception.activity import ActivityModel, SpeechActivity
    from edge_affect.perception.expression_model import VoiceExpressionModel
    from edge_affect.perception.sound_events import SoundEventModel

    voice, events = VoiceExpressionModel.load(), SoundEventModel.load()
    n_voice, n_events = voice.acoustic.n_window, events.acoustic.n_window
    voice_windows = _windows(parts.speech, n_voice, voice.acoustic.n_hop)
    voice_db = cycle([log_mel_db(window, voice.acoustic) for window in voice_windows])
    event_windows = _windows(parts.speech, n_events, SPEECH_RATE_HZ // EVENT_HOPS_PER_S)
    event_db = cycle([log_mel_db(window, events.acoustic) for window in event_windows])
    overlap = SpeechActivity(ActivityModel.load(), Config().voice, n_voice)
    mel_seconds, overlap_seconds = _seconds(parts), _seconds(parts)
    hops_per_s = max(1, round(SPEECH_RATE_HZ / voice.acoustic.n_hop))

    def listen_for_events() -> None:
        for _ in range(EVENT_HOPS_PER_S):
            events.probabilities(next(event_db))

    def express() -> None:
        for _ in range(hops_per_s):
            voice.read(next(voice_db))

    return [
        Stage("prosody", SECOND, prosody_work(parts)),
        Stage("speech activity", SECOND, activity_work(parts)),
        Stage("log-mels", SECOND, lambda: log_mel_db(next(mel_seconds), voice.acoustic)),
        Stage("several voices at once", SECOND, lambda: overlap.extend(next(overlap_seconds))),
        Stage("expression of the voice", SECOND, express),
        Stage("sound events", SECOND, listen_for_events),
        Stage(WHOLE_SOUND, SECOND, sound_work(parts)),
    ]


def vector_stages(parts: ClipParts) -> list[Stage]:
    """Return fusion, derived states, gate and the record's bytes, fed with the clip."""
    from edge_affect.sensing.assembly import build_pipeline

    clock = ManualClock()
    pipeline = build_pipeline(Config(), clock, has_sound=True, has_pictures=True)
    for number, pixels in enumerate(parts.film[: 4 * FILM_HZ]):
        at_ns = number * NS_PER_S // FILM_HZ
        first = number * SPEECH_RATE_HZ // FILM_HZ
        clock.advance_to(at_ns)
        pipeline.on_frame(VideoFrame(pixels.copy(), at_ns))
        samples = parts.speech[first : first + SPEECH_RATE_HZ // FILM_HZ].copy()
        pipeline.on_block(AudioBlock(samples, at_ns))

    def tell() -> bytes:
        return encode(pipeline.record(SourceState.OK, SourceState.OK))

    return [Stage("fusion, states, gate, 18 bytes", VECTOR, tell)]


def all_stages(parts: ClipParts) -> list[Stage]:
    """Return every stage, in the order in which a table shows them; errors as `face_stages`."""
    return [*face_stages(parts), *sound_stages(parts), *vector_stages(parts)]


def _seconds(parts: ClipParts) -> Iterator[Samples]:
    n_seconds = parts.speech.size // SPEECH_RATE_HZ
    return cycle(np.split(parts.speech[: n_seconds * SPEECH_RATE_HZ], n_seconds))


def _windows(samples: Samples, n_window: int, n_hop: int) -> list[Samples]:
    return [samples[first : first + n_window] for first in range(0, samples.size - n_window, n_hop)]


def time_in_turns(
    stages: Sequence[Stage],
    seconds: float,
    *,
    n_warm: int = 5,
    share_s: float = 0.04,
    now_ns: Callable[[], int] = time.process_time_ns,
) -> dict[str, list[float]]:
    """Return the times of every stage in ms, by its name, taken in turns.

    Args:
        stages: What to time.
        seconds: Wall clock for all of it; at least one turn is taken.
        n_warm: Calls of each before anything counts.
        share_s: A turn of a stage lasts about so long, at least one call.
        now_ns: The clock; processor time of the process by default.
    """
    calls: dict[str, int] = {}
    for stage in stages:
        started_ns = now_ns()
        for _ in range(n_warm):
            stage.work()
        one_s = max(1e-6, (now_ns() - started_ns) / NS_PER_S / max(1, n_warm))
        calls[stage.name] = max(1, round(share_s / one_s))
    times_ms: dict[str, list[float]] = {stage.name: [] for stage in stages}
    ends_s = time.monotonic() + seconds
    while True:
        for stage in stages:
            for _ in range(calls[stage.name]):
                started_ns = now_ns()
                stage.work()
                times_ms[stage.name].append((now_ns() - started_ns) / 1e6)
        if time.monotonic() >= ends_s:
            return times_ms
