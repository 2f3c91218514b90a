"""Videos and identity images of an export, under names that every system can hold."""

import re
import shutil
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Literal

from clipmill.errors import UsageError
from clipmill.export.content.source_check import has_same_content
from clipmill.manifest.folder import ExportFolder
from clipmill.samples.schema import SampleObject, SampleRow
from clipmill.video import VideoError, open_file

VideoMode = Literal["link", "copy", "none"]

VIDEO_FOLDER = "videos"
IMAGE_FOLDER = "ID"

VIDEO_NAMES = r"[0-9a-f]{2}/[0-9a-f]{16}_[A-Za-z0-9._-]*"
"""Names below `VIDEO_FOLDER`, see `video_name`."""

IMAGE_NAMES = r"[0-9a-f]{2}/[0-9a-f]{16}-[0-9]+-[0-9]+-a[0-9]+-o[0-9]+/[A-Za-z0-9_]+\.png"
"""Names below `IMAGE_FOLDER`."""

_STEM_LENGTH = 60


def source_video_name(video_id: str, relative_path: str) -> str:
    """Return where a video goes below the video root.

    The id in front keeps equal names of different sources and folders apart; the rest is for
    people, reduced to letters, digits, dot, dash and underscore.
    """
    path = PurePosixPath(relative_path)
    stem = re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem)[:_STEM_LENGTH]
    suffix = re.sub(r"[^A-Za-z0-9.]+", "", path.suffix).lower()
    return f"{video_id[:2]}/{video_id}_{stem}{suffix}"


def _problem(sample: SampleRow, size_bytes: int | None, stamp: str) -> str:
    """Return why a video is not the one that was annotated; empty when it is."""
    try:
        if size_bytes is None:
            open_file(sample.uri).close()
        elif not has_same_content(sample.uri, sample.video_id, size_bytes=size_bytes, stamp=stamp):
            return f"the video {sample.uri} has changed since it was annotated; run again"
    except VideoError as error:
        return f"{error.kind}: {error}"
    except OSError as error:
        return f"the video {sample.uri} cannot be read: {error.strerror or error}"
    return ""


class Media:
    """Places the videos and images that rows name.

    Args:
        folder: Where to.
        mode: `link`, `copy` or `none` (rows then name videos by source and relative path).
    """

    def __init__(self, folder: ExportFolder, *, mode: VideoMode) -> None:
        self._folder, self._mode = folder, mode
        self._problems: dict[str, str] = {}
        self._images: set[str] = set()

    @property
    def num_videos(self) -> int:
        """Distinct videos that rows name."""
        return sum(not problem for problem in self._problems.values())

    @property
    def num_images(self) -> int:
        """Identity images written."""
        return len(self._images)

    def video_path(self, sample: SampleRow) -> str:
        """Return the path of a sample's video relative to the video root."""
        if self._mode == "none":
            return str(PurePosixPath(sample.source, sample.relative_path))
        return source_video_name(sample.video_id, sample.relative_path)

    def place_video(self, sample: SampleRow, *, size_bytes: int | None, stamp: str = "") -> str:
        """Put a sample's video in its place, once per video.

        Args:
            sample: Names the video.
            size_bytes: Size when it was listed; None when that is not known any more.
            stamp: Stamp when it was listed; empty when that is not known.

        Returns:
            Why it is missing; empty when it is there.

        Raises:
            UsageError: Links to a video behind a URL were asked for.
        """
        if sample.video_id not in self._problems:
            self._problems[sample.video_id] = self._place(sample, size_bytes, stamp)
        return self._problems[sample.video_id]

    def _place(self, sample: SampleRow, size_bytes: int | None, stamp: str) -> str:
        if self._mode == "none":
            return ""
        path = f"{VIDEO_FOLDER}/{self.video_path(sample)}"
        if "://" in sample.uri and self._mode == "link":
            raise UsageError(
                f"the video {sample.uri} lies behind a URL and cannot be linked; use "
                "`--videos copy` to fetch it, or `--videos none` when the trainer has its own"
            )
        problem = _problem(sample, size_bytes, stamp)
        if problem:
            return problem
        if "://" in sample.uri:
            return self._download(sample, path)
        source = Path(sample.uri)
        place = self._folder.copy if self._mode == "copy" else self._folder.link
        place(path, source)
        return ""

    def _download(self, sample: SampleRow, path: str) -> str:
        import fsspec

        try:
            with fsspec.open(sample.uri, "rb") as source, self._folder.create(path) as file:
                shutil.copyfileobj(source, file, 1 << 20)
        except OSError as error:
            return f"the video {sample.uri} cannot be read: {error}"
        return ""

    def place_images(self, entry: SampleObject) -> Sequence[str]:
        """Write the identity images of an object; return their paths below the ID root."""
        if entry.reference is None:
            return ()
        paths = []
        for number, image in enumerate((entry.reference, *entry.others)):
            name = f"Reference_{number}.png" if number else "Main_Reference.png"
            path = f"{entry.object_id[:2]}/{entry.object_id}/{name}"
            self._folder.write(f"{IMAGE_FOLDER}/{path}", image.png)
            self._images.add(path)
            paths.append(path)
        return paths
