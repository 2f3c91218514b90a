"""The indices of many trainers over one folder of videos."""

import json
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from clipmill.export.content.timeline import allowed_count
from clipmill.export.formats.base import CreateText, Rows
from clipmill.export.formats.indices import write_json_list, write_jsonl, write_lines
from clipmill.export.formats.plain_toml import write_diffusion_pipe, write_musubi
from clipmill.export.formats.tally import Row, Rule, Tally

COSMOS_FRAMES = 94
"""Cosmos-Predict draws windows of 93 frames, and needs one frame more than a window."""


def write_plain_indices(rows: Rows, create: CreateText) -> None:
    """Write every index, and `indices.json` with their counts.

    Args:
        rows: Rows of the pieces, see `plain.py`.
        create: Opens a file of the export.
    """
    tally = Tally(rows)
    write_jsonl(
        create,
        "metadata.jsonl",
        (
            {
                "file_name": row["video"],
                "caption": row["caption"],
                "caption_origin": row["caption_origin"],
            }
            for row in tally.take("finetrainers", _any)
        ),
    )
    _line_files(tally, create)
    write_json_list(
        create, "videos2caption.json", map(_fastvideo, tally.take("fastvideo", _captioned))
    )
    for name, rule, columns in _LTX:
        lines = (
            {column: row[source] for column, source in columns.items()}
            for row in tally.take(name, rule)
        )
        write_jsonl(create, f"{name}.jsonl", lines)
    for _ in tally.take("cosmos", _long_enough):
        pass
    write_musubi(tally, create, {"musubi": _any, "musubi-control": _with_tracking})
    write_diffusion_pipe(tally, create, _any)
    with create("indices.json") as file:
        file.write(json.dumps(tally.counts(), indent=1, sort_keys=True) + "\n")


def _any(row: Row) -> str:
    return ""


def _captioned(row: Row) -> str:
    return "" if row["caption"].strip() else "no caption"


def _with_tracking(row: Row) -> str:
    return "" if row["tracking"] else "no tracking video"


def _shader(row: Row) -> str:
    return _captioned(row) or _with_tracking(row)


def _long_enough(row: Row) -> str:
    return "" if row["num_frames"] >= COSMOS_FRAMES else f"fewer than {COSMOS_FRAMES} frames"


def _ltx(row: Row) -> str:
    if allowed_count(row["num_frames"], "8n+1") != row["num_frames"]:
        return "frames are not 8N+1"
    return "sides are no multiples of 32" if row["width"] % 32 or row["height"] % 32 else ""


def _ltx_reference(row: Row) -> str:
    return _ltx(row) or _with_tracking(row)


def _ltx_mask(row: Row) -> str:
    return _ltx(row) or ("" if row["mask"] else "no mask video")


_PLAIN = {"video": "video", "caption": "caption", "caption_origin": "caption_origin"}

_LTX: Sequence[tuple[str, Rule, Mapping[str, str]]] = (
    ("ltx", _ltx, _PLAIN),
    ("ltx-reference", _ltx_reference, _PLAIN | {"reference_video": "tracking"}),
    ("ltx-mask", _ltx_mask, _PLAIN | {"video_mask": "mask"}),
)
"""The LTX trainers take every column they know for an instruction: one file per task."""


def _line_files(tally: Tally, create: CreateText) -> None:
    """Write the lists that are paired line by line.

    Their readers leave out blank lines, so that an empty one would shift all pairs behind it.
    """
    write_lines(
        create, "prompt.txt", (r["caption"].strip() for r in tally.take("cogvideox", _captioned))
    )
    write_lines(create, "videos.txt", (r["video"] for r in tally.take("cogvideox", _captioned)))
    found = tally.take("diffusion-as-shader", _shader)
    write_lines(create, "trackings.txt", (row["tracking"] for row in found))


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
