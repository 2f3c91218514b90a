"""DiffSynth-Studio: a metadata file over videos, and Frame-In / Frame-Out as VACE outpainting."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from clipmill.annotations.inout.schema import Region
from clipmill.canvas.placement import Box
from clipmill.export.content.compose import LeftOutError
from clipmill.export.content.grid import aligned
from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.index_files.metadata import with_key, write_metadata
from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.render.clip_video import copied_video, video_member, write_frames
from clipmill.export.render.reference_image import Background, identity_picture, png_bytes
from clipmill.export.render.region_video import (
    RegionVideo,
    write_mask_video,
    write_region_videos,
)
from clipmill.export.render.track_video import TrackBackground, track_pictures
from clipmill.manifest.names import SPREAD_KEY, spread

_CONVENTIONS = """\
## Metadata
- `metadata.jsonl`, `.json` and `.csv` list all rows; `metadata_vace.*` those with a VACE triple.
  Paths are relative to this folder, the trainer's `--dataset_base_path`. The CSV has only the
  columns that every row has (its reader would take an empty cell for a file name), and a space
  behind prompts such as `NA`, which its reader would take for a missing value.
- `video`: the sample's frames. `prompt`: its caption; `caption_origin` says where it is from.
  `control_video`: its tracks, a dot of one colour per object for each visible point, on
  {control_background}, as many frames as `video`. Behind the last frame that was tracked there
  are no dots.
- `reference_image`: the object cut out at source resolution, centred in a picture of the video's
  size. Around the object: {background}; the margins are {margins}. Rows without it have no object
  with an identity image.
- The trainer changes no frame rates and reads the first `--num_frames` frames: encode at the
  model's rate, here `fps`.

## VACE triples
- `video` is the target: all of the original. `vace_video` is the original inside `region`
  (x0, y0, x1, y1 in pixels of the video, half-open) and grey 127 outside, in all frames.
  `vace_video_mask` is white (255) where the model generates, that is outside of the region, and
  black (0) inside. `vace_reference_image` is the object that enters the region, or leaves it.
- In frame 0 no pixel of the object `object_id` is inside the region.
- A sample has one row per object and region, at most {regions} per object, {first}; `entered`
  says whether the object comes into the region within the video.
  The sides of a region are moved inward to multiples of {align} pixels{exact}.
- Arguments: `--data_file_keys "video,vace_video,vace_video_mask,vace_reference_image"
  --extra_inputs "vace_video,vace_video_mask,vace_reference_image"` with `metadata_vace.csv`;
  `--data_file_keys "video,control_video,reference_image"` for models with a control video.
"""

_COLUMNS = ("video", "prompt")
_VACE_COLUMNS = ("vace_video", "vace_video_mask", "vace_reference_image")
_KEY = rf"{SPREAD_KEY}(?:-o\d+-r\d+)?"


class DiffSynthOptions(FormatOptions):
    """Settings of the `diffsynth` export."""

    triples: Literal["auto", "only", "never"] = Field(
        default="auto",
        description="VACE triples for Frame-In / Frame-Out: where samples are ready for them "
        "(the others become plain rows), only those, or none.",
    )
    regions: int = Field(default=1, ge=1, description="Regions per object.")
    first: Literal["entered", "largest"] = Field(
        default="entered",
        description="Regions taken first: those the object comes into, the largest of them "
        "before the others; or the largest of all.",
    )
    align: int = Field(
        default=16,
        ge=2,
        le=128,
        multiple_of=2,
        description="Sides of regions are moved inward to multiples of this; below 16 the grey "
        "and the mask are not exact at the sides.",
    )
    control: bool = Field(default=True, description="Write the tracks as a control video.")
    control_background: TrackBackground = Field(
        default="white", description="Behind the dots of the control video."
    )
    background: Background = Field(
        default="white", description="Around the object in its reference image."
    )


@dataclass(frozen=True)
class _Triple:
    """A region of an object that becomes a row."""

    key: str
    object_id: str
    box: Box
    entered: bool


class DiffSynth(Format[DiffSynthOptions]):
    """Videos with prompts, control videos, reference images and VACE triples."""

    name: ClassVar[str] = "diffsynth"
    summary: ClassVar[str] = "DiffSynth-Studio: metadata, control videos, VACE triples."
    profile: ClassVar[str] = "wan2.1"
    Options: ClassVar[type[FormatOptions]] = DiffSynthOptions
    owned: ClassVar = {
        "videos": rf"{_KEY}\.mp4",
        "control": rf"{_KEY}\.mp4",
        "vace": rf"{_KEY}\.mp4",
        "masks": rf"{_KEY}\.mp4",
        "references": rf"{_KEY}\.png",
    }

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield a piece per region of each stage-2 object, or one for the whole sample.

        Raises:
            LeftOutError: Only triples are wanted, and the sample has none.
        """
        triples = () if self.options.triples == "never" else tuple(self._triples(sample))
        if triples:
            yield from self._triple_pieces(sample, triples, scratch)
        elif self.options.triples == "only":
            raise LeftOutError(_why_no_triple(sample))
        else:
            yield self._plain_piece(sample, scratch)

    def _triples(self, sample: ExportSample) -> Iterator[_Triple]:
        for entry in sample.row.objects if sample.row.stage2 else ():
            if not entry.stage2 or entry.reference is None:
                continue
            short = entry.object_id.rsplit("-", 1)[-1]
            found: dict[Box, bool] = {}
            for region in sorted(entry.regions, key=partial(self._rank, sample)):
                box = aligned(region.box, sample.size, align=self.options.align)
                if box is not None:
                    found.setdefault(box, _is_entered(region, sample))
            for number, (box, entered) in enumerate(islice(found.items(), self.options.regions)):
                key = f"{sample.sample_id}-{short}-r{number}"
                yield _Triple(key, entry.object_id, box, entered)

    def _rank(self, sample: ExportSample, region: Region) -> tuple[bool, int]:
        """Sort the regions to take first to the front."""
        later = self.options.first == "entered" and not _is_entered(region, sample)
        return later, -region.area

    def _plain_piece(self, sample: ExportSample, scratch: Path) -> Piece:
        key = sample.sample_id
        path = f"videos/{spread(key, key)}.mp4"
        members = [video_member(sample, scratch, path=path, options=self.options)]
        members += self._control(sample, key, scratch, scratch / "control.mp4")
        pictured = (entry.object_id for entry in sample.row.objects if entry.reference)
        if (object_id := next(pictured, None)) is not None:
            members.append(self._reference(sample, object_id, key, scratch))
        return Piece(key, tuple(members), _row(sample, members))

    def _triple_pieces(
        self, sample: ExportSample, triples: tuple[_Triple, ...], scratch: Path
    ) -> Iterator[Piece]:
        whole = copied_video(sample, path="", options=self.options)
        target = whole.file if whole else scratch / "target.mp4"
        parts = [RegionVideo(item.box, scratch / f"{item.key}.vace.mp4") for item in triples]
        write_region_videos(sample, parts, target=None if whole else target, options=self.options)
        control = scratch / "control.mp4"
        for item, part in zip(triples, parts, strict=True):
            key, place = item.key, spread(item.key, item.key)
            video = target if whole else _shared(target, scratch / f"{key}.mp4")
            mask = scratch / f"{key}.mask.mp4"
            write_mask_video(sample, item.box, mask, self.options)
            members = [
                replace(whole, path=f"videos/{place}.mp4")
                if whole
                else Member("mp4", f"videos/{place}.mp4", video),
                *self._control(sample, key, scratch, control),
                self._reference(sample, item.object_id, key, scratch),
                Member("vace.mp4", f"vace/{place}.mp4", part.file),
                Member("mask.mp4", f"masks/{place}.mp4", mask),
            ]
            yield Piece(key, tuple(members), _row(sample, members, item))

    def _control(self, sample: ExportSample, key: str, scratch: Path, drawn: Path) -> list[Member]:
        """Return the control video of a piece; it is drawn once per sample."""
        if not self.options.control:
            return []
        if not drawn.exists():
            pictures = track_pictures(sample, background=self.options.control_background)
            write_frames(sample, drawn, pictures, self.options)
        file = _shared(drawn, scratch / f"{key}.control.mp4")
        return [Member("control.mp4", f"control/{spread(key, key)}.mp4", file)]

    def _reference(self, sample: ExportSample, object_id: str, key: str, scratch: Path) -> Member:
        picture = identity_picture(
            sample, object_id, background=self.options.background, size=sample.size
        )
        if picture is None:
            raise LeftOutError(f"object {object_id} has no identity image")
        file = scratch / f"{key}.reference.png"
        file.write_bytes(png_bytes(picture))
        return Member("reference.png", f"references/{spread(key, key)}.png", file)

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write `metadata` and `metadata_vace` as JSON lines, JSON and CSV."""
        write_metadata("metadata", rows, create, always=_COLUMNS)
        triples = with_key(rows, "vace_video")
        write_metadata("metadata_vace", triples, create, always=(*_COLUMNS, *_VACE_COLUMNS))

    def rules(self) -> Mapping[str, Callable[[Mapping[str, Any]], str]]:
        """Return why a row has no VACE triple."""
        return {
            "metadata": lambda _: "",
            "metadata_vace": lambda row: "" if "vace_video" in row else "no VACE triple",
        }

    def conventions(self) -> str:
        """Return what the columns mean."""
        around = {"original": "what is around it in the video"}
        margins = "black" if self.options.background == "black" else "white"
        return _CONVENTIONS.format(
            background=around.get(self.options.background, self.options.background),
            margins=margins,
            control_background=self.options.control_background,
            regions=self.options.regions,
            first="those that the object comes into first"
            if self.options.first == "entered"
            else "the largest first",
            align=self.options.align,
            exact=(
                ", between the blocks of the encoder: grey and mask are exact"
                if self.options.align % 16 == 0
                else "; compression moves the grey within a few pixels of them by up to 20 levels"
            ),
        )


def _row(
    sample: ExportSample, members: list[Member], triple: _Triple | None = None
) -> dict[str, Any]:
    paths = {member.extension: member.path for member in members}
    row: dict[str, Any] = {"video": paths["mp4"], "prompt": sample.row.caption}
    if "control.mp4" in paths:
        row["control_video"] = paths["control.mp4"]
    if "reference.png" in paths:
        row["reference_image"] = paths["reference.png"]
    if triple is not None:
        row |= {
            "vace_video": paths["vace.mp4"],
            "vace_video_mask": paths["mask.mp4"],
            "vace_reference_image": paths["reference.png"],
            "object_id": triple.object_id,
            "region": list(triple.box),
            "entered": triple.entered,
        }
    width, height = sample.size
    return row | {
        "caption_origin": sample.row.caption_origin,
        "sample_id": sample.sample_id,
        "num_frames": sample.num_frames,
        "fps": float(sample.timeline.fps),
        "width": width,
        "height": height,
    }


def _is_entered(region: Region, sample: ExportSample) -> bool:
    """Whether the object comes into a region within the exported frames."""
    return region.enter_frame is not None and 0 <= region.enter_frame < sample.num_frames


def _why_no_triple(sample: ExportSample) -> str:
    ready = [entry for entry in sample.row.objects if entry.stage2]
    if not sample.row.stage2 or not ready:
        return f"not ready for Frame-In / Frame-Out: {sample.row.stage2_reason or 'no object is'}"
    if all(entry.reference is None for entry in ready):
        return "no object that is ready for Frame-In / Frame-Out has an identity image"
    return "no object with an identity image has a region"


def _shared(file: Path, name: Path) -> Path:
    """Give a file one more name; where the file system has no links, copy it."""
    try:
        os.link(file, name)
    except OSError:
        shutil.copyfile(file, name)
    return name
