"""Plain (F5): one folder of videos with a caption file each, and the indices of many trainers."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.index_files.consumer import Consumer
from clipmill.export.index_files.plain_indices import (
    COSMOS_FRAMES,
    PLAIN_CONSUMERS,
    PLAIN_RULES,
    write_plain_indices,
)
from clipmill.export.index_files.rows import CreateText, Rows, Rule
from clipmill.export.render.layered_video import Drawn, video_with_layers
from clipmill.export.render.overlay import Dots, KeptMask
from clipmill.manifest.names import SAMPLE_KEY

_CONVENTIONS = """\
## Files
- `videos/KEY.mp4` and `videos/KEY.txt`, the whole caption with its line breaks. One flat folder: the
  trainers below do not look into folders inside.
- `tracking/KEY.mp4`: the tracked points as discs over black, frame for frame (hidden points are not
  drawn). A disc keeps its colour. Colours are those of the places at frame 0 within the box around
  all points (blue top left, red top right, cyan bottom left, yellow bottom right), or one per object.
- `masks/KEY.mp4`: black where an object is, white elsewhere: white is kept, black is generated
  (LTX). Only for samples whose masks were carried through the clip; an object without stays white.
- `metas/KEY.txt`: the caption again, for videos of at least 94 frames (Cosmos).

## Indices
Paths are relative to this folder; start a trainer in it. A piece that a trainer could not use is
not in that trainer's index: `indices.json` counts, index by index, what is in it and what is not
and why.

| trainer | files | pieces |
| --- | --- | --- |
| musubi-tuner | `musubi.toml`, `musubi-control.toml` with `control_path`; JSON lines per frame rate in `musubi/` | all |
| finetrainers | `metadata.jsonl` | all |
| Diffusion as Shader, CogVideoX | `prompt.txt`, `videos.txt`, `trackings.txt`, line by line | with a caption |
| FastVideo | `videos2caption.json` over `videos/` | with a caption |
| Cosmos-Predict | `videos/`, `metas/` | 94 frames and more |
| LTX trainers | `ltx.jsonl`, `ltx-reference.jsonl` with `reference_video`, `ltx-mask.jsonl` with `video_mask` | 8N+1 frames, sides multiples of 32 |
| diffusion-pipe | `diffusion-pipe.toml` over `videos/` | all |

- `caption_origin` says where a caption is from in every index that has columns, and in
  `manifest.jsonl` for all pieces: `provided`, `model`, or `template`.
- In `prompt.txt` line breaks of a caption are spaces; everywhere else it is kept as it is.
- `source_fps` in the TOML files is the rate of the videos: musubi-tuner leaves out frames where its
  model is slower.
"""  # noqa: E501 - rows of a table


class PlainOptions(FormatOptions):
    """What lies beside the videos."""

    tracking: bool = Field(default=True, description="Also a video of the tracked points.")
    masks: bool = Field(default=True, description="Also a video of what is no object (LTX).")
    colour: Literal["place", "object"] = Field(
        default="place", description="Colour of discs: by place at frame 0, or one per object."
    )
    radius: float = Field(
        default=0.014, gt=0, le=0.5, description="Radius of discs, share of the picture's height."
    )


class Plain(Format[PlainOptions]):
    """A video and a caption per sample."""

    name: ClassVar[str] = "plain"
    summary: ClassVar[str] = "Videos with caption files; indices of musubi, LTX, FastVideo, ..."
    owned: ClassVar = {
        "videos": rf"{SAMPLE_KEY}\.(mp4|txt)",
        "tracking": rf"{SAMPLE_KEY}\.mp4",
        "masks": rf"{SAMPLE_KEY}\.mp4",
        "metas": rf"{SAMPLE_KEY}\.txt",
        "review": r"samples\.jsonl",
        "musubi": r"[0-9.]+fps(-control)?\.jsonl",
    }
    where_reviews_are: ClassVar[str] = (
        "`review/samples.jsonl` has it as `review`, beside `file_name` and `sample_id`: the "
        "readers of the other indices know their columns."
    )
    Options = PlainOptions

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield the one piece of a sample."""
        key, row = sample.sample_id, sample.row
        drawn: dict[str, Drawn] = {}
        if self.options.tracking:
            dots = Dots(sample, radius=self.options.radius, colour=self.options.colour)
            drawn["tracking.mp4"] = Drawn(f"tracking/{key}.mp4", dots)
        if self.options.masks and sample.masks:
            drawn["mask.mp4"] = Drawn(f"masks/{key}.mp4", KeptMask(sample))
        members = video_with_layers(
            sample, scratch, path=f"videos/{key}.mp4", drawn=drawn, options=self.options
        )
        members.append(_caption(row.caption, scratch / "caption.txt", f"videos/{key}.txt", "txt"))
        if sample.num_frames >= COSMOS_FRAMES:
            members.append(
                _caption(row.caption, scratch / "meta.txt", f"metas/{key}.txt", "meta.txt")
            )
        paths = {member.extension: member.path for member in members}
        index: dict[str, Any] = {
            "sample_id": key,
            "video": paths["mp4"],
            **sample.listed,
            "tracking": paths.get("tracking.mp4"),
            "mask": paths.get("mask.mp4"),
        }
        yield Piece(key, tuple(members), index)

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write the indices of all trainers."""
        write_plain_indices(rows, create)

    def consumers(self) -> tuple[Consumer, ...]:
        """Return the trainers that take no video of another length or size."""
        return PLAIN_CONSUMERS

    def rules(self) -> Mapping[str, Rule]:
        """Return why a piece is not in the index of a trainer."""
        return PLAIN_RULES

    def conventions(self) -> str:
        """Return what lies where, and for whom."""
        return _CONVENTIONS


def _caption(text: str, file: Path, path: str, extension: str) -> Member:
    file.write_text(text, encoding="utf-8", newline="")
    return Member(extension, path, file)
