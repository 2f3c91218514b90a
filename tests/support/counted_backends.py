"""Backends that know what `counted_clips` drew, without decoding: `counted_backends:Class`."""

import io

import numpy as np
from counted_clips import BOX, HEIGHT, WIDTH, box_left
from PIL import Image
from plain_rows import tracks_of
from row_backends import RowBackend

from clipmill.annotations.base import ClipInput
from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.inout.schema import IdentityImage, InOutRow, ObjectInOut, Region
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.quality.schema import QualityRow, TextBoxes
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.annotations.tracks.schema import TracksRow
from clipmill.clips import object_id_for
from clipmill.store.codecs import encode_array, encode_bits, encode_mask

HIDDEN = range(3000, 3100)
"""Frames in which the box is said to be hidden."""

TEXT = np.array([[[120, 20], [180, 20], [180, 40], [120, 40]]], np.int32)
"""Where text is said to be, upright, from `TEXT_FRAMES[0]` to before `TEXT_FRAMES[1]`."""

TEXT_FRAMES = (5040, 9576)

ENTERS, LEAVES = 20, 130
"""Frames at which it enters and leaves its region."""


class _Counted(RowBackend):
    name = "counted"


class Shots(_Counted):
    annotation = "shots"
    Row = ShotsRow

    def row(self, item: ClipInput) -> ShotsRow:
        scores = np.full(item.clip.num_frames, 0.02, np.float32)
        scores[500::1000] = 0.3
        if "cut" in item.video.relative_path:
            scores[120] = 0.9
        scores[0] = 0
        return ShotsRow(encode_array(scores), 0.5, item.clip.num_frames)


class Quality(_Counted):
    annotation = "quality"
    Row = QualityRow

    def row(self, item: ClipInput) -> QualityRow:
        blurred = "blurred" in item.video.relative_path
        clarity = 50.0 if blurred else 200.0 + item.clip.num_frames / 10
        names = ("exposure", "contrast", "colorfulness", "noise", "blockiness", "entropy")
        nothing = dict.fromkeys((*names, "image_quality", "aesthetic", "complexity"))
        frames, found = (0,), None  # the rows of most clips do not tell where text is
        if "long" in item.video.relative_path:
            frames, found = (0, *TEXT_FRAMES), (TextBoxes(TEXT_FRAMES[0], encode_array(TEXT)),)
        elif "cut" in item.video.relative_path:
            found = ()
        return QualityRow(
            text_area=0.01,
            num_text_boxes=1.5,
            clarity=clarity,
            frames=frames,
            text_boxes=found,
            **nothing,
        )


class Objects(_Counted):
    annotation = "objects"
    Row = ObjectsRow

    def row(self, item: ClipInput) -> ObjectsRow:
        left = box_left(item.clip.start)
        grid = np.stack(np.meshgrid(range(4, BOX, 11), range(4, BOX, 11)), axis=-1)
        points = grid.reshape(-1, 2) + np.array([left, 50])
        found = DetectedObject(
            object_id=object_id_for(item.clip.clip_id, 0, 0),
            class_name="box",
            confidence=0.9,
            area=BOX * BOX / (WIDTH * HEIGHT),
            box=(float(left), 50.0, float(left + BOX), 50.0 + BOX),
            mask=encode_mask(mask_at(item.clip.start)),
            points=encode_array(points.astype(np.float32)),
            motion=None,
        )
        return ObjectsRow((Anchor(0, (found,)),), 1, 1)


class Camera(_Counted):
    annotation = "camera"
    Row = CameraRow

    def row(self, item: ClipInput) -> CameraRow:
        """A camera that turns right by half a degree a frame, and goes forward."""
        frames = np.arange(0, item.clip.num_frames, 10)
        angles = np.radians(20 * np.sin(frames / 200))
        cos, sin, nil, one = np.cos(angles), np.sin(angles), 0 * angles, 0 * angles + 1
        rotations = np.array([[cos, nil, -sin], [nil, one, nil], [sin, nil, cos]])
        rotations = rotations.transpose(2, 0, 1).astype(np.float32)
        centres = np.stack([nil, nil, frames / 100], axis=1)
        moved = -np.einsum("tij,tj->ti", rotations, centres).astype(np.float32)
        return CameraRow(
            frames=encode_array(frames.astype(np.int32)),
            rotations=encode_array(rotations),
            translations=encode_array(moved),
            steps=encode_array(np.zeros((len(frames) - 1, 3), np.float32)),
            focals=encode_array(np.full((len(frames), 2), 200, np.float32)),
            homographies=encode_array(np.zeros((len(frames) - 1, 3, 3))),
            **dict.fromkeys(("rotation", "pan", "tilt", "roll", "translation", "truck"), 0.1),
            **dict.fromkeys(("pedestal", "dolly", "zoom", "zoom_in", "pan_speed"), 0.0),
            travel_share=1.0,
            inlier_share=1.0,
            residual=0.1,
            metric=False,
            focal_known=False,
        )


class Tracks(_Counted):
    annotation = "tracks"
    Row = TracksRow
    reads = ("objects",)

    def row(self, item: ClipInput) -> TracksRow:
        found = item.rows["objects"].anchors[0].objects[0]
        frames = range(item.clip.start, item.clip.end)
        lefts = np.array([box_left(frame) for frame in frames])
        grid = np.stack(np.meshgrid(range(4, BOX, 11), range(4, BOX, 11)), axis=-1)
        points = grid.reshape(1, -1, 2) + np.stack([lefts, 0 * lefts + 50], axis=1)[:, None]
        seen = np.array([frame not in HIDDEN for frame in frames])[:, None].repeat(9, axis=1)
        return TracksRow((tracks_of(found.object_id, 0, points, seen),), 1)


class InOut(_Counted):
    annotation = "inout"
    Row = InOutRow
    reads = ("objects", "tracks")

    def row(self, item: ClipInput) -> InOutRow:
        frames = range(item.clip.start, item.clip.end)
        empty = encode_mask(np.zeros((HEIGHT, WIDTH), bool))
        drawn = {left: encode_mask(_mask(left)) for left in range(151)}
        boxes = np.array([_box(frame) for frame in frames], np.int32)
        file = io.BytesIO()
        Image.new("RGB", (BOX, BOX), (230, 200, 40)).save(file, "PNG")
        entry = ObjectInOut(
            object_id=item.rows["tracks"].objects[0].object_id,
            anchor=0,
            first_frame=0,
            masks=tuple(empty if f in HIDDEN else drawn[box_left(f)] for f in frames),
            boxes=encode_array(boxes),
            mask_confidence=1.0,
            enter_frame=None,
            exit_frame=None,
            stretches=encode_array(np.zeros((0, 2), np.int32)),
            point_valid=encode_bits(np.ones(9, bool)),
            invalid_share=0.0,
            largest_share=0.1,
            refusal="",
            reference=IdentityImage(0, (0, 50, BOX, 50 + BOX), file.getvalue()),
            others=(),
            regions=(Region((80, 0, WIDTH, HEIGHT), "free", 100, ENTERS, LEAVES),),
        )
        return InOutRow((entry,), 1)


def mask_at(frame: int) -> np.ndarray:
    """Return the mask of the box in a frame, bool [H, W]."""
    return _mask(box_left(frame))


def _mask(left: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[50 : 50 + BOX, left : left + BOX] = True
    return mask


def _box(frame: int) -> tuple[int, int, int, int]:
    left = box_left(frame)
    return (0, 0, 0, 0) if frame in HIDDEN else (left, 50, left + BOX, 50 + BOX)
