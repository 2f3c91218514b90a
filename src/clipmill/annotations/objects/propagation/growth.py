"""Tells whether what a look adds to a mask moves with the thing or stands with the background.

Two animals that touch in the picture become one component of any foreground; what stands still
beside a thing that walks is not part of it.
"""

import cv2
import numpy as np

from clipmill.annotations.objects.propagation.frames import ClipFrames
from clipmill.vision.dense_flow import Field, pixel_grid
from clipmill.vision.masks import Mask, components, grow

_LARGE = 0.03  # of the mask: smaller additions are its edge
_EDGE = 2  # working pixels that a mask may grow without a question
_APART = 0.5  # working pixels per frame by which thing and background must differ
_MOVES = 0.1  # share of a mask that must move before the rest can be said to stand
_SLOW = 0.3  # of the speed of what moves
_STEP = 8
_FEWEST = 12


def without_bystanders(frames: ClipFrames, frame: int, found: Mask, carried: Mask) -> Mask:
    """Return a found mask without added parts that move as the background does.

    Args:
        frames: The clip.
        frame: Where.
        found: bool [H, W], what a look showed.
        carried: bool [H, W], what came with the flow.
    """
    least = max(8.0, _LARGE * float(carried.sum()))
    parts = components(found & ~grow(carried, _EDGE), min_pixels=least)
    # What has come apart from the rest is asked as well, however it got in.
    parts += components(found, min_pixels=least)[1:]
    other = frame + 1 if frame + 1 < len(frames) else frame - 1
    if not parts or other < 0:
        return found
    flow = frames.flow(frame, other)
    still = background(flow, found | carried)
    core = components(found, min_pixels=1)[0] & carried if found.any() else found
    if still is None or not core.any():
        return found
    residual = flow - still
    own = np.median(residual[core], axis=0)
    apart = np.zeros_like(found)
    for part in parts:
        here = np.median(residual[part], axis=0)
        with_thing, with_ground = float(np.linalg.norm(here - own)), float(np.linalg.norm(here))
        if np.linalg.norm(own) > _APART and with_ground < 0.5 * with_thing:
            apart |= part
    if not apart.any():
        return found
    return found & ~_with_what_it_touches(apart, found, residual, float(np.linalg.norm(own)))


def _with_what_it_touches(apart: Mask, found: Mask, residual: Field, speed: float) -> Mask:
    """Return what stands apart with all that stands in one piece with it.

    A flow drags along a strip of what the thing has passed, look by look; a planted foot stands as
    well, but in one piece with nothing else.
    """
    slow = found & (np.linalg.norm(residual, axis=2) < _SLOW * speed)
    together = np.zeros_like(found)
    for piece in components(slow | apart, min_pixels=1):
        if (piece & apart).any():
            together |= piece
    return together


def standing(frames: ClipFrames, frame: int, mask: Mask) -> Mask:
    """Return the part of a mask that stands with the background while the rest moves.

    What a fast thing drags along in the flow is background. It may be a planted foot as well, so
    the caller asks a network before it takes this away.

    Args:
        frames: The clip.
        frame: Where.
        mask: bool [H, W].
    """
    other = frame + 1 if frame + 1 < len(frames) else frame - 1
    nothing = np.zeros_like(mask)
    if other < 0:
        return nothing
    flow = frames.flow(frame, other)
    still = background(flow, mask)
    if still is None:
        return nothing
    speed = np.linalg.norm(flow - still, axis=2)
    moving = mask & (speed > _APART)
    if not moving.any() or moving.sum() < _MOVES * mask.sum():
        return nothing
    slow = mask & (speed < _SLOW * float(np.median(speed[moving])))
    return cv2.medianBlur(slow.astype(np.uint8), 5) > 0


def background(flow: Field, objects: Mask) -> Field | None:
    """Return the motion of what lies outside of a mask as a field, from one homography."""
    height, width = objects.shape
    grid = pixel_grid(height, width)[_STEP // 2 :: _STEP, _STEP // 2 :: _STEP].reshape(-1, 2)
    column, row = grid.astype(int).T
    free = ~grow(objects, _STEP)[row, column]
    if free.sum() < _FEWEST:
        return None
    first = grid[free]
    second = first + flow[row, column][free]
    cv2.setRNGSeed(0)
    matrix, _ = cv2.findHomography(first, second, cv2.RANSAC, 1.0, maxIters=500)
    if matrix is None:
        return None
    everywhere = pixel_grid(height, width)
    moved = cv2.perspectiveTransform(everywhere.reshape(-1, 1, 2), matrix).reshape(height, width, 2)
    return np.asarray(moved - everywhere, np.float32)
