"""Which objects of a clip people dropped, and what exports say of a review.

An object is known again by the frame of the video at which it was judged and its box there, so
another numbering or another cut of the clip does not hide it.
"""

from collections.abc import Mapping

import numpy as np

from clipmill.annotations.objects.schema import DetectedObject, ObjectsRow
from clipmill.annotations.tracks.schema import ObjectTracks, TracksRow
from clipmill.review.judgement import Judgement
from clipmill.review.state import ClipReview
from clipmill.samples.schema import SampleReview
from clipmill.store.codecs import decode_bits, decode_tracks

_LEAST_OVERLAP = 0.5
"""Intersection over union of two boxes of one object at one frame."""

_LEAST_INSIDE = 2 / 3
"""Share of an object's visible points inside the box that was judged."""

_LEAST_SPREAD = 0.1
"""Share of the judged box that the points span: a part of an object is not the object."""

Box = tuple[float, ...]


def reviewed_objects(
    review: ClipReview, objects: ObjectsRow, tracks: TracksRow | None
) -> Mapping[str, Judgement]:
    """Return the judgement that drops each object of a clip, by object id.

    Where the clip has an anchor at the judged frame, the object there with the most overlap is
    meant. Where it has none, as it was cut in another way, the tracks tell which object was in the
    box at that frame.

    Args:
        review: Of the clip.
        objects: Its objects.
        tracks: Its tracks; None when there are none.
    """
    found: dict[str, Judgement] = {}
    for row in review.objects:
        assert row.anchor is not None
        at = row.anchor - review.clip.start
        here = [anchor for anchor in objects.anchors if anchor.index == at]
        for anchor in here:
            name = _at_anchor(row, anchor.objects)
            found |= {name: row} if name else {}
        if not here and row.box is not None and tracks is not None:
            for anchor in objects.anchors:
                name = _by_tracks(row.box, at, anchor.objects, tracks)
                found |= {name: row} if name else {}
    return found


def _at_anchor(row: Judgement, objects: tuple[DetectedObject, ...]) -> str:
    if row.box is None:
        return next((o.object_id for o in objects if o.object_id == row.object_id), "")
    best = max(objects, key=lambda found: _overlap(row.box or (), found.box), default=None)
    if best is None or _overlap(row.box, best.box) < _LEAST_OVERLAP:
        return ""
    return best.object_id


def _by_tracks(box: Box, frame: int, objects: tuple[DetectedObject, ...], tracks: TracksRow) -> str:
    mine = {entry.object_id for entry in objects}
    shares = {e.object_id: _inside(box, frame, e) for e in tracks.objects if e.object_id in mine}
    best = max(shares, key=lambda name: shares[name], default="")
    return best if shares.get(best, 0.0) >= _LEAST_INSIDE else ""


def _inside(box: Box, frame: int, track: ObjectTracks) -> float:
    """Return the share of an object's visible points in a box; 0 where they span too little."""
    at = frame - track.anchor
    if not 0 <= at < track.num_frames:
        return 0.0
    seen = decode_bits(track.visibility)[at] & decode_bits(track.survived)
    points = decode_tracks(track.points)[at][seen]
    if not len(points):
        return 0.0
    x0, y0, x1, y1 = box
    inside = (points >= (x0, y0)).all(axis=1) & (points < (x1, y1)).all(axis=1)
    if not inside.any():
        return 0.0
    spans = np.ptp(points[inside], axis=0)
    spread = float(spans.prod()) / ((x1 - x0) * (y1 - y0))
    return float(inside.mean()) if spread >= _LEAST_SPREAD else 0.0


def _overlap(one: Box, other: Box) -> float:
    """Return the intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared) if shared else 0.0


def sample_review(review: ClipReview) -> SampleReview | None:
    """Return what a sample says of a review; None where nobody said anything."""
    kinds = (review.said, review.stars, review.tagged, review.captions, review.notes)
    rows = [row for kind in kinds for row in kind]
    if not rows:
        return None
    return SampleReview(
        verdict=review.verdict,
        star=bool(review.stars),
        tags=review.tags,
        notes=len(review.notes),
        who=tuple(sorted({row.who for row in rows})),
        when=max(row.when for row in rows),
    )
