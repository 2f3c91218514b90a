"""Renders synthetic scenes whose truth is known, and tells that truth.

```python
scene = Scene(shots=(Shot(num_frames=120, background="brick", sprites=(sprite,)),))
write_video(path, render(scene), scene.fps)
facts = truth(scene)              # cuts, camera, centres, entry and exit frames
visible_masks(scene, 10)          # bool [S, H, W]
carry(scene, sprite, points, 0, 60)
```
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from clipmill.demo.matching import on_mask
from clipmill.demo.photos import backdrop, cutout
from clipmill.demo.spec import (
    Camera,
    Matrix,
    Scene,
    Shot,
    Sprite,
    background_motion,
    camera_matrix,
    carry,
    move,
    shift,
    sprite_matrix,
    sprite_named,
)
from clipmill.demo.truth import PRESENT_SHARE, SceneTruth, SpriteTruth
from clipmill.video.writing.plain_writer import write_video

__all__ = [
    "PRESENT_SHARE",
    "Camera",
    "Scene",
    "SceneTruth",
    "Shot",
    "Sprite",
    "SpriteTruth",
    "background_motion",
    "camera_matrix",
    "carry",
    "move",
    "point_visibility",
    "render",
    "render_frame",
    "sprite_matrix",
    "sprite_named",
    "truth",
    "visible_masks",
    "write_video",
]

_NOISE_ROOM = 64  # The noise is one fixed field, drawn from at a random place for each frame.

Window = tuple[slice, slice]


def render(scene: Scene) -> Iterator[npt.NDArray[np.uint8]]:
    """Yield the frames, uint8 [H, W, 3] RGB, in order; the same scene gives the same bytes."""
    noise = _noise_field(scene)
    for frame in range(scene.num_frames):
        yield _finish(scene, _compose(scene, frame), frame, noise)


def render_frame(scene: Scene, frame: int) -> npt.NDArray[np.uint8]:
    """Return one frame, equal to the one that `render` yields at this place."""
    return _finish(scene, _compose(scene, frame), frame, _noise_field(scene))


def _compose(scene: Scene, frame: int) -> npt.NDArray[np.uint8]:
    shot = scene.shot_at(frame)
    camera = tuple(camera_matrix(scene, frame).ravel().tolist())
    size = scene.width, scene.height
    canvas = _background(shot.background, shot.background_scale, size, camera).copy()
    for sprite in shot.sprites:
        placed = _place(scene, sprite, frame)
        if placed is None:
            continue
        window, matrix, size = placed
        image, alpha = cutout(sprite.photo, sprite.crop, sprite.size, sprite.outline)
        colours = cv2.warpAffine(
            image, matrix[:2], size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        weight = cv2.warpAffine(alpha, matrix[:2], size, flags=cv2.INTER_LINEAR)[..., None]
        blended = canvas[window] * (1 - weight) + colours * weight
        canvas[window] = np.rint(blended).astype(np.uint8)
    return canvas


@lru_cache(maxsize=2)
def _background(
    photo: str, scale: float, size: tuple[int, int], camera: tuple[float, ...]
) -> npt.NDArray[np.uint8]:
    """Warp a backdrop; the result is shared between the frames of a still camera."""
    width, height = size
    image = backdrop(photo, width, height, scale)
    # The photograph's centre lies at the frame's centre at frame 0.
    to_plane = shift((width - image.shape[1]) / 2, (height - image.shape[0]) / 2)
    return np.asarray(
        cv2.warpAffine(
            image,
            (np.array(camera).reshape(3, 3) @ to_plane)[:2],
            size,
            flags=cv2.INTER_CUBIC,
            borderMode=cv2.BORDER_REFLECT_101,
        )
    )


def _place(
    scene: Scene, sprite: Sprite, frame: int
) -> tuple[Window, Matrix, tuple[int, int]] | None:
    """Return the part of the picture a sprite touches, the map into it and its (w, h)."""
    matrix = sprite_matrix(scene, sprite, frame)
    width, height = sprite.size
    corners = move(matrix, np.array([[0, 0], [width, 0], [width, height], [0, height]]))
    x0, y0 = np.maximum(np.floor(corners.min(axis=0)).astype(int) - 2, 0)
    x1, y1 = np.minimum(np.ceil(corners.max(axis=0)).astype(int) + 3, [scene.width, scene.height])
    if x0 >= x1 or y0 >= y1:
        return None
    window = slice(int(y0), int(y1)), slice(int(x0), int(x1))
    return window, shift(-x0, -y0) @ matrix, (int(x1 - x0), int(y1 - y0))


def _noise_field(scene: Scene) -> npt.NDArray[np.int16]:
    if scene.noise <= 0:
        return np.zeros((0, 0, 3), np.int16)
    shape = scene.height + _NOISE_ROOM, scene.width + _NOISE_ROOM, 3
    field = np.random.default_rng(scene.seed).standard_normal(shape, np.float32)
    return np.rint(field * scene.noise).astype(np.int16)


def _finish(
    scene: Scene, picture: npt.NDArray[np.uint8], frame: int, noise: npt.NDArray[np.int16]
) -> npt.NDArray[np.uint8]:
    if scene.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), scene.blur)
    if scene.gain != 1:
        picture = cv2.convertScaleAbs(picture, alpha=scene.gain)
    if scene.text:
        _write_text(picture, scene.text)
    if noise.size:
        top, left = np.random.default_rng([scene.seed, frame]).integers(0, _NOISE_ROOM, 2)
        patch = noise[top : top + scene.height, left : left + scene.width]
        picture = cv2.add(picture, np.ascontiguousarray(patch), dtype=cv2.CV_8U)
    return picture


def _write_text(picture: npt.NDArray[np.uint8], text: str) -> None:
    height, width = picture.shape[:2]
    scale, lines = height / 250, text.split("\n")
    for number, line in enumerate(lines):
        (wide, tall), _ = cv2.getTextSize(line, cv2.FONT_HERSHEY_SIMPLEX, scale, 2)
        place = (width - wide) // 2, height - int(tall * (0.7 + 1.6 * (len(lines) - 1 - number)))
        for colour, thickness in (((0, 0, 0), 8), ((255, 255, 255), 3)):
            cv2.putText(
                picture, line, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, thickness,
                cv2.LINE_AA,
            )  # fmt: skip


def visible_masks(scene: Scene, frame: int, *, occlusion: bool = True) -> npt.NDArray[np.bool_]:
    """Return where each sprite of the frame's shot is seen.

    Args:
        scene: The scene.
        frame: Frame of the scene.
        occlusion: Whether sprites in front hide those behind.

    Returns:
        bool [S, H, W], in the order of the shot's sprites; True where the sprite covers at least
        half of the pixel.
    """
    sprites = scene.shot_at(frame).sprites
    masks = np.zeros((len(sprites), scene.height, scene.width), bool)
    for number, sprite in enumerate(sprites):
        placed = _place(scene, sprite, frame)
        if placed is None:
            continue
        window, matrix, size = placed
        _, alpha = cutout(sprite.photo, sprite.crop, sprite.size, sprite.outline)
        own = cv2.warpAffine(alpha, matrix[:2], size, flags=cv2.INTER_LINEAR) >= 0.5
        masks[(number, *window)] = own
        if occlusion:
            masks[(slice(0, number), *window)] &= ~own
    return masks


def point_visibility(
    scene: Scene, sprite: Sprite, points: npt.NDArray[Any], frame: int
) -> npt.NDArray[np.bool_]:
    """Tell which points (float [N, 2], x, y at `frame`) lie on the seen part of a sprite."""
    number = scene.shot_at(frame).sprites.index(sprite)
    return on_mask(visible_masks(scene, frame)[number], points)


def truth(scene: Scene) -> SceneTruth:
    """Work out everything that can be asked of a scene but its masks (see `visible_masks`)."""
    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    shares: dict[tuple[int, str], list[float]] = {}
    for frame in range(scene.num_frames):
        number, _ = scene.locate(frame)
        masks = visible_masks(scene, frame, occlusion=False)
        for sprite, mask in zip(scene.shots[number].sprites, masks, strict=True):
            key = number, sprite.name
            middle = np.array([[(sprite.size[0] - 1) / 2, (sprite.size[1] - 1) / 2]])
            matrix = sprite_matrix(scene, sprite, frame)
            x, y = move(matrix, middle)[0]
            found.setdefault(key, []).append((float(x), float(y)))
            _, alpha = cutout(sprite.photo, sprite.crop, sprite.size, sprite.outline)
            whole = float((alpha >= 0.5).sum() * np.linalg.det(matrix[:2, :2]))
            shares.setdefault(key, []).append(float(mask.sum()) / whole)
    starts = (0, *scene.cuts)
    sprites = tuple(
        SpriteTruth.from_shares(
            name=name, start=starts[number], centres=found[number, name], shares=share
        )
        for (number, name), share in shares.items()
    )
    return SceneTruth(scene=scene, cuts=scene.cuts, sprites=sprites)
