"""Clips that the benchmark makes itself, with the rows that later stages read of earlier ones.

Two ellipses move over a moving ground. The clips are real H.264 files, so decoding costs what it
costs; what is in them does not matter to networks of random weights, but trackers and masks need
objects, and a random segmenter finds none that last.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
from plain_rows import still_camera, tracks_of

from clipmill.annotations.base import ClipInput
from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.objects.queries.points import query_points
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.probe.embedded import EmbeddedProbe
from clipmill.annotations.tracks.schema import TracksRow
from clipmill.clips import Clip, Video, object_id_for, video_id_for
from clipmill.store.codecs import encode_array, encode_mask
from clipmill.video.writing.writer import VideoWriter
from clipmill.vision.masks import box_of

_GROUND_STEP = (2, 1)
"""Pixels that the ground moves per frame, x and y."""


@dataclass(frozen=True)
class ClipPlan:
    """Which clips to make.

    Attributes:
        count: Number of files.
        num_frames: Of each.
        size: Width and height.
        horizon: Frames after an anchor that have tracks.
        fps: Frames per second.
    """

    count: int = 6
    num_frames: int = 200
    size: tuple[int, int] = (1280, 720)
    horizon: int = 170
    fps: int = 25

    def anchors(self) -> tuple[int, ...]:
        """Return the frames with objects: those that the published rule takes at this rate."""
        return (0, self.num_frames // 3)


TINY = ClipPlan(count=2, num_frames=104, size=(160, 96), horizon=12)


@dataclass(frozen=True)
class _Ellipse:
    """A thing that moves: middle at frame 0 and half axes in pixels, pixels per frame."""

    middle: tuple[float, float]
    axes: tuple[float, float]
    velocity: tuple[float, float]

    def mask(self, size: tuple[int, int], frame: int, scale: float = 1.0) -> np.ndarray:
        """Return bool [H, W] of a picture of the given size, `scale` times the source."""
        y, x = np.ogrid[: size[1], : size[0]]
        middle = (np.array(self.middle) + frame * np.array(self.velocity)) * scale
        away = ((x + 0.5 - middle[0]) / (self.axes[0] * scale)) ** 2
        return away + ((y + 0.5 - middle[1]) / (self.axes[1] * scale)) ** 2 <= 1


def make_clips(folder: Path, plan: ClipPlan) -> list[ClipInput]:
    """Write the files, probe them, and return their clips with objects, camera and tracks."""
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda number: _clip(folder, plan, number), range(plan.count)))


def _clip(folder: Path, plan: ClipPlan, number: int) -> ClipInput:
    rng = np.random.default_rng(number)
    things = _things(plan, rng)
    path = folder / f"clip-{number}.mp4"
    _write(path, plan, things, rng)
    video = Video(video_id_for(path.name), "", path.name, str(path), path.stat().st_size)
    whole = ClipInput(video, Clip(video.video_id, 0, 1))
    probe = EmbeddedProbe(EmbeddedProbe.Config())
    (row,) = probe.annotate([probe.load(whole)])
    clip = Clip(video.video_id, 0, row.num_frames)
    return replace(whole, probe=row, clip=clip, rows=_rows(clip.clip_id, plan, things))


def _things(plan: ClipPlan, rng: np.random.Generator) -> tuple[_Ellipse, ...]:
    width, height = plan.size
    axes = (0.13 * width, 0.22 * height)
    places = np.array([(0.25, 0.5), (0.7, 0.45)]) + rng.uniform(-0.04, 0.04, (2, 2))
    step = 0.1 * width / plan.num_frames
    left, right = ((float(x * width), float(y * height)) for x, y in places)
    return _Ellipse(left, axes, (step, 0.2 * step)), _Ellipse(right, axes, (-step, 0.3 * step))


def _texture(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Return uint8 [H, W, 3] with detail of all sizes, as photographs have."""
    total = np.zeros((*shape, 3), np.float32)
    for cell, weight in ((2, 0.15), (8, 0.25), (32, 0.3), (128, 0.3)):
        grid = rng.random((shape[0] // cell + 2, shape[1] // cell + 2, 3), np.float32)
        total += weight * cv2.resize(grid, shape[::-1], interpolation=cv2.INTER_CUBIC)
    return np.clip(total * 255, 0, 255).astype(np.uint8)


def _write(
    path: Path, plan: ClipPlan, things: tuple[_Ellipse, ...], rng: np.random.Generator
) -> None:
    width, height = plan.size
    right, down = (step * plan.num_frames for step in _GROUND_STEP)
    ground = _texture((height + down, width + right), rng)
    skins = [_texture((height, width), rng) for _ in things]
    with VideoWriter(path, size=plan.size, fps=Fraction(plan.fps)) as writer:
        for frame in range(plan.num_frames):
            x, y = frame * _GROUND_STEP[0], frame * _GROUND_STEP[1]
            picture = ground[y : y + height, x : x + width].copy()
            for thing, skin in zip(things, skins, strict=True):
                inside = thing.mask(plan.size, frame)
                picture[inside] = skin[inside]
            writer.add(picture)


def _rows(
    clip_id: str, plan: ClipPlan, things: tuple[_Ellipse, ...]
) -> dict[str, ObjectsRow | CameraRow | TracksRow]:
    scale = min(1.0, 512 / plan.size[0])
    grid = (round(plan.size[0] * scale), round(plan.size[1] * scale))
    anchors, tracks = [], []
    for index in plan.anchors():
        found = []
        for number, thing in enumerate(things):
            mask = thing.mask(grid, index, scale)
            name = object_id_for(clip_id, index, number)
            points = query_points(mask, size=plan.size, margin=3, seed=number)
            found.append(
                DetectedObject(
                    object_id=name,
                    class_name="person",
                    confidence=1.0,
                    area=float(mask.mean()),
                    box=box_of(mask, size=plan.size),
                    mask=encode_mask(mask),
                    points=encode_array(points),
                    motion=None,
                )
            )
            length = min(plan.num_frames - index, plan.horizon + 1)
            steps = np.arange(length, dtype=np.float32)[:, None, None]
            way = points + steps * np.float32(thing.velocity)
            tracks.append(tracks_of(name, index, way, np.ones(way.shape[:2], bool)))
        anchors.append(Anchor(index, tuple(found)))
    objects = ObjectsRow(tuple(anchors), len(anchors), len(tracks))
    return {
        "objects": objects,
        "camera": still_camera(),
        "tracks": TracksRow(tuple(tracks), len(tracks)),
    }
