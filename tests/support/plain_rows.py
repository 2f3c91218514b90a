"""Rows of what is simple: points that are all seen and survive, a camera that stands."""

from typing import Any

import numpy as np

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.store.codecs import encode_array, encode_bits, encode_tracks


def tracks_of(name: str, anchor: int, points: Any, visible: Any) -> ObjectTracks:
    """Return the tracks entry of points [T, N, 2] and visibility [T, N], all surviving."""
    length, count = visible.shape
    return ObjectTracks(
        object_id=name,
        anchor=anchor,
        num_frames=length,
        num_points=count,
        points=encode_tracks(np.asarray(points, np.float32)),
        visibility=encode_bits(np.asarray(visible, bool)),
        cycle_error=encode_array(np.zeros(count, np.float32)),
        survived=encode_bits(np.ones(count, bool)),
        survival=1.0,
        motion_strength=1.0,
        motion_speed=1.0,
        motion_compensated=1.0,
        visible_share=float(np.mean(visible)),
    )


def still_camera() -> CameraRow:
    """Return the row of a camera that stands still."""
    nothing = encode_array(np.zeros((1, 3, 3)))
    return CameraRow(
        frames=encode_array(np.array([0])),
        rotations=nothing,
        translations=nothing,
        steps=encode_array(np.zeros((0, 3))),
        focals=nothing,
        homographies=encode_array(np.zeros((0, 3, 3))),
        **dict.fromkeys(("rotation", "pan", "tilt", "roll", "zoom", "zoom_in"), 0.0),
        **dict.fromkeys(("translation", "truck", "pedestal", "dolly"), 0.0),
        **dict.fromkeys(("travel_share", "pan_speed", "residual"), 0.0),
        inlier_share=1.0,
        metric=False,
        focal_known=False,
    )
