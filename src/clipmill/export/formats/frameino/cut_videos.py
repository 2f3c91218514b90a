"""The Frame In-N-Out loaders' CSV folders over videos that are cut to the samples.

`source_videos` writes the same columns over whole source videos.
"""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from clipmill.export.content.compose import LeftOutError
from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.reviews import REVIEW_KEY
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.formats.frameino.csv_shards import SHARD_NAMES, open_shards, shard_folder
from clipmill.export.formats.frameino.rows import (
    REVIEW_COLUMN,
    STAGE2,
    WholeVideo,
    identity_column,
    identity_of,
    review_cell,
    stage1_row,
    usable_objects,
    why_unusable,
)
from clipmill.export.index_files.consumer import Consumer
from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.render.clip_video import video_member
from clipmill.export.render.identity_image import identity_files
from clipmill.manifest.names import SPREAD_KEY, spread

_CONVENTIONS = """\
## Rows
- The columns are those of `docs/exports.md`; every list column has exactly one entry.
- A video is the sample itself: `valid_duration` is [0, T), and `Obj_Info` starts at frame 0.
- Video root: `videos/`. Root of the identity images: `ID/`. Only CSV shards lie in
  `stage1/csv/` and `stage2/csv/`; all shards of a stage have the same columns.
- `Track_Traj` points are [x, y], integers; `Panoptic_Segmentation` holds [y, x], y first.
- Boxes in `ID_info` and regions are half-open, in pixels of the video; identity images are at
  source resolution, RGB, black where the mask is 0.
- Tracks have one item per frame of the video; unseen points stand where they were last.
"""


class FrameInoOptions(FormatOptions):
    """Settings of the cut form of `frameino`."""

    shards: int = Field(default=1, ge=1, description="CSV files per stage.")


class FrameIno(Format[FrameInoOptions]):
    """CSV rows, cut videos and identity images."""

    name: ClassVar[str] = "frameino"
    summary: ClassVar[str] = "CSV shards, videos and identity images of the Frame In-N-Out loaders."
    owned: ClassVar = {
        "videos": rf"{SPREAD_KEY}\.mp4",
        "ID": rf"{SPREAD_KEY}-o\d+/\d+\.png",
        shard_folder(1): SHARD_NAMES,
        shard_folder(2): SHARD_NAMES,
    }
    Options = FrameInoOptions
    where_reviews_are: ClassVar[str] = REVIEW_COLUMN

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield the one piece of a sample."""
        row, key = sample.row, sample.sample_id
        objects = usable_objects(row)
        reason = why_unusable(row, objects, stage=1)
        if reason:
            raise LeftOutError(reason)
        name = f"{spread(key, key)}.mp4"
        members = [video_member(sample, scratch, path=f"videos/{name}", options=self.options)]
        facts = WholeVideo(path=name, num_frames=row.num_frames, text=sample.text)
        values = stage1_row(row, objects, facts)
        values["num_frames"] = row.num_frames
        reason = why_unusable(row, objects, stage=2) if row.stage2 else row.stage2_reason
        stage2 = row.stage2 and not reason
        if stage2:
            images: dict[str, list[str]] = {}
            for entry in filter(identity_of, objects):
                found: list[Member] = list(identity_files(entry, scratch, folder="ID"))
                images[entry.object_id] = [m.path.removeprefix("ID/") for m in found]
                members += found
            values["ID_info"] = identity_column(objects, images)
        scores = {name: float(value) for name, value in sample.scores.items()}
        more = {"stage2": stage2, "stage2_reason": reason, "scores": scores}
        yield Piece(key, tuple(members), values | more)

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write the CSV shards of both stages."""
        names = sorted({name for row in rows() for name in row["scores"]})
        # A column that the loaders do not know is there only where it says something.
        said = [REVIEW_KEY] if any(REVIEW_KEY in row for row in rows()) else []
        for stage in (1, 2):
            with open_shards(create, stage, count=self.options.shards, more=names + said) as shards:
                for row in rows():
                    if stage == 1 or row["stage2"]:
                        scores = {name: row["scores"].get(name) for name in names}
                        shards.add({**row, **scores, REVIEW_KEY: review_cell(row.get(REVIEW_KEY))})

    def consumers(self) -> tuple[Consumer, ...]:
        """Return stage 2, whose loader insists on a number of frames."""
        return (STAGE2,)

    def rules(self) -> Mapping[str, Callable[[Mapping[str, Any]], str]]:
        """Return why a piece is in stage 1 only."""
        return {"stage 1": lambda _: "", STAGE2.name: _why_not_stage2}

    def conventions(self) -> str:
        """Return what rows and columns mean."""
        return _CONVENTIONS


def _why_not_stage2(row: Mapping[str, Any]) -> str:
    """Frames come first, without their number: a few reasons are counted, not one per sample."""
    short = STAGE2.why_not(row["num_frames"], (row["width"], row["height"]))
    return short or row["stage2_reason"]
