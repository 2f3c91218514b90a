"""Small videos of cut-out photographs with their rows, for tests of objects and inout."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from clip_inputs import probed
from plain_rows import tracks_of

from clipmill.annotations.base import Backend, BackendConfig, ClipInput
from clipmill.annotations.objects.queries.points import query_points
from clipmill.annotations.objects.schema import Anchor, CarriedObject, DetectedObject, ObjectsRow
from clipmill.annotations.tracks.schema import TracksRow
from clipmill.clips import Clip, object_id_for
from clipmill.demo.scene import (
    Scene,
    Shot,
    Sprite,
    carry,
    point_visibility,
    render,
    visible_masks,
    write_video,
)
from clipmill.store.codecs import encode_array, encode_mask
from clipmill.vision.masks import box_of

SIZE = (426, 240)


def face(**options: Any) -> Sprite:
    """Return a round cut-out of a face."""
    shape = {"photo": "astronaut", "crop": (60, 0, 360, 300), "size": (110, 110)}
    return Sprite(**{"name": "face", **shape, **options})


def pillar(**options: Any) -> Sprite:
    """Return a tall cut-out of a cat that hides what goes behind it."""
    shape = {"photo": "chelsea", "crop": (100, 20, 400, 280), "size": (140, 260)}
    return Sprite(**{"name": "pillar", "outline": "superellipse", **shape, **options})


def scene(*sprites: Sprite, length: int = 60, background: str = "china", **shot: Any) -> Scene:
    """Return a scene of one shot."""
    only = Shot(num_frames=length, background=background, sprites=sprites, **shot)
    return Scene(shots=(only,), width=SIZE[0], height=SIZE[1])


def run(backend: type[Backend], item: ClipInput, **config: Any) -> Any:
    """Run a backend on one clip."""
    settings: BackendConfig = backend.Config(**config)
    made = backend(settings)
    made.setup()
    (row,) = made.annotate([made.load(item)])
    return row


def item_of(path: Path, made: Scene, *, start: int = 0, end: int | None = None) -> ClipInput:
    """Write a scene to a file and return its clip, probed."""
    write_video(path, render(made), made.fps)
    return probed(path, start, end)


def true_rows(
    item: ClipInput, made: Scene, *, anchor: int, horizon: int = 171
) -> Mapping[str, Any]:
    """Return the objects and tracks rows of a perfect backend for the first sprite.

    Args:
        item: The clip.
        made: Its scene; the clip's start is added to clip frames.
        anchor: Frame of the clip.
        horizon: Most frames of tracks.
    """
    begin = item.clip.start
    mask = visible_masks(made, begin + anchor)[0]
    name = object_id_for(item.clip.clip_id, anchor, 0)
    size = (made.width, made.height)
    points = query_points(mask, size=size, margin=3, seed=1)
    found = DetectedObject(
        object_id=name,
        class_name="object",
        confidence=1.0,
        area=float(mask.mean()),
        box=box_of(mask, size=size),
        mask=encode_mask(mask),
        points=encode_array(points),
        motion=None,
        identity=0,
    )
    carried = true_masks(made, 0, item.clip)
    objects = ObjectsRow((Anchor(anchor, (found,)),), 1, 1, (carried,))
    sprite = made.shots[0].sprites[0]
    frames = range(anchor, min(item.clip.num_frames, anchor + horizon))
    paths = [carry(made, sprite, points, begin + anchor, begin + t) for t in frames]
    seen = [
        point_visibility(made, sprite, path, begin + t)
        for t, path in zip(frames, paths, strict=True)
    ]
    tracks = tracks_of(name, anchor, np.stack(paths), np.stack(seen))
    return {"objects": objects, "tracks": TracksRow((tracks,), 1)}


def true_masks(made: Scene, sprite: int, clip: Clip) -> CarriedObject:
    """Return the masks of a sprite over a clip, as a perfect objects backend carries them."""
    masks = [visible_masks(made, clip.start + t)[sprite] for t in range(clip.num_frames)]
    sure = np.array([mask.any() for mask in masks], np.float16)
    blobs = tuple(encode_mask(mask) for mask in masks)
    return CarriedObject(sprite, 0, blobs, encode_array(sure), None)
