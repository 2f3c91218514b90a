"""RealEstate10K (F4): videos, camera pose files, and the JSON index that CameraCtrl reads."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

from clipmill.export.content.pieces import Member, Piece
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.base import Format, FormatOptions
from clipmill.export.index_files.rows import CreateText, Rows
from clipmill.export.index_files.text_lists import write_json_list
from clipmill.export.render.clip_video import video_member
from clipmill.export.render.pose_files import POSE_CONVENTIONS, camera_of, pose_lines
from clipmill.manifest.names import SPREAD_KEY, spread

_CONVENTIONS = (
    """\
## Camera poses
"""
    + POSE_CONVENTIONS
    + """\
- A pose file has as many poses as its video has frames. Poses are those of the annotation,
  moved so that frame 0 is the identity; between measured frames rotations are interpolated on
  the sphere, camera centres along straight lines.
- `re10k.json` is a list of `clip_name`, `clip_path`, `pose_file`, `caption` (paths relative to
  this folder), with `caption_origin`, `num_frames`, `fps`, `width`, `height`, `metric` and
  `focal_known` beside.
- Samples of clips without camera poses are left out as well.
"""
)


class Re10k(Format[FormatOptions]):
    """A video and a pose file per sample."""

    name: ClassVar[str] = "re10k"
    summary: ClassVar[str] = "Videos with camera poses as RealEstate10K text (CameraCtrl)."
    owned: ClassVar = {
        "videos": rf"{SPREAD_KEY}\.mp4",
        "poses": rf"{SPREAD_KEY}\.txt",
    }

    def pieces(self, sample: ExportSample, scratch: Path) -> Iterator[Piece]:
        """Yield the one piece of a sample."""
        key = sample.sample_id
        camera, lines = camera_of(sample), pose_lines(sample)
        poses = scratch / "poses.txt"
        poses.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="")
        video = video_member(
            sample, scratch, path=f"videos/{spread(key, key)}.mp4", options=self.options
        )
        pose_file = Member("pose.txt", f"poses/{spread(key, key)}.txt", poses)
        row = {
            "clip_name": key,
            "clip_path": video.path,
            "pose_file": pose_file.path,
            **sample.listed,
            "metric": camera.metric,
            "focal_known": camera.focal_known,
        }
        yield Piece(key, (video, pose_file), row)

    def write_indices(self, rows: Rows, create: CreateText) -> None:
        """Write `re10k.json`."""
        write_json_list(create, "re10k.json", rows())

    def conventions(self) -> str:
        """Return what the numbers of a pose file mean."""
        return _CONVENTIONS
