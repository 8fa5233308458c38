"""What a frame and a second of sound cost, in operations: held to benchmarks/budget.toml."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

sys.path.append(str(Path(__file__).parents[1]))
import fixed_scenes
from fixed_scenes import blocks_of, frames_of, hear, see
from operation_counts import counted

from edge_affect.errors import InputMissingError
from edge_affect.perception import face_landmarks
from edge_affect.perception.face_detection import FaceDetector
from edge_affect.perception.face_following import FaceFollower
from edge_affect.perception.picture import cut
from edge_affect.perception.sound_events import SoundEventModel
from edge_affect.perception.voice import VoiceReader

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = Path(__file__).parents[2] / "benchmarks" / "budget.toml"
SCENES: dict[str, Callable[[], Any]] = {
    "one_face": lambda: fixed_scenes.one_face(10),
    "two_faces": lambda: fixed_scenes.two_faces(10),
    "empty_room": lambda: fixed_scenes.empty_room(10),
    "speech": lambda: fixed_scenes.speech(4),
    "silence": lambda: fixed_scenes.silence(4),
}
PEAK_TOLERANCE = 0.1
"""Versions of Python differ in the sizes of their objects; an array of a frame is far more."""


@pytest.fixture(scope="module")
def budget() -> dict[str, Any]:
    return tomllib.loads(BUDGET.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def paths() -> dict[str, Any]:
    try:
        return built_paths()
    except InputMissingError as error:
        pytest.skip(str(error))


def built_paths() -> dict[str, Any]:
    """Return the paths of pictures and of sound, with everything in their caches."""
    paths = {"pictures": fixed_scenes.path_of_pictures(), "sound": fixed_scenes.path_of_sound()}
    see(*paths["pictures"], frames_of(SCENES["one_face"]()))
    hear(*paths["sound"], blocks_of(SCENES["speech"]()))
    return paths


def cost_of(paths: dict[str, Any], scene: str) -> dict[str, Any]:
    """Return what a scene costs, from nobody and nothing on."""
    is_sound = scene in ("speech", "silence")
    path, clock = paths["sound" if is_sound else "pictures"]
    play, items_of = (hear, blocks_of) if is_sound else (see, frames_of)
    path.forget()
    items = items_of(SCENES[scene](), clock.now_ns())
    return counted(lambda: play(path, clock, items))


def strays(cost: dict[str, Any], budget: dict[str, Any]) -> list[str]:
    """Return in words what differs from the budget of a scene, dearer and cheaper alike."""
    found = []
    for group in sorted({*cost, *budget} - {"peak_kib"}):
        spent, allowed = cost.get(group, {}), budget.get(group, {})
        found += [
            f"{group}.{name} is {spent.get(name, 0)}, the budget says {allowed.get(name, 0)}"
            for name in sorted({*spent, *allowed})
            if spent.get(name, 0) != allowed.get(name, 0)
        ]
    if cost["peak_kib"] > budget["peak_kib"] * (1 + PEAK_TOLERANCE):
        found.append(f"peak_kib is {cost['peak_kib']}, the budget says {budget['peak_kib']}")
    return found


@pytest.mark.parametrize("scene", SCENES)
def test_a_scene_costs_what_the_budget_says(paths, budget, scene) -> None:
    found = strays(cost_of(paths, scene), budget[scene])
    assert not found, (
        f"{scene}: {'; '.join(found)}. Take the cost back, or change benchmarks/budget.toml on "
        "purpose; docs/performance.md says how."
    )


def test_the_scenes_reach_every_model(budget) -> None:
    reached = {name for scene in budget.values() for name in scene.get("models", {})}
    assert reached == {
        "face_detection_near", "face_detection_far", "face_landmark", "iris_landmark",
        "face_expression", "voice_expression", "voice_activity", "sound_events",
        "speech_detection_calls", "speech_detection_chunks",
    }  # fmt: skip


def plant(monkeypatch, owner: Any, name: str, planted: Callable[..., Any]) -> None:
    """Put a fault around a function; ``planted`` gets the function itself first."""
    sound = getattr(owner, name)
    monkeypatch.setattr(owner, name, lambda *args, **options: planted(sound, *args, **options))


def test_an_extra_copy_of_the_frame_is_told(paths, budget, monkeypatch) -> None:
    def copied(observe: Any, self: Any, frame: Any) -> Any:
        np.copyto(kept := frame.pixels.copy(), frame.pixels)
        return observe(self, frame) if kept.any() else None

    plant(monkeypatch, FaceFollower, "observe", copied)
    found = strays(cost_of(paths, "one_face"), budget["one_face"])
    assert any(text.startswith("arrays.copy is") for text in found)
    assert any(text.startswith("arrays.copied_bytes is") for text in found)


def test_a_copy_that_no_call_makes_is_told_by_the_peak(paths, budget, monkeypatch) -> None:
    def summed(observe: Any, self: Any, frame: Any) -> Any:
        kept = frame.pixels + np.uint8(0)
        return observe(self, frame) if kept.any() else None

    plant(monkeypatch, FaceFollower, "observe", summed)
    [found] = strays(cost_of(paths, "one_face"), budget["one_face"])
    assert found.startswith("peak_kib is")


def test_a_second_detector_call_is_told(paths, budget, monkeypatch) -> None:
    def twice(candidates: Any, *args: Any) -> Any:
        candidates(*args)
        return candidates(*args)

    plant(monkeypatch, FaceDetector, "candidates", twice)
    found = strays(cost_of(paths, "one_face"), budget["one_face"])
    near = budget["one_face"]["models"]["face_detection_near"]
    assert f"models.face_detection_near is {2 * near}, the budget says {near}" in found


def test_an_extra_resize_is_told(paths, budget, monkeypatch) -> None:
    def twice(pixels: Any, square: Any, size_px: int, **options: Any) -> Any:
        cut(pixels, square, size_px, is_quick=True)
        return cut(pixels, square, size_px, **options)

    monkeypatch.setattr(face_landmarks, "cut", twice)
    found = strays(cost_of(paths, "one_face"), budget["one_face"])
    told = {text.split(" ")[0] for text in found}
    assert {"pictures.transform", "pictures.filled", "pictures.taken_out"} <= told


def test_a_part_of_a_frame_taken_apart_value_by_value_is_told(paths, budget, monkeypatch) -> None:
    from PIL import Image

    from edge_affect.perception import picture

    monkeypatch.setattr(picture, "_as_image", lambda pixels, part: Image.fromarray(pixels[part]))
    found = strays(cost_of(paths, "one_face"), budget["one_face"])
    told = {text.split(" ")[0] for text in found}
    assert {"pictures.fromarray", "arrays.tobytes"} <= told


def test_a_second_run_of_the_event_model_is_told(paths, budget, monkeypatch) -> None:
    def twice(probabilities: Any, *args: Any) -> Any:
        probabilities(*args)
        return probabilities(*args)

    plant(monkeypatch, SoundEventModel, "probabilities", twice)
    found = strays(cost_of(paths, "speech"), budget["speech"])
    events = budget["speech"]["models"]["sound_events"]
    assert f"models.sound_events is {2 * events}, the budget says {events}" in found


def test_an_extra_copy_of_every_block_is_told(paths, budget, monkeypatch) -> None:
    def copied(feed: Any, self: Any, block: Any) -> Any:
        return feed(self, type(block)(block.samples.copy(), block.start_ns, block.n_lost))

    plant(monkeypatch, VoiceReader, "feed", copied)
    found = strays(cost_of(paths, "silence"), budget["silence"])
    assert any(text.startswith("arrays.copy is") for text in found)


def test_less_than_the_budget_is_told_as_well(paths, budget, monkeypatch) -> None:
    plant(monkeypatch, FaceDetector, "candidates", lambda candidates, *args: candidates(*args))
    dearer = {**budget["empty_room"], "models": {"face_detection_near": 1_000}}
    found = strays(cost_of(paths, "empty_room"), dearer)
    assert any("face_detection_near" in text and "1000" in text for text in found)
