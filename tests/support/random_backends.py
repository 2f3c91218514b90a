"""Backends that answer at random, the same for the same clip; named as `random_backends:Class`.

Every annotation that rules read, for hundreds of clips in seconds: nothing is decoded.
"""

import numpy as np

from clipmill.annotations.base import Backend, ClipInput
from clipmill.annotations.inout.schema import InOutRow, ObjectInOut
from clipmill.annotations.objects.schema import Anchor, DetectedObject, ObjectsRow
from clipmill.annotations.quality.schema import QualityRow
from clipmill.annotations.shots.schema import ShotsRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.clips import object_id_for
from clipmill.errors import ClipError
from clipmill.store.codecs import encode_array, encode_bits, encode_mask, encode_tracks

POINTS = 5


class _Random(Backend):
    name = "random"
    unit_size = 256

    def load(self, item: ClipInput) -> ClipInput:
        return item

    def annotate(self, batch):
        return [self.row(item, np.random.default_rng(item.seed(self.annotation))) for item in batch]

    def row(self, item, random):
        raise NotImplementedError


class Shots(_Random):
    """One clip in four has a cut in the middle; one in ten fails."""

    annotation = "shots"
    Row = ShotsRow

    def load(self, item: ClipInput) -> ClipInput:
        if item.seed("fails") % 10 == 0:
            raise ClipError("cannot be read")
        return item

    def row(self, item, random):
        scores = np.zeros(item.clip.num_frames, np.float32)
        if random.random() < 0.25:
            scores[item.clip.num_frames // 2] = 1.0
        return ShotsRow(encode_array(scores), 0.5, len(scores))


class Quality(_Random):
    """Of a few clips the text area is no number, of a third nothing is known of the noise."""

    annotation = "quality"
    Row = QualityRow

    def row(self, item, random):
        none = dict.fromkeys(
            ("exposure", "colorfulness", "blockiness", "image_quality", "aesthetic", "complexity")
        )
        text_area, clarity, contrast, noise, entropy = random.random(5)
        return QualityRow(
            **none,
            text_area=float("nan") if random.random() < 0.05 else text_area,
            num_text_boxes=None,
            clarity=round(clarity, 1),  # many alike
            contrast=contrast,
            noise=None if random.random() < 0.3 else noise,
            entropy=entropy,
            frames=(0,),
        )


class Objects(_Random):
    """None to three objects at each of two anchors."""

    annotation = "objects"
    Row = ObjectsRow

    def row(self, item, random):
        anchors = tuple(
            Anchor(
                index,
                tuple(
                    DetectedObject(
                        object_id=object_id_for(item.clip.clip_id, index, number),
                        class_name="thing",
                        confidence=float(random.random()),
                        area=float(random.random()),
                        box=(0.0, 0.0, 4.0, 4.0),
                        mask=encode_mask(np.ones((4, 4), bool)),
                        points=encode_array(np.zeros((POINTS, 2), np.float32)),
                        motion=None,
                    )
                    for number in range(random.integers(4))
                ),
            )
            for index in (0, 2)
        )
        counts = [len(anchor.objects) for anchor in anchors]
        return ObjectsRow(anchors, sum(count > 0 for count in counts), sum(counts))


class Tracks(_Random):
    """Of some objects no point survives, some are not tracked."""

    annotation = "tracks"
    Row = TracksRow
    reads = ("objects",)

    def row(self, item, random):
        found = [
            self._track(anchor.index, entry.object_id, random)
            for anchor in item.rows["objects"].anchors
            for entry in anchor.objects
            if random.random() < 0.9
        ]
        return TracksRow(tuple(found), len(found))

    @staticmethod
    def _track(anchor, object_id, random):
        survived = random.random(POINTS) < random.random()
        return ObjectTracks(
            object_id=object_id,
            anchor=anchor,
            num_frames=2,
            num_points=POINTS,
            points=encode_tracks(np.zeros((2, POINTS, 2), np.float32)),
            visibility=encode_bits(np.ones((2, POINTS), bool)),
            cycle_error=encode_array(np.zeros(POINTS, np.float32)),
            survived=encode_bits(survived),
            survival=float(survived.mean()),
            motion_strength=float(random.random()),
            motion_speed=float(random.random()),
            motion_compensated=float(random.random()),
            visible_share=1.0,
        )


class InOut(_Random):
    """Looks at kept objects only: those that other rules keep it has to see first."""

    annotation = "inout"
    Row = InOutRow
    reads = ("objects", "tracks")
    kept_of = "tracks"

    def row(self, item, random):
        found = tuple(
            ObjectInOut(
                object_id=track.object_id,
                anchor=track.anchor,
                first_frame=track.anchor,
                masks=(),
                boxes=encode_array(np.zeros((0, 4), np.int32)),
                mask_confidence=1.0,
                enter_frame=None,
                exit_frame=None,
                stretches=encode_array(np.zeros((0, 2), np.int32)),
                point_valid=encode_bits(np.ones(track.num_points, bool)),
                invalid_share=0.0,
                largest_share=0.1,
                refusal="no_region",
                reference=None,
                others=(),
                regions=(),
            )
            for track in item.rows["tracks"].objects
            if item.kept is None or track.object_id in item.kept
        )
        return InOutRow(found, 0)


PIPELINE = """
name: random
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.width, min: 60, reason: resolution}
      - {column: probe.num_frames, above: 9, reason: too_few_frames}
  - split: windows
    max_frames: 12
    min_frames: 6
  - annotate: shots
    backend: random_backends:Shots
  - split: shots
    min_frames: 5
  - annotate: quality
    backend: random_backends:Quality
  - select: quality
    min_population: 10
    rules:
      - {column: quality.text_area, max: 0.9, reason: too much text}
      - {column: quality.clarity, drop: [[0.0, 0.3]], reason: blurred}
      - {column: quality.noise, drop: [[0.8, 1.0]], reason: noisy}
  - annotate: objects
    backend: random_backends:Objects
  - select: objects
    rules:
      - {column: objects.num_objects, min: 1, reason: no object}
  - annotate: tracks
    backend: random_backends:Tracks
  - select: cycle
    level: object
    rules:
      - {column: objects.confidence, min: 0.2, reason: not sure}
      - {column: tracks.survival, min: 0.2, reason: points lost}
  - select: motion
    level: object
    min_kept_points: 0.4
    rules:
      - {column: tracks.motion_strength, drop: [[0.0, 0.4]], reason: moves too little}
  - annotate: inout
    backend: random_backends:InOut
  - samples: training
"""
