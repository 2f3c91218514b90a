"""Control (F6): videos drawn from tracks, masks and regions, and point files of motion models."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field

from clipmill.export.content.compose import LeftOutError
from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.index_files.text_lists import one_line, write_jsonl, write_lines
from clipmill.export.render.layered_video import Drawn, video_with_layers
from clipmill.export.render.overlay import Dots, Inside, Masks, colours_of, largest_region
from clipmill.export.render.point_files import ati_array, wan_move_arrays, write_ati
from clipmill.manifest.names import SAMPLE_KEY, SPREAD_KEY, spread

_CONVENTIONS = """\
## Control videos
- Every drawn video has the frames, the rate and the size of its video: frame k belongs to frame k.
  `control.jsonl` names the files of each sample; every line has every file that was asked for.
  Samples that lack one (masks that were never carried through the clip, no region) are left out.
- `tracks/`: one disc per seen point; hidden points and points outside the picture are not drawn.
- `masks/`: flat colours over black, later objects over earlier ones. An object is missing where it
  is not seen, and altogether when its masks were never carried through the clip.
- `objects` in the index gives the colour of each object as RGB, 0 to 255. Colours in lossy videos
  come close to it.
- `region/`: the video inside the largest region of an object that can be an identity, grey (127)
  outside; `region` in the index has its box (half-open, sides moved inward to multiples of {align}
  pixels) and object. At frame 0 no pixel of the object is inside.

## Point files
- `wan_move/KEY_tracks.npy` float32 [1, T, N, 2], x, y in pixels of the video, and
  `KEY_visibility.npy` bool [1, T, N]; T is the number of frames of the video (the model takes 81 at
  16 per second: `--frames wan2.1`). Only points seen at frame 0 are in them: the model copies the
  picture from there. `wan_move.txt` lists `KEY.mp4,caption`.
- `ati/KEY.pth`: npz bytes with the key `array`, float32 [N, 121, 1, 3]: x, y in pixels of the video
  and visibility (0 or 1), all times 8. The second axis is always 121 moments, k / 24 s from the
  video's first frame on, whatever the video's rate (the model itself draws 81 frames at 16 per
  second from them); behind the end of the video points stand still, unseen.
"""


class ControlOptions(FormatOptions):
    """Which files are made, and how they are drawn."""

    tracks: bool = Field(default=True, description="Video of the tracked points as discs.")
    masks: bool = Field(default=False, description="Video of the objects' masks, one colour each.")
    region: bool = Field(
        default=False, description="Video inside the largest region, grey outside."
    )
    wan_move: bool = Field(default=False, description="Point files of Wan-Move.")
    ati: bool = Field(default=False, description="Point files of ATI.")
    over: Literal["black", "video"] = Field(default="black", description="What discs are drawn on.")
    colour: Literal["object", "place"] = Field(
        default="object", description="Colour of discs: one per object, or by place at frame 0."
    )
    radius: float = Field(
        default=0.014, gt=0, le=0.5, description="Radius of discs, share of the picture's height."
    )
    align: int = Field(
        default=16,
        ge=2,
        le=128,
        multiple_of=2,
        description="Sides of the region are moved inward to multiples of this; below 16 the grey "
        "is not exact at the sides.",
    )
    lossless: bool = Field(
        default=False, description="Drawn videos keep colours exactly (RGB; few players show it)."
    )


class Control(Format[ControlOptions]):
    """A video per sample with what was drawn of it."""

    name: ClassVar[str] = "control"
    summary: ClassVar[str] = "Videos drawn from tracks, masks, regions; Wan-Move and ATI tracks."
    owned: ClassVar = {
        "videos": rf"{SPREAD_KEY}\.mp4",
        "tracks": rf"{SPREAD_KEY}\.mp4",
        "masks": rf"{SPREAD_KEY}\.mp4",
        "region": rf"{SPREAD_KEY}\.mp4",
        "wan_move": rf"{SAMPLE_KEY}_(tracks|visibility)\.npy",
        "ati": rf"{SAMPLE_KEY}\.pth",
    }
    Options = ControlOptions

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield the one piece of a sample."""
        key, row = sample.sample_id, sample.row
        drawn, facts = self._drawn(sample)
        points = list(self._point_files(sample, scratch))
        members = video_with_layers(
            sample,
            scratch,
            path=f"videos/{spread(key, key)}.mp4",
            drawn=drawn,
            options=self.options,
            lossless=self.options.lossless,
        )
        members += points
        colours = colours_of(sample)
        index = {
            "sample_id": key,
            "video": members[0].path,
            **sample.listed,
            "objects": [
                {
                    "object_id": entry.object_id,
                    "class_name": entry.class_name,
                    "colour": list(colours[entry.object_id]),
                    "has_masks": entry.object_id in sample.masks,
                }
                for entry in row.objects
            ],
            **{_NAMES[member.extension]: member.path for member in members[1:]},
            **facts,
        }
        yield Piece(key, tuple(members), index)

    def _drawn(self, sample: ExportSample) -> tuple[dict[str, Drawn], dict[str, Any]]:
        """Return the drawn videos that were asked for, and what the index says of them."""
        options, key = self.options, sample.sample_id
        name = f"{spread(key, key)}.mp4"
        drawn: dict[str, Drawn] = {}
        facts: dict[str, Any] = {}
        if options.tracks:
            dots = Dots(sample, radius=options.radius, colour=options.colour, over=options.over)
            drawn["tracks.mp4"] = Drawn(f"tracks/{name}", dots)
        if options.masks:
            if not sample.masks:
                raise LeftOutError("no masks were carried through the clip")
            drawn["masks.mp4"] = Drawn(f"masks/{name}", Masks(sample))
        if options.region:
            found = largest_region(sample, align=options.align)
            if found is None:
                raise LeftOutError("no object has a region")
            entry, box = found
            drawn["region.mp4"] = Drawn(f"region/{name}", Inside(box))
            facts["region"] = {"object_id": entry.object_id, "box": list(box)}
        return drawn, facts

    def _point_files(self, sample: ExportSample, scratch: Path) -> Iterator[Member]:
        key = sample.sample_id
        if self.options.wan_move:
            for what, array in zip(("tracks", "visibility"), wan_move_arrays(sample), strict=True):
                file = scratch / f"{what}.npy"
                np.save(file, array, allow_pickle=False)
                yield Member(f"{what}.npy", f"wan_move/{key}_{what}.npy", file)
        if self.options.ati:
            file = scratch / "ati.pth"
            write_ati(file, ati_array(sample))
            yield Member("ati.pth", f"ati/{key}.pth", file)

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write `control.jsonl`, and `wan_move.txt` where there are files for it."""
        write_jsonl(create, "control.jsonl", rows())
        if self.options.wan_move:
            lines = (f"{row['sample_id']}.mp4,{one_line(row['caption'])}" for row in rows())
            write_lines(create, "wan_move.txt", lines)

    def conventions(self) -> str:
        """Return what drawn videos and point files mean."""
        return _CONVENTIONS.replace("{align}", str(self.options.align))


_NAMES = {
    "tracks.mp4": "tracks",
    "masks.mp4": "masks",
    "region.mp4": "region_video",
    "tracks.npy": "wan_move_tracks",
    "visibility.npy": "wan_move_visibility",
    "ati.pth": "ati",
}
"""Columns of the index by extension."""
