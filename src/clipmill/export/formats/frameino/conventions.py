"""The text that lies beside an export: what its numbers mean."""

from collections import Counter
from collections.abc import Sequence

from clipmill.export.content.caption_origins import caption_section
from clipmill.export.content.facts.run_facts import RunFacts
from clipmill.export.content.reviews import review_section
from clipmill.export.formats.frameino.rows import REVIEW_COLUMN
from clipmill.export.formats.frameino.summary import ExportSummary

_TEXT = """\
# Conventions of this data set

Written by clipmill for the Frame In-N-Out training loaders{pipeline}.

| | |
| --- | --- |
| stage 1 rows (motion training) | {stage1} |
| stage 2 rows (Frame-In / Frame-Out) | {stage2} |
| videos | {videos} |
| identity images | {images} |
| samples left out | {left_out} |

## Where things are
- CSV folders: {folders}. Only shards lie in them; all have the same columns in the same order.
- Video root: {video_root}. `video_path` is relative to it.
- Root of the identity images: `ID/`. The paths in `ID_info` are relative to it.
- `clipmill-export.json`: every file with its size and SHA-256 (videos: size and origin).

## Rows
- One row is one clip from one anchor on. Every list column has exactly one entry, [0], so prompt,
  objects, tracks and identities of a row always belong together. A clip with two anchors has two
  rows with the same `valid_duration`.
- `ID` counts the rows of a stage from 0 over all its shards. `sample_id` is stable: the same
  sample has it in every export, in `clipmill why` and in the report.
- CSV as RFC 4180, UTF-8. Fields can be longer than 131,072 characters: in Python call
  `csv.field_size_limit(sys.maxsize)`. List columns are ASCII JSON.

## Frames
- Frames count from 0 in presentation order, as a full decode gives them with the frame timing
  passed through (`ffmpeg -fps_mode passthrough`, formerly `-vsync 0`). Without it ffmpeg repeats
  or drops frames of variable-rate files and every index is off.
- `valid_duration` is [start, end), half-open, in frames of the whole video.
- `Obj_Info` start frames and the frame lists of `Track_Traj` and `Track_Visibility` count from
  the start of `valid_duration`. Tracks have one item per frame of the clip.
- Before the start frame the points stand where they are at the start frame; behind the last
  tracked frame they stay where they were last. `Track_Visibility` is false in both.
- `fps` is computed from presentation times, not taken from the header; tracks are at the video's
  own frame rate. `num_frames` and `total_seconds` are of the whole video.

## Space
- Source pixels of the video as displayed (rotation metadata applied), origin top left, x right,
  y down. `height` and `width` are of that picture.
- `Track_Traj` points are [x, y], integers (nearest pixel). Points outside the picture are allowed.
- `Panoptic_Segmentation` holds the same points at the start frame as [y, x], y first:
  `[[start, [[segment, class, [[y, x], ...]], ...]]]`.
- Boxes in `ID_info` are x0, y0, x1, y1, half-open: x1 and y1 are outside. An identity image is
  exactly its box, RGB, black where the mask is 0.
- Region boxes are `[area, [x0, y0], [x1, y1]]`, half-open, area in pixels. At the start frame no
  pixel of the object lies in its region.
- Object k of `Obj_Info` is object k of `Track_Traj`, `Track_Visibility`, `ID_info`,
  `Motion_Strength` and `Motion_Compensated`.

## Numbers
- `Motion_Strength`: straight distance from first to last frame / frames * 100000 / (height *
  width), mean over points, as published. It depends on the resolution.
- `Motion_Compensated`: mean path length per frame without the camera's own motion, in permille of
  the picture's diagonal.
- {scores}

{captions}{judgements}## Licences
The videos keep their own licences. The annotations were made with:

{licences}
{reasons}"""

_VIDEO_ROOTS = {
    "link": "`videos/`, links to the files that were annotated",
    "copy": "`videos/`, copies of the files that were annotated",
    "none": "your own; `video_path` is the path below the source folder, with the source's name "
    "in front where it has one",
}


def conventions(
    summary: ExportSummary, facts: RunFacts, *, videos: str, stages: Sequence[int]
) -> str:
    """Return the text of `CONVENTIONS.md`."""
    licences = [f"- {name}: {licence}" for name, licence in facts.licences.items()]
    return _TEXT.format(
        pipeline=f", pipeline `{facts.pipeline}`" if facts.pipeline else "",
        stage1=summary.stage1_rows if 1 in stages else "not exported",
        stage2=summary.stage2_rows if 2 in stages else "not exported",
        videos=summary.videos,
        images=summary.images,
        left_out=len(summary.left_out),
        folders=", ".join(f"`stage{number}/csv/`" for number in stages),
        video_root=_VIDEO_ROOTS[videos],
        scores="Scores of the clip: " + ", ".join(f"`{name}`" for name in facts.score_names)
        if facts.score_names
        else "No scores were known.",
        captions=caption_section(summary.captions),
        judgements=review_section(summary.reviewed, REVIEW_COLUMN),
        licences="\n".join(licences) or "- unknown",
        reasons=_reasons(summary),
    )


def _reasons(summary: ExportSummary) -> str:
    if not summary.left_out:
        return ""
    counts = Counter((item.stage, item.reason) for item in summary.left_out)
    lines = [f"- stage {stage}: {reason}: {n}" for (stage, reason), n in sorted(counts.items())]
    return "\n## Left out\n" + "\n".join(lines) + "\n"
