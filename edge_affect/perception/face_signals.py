"""Action-unit-like signals of one face, each in [0, 1], from its mesh.

What is measured is in ``face_measures``; here it is scaled. A measure is freed of what is left of
the pose after turning the mesh back (lids and brows still move a little with pitch and yaw), and
stretched so that 0 is a face at rest and 1 a strong show; the manifest of the landmark model holds
these numbers, ``tools/measure_signal_scales.py`` prints them from data. The scales are those of
people at large: what is usual for one person is fusion's to learn.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edge_affect.perception import face_measures as measures
from edge_affect.perception.face_pose import head_pose, in_head, mesh_px
from edge_affect.perception.signal_scale import SignalScale
from edge_affect.types import FaceSignals

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edge_affect.perception.face_gaze import Gaze
    from edge_affect.perception.face_landmarks import FaceLandmarks
    from edge_affect.perception.face_pose import HeadPose
    from edge_affect.perception.manifest import Manifest


@dataclass(frozen=True, slots=True)
class SignalScales:
    """All numbers of the signals, from the manifest of the landmark model.

    Attributes:
        eye_openness: Of ``eye_aspect_ratio``.
        mouth_openness: Of ``lip_gap``.
        smile: Of ``corner_pull``.
        brow_raise: Of ``brow_height``.
        brow_furrow: Of ``brow_frown``.
        smile_width: Share of the mouth's width in ``corner_pull``.
        smile_lift: Share of its corners' lift.
        furrow_inner: Share of the brows' inner ends in ``brow_frown``.
        furrow_outer: Share of their outer ends.
    """

    eye_openness: SignalScale
    mouth_openness: SignalScale
    smile: SignalScale
    brow_raise: SignalScale
    brow_furrow: SignalScale
    smile_width: float
    smile_lift: float
    furrow_inner: float
    furrow_outer: float

    @classmethod
    def from_manifest(cls, manifest: Manifest) -> SignalScales:
        """Read the numbers of a landmark model's `[thresholds]`.

        Raises:
            ManifestError: If one is missing or two ends of a scale are equal.
        """
        return cls(
            eye_openness=SignalScale.from_manifest(manifest, "eye_openness"),
            mouth_openness=SignalScale.from_manifest(manifest, "mouth_openness"),
            smile=SignalScale.from_manifest(manifest, "smile"),
            brow_raise=SignalScale.from_manifest(manifest, "brow_raise"),
            brow_furrow=SignalScale.from_manifest(manifest, "brow_furrow"),
            smile_width=manifest.threshold("smile_width"),
            smile_lift=manifest.threshold("smile_lift"),
            furrow_inner=manifest.threshold("furrow_inner"),
            furrow_outer=manifest.threshold("furrow_outer"),
        )


def corner_pull(mesh: NDArray[np.float64], scales: SignalScales) -> float:
    """Return how far the corners of the mouth are drawn out and up: AU 12.

    The zygomatic muscle pulls them aslant; the direction is the one that best separates happy from
    other faces (R. A. Fisher, 1936, linear discriminant).
    """
    width, lift = measures.mouth_width(mesh), measures.corner_lift(mesh)
    return scales.smile_width * width + scales.smile_lift * lift


def brow_frown(mesh: NDArray[np.float64], scales: SignalScales) -> float:
    """Return how far the brows are drawn down at their inner ends: AU 4.

    Weighed against the outer ends by Fisher's discriminant of angry and neutral faces. The distance
    between the brows is left out: on the mesh it does not tell the two apart.
    """
    inner, outer = measures.inner_brow_height(mesh), measures.outer_brow_height(mesh)
    return scales.furrow_inner * inner + scales.furrow_outer * outer


def signals(
    landmarks: FaceLandmarks,
    scales: SignalScales,
    gaze: Gaze | None = None,
    pose: HeadPose | None = None,
) -> FaceSignals:
    """Return what the geometry of one face shows.

    Args:
        landmarks: Its mesh, with depth.
        scales: Of the landmark model.
        gaze: What its eyes did lately, or None where none could be read. Its openness stands then
            for that of the mesh, which follows raised and narrowed lids but no closed ones.
        pose: Of its head, where it is known already.

    Raises:
        ShapeError: If the mesh has no depth, or all its points coincide.
    """
    pose = head_pose(landmarks) if pose is None else pose
    mesh = in_head(mesh_px(landmarks), pose)

    def scaled(scale: SignalScale, measure: float) -> float:
        return scale.signal(measure, pose.pitch_deg, pose.yaw_deg)

    if gaze is None:
        eye_openness = scaled(scales.eye_openness, measures.eye_aspect_ratio(mesh))
    else:
        eye_openness = gaze.eye_openness
    return FaceSignals(
        yaw_deg=pose.yaw_deg,
        pitch_deg=pose.pitch_deg,
        roll_deg=pose.roll_deg,
        gaze_yaw_deg=None if gaze is None else gaze.yaw_deg,
        gaze_pitch_deg=None if gaze is None else gaze.pitch_deg,
        eye_openness=eye_openness,
        mouth_openness=scaled(scales.mouth_openness, measures.lip_gap(mesh)),
        smile=scaled(scales.smile, corner_pull(mesh, scales)),
        brow_raise=scaled(scales.brow_raise, measures.brow_height(mesh)),
        brow_furrow=scaled(scales.brow_furrow, brow_frown(mesh, scales)),
    )
