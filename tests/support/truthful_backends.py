"""Backends that answer from the truth of a synthetic scene; named as `truthful_backends:Class`.

They look for `NAME.truth.json` beside the video. So a test gets a whole, correct workspace through
the real pipeline within seconds, and knows what must be in it.
"""

import io

import cv2
import numpy as np
from PIL import Image
from row_backends import RowBackend

from clipmill.annotations.base import ClipInput
from clipmill.annotations.camera.schema import CameraRow
from clipmill.annotations.caption.schema import AnchorCaption, CaptionRow
from clipmill.annotations.inout.schema import IdentityImage, InOutRow, ObjectInOut, Region
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.quality.schema import QualityRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import object_id_for
from clipmill.demo.scene import Scene, carry, point_visibility, sprite_named, visible_masks
from clipmill.demo.truth import load_truth
from clipmill.store.codecs import (
    decode_array,
    encode_array,
    encode_bits,
    encode_mask,
    encode_tracks,
)

ANCHORS = (0, 40)
TRACK_FRAMES = 100


def scene_of(item: ClipInput) -> Scene:
    from pathlib import Path

    return load_truth(Path(item.video.uri + ".truth.json")).scene


class Quality(RowBackend):
    annotation = "quality"
    name = "truthful"
    Row = QualityRow

    def row(self, item: ClipInput) -> QualityRow:
        with item.open() as reader:
            grey = cv2.cvtColor(reader.frames([item.clip.start])[0], cv2.COLOR_RGB2GRAY)
        return QualityRow(
            text_area=float("nan") if "nan" in item.video.relative_path else 0.01,
            num_text_boxes=None,
            clarity=float(cv2.Laplacian(grey, cv2.CV_64F).var()),
            exposure=float(grey.mean() / 255),
            contrast=float(grey.std() / 255),
            colorfulness=None,
            noise=None,
            blockiness=None,
            entropy=None,
            image_quality=None,
            aesthetic=None,
            complexity=None,
            frames=(0,),
        )


class Objects(RowBackend):
    annotation = "objects"
    name = "truthful"
    Row = ObjectsRow

    def row(self, item: ClipInput) -> ObjectsRow:
        scene = scene_of(item)
        anchors = tuple(self._anchor(item, scene, index) for index in ANCHORS)
        counts = [len(anchor.objects) for anchor in anchors]
        return ObjectsRow(anchors, sum(n > 0 for n in counts), sum(counts))

    def _anchor(self, item: ClipInput, scene: Scene, index: int) -> Anchor:
        found = []
        sprites = scene.shot_at(item.clip.start + index).sprites
        for sprite, mask in zip(
            sprites, visible_masks(scene, item.clip.start + index), strict=True
        ):
            if mask.mean() < 0.01:
                continue
            ys, xs = np.nonzero(mask)
            picks = np.linspace(0.1, 0.9, 9) * len(xs)
            points = np.stack([xs, ys], axis=1)[picks.astype(int)].astype(np.float32)
            x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
            found.append(
                DetectedObject(
                    object_id=object_id_for(item.clip.clip_id, index, len(found)),
                    class_name=sprite.name,
                    confidence=0.9,
                    area=float(mask.mean()),
                    box=(float(x), float(y), float(x + w), float(y + h)),
                    mask=encode_mask(mask),
                    points=encode_array(points),
                    motion=None,
                )
            )
        return Anchor(index, tuple(found))


class Camera(RowBackend):
    annotation = "camera"
    name = "truthful"
    Row = CameraRow

    def row(self, item: ClipInput) -> CameraRow:
        pan = scene_of(item).shots[0].camera.pan
        none = encode_array(np.zeros((0,), np.float32))
        return CameraRow(
            frames=none,
            rotations=none,
            translations=none,
            steps=none,
            focals=none,
            homographies=none,
            rotation=float(np.hypot(*pan)) / 10,
            pan=0.0,
            tilt=0.0,
            roll=0.0,
            translation=0.0,
            truck=0.0,
            pedestal=0.0,
            dolly=0.0,
            travel_share=1.0,
            zoom=0.0,
            zoom_in=0.0,
            pan_speed=float(np.hypot(*pan)),
            inlier_share=1.0,
            residual=0.1,
            metric=False,
            focal_known=False,
        )


class Caption(RowBackend):
    annotation = "caption"
    name = "truthful"
    Row = CaptionRow
    reads = ("objects",)

    def row(self, item: ClipInput) -> CaptionRow:
        captions = []
        for anchor in item.rows["objects"].anchors:
            names = " and ".join(entry.class_name for entry in anchor.objects) or "nothing"
            text = item.video.text or f"From frame {anchor.index} on: {names}."
            captions.append(AnchorCaption(anchor.index, text))
        origin = "provided" if item.video.text else "model"
        return CaptionRow(tuple(captions), origin, "", len(captions[0].text.split()))


class Tracks(RowBackend):
    annotation = "tracks"
    name = "truthful"
    Row = TracksRow
    reads = ("objects",)

    def row(self, item: ClipInput) -> TracksRow:
        scene = scene_of(item)
        rows = tuple(
            self._track(item, scene, anchor.index, entry)
            for anchor in item.rows["objects"].anchors
            for entry in anchor.objects
        )
        return TracksRow(rows, len(rows))

    def _track(
        self, item: ClipInput, scene: Scene, anchor: int, entry: DetectedObject
    ) -> ObjectTracks:
        first = item.clip.start + anchor
        sprite = sprite_named(scene, entry.class_name, frame=first)
        frames = range(first, min(first + TRACK_FRAMES, item.clip.end))
        queries = decode_array(entry.points)
        points = np.stack([carry(scene, sprite, queries, first, frame) for frame in frames])
        seen = np.stack(
            [point_visibility(scene, sprite, p, f) for p, f in zip(points, frames, strict=True)]
        )
        steps = np.linalg.norm(np.diff(points, axis=0), axis=-1)
        straight = np.linalg.norm(points[-1] - points[0], axis=-1) / max(1, len(points) - 1)
        survived = np.ones(len(queries), bool)
        survived[-1] = False
        return ObjectTracks(
            object_id=entry.object_id,
            anchor=anchor,
            num_frames=len(points),
            num_points=len(queries),
            points=encode_tracks(points.astype(np.float32)),
            visibility=encode_bits(seen),
            cycle_error=encode_array(np.zeros(len(queries), np.float32)),
            survived=encode_bits(survived),
            survival=float(survived.mean()),
            motion_strength=float(straight.mean() * 1e5 / (scene.width * scene.height)),
            motion_speed=float(1000 * steps.mean() / np.hypot(scene.width, scene.height)),
            motion_compensated=0.0,
            visible_share=float(seen.mean()),
        )


class InOut(RowBackend):
    annotation = "inout"
    name = "truthful"
    Row = InOutRow
    reads = ("objects", "tracks")

    def row(self, item: ClipInput) -> InOutRow:
        scene = scene_of(item)
        found = {o.object_id: o for a in item.rows["objects"].anchors for o in a.objects}
        rows = tuple(
            self._object(item, scene, track, found[track.object_id])
            for track in item.rows["tracks"].objects
        )
        return InOutRow(rows, sum(not row.refusal for row in rows))

    def _object(
        self, item: ClipInput, scene: Scene, track: ObjectTracks, entry: DetectedObject
    ) -> ObjectInOut:
        first = item.clip.start + track.anchor
        names = [sprite.name for sprite in scene.shot_at(first).sprites]
        number = names.index(entry.class_name)
        masks = [visible_masks(scene, first + t)[number] for t in range(track.num_frames)]
        boxes = np.array([self._box(mask) for mask in masks], np.int32)
        region = self._region(scene, boxes[0])
        reference = self._image(item, track.anchor, masks[0], boxes[0])
        later = min(10, track.num_frames - 1)
        other = self._image(item, track.anchor + later, masks[later], boxes[later])
        return ObjectInOut(
            object_id=entry.object_id,
            anchor=track.anchor,
            first_frame=track.anchor,
            masks=tuple(encode_mask(mask) for mask in masks),
            boxes=encode_array(boxes),
            mask_confidence=1.0,
            enter_frame=None,
            exit_frame=None,
            stretches=encode_array(np.zeros((0, 2), np.int32)),
            point_valid=encode_bits(np.ones(track.num_points, bool)),
            invalid_share=0.0,
            largest_share=0.1,
            refusal="" if region else "no_region",
            reference=reference if region else None,
            others=(other,) if region else (),
            regions=(region,) if region else (),
        )

    @staticmethod
    def _box(mask: np.ndarray) -> tuple[int, int, int, int]:
        x, y, w, h = cv2.boundingRect(mask.astype(np.uint8))
        return (x, y, x + w, y + h) if w else (0, 0, 0, 0)

    @staticmethod
    def _region(scene: Scene, box: np.ndarray) -> Region | None:
        x0 = int(box[2]) + 15
        if scene.width - x0 < scene.width // 4:
            return None
        area = (scene.width - x0) * scene.height
        return Region((x0, 0, scene.width, scene.height), "free", area, 20, None)

    @staticmethod
    def _image(item: ClipInput, frame: int, mask: np.ndarray, box: np.ndarray) -> IdentityImage:
        with item.open() as reader:
            picture = reader.frames([item.clip.start + frame])[0]
        x0, y0, x1, y1 = (int(value) for value in box)
        cut = (picture * mask[..., None])[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
        file = io.BytesIO()
        Image.fromarray(np.ascontiguousarray(cut)).save(file, "PNG")
        return IdentityImage(frame, (x0, y0, x1, y1), file.getvalue())
