"""Numbers over the frames of a clip: shot scores, and how the camera turns and travels."""

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.clips import Clip
from clipmill.store.codecs import decode_array

MOST: Final = 3000
"""Values of a curve that a page is given; of more, the highest of each few."""


def shot_curve(
    row: ShotsRow, holder: Clip, clip: Clip, *, threshold: float | None
) -> dict[str, Any]:
    """Return the shot scores over a clip.

    Args:
        row: The scores.
        holder: The clip that they are about, which holds the other.
        clip: The clip that is shown.
        threshold: That of the split; the backend's when None.

    Returns:
        `scores` (each the highest of `every` frames), `threshold`, `cuts` (frames of the clip that
        begin a shot, clip frames), `of` (id of the clip that was scored).
    """
    first = clip.start - holder.start
    scores = decode_array(row.scores)[first : first + clip.num_frames].astype(np.float64)
    scores = np.nan_to_num(scores)
    limit = row.threshold if threshold is None else threshold
    above = scores > limit
    # A run above the threshold is one transition, and its last frame begins the shot.
    cuts = np.flatnonzero(above & ~np.append(above[1:], False))
    every = -(-len(scores) // MOST) or 1
    padded = np.pad(scores, (0, -len(scores) % every))
    return {
        "scores": padded.reshape(-1, every).max(axis=1).round(4).tolist() if len(scores) else [],
        "every": every,
        "threshold": float(limit),
        "cuts": cuts.tolist(),
        "of": holder.clip_id,
    }


def camera_curve(row: CameraRow) -> dict[str, Any] | None:
    """Return where the camera looks and stands at the sampled frames; None where no row says.

    Returns:
        `frames`; `yaw` (right), `pitch` (up), `roll` (clockwise) in degrees; `zoom`, the focal
        length over that of the first frame; `travel`, [x, y, z] of the camera's centre or None;
        `metric`.
    """
    rotations = decode_array(row.rotations).astype(np.float64)
    if rotations.ndim != 3 or not len(rotations):
        return None
    frames, focals = decode_array(row.frames), decode_array(row.focals).astype(np.float64)
    keep = np.arange(0, len(rotations), -(-len(rotations) // MOST))
    ahead, right = rotations[:, 2, :], rotations[:, 0, :]
    centres = -np.einsum("tji,tj->ti", rotations, decode_array(row.translations).astype(float))
    turns = {
        "yaw": np.arctan2(ahead[:, 0], ahead[:, 2]),
        "pitch": np.arctan2(-ahead[:, 1], np.hypot(ahead[:, 0], ahead[:, 2])),
        "roll": np.arctan2(right[:, 1], np.hypot(right[:, 0], right[:, 2])),
    }
    return {
        "frames": frames[keep].tolist(),
        **{name: _numbers(np.degrees(np.unwrap(turn))[keep]) for name, turn in turns.items()},
        "zoom": _numbers((focals[:, 0] / focals[0, 0])[keep]) if len(focals) else [],
        "travel": [
            _numbers(centre) if np.isfinite(centre).all() else None for centre in centres[keep]
        ],
        "metric": row.metric,
    }


def seen_stretches(flags: npt.NDArray[np.bool_], first: int) -> list[list[int]]:
    """Return half-open ranges of frames in which something is seen.

    Args:
        flags: bool [T].
        first: Frame of the first of them.
    """
    edges = np.flatnonzero(np.diff(np.concatenate(([False], flags, [False]))))
    return [[int(a) + first, int(b) + first] for a, b in edges.reshape(-1, 2)]


def _numbers(values: npt.NDArray[np.float64]) -> list[float | None]:
    """JSON knows no NaN."""
    return [round(float(v), 4) if np.isfinite(v) else None for v in values]
