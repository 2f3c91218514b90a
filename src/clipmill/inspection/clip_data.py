"""Everything the page shows of one clip, as plain data for its own file."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from clipmill.annotations.inout.schema import ObjectInOut
from clipmill.annotations.objects.schema import CarriedObject, DetectedObject
from clipmill.annotations.tracks.schema import ObjectTracks
from clipmill.clips import Clip
from clipmill.disk import write_bytes
from clipmill.inspection.clip_rows import ClipRows, anchors_of
from clipmill.inspection.gallery.clip_choice import Pick, SampleFacts
from clipmill.inspection.histogram import number
from clipmill.inspection.overlay import (
    anchor_layer,
    drawn_points,
    mask_layer,
    regions,
    track_layer,
)
from clipmill.inspection.preview import Preview, preview_rate, preview_size
from clipmill.inspection.scores import Score, cut_lines
from clipmill.inspection.subjects import Subject
from clipmill.inspection.why import describe_decision, trace
from clipmill.pipeline.verdicts import StepReport
from clipmill.store.codecs import decode_array

_ALL = "browsers do not play its format; `clipmill report --encode-previews` shows all"


def clip_data(
    pick: Pick,
    known: ClipRows,
    *,
    preview: Preview | None,
    problem: str,
    reports: Sequence[StepReport],
    scores: Sequence[Score],
    images: Path,
) -> dict[str, Any]:
    """Gather what the player of a report shows: the facts, and all layers.

    Args:
        pick: The clip and its samples.
        known: Its rows.
        preview: Its preview; None when there is none.
        problem: Why there is none.
        reports: Outcomes of all steps.
        scores: Scores of the selections.
        images: Folder for identity images.
    """
    facts = clip_facts(
        pick,
        known,
        reports=reports,
        scores=scores,
        images_of=lambda inout: _write_images(inout, images),
    )
    for entry, (anchor, found) in zip(facts["objects"], known.objects(), strict=True):
        entry.update(object_layers(anchor, found, known, end=pick.clip.num_frames))
    return facts | {
        "frames": preview.num_frames if preview else 0,
        "fps": float(preview_rate(known.probe)) if preview else 0.0,
        "rate": float(preview.rate) if preview else 0.0,
        "lead": preview.lead if preview else 0,
        "shown": preview.shown if preview else None,
        "preview": f"previews/{preview.video.name}" if preview else None,
        "poster": f"posters/{preview.poster.name}" if preview else None,
        "problem": problem,
        "notes": [*pick.notes, *_preview_notes(pick.clip, preview)],
    }


def clip_facts(
    pick: Pick,
    known: ClipRows,
    *,
    reports: Sequence[StepReport],
    scores: Sequence[Score],
    images_of: Callable[[ObjectInOut | None], list[str]],
) -> dict[str, Any]:
    """Gather all that is not drawn over the pictures; see `object_layers` for that.

    Args:
        pick: The clip and its samples.
        known: Its rows.
        reports: Outcomes of all steps.
        scores: Scores of the selections.
        images_of: Gives the addresses of an object's identity images.
    """
    clip, probe = pick.clip, known.probe
    samples = {sample.anchor: sample for sample in pick.samples}
    kept = {object_id for sample in pick.samples for object_id in sample.object_ids}
    return {
        "id": clip.clip_id,
        "path": known.video.relative_path,
        "source": known.video.source,
        "start": clip.start,
        "end": clip.end,
        "width": probe.width,
        "height": probe.height,
        "codec": probe.codec,
        "notes": list(pick.notes),
        "anchors": [_anchor(index, samples.get(index), known) for index in anchors_of(pick, known)],
        "objects": [
            _object(anchor, found, known, kept=kept, images_of=images_of)
            for anchor, found in known.objects()
        ],
        "chain": _chain(pick, known, reports),
        "scores": _scores(pick, scores),
    }


def object_layers(
    anchor: int, found: DetectedObject, known: ClipRows, *, end: int, start: int = 0
) -> dict[str, Any]:
    """Return what is drawn of an object: `cover` (masks and boxes), `tracks` (None without).

    Args:
        anchor: Frame it was found at.
        found: The object.
        known: Rows of its clip.
        end: Frames from here on are left out.
        start: Frames before are left out; the mask of an object that has only one is given always.
    """
    track: ObjectTracks | None = known.by_object("tracks").get(found.object_id)
    inout: ObjectInOut | None = known.by_object("inout").get(found.object_id)
    sizes = {"preview": preview_size(known.probe), "source": known.source}
    carried = _carried(found, known)
    if inout is not None and inout.masks:
        boxes = decode_array(inout.boxes)
        cover = mask_layer(inout.masks, inout.first_frame, boxes, start=start, end=end, **sizes)
    elif carried is not None:
        cover = mask_layer(carried.masks, carried.first_frame, None, start=start, end=end, **sizes)
    else:
        cover = anchor_layer(found, anchor, **sizes)
    if track is None:
        return {"cover": cover, "tracks": None}
    keep = drawn_points(track, inout)
    return {"cover": cover, "tracks": track_layer(track, keep=keep, start=start, end=end)}


def _carried(found: DetectedObject, known: ClipRows) -> CarriedObject | None:
    row = known.rows.get("objects")
    things = row.carried if row is not None and found.identity is not None else ()
    return next((thing for thing in things if thing.identity == found.identity), None)


def _preview_notes(clip: Clip, preview: Preview | None) -> list[str]:
    if preview is None:
        return []
    if preview.shown is not None and len(preview.shown) < clip.num_frames:
        return [f"{len(preview.shown)} of {clip.num_frames} frames are shown: {_ALL}"]
    if preview.num_frames < clip.num_frames:
        return [f"the preview ends after {preview.num_frames} of {clip.num_frames} frames"]
    return []


def _anchor(index: int, sample: SampleFacts | None, known: ClipRows) -> dict[str, Any]:
    text, origin = _caption(index, sample, known)
    if sample is None:
        state, reason = "", "no sample begins here"
    else:
        state = "stage 2" if sample.stage2 else "stage 1" if sample.stage1 else "not ready"
        reason = sample.stage2_reason
    return {
        "index": index,
        "sample": sample.sample_id if sample else None,
        "state": state,
        "reason": reason,
        "caption": text,
        "origin": origin,
    }


def _caption(index: int, sample: SampleFacts | None, known: ClipRows) -> tuple[str, str]:
    """Return text and origin: the sample's, else what is known of its anchor without one."""
    if sample is not None:
        return sample.caption, sample.caption_origin
    row = known.rows.get("caption")
    texts = {entry.anchor: entry.text for entry in row.captions} if row else {}
    return (texts[index], row.origin) if row and index in texts else ("", "")


def _object(
    anchor: int,
    found: DetectedObject,
    known: ClipRows,
    *,
    kept: set[str],
    images_of: Callable[[ObjectInOut | None], list[str]],
) -> dict[str, Any]:
    track: ObjectTracks | None = known.by_object("tracks").get(found.object_id)
    inout: ObjectInOut | None = known.by_object("inout").get(found.object_id)
    return {
        "id": found.object_id,
        "name": found.class_name,
        "anchor": anchor,
        "kept": found.object_id in kept,
        "stage2": inout is not None and not inout.refusal,
        "facts": _facts(found, track, inout),
        "still": not (inout is not None and inout.masks) and _carried(found, known) is None,
        "regions": regions(inout),
        "enter": inout.enter_frame if inout else None,
        "exit": inout.exit_frame if inout else None,
        "images": images_of(inout),
    }


def _facts(
    found: DetectedObject, track: ObjectTracks | None, inout: ObjectInOut | None
) -> list[list[str]]:
    """Return label and value pairs."""
    facts = [
        ["area", f"{100 * found.area:.1f} %"],
        ["confidence", number(round(found.confidence, 3))],
    ]
    if track is not None:
        facts += [
            ["points", f"{round(track.survival * track.num_points)} of {track.num_points} survive"],
            ["motion strength", number(track.motion_strength)],
            ["camera taken out", f"{number(track.motion_compensated)} ‰ of diagonal per frame"],
        ]
    if inout is not None:
        facts.append(["stage 2", f"refused: {inout.refusal}" if inout.refusal else "accepted"])
        for name, frame in (("enters", inout.enter_frame), ("leaves", inout.exit_frame)):
            if frame is not None:
                facts.append([name, f"frame {frame}"])
    return facts


def _write_images(inout: ObjectInOut | None, folder: Path) -> list[str]:
    """Write the identity images; return their paths relative to the page."""
    if inout is None or inout.reference is None:
        return []
    names = []
    for place, image in enumerate((inout.reference, *inout.others)):
        name = f"{inout.object_id}-{place}.png"
        write_bytes(folder / name, image.png)
        names.append(f"{folder.name}/{name}")
    return names


def _chain(pick: Pick, known: ClipRows, reports: Sequence[StepReport]) -> list[dict[str, Any]]:
    """Return the story of the clip: one line per step that decided something."""
    return verdict_lines(Subject(pick.clip.video_id, known.video.relative_path, pick.clip), reports)


def verdict_lines(subject: Subject, reports: Sequence[StepReport]) -> list[dict[str, Any]]:
    """Return the verdicts about a video or clip as plain values, in the order of the steps."""
    clip_id = subject.clip.clip_id if subject.clip else subject.video_id
    return [
        {
            "step": verdict.step,
            "what": _what(verdict.key, subject.video_id, clip_id),
            "state": verdict.state,
            "why": describe_decision(verdict),
            "rule": verdict.rule,
            "value": _plain(verdict.value),
            "threshold": _plain(verdict.threshold),
            "rank": verdict.rank,
            "population": verdict.population,
        }
        for verdict in trace(subject, reports)
    ]


def _what(key: str, video_id: str, clip_id: str) -> str:
    if key == video_id:
        return "video"
    return key.removeprefix(clip_id).lstrip("-") or "clip"


def _plain(value: float | None) -> str:
    return "" if value is None else number(value)


def _scores(pick: Pick, scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Return the clip's own values of the clip-level scores, and where they stand."""
    rows = []
    for score in scores:
        if score.level == "object":
            continue
        place = score.place_of(pick.clip)
        if place is not None:
            rows.append(score_line(score, place))
    return rows


def score_line(score: Score, place: int) -> dict[str, Any]:
    """Return one value of a score as plain values: itself, the cuts, and the share below it."""
    value = float(score.values[place])
    finite = score.values[np.isfinite(score.values)]
    return {
        "column": score.column,
        "step": score.step,
        "value": number(value),
        "rank": float((finite < value).mean()) if len(finite) else 0.0,
        "cuts": [number(line) for cut in score.cuts for line in cut_lines(cut)],
        "out": any(bool(score.dropped(cut)[place]) for cut in score.cuts),
    }
