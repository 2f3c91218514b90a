"""Which sprite of a scene an annotated object is."""

from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.demo.spec import Scene


def iou(a: npt.NDArray[np.bool_], b: npt.NDArray[np.bool_]) -> float:
    """Return the intersection over union of two masks; 0 for two empty ones."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 0.0


def same_shot(scene: Scene, frame: int) -> range:
    """Return the frames of the shot that a frame belongs to."""
    number, within = scene.locate(frame)
    return range(frame - within, frame - within + scene.shots[number].num_frames)


_AREAS = (0.033, 0.4)  # of objects, as shares of the frame


def moving_sprites(
    scene: Scene,
    frame: int,
    masks: npt.NDArray[np.bool_],
) -> list[int]:
    """Return the numbers of the sprites that an object detector should find at a frame.

    Those that move on their own and whose seen area lies in `_AREAS`.
    """
    return [
        number
        for number, sprite in enumerate(scene.shot_at(frame).sprites)
        if sprite.moves and _AREAS[0] <= masks[number].mean() <= _AREAS[1]
    ]


def on_mask(mask: npt.NDArray[np.bool_], points: npt.NDArray[Any]) -> npt.NDArray[np.bool_]:
    """Tell which points [N, 2] (x, y) lie on a mask [H, W]; those outside of it do not."""
    x, y = np.rint(np.asarray(points).reshape(-1, 2)).astype(int).T
    height, width = mask.shape
    inside = (x >= 0) & (y >= 0) & (x < width) & (y < height)
    return np.asarray(inside & mask[y.clip(0, height - 1), x.clip(0, width - 1)])


def sprite_under(
    masks: npt.NDArray[np.bool_], points: npt.NDArray[Any]
) -> tuple[int, npt.NDArray[np.bool_]] | None:
    """Return the sprite that most points lie on, and which do.

    Args:
        masks: bool [S, H, W], the seen parts of sprites.
        points: float [N, 2], x, y.

    Returns:
        Number of the sprite and bool [N]; None when no point lies on any.
    """
    if not len(masks) or not len(points):
        return None
    on = np.stack([on_mask(mask, points) for mask in masks])
    best = int(on.sum(axis=1).argmax())
    return (best, on[best]) if on[best].any() else None
