"""VideoX-Fun: a JSON list of videos with texts, control files and images of objects."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar, Literal

from pydantic import Field

from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.index_files.text_lists import write_json_list
from clipmill.export.render.clip_video import video_member, write_frames
from clipmill.export.render.pose_files import POSE_CONVENTIONS, pose_lines
from clipmill.export.render.reference_image import Background, identity_picture, png_bytes
from clipmill.export.render.track_video import TrackBackground, track_pictures
from clipmill.manifest.names import SPREAD_KEY, spread

_CONVENTIONS = """\
## Metadata
- `metadata.json` is a list of `file_path`, `text`, `type` (`video`), `width`, `height`,
  `control_file_path` and `object_file_path`. The trainer joins the first and the control file with
  its data root (this folder), but opens the images of objects as they are named: their paths are
  absolute, below {root}.
- The trainer skips frames unless `--video_sample_stride 1` is given.
- `object_file_path`: the main identity image of each object that has one, the largest object
  first, at most {objects} (the trainer takes no more than 4), at source resolution. Around the
  object: {background}. The list is empty where no object has one.
"""

_TRACKS = """\
- `control_file_path`: a video of the sample's tracks, a dot of one colour per object for each
  visible point, on {control_background}, with as many frames as `file_path`.
  Behind the last frame that was tracked there are no dots.
"""

_CAMERA = """\
- `control_file_path`: the camera poses, one line per frame of `file_path`.
{poses}- The trainer takes poses for those of a 16:9 picture that it cuts to its own aspect, and
  misreads the focal length of clips of another aspect: export with `--aspect 16:9`.
"""

_NONE = """\
- `control_file_path` is null.
"""


class VideoXFunOptions(FormatOptions):
    """Settings of the `videox-fun` export."""

    control: Literal["tracks", "camera", "none"] = Field(
        default="tracks", description="Control file: a video of the tracks, camera poses, or none."
    )
    control_background: TrackBackground = Field(
        default="white", description="Behind the dots of the control video."
    )
    objects: int = Field(default=4, ge=0, le=4, description="Most images of objects per sample.")
    background: Background = Field(default="white", description="Around the object in its image.")
    root: str | None = Field(
        default=None,
        description="Folder where the trainer will find the export, for the absolute paths of "
        "object images; where it is written when not given.",
    )


class VideoXFun(Format[VideoXFunOptions]):
    """A video per sample, with a control file and images of its objects."""

    name: ClassVar[str] = "videox-fun"
    summary: ClassVar[str] = "VideoX-Fun: JSON list with control videos or poses, object images."
    profile: ClassVar[str] = "wan2.1"
    Options: ClassVar[type[FormatOptions]] = VideoXFunOptions
    owned: ClassVar = {
        "videos": rf"{SPREAD_KEY}\.mp4",
        "control": rf"{SPREAD_KEY}\.(?:mp4|txt)",
        "objects": rf"{SPREAD_KEY}-o\d+\.png",
    }

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield the one piece of a sample.

        Raises:
            LeftOutError: Poses are wanted and the clip has none, or an identity image cannot be
                read.
        """
        key = sample.sample_id
        place = spread(key, key)
        control = self._control(sample, place, scratch)
        images = list(self._images(sample, scratch))
        path = f"videos/{place}.mp4"
        video = video_member(sample, scratch, path=path, options=self.options)
        width, height = sample.size
        row = {
            "file_path": video.path,
            "text": sample.row.caption,
            "caption_origin": sample.row.caption_origin,
            "type": "video",
            "width": width,
            "height": height,
            "control_file_path": control.path if control else None,
            "object_file_path": [member.path for member in images],
        }
        yield Piece(key, (video, *((control,) if control else ()), *images), row)

    def _control(self, sample: ExportSample, place: str, scratch: Path) -> Member | None:
        if self.options.control == "tracks":
            file = scratch / "control.mp4"
            pictures = track_pictures(sample, background=self.options.control_background)
            write_frames(sample, file, pictures, self.options)
            return Member("control.mp4", f"control/{place}.mp4", file)
        if self.options.control == "camera":
            file = scratch / "control.txt"
            lines = pose_lines(sample)
            file.write_text("".join(line + "\n" for line in lines), encoding="utf-8", newline="")
            return Member("control.txt", f"control/{place}.txt", file)
        return None

    def _images(self, sample: ExportSample, scratch: Path) -> Iterator[Member]:
        pictured = [entry for entry in sample.row.objects if entry.reference is not None]
        pictured.sort(key=lambda entry: -entry.area)
        for entry in pictured[: self.options.objects]:
            short = entry.object_id.rsplit("-", 1)[-1]
            picture = identity_picture(sample, entry.object_id, background=self.options.background)
            if picture is None:
                continue
            file = scratch / f"{short}.png"
            file.write_bytes(png_bytes(picture))
            key = f"{sample.sample_id}-{short}"
            yield Member(f"{short}.png", f"objects/{spread(key, key)}.png", file)

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write `metadata.json`; images are named below the option `root`, else as in the rows."""
        write_json_list(create, "metadata.json", (self._named(row, None) for row in rows()))

    def write_indices_at(self, root: Path, rows: Rows, create: CreateText) -> None:
        """Write `metadata.json`, the images of objects by their absolute paths."""
        write_json_list(create, "metadata.json", (self._named(row, root) for row in rows()))

    def _named(self, row: Mapping[str, Any], root: Path | None) -> dict[str, Any]:
        base = self.options.root or root
        paths = row["object_file_path"]
        named = paths if base is None else [Path(base, path).as_posix() for path in paths]
        return {**row, "object_file_path": named}

    def conventions(self) -> str:
        """Return what the fields mean."""
        around = {"original": "what is around it in the video"}
        control = {"tracks": _TRACKS, "camera": _CAMERA, "none": _NONE}[self.options.control]
        return (_CONVENTIONS + control).format(
            root=self.options.root or "the folder that the export was written to",
            objects=self.options.objects,
            background=around.get(self.options.background, self.options.background),
            control_background=self.options.control_background,
            poses=POSE_CONVENTIONS,
        )
