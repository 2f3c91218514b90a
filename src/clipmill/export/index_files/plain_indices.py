"""The indices of many trainers over one folder of videos."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import PurePosixPath

from clipmill.export.content.reviews import REVIEW_KEY
from clipmill.export.index_files.consumer import Consumer
from clipmill.export.index_files.row_counts import count_indices, taken
from clipmill.export.index_files.rows import CreateText, Row, Rows, Rule
from clipmill.export.index_files.text_lists import write_json_list, write_jsonl, write_lines
from clipmill.export.index_files.toml_writer import write_diffusion_pipe, write_musubi

COSMOS_FRAMES = 94
"""Cosmos-Predict draws windows of 93 frames, and needs one frame more than a window."""


_LTX_MODEL = Consumer(
    "ltx",
    count="8n+1",
    multiple=32,
    remedy="--frames ltx gives 8N+1 frames and sides of 32",
)
_COSMOS_MODEL = Consumer(
    "cosmos",
    min_frames=COSMOS_FRAMES,
    remedy="--frames cosmos keeps the source's rate and takes only samples of that length",
)
PLAIN_CONSUMERS = (_LTX_MODEL, _COSMOS_MODEL)
"""Trainers that take no video of another length or size."""


def write_plain_indices(rows: Rows, create: CreateText) -> None:
    """Write every index, and `indices.json` with their counts.

    Args:
        rows: Rows of the pieces, see `plain.py`.
        create: Opens a file of the export.
    """
    write_jsonl(
        create,
        "metadata.jsonl",
        (
            {
                "file_name": row["video"],
                "caption": row["caption"],
                "caption_origin": row["caption_origin"],
            }
            for row in rows()
        ),
    )
    _write_line_files(rows, create)
    captioned = map(_fastvideo, taken(rows, _captioned))
    write_json_list(create, "videos2caption.json", captioned)
    for name, columns in _LTX.items():
        lines = (
            {column: row[source] for column, source in columns.items()}
            for row in taken(rows, PLAIN_RULES[name])
        )
        write_jsonl(create, f"{name}.jsonl", lines)
    write_musubi(rows, create, {name: PLAIN_RULES[name] for name in ("musubi", "musubi-control")})
    write_diffusion_pipe(rows, create)
    _write_reviews(rows, create)
    counts = count_indices(rows, PLAIN_RULES)
    with create("indices.json") as file:
        file.write(json.dumps({k: asdict(v) for k, v in counts.items()}, indent=1, sort_keys=True))
        file.write("\n")


def _any(row: Row) -> str:
    return ""


def _captioned(row: Row) -> str:
    return "" if row["caption"].strip() else "no caption"


def _with_tracking(row: Row) -> str:
    return "" if row["tracking"] else "no tracking video"


def _shader(row: Row) -> str:
    return _captioned(row) or _with_tracking(row)


def _cosmos(row: Row) -> str:
    return _COSMOS_MODEL.why_not(row["num_frames"], (row["width"], row["height"]))


def _ltx(row: Row) -> str:
    return _LTX_MODEL.why_not(row["num_frames"], (row["width"], row["height"]))


def _ltx_reference(row: Row) -> str:
    return _ltx(row) or _with_tracking(row)


def _ltx_mask(row: Row) -> str:
    return _ltx(row) or ("" if row["mask"] else "no mask video")


PLAIN_RULES: Mapping[str, Rule] = {
    "finetrainers": _any,
    "cogvideox": _captioned,
    "diffusion-as-shader": _shader,
    "fastvideo": _captioned,
    "ltx": _ltx,
    "ltx-reference": _ltx_reference,
    "ltx-mask": _ltx_mask,
    "cosmos": _cosmos,
    "musubi": _any,
    "musubi-control": _with_tracking,
    "diffusion-pipe": _any,
}
"""Why a piece is not in the index of a trainer."""

_PLAIN = {"video": "video", "caption": "caption", "caption_origin": "caption_origin"}

_LTX: Mapping[str, Mapping[str, str]] = {
    "ltx": _PLAIN,
    "ltx-reference": _PLAIN | {"reference_video": "tracking"},
    "ltx-mask": _PLAIN | {"video_mask": "mask"},
}
"""The LTX trainers take every column they know for an instruction: one file per task."""


def _write_line_files(rows: Rows, create: CreateText) -> None:
    """Write the lists that are paired line by line.

    Their readers leave out blank lines, so that an empty one would shift all pairs behind it.
    """
    write_lines(create, "prompt.txt", (r["caption"].strip() for r in taken(rows, _captioned)))
    write_lines(create, "videos.txt", (r["video"] for r in taken(rows, _captioned)))
    write_lines(create, "trackings.txt", (r["tracking"] for r in taken(rows, _shader)))


def _write_reviews(rows: Rows, create: CreateText) -> None:
    """Write what people said beside the indices, of which some take any column for an order."""
    if any(REVIEW_KEY in row for row in rows()):
        names = {"file_name": "video", "sample_id": "sample_id", REVIEW_KEY: REVIEW_KEY}
        said = (row for row in rows() if REVIEW_KEY in row)
        lines = ({name: row[source] for name, source in names.items()} for row in said)
        write_jsonl(create, "review/samples.jsonl", lines)


def _fastvideo(row: Row) -> Row:
    return {
        "path": PurePosixPath(row["video"]).name,
        "resolution": {"width": row["width"], "height": row["height"]},
        "fps": row["fps"],
        "num_frames": row["num_frames"],
        "duration": row["num_frames"] / row["fps"],
        "cap": [row["caption"]],
        "caption_origin": row["caption_origin"],
    }
