"""What is drawn over the poster of a card."""

from typing import Any

import numpy as np

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.inspection.clip_rows import ClipRows, anchors_of
from clipmill.inspection.gallery.clip_choice import Pick
from clipmill.inspection.overlay import drawn_points, outlines, regions, track_layer
from clipmill.inspection.preview import preview_size


def card_shapes(pick: Pick, known: ClipRows) -> dict[str, Any]:
    """Return what is drawn over the poster: outlines, paths and region at the first anchor."""
    anchor = anchors_of(pick, known)[0]
    tracks, inouts = known.by_object("tracks"), known.by_object("inout")
    shapes = []
    region: list[int] | None = None
    for number_, (index, found) in enumerate(known.objects()):
        if index != anchor:
            continue
        inout = inouts.get(found.object_id)
        paths = _paths(tracks[found.object_id], inout) if found.object_id in tracks else []
        shapes.append(
            {
                "colour": number_,
                "outline": outlines(
                    found.mask, preview=preview_size(known.probe), source=known.source
                ),
                "paths": paths,
            }
        )
        boxes = regions(inout, count=1)
        region = region or (boxes[0]["box"] if boxes else None)
    return {"anchor": anchor, "objects": shapes, "region": region}


def _paths(track: ObjectTracks, inout: ObjectInOut | None, *, most: int = 6) -> list[list[float]]:
    """Return a few tracks, thinned to every fourth frame."""
    layer = track_layer(track, keep=drawn_points(track, inout))
    points = np.array(layer["points"]).reshape(len(layer["points"]), -1, 2)
    chosen = np.linspace(0, points.shape[1] - 1, min(most, points.shape[1])).astype(int)
    return [points[::4, k].ravel().tolist() for k in dict.fromkeys(chosen.tolist())]
