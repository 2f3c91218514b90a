"""Scores of camera motion and point tracks."""

from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.clips import Clip
from clipmill.demo.matching import on_mask, same_shot, sprite_under
from clipmill.demo.scene import carry, visible_masks
from clipmill.demo.score_base import DemoScore, Found, Truths, at_most, rows_of
from clipmill.demo.spec import Camera, Scene
from clipmill.store.codecs import decode_bits, decode_tracks

JUMP_PIXELS = 20
"""A point on another sprite has jumped there when its true place is at least this far away."""


def score_camera(truths: Truths, found: Found) -> list[DemoScore]:
    """Return the rotation of still cameras, and the relative error of pans and zooms.

    The worst clip counts. A camera is held to its pan or zoom only where it has one.
    """
    still: list[float] = []
    pans: list[float] = []
    zooms: list[float] = []
    for _, truth, (clip, row) in rows_of(truths, found, "camera"):
        camera = truth.scene.shot_at(clip.start).camera
        if camera == Camera():
            still.append(row.rotation)
        pan = float(np.hypot(*camera.pan))
        pans += [abs(row.pan_speed - pan) / pan] if pan else []
        zooms += _zoom_errors(camera, row)
    return [
        at_most(
            "camera: rotation of still cameras", max(still, default=0), 0.05,
            unit="degrees/frame", count=len(still),
        ),
        at_most("camera: pan speed, relative error", max(pans, default=0), 0.15, count=len(pans)),
        at_most("camera: zoom, relative error", max(zooms, default=0), 0.15, count=len(zooms)),
    ]  # fmt: skip


def _zoom_errors(camera: Camera, row: CameraRow) -> list[float]:
    rate = abs(float(np.log(camera.zoom)))
    return [abs(row.zoom - rate) / rate] if rate else []


def score_tracks(truths: Truths, found: Found) -> list[DemoScore]:
    """Return the median error of surviving points where they are seen, and points that jumped.

    Points that do not lie on the sprite at the anchor have no truth and are left out.
    """
    errors: list[npt.NDArray[np.float64]] = []
    jumped = points = 0
    for _, truth, (clip, row) in rows_of(truths, found, "tracks"):
        for item in row.objects:
            distances, jumps = _follow(truth.scene, clip, item)
            if distances is not None:
                errors.append(distances)
                jumped, points = jumped + int(jumps.sum()), points + len(jumps)
    joined = np.concatenate(errors) if errors else np.zeros(0)
    median = float(np.median(joined)) if len(joined) else None
    return [
        at_most("tracks: median error", median, 1.5, unit="px", count=len(joined)),
        at_most("tracks: points that jump to another object", jumped, 0, count=points),
    ]


def _follow(scene: Scene, clip: Clip, item: ObjectTracks) -> tuple[Any, npt.NDArray[np.bool_]]:
    """Return the errors of seen points (flat, pixels; None without a sprite) and who jumped."""
    anchor = clip.start + item.anchor
    survived = decode_bits(item.survived)
    tracks = decode_tracks(item.points)[:, survived]
    seen = decode_bits(item.visibility)[:, survived]
    match = sprite_under(visible_masks(scene, anchor), tracks[0])
    if match is None:
        return None, np.zeros(0, bool)
    number, on = match
    tracks, seen = tracks[:, on], seen[:, on]
    sprite = scene.shot_at(anchor).sprites[number]
    frames = same_shot(scene, anchor)
    errors = []
    jumped = np.zeros(int(on.sum()), bool)
    for t, places in enumerate(tracks):
        if anchor + t not in frames:
            break
        true = carry(scene, sprite, tracks[0], anchor, anchor + t)
        distance = np.linalg.norm(places - true, axis=1)
        masks = visible_masks(scene, anchor + t)
        here = on_mask(masks[number], true) & seen[t]
        errors.append(distance[here])
        others = np.asarray(np.delete(masks, number, axis=0).any(axis=0))
        jumped |= seen[t] & (distance >= JUMP_PIXELS) & on_mask(others, places)
    return np.concatenate(errors), jumped
