"""Pictures of heads turned by known angles: a portrait, given depth, seen from elsewhere."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy.interpolate import LinearNDInterpolator, NearestNDInterpolator
from scipy.ndimage import distance_transform_edt
from scipy.spatial import ConvexHull

from edge_affect.perception.face_pose import HeadPose, mesh_px, rotation_of

MARGIN_PX = 48
CAMERA_AT = 10.0
"""Distance of the camera in distances of the eyes: 63 cm."""
RINGS = ((1.15, 0.2), (1.4, 0.5), (2.5, 0.8), (8.0, 0.8))
"""How far around the mesh the picture goes on, and how far back, in distances of the eyes."""


def depth_of(mesh: np.ndarray, shape: tuple[int, int], unit_px: float) -> np.ndarray:
    """Return a depth in pixels for every pixel, from a mesh and a surface falling off around it."""
    rim = mesh[ConvexHull(mesh[:, :2]).vertices]
    middle = mesh[:, :2].mean(axis=0)
    back_px = rim[:, 2].max()
    rings = []
    for reach, further in RINGS:
        ring = rim.copy()
        ring[:, :2] = middle + (rim[:, :2] - middle) * reach
        ring[:, 2] = np.maximum(rim[:, 2], (reach > RINGS[0][0]) * back_px) + further * unit_px
        rings.append(ring)
    points = np.concatenate([mesh, *rings])
    rows, columns = np.indices(shape) + 0.5
    depth = LinearNDInterpolator(points[:, :2], points[:, 2])(columns, rows)
    outside = np.isnan(depth)
    if outside.any():
        nearest = NearestNDInterpolator(points[:, :2], points[:, 2])
        depth[outside] = nearest(columns[outside], rows[outside])
    return np.asarray(depth)


def turned(
    pixels: np.ndarray, landmarks: object, pose: HeadPose, angles_deg: tuple[float, float, float]
) -> np.ndarray:
    """Return a portrait turned so that its head has a known yaw, pitch and roll.

    The truth is as good as the pose of the portrait, so portraits should face the camera.
    """
    wide = np.pad(pixels, ((MARGIN_PX, MARGIN_PX), (MARGIN_PX, MARGIN_PX), (0, 0)), mode="edge")
    mesh = np.add(mesh_px(landmarks), (MARGIN_PX, MARGIN_PX, 0))
    height, width = wide.shape[:2]
    depth = depth_of(mesh, (height, width), pose.scale_px)
    large = Image.fromarray(wide).resize((2 * width, 2 * height), Image.BICUBIC)
    deep = Image.fromarray(depth.astype(np.float32)).resize(large.size, Image.BILINEAR)
    rows, columns = (np.indices((2 * height, 2 * width)) + 0.5) / 2
    centre = np.array([*(pose.origin_px[:2] + MARGIN_PX), pose.origin_px[2]])
    places = np.stack([columns, rows, np.asarray(deep)], axis=-1).reshape(-1, 3) - centre
    places = places @ (rotation_of(*angles_deg) @ pose.rotation.T).T
    away = CAMERA_AT * pose.scale_px
    seen = places[:, :2] * (away / (away + places[:, 2]))[:, np.newaxis] + (width / 2, height / 2)
    column, row = np.floor(seen).astype(int).T
    order = np.argsort(-places[:, 2], kind="stable")
    is_in = (column >= 0) & (row >= 0) & (column < width) & (row < height)
    order = order[is_in[order]]
    picture = np.zeros_like(wide)
    is_hit = np.zeros((height, width), dtype=bool)
    picture[row[order], column[order]] = np.asarray(large).reshape(-1, 3)[order]
    is_hit[row[order], column[order]] = True
    nearest = distance_transform_edt(~is_hit, return_distances=False, return_indices=True)
    return np.ascontiguousarray(picture[nearest[0], nearest[1]])
