"""What the page of a clip is given: facts at once, layers in pieces."""

from typing import Any, Final

import numpy as np

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.browse.clip.curves import camera_curve, seen_stretches, shot_curve
from clipmill.browse.clip.opened import OpenClip
from clipmill.browse.clip.standing import scores_of_object, with_kept_values
from clipmill.browse.site import OpenRun
from clipmill.config import ShotsSplit
from clipmill.inspection.clip_data import clip_facts, object_layers, verdict_lines
from clipmill.inspection.overlay import text_layer
from clipmill.inspection.preview import PART_FRAMES, preview_rate
from clipmill.inspection.subjects import Subject
from clipmill.store.codecs import decode_array, decode_bits

PIECE_FRAMES: Final = 120
"""Frames of a piece of layers."""


def facts_of(one: OpenClip) -> dict[str, Any]:
    """Return all that the page shows of a clip but pictures and layers."""
    facts = clip_facts(
        one.pick,
        one.known,
        reports=one.run.reports,
        scores=one.run.scores,
        images_of=lambda inout: _image_addresses(one, inout),
    )
    for entry in facts["objects"]:
        entry["scores"] = scores_of_object(one.run.scores, entry["id"])
        entry["seen"], entry["tracked"] = _stretches(one, entry["id"], entry["anchor"])
    facts["chain"] = with_kept_values(facts)
    camera, quality = one.known.rows.get("camera"), one.known.rows.get("quality")
    return facts | {
        "frames": one.clip.num_frames,
        "fps": float(preview_rate(one.known.probe)),
        "real_fps": one.known.probe.fps,
        "variable": one.known.probe.variable_rate,
        "problem": "",
        "part": PART_FRAMES,
        "piece": PIECE_FRAMES,
        "shots": _shots(one),
        "camera": camera_curve(camera) if camera else None,
        "text": _text_note(quality),
        "text_boxes": text_layer(quality) if quality else None,
    }


def facts_of_video(run: OpenRun, video_id: str, path: str) -> dict[str, Any]:
    """Return the same of something listed that no clip came of: why, and no pictures."""
    chain = verdict_lines(Subject(video_id, path), run.reports)
    out = [line["why"] for line in chain if line["state"] not in ("kept", "split")]
    nothing: dict[str, Any] = {"objects": [], "anchors": [], "scores": [], "notes": []}
    return nothing | {
        **dict.fromkeys(("start", "end", "frames", "fps", "real_fps", "width", "height"), 0),
        **dict.fromkeys(("source", "codec", "text"), ""),
        **{"id": video_id, "path": path, "chain": chain, "variable": False},
        **{"part": PART_FRAMES, "piece": PIECE_FRAMES},
        **dict.fromkeys(("shots", "camera", "text_boxes")),
        "problem": out[-1] if out else "no clip came of it yet",
    }


def layers_of(one: OpenClip, anchor: int, number: int) -> dict[str, Any]:
    """Return what is drawn over some frames, for the objects of one anchor.

    Args:
        one: The clip.
        anchor: The anchor.
        number: Which piece, from 0.
    """
    start = number * PIECE_FRAMES
    end = min(start + PIECE_FRAMES, one.clip.num_frames)
    return {
        "objects": {
            found.object_id: object_layers(index, found, one.known, start=start, end=end)
            for index, found in one.known.objects()
            if index == anchor
        }
    }


def identity_image(one: OpenClip, object_id: str, number: int) -> bytes | None:
    """Return an identity image as PNG; None where there is none."""
    inout: ObjectInOut | None = one.known.by_object("inout").get(object_id)
    if inout is None or inout.reference is None or not 0 <= number <= len(inout.others):
        return None
    return (inout.reference, *inout.others)[number].png


def _image_addresses(one: OpenClip, inout: ObjectInOut | None) -> list[str]:
    if inout is None or inout.reference is None:
        return []
    base = f"/clip/{one.clip.clip_id}/image/{inout.object_id}"
    return [f"{base}/{number}.png" for number in range(1 + len(inout.others))]


def _stretches(one: OpenClip, object_id: str, anchor: int) -> tuple[Any, Any]:
    """Return where an object is seen, by its masks and by its tracks; None where unknown."""
    inout: ObjectInOut | None = one.known.by_object("inout").get(object_id)
    track = one.known.by_object("tracks").get(object_id)
    seen = tracked = None
    if inout is not None and inout.masks:
        boxes = decode_array(inout.boxes)
        seen = seen_stretches(np.any(boxes, axis=1), inout.first_frame)
    if track is not None:
        # Hidden is a thing of which not even a tenth of the points can be seen.
        visible = decode_bits(track.visibility)
        share = visible.mean(axis=1) if visible.shape[1] else np.zeros(len(visible))
        tracked = {
            "from": anchor,
            "to": anchor + len(visible),
            "seen": seen_stretches(np.asarray(share >= 0.1), anchor),
        }
    return seen, tracked


def _shots(one: OpenClip) -> dict[str, Any] | None:
    if one.shots is None:
        return None
    holder, row = one.shots
    splits = list(one.run.context.pipeline.steps_of(ShotsSplit))
    threshold = splits[0].threshold if splits else None
    return shot_curve(row, holder, one.clip, threshold=threshold)


def _text_note(quality: Any) -> str:
    """Tell how much text there is, and whether the row says where."""
    if quality is None or (quality.text_area is None and quality.num_text_boxes is None):
        return "no row tells of text"
    told = [] if quality.text_area is None else [f"{100 * quality.text_area:.1f} % of the picture"]
    if quality.num_text_boxes is not None:
        told.append(f"{quality.num_text_boxes:.1f} boxes a frame")
    if quality.text_boxes is None:
        return f"text: {', '.join(told)}; where it stands is in no row"
    if not quality.text_boxes:
        frames = ", ".join(map(str, sorted(set(quality.frames))))
        return f"text: none was found; looked at frame {frames}"
    return f"text: {', '.join(told)}"
