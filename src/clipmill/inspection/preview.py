"""Small videos and posters of clips, made through the one decoder of the package."""

import io
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Clip, Video
from clipmill.disk import replacing
from clipmill.video import FrameIndex, FrameSize, VideoReader, fit_within
from clipmill.video.writing.writer import VideoWriter

LONG_SIDE = 480
"""Longer side of previews and posters, pixels."""

MAX_FRAMES = 500
"""Frames of a preview; what a clip has beyond is not shown."""

PART_FRAMES = 240
"""Frames of one part of a preview in parts."""

_OPTIONS = {"bf": "0"}  # every frame is shown as soon as it is decoded: previews are scrubbed


@dataclass(frozen=True)
class Preview:
    """A preview and what it shows.

    Attributes:
        video: Path of the file; its frame k is frame k - `lead` of the clip, or `shown[k]`.
        poster: Path of the JPEG.
        rate: Frames of the file per second, constant.
        num_frames: Frames of the clip that it reaches over.
        lead: Frames before the clip, with which the file begins.
        shown: Frames of the clip that it has, ascending; None for all.
    """

    video: Path
    poster: Path
    rate: Fraction
    num_frames: int
    lead: int = 0
    shown: tuple[int, ...] | None = None

    @property
    def is_made(self) -> bool:
        """Whether its files are there."""
        return self.video.is_file() and self.poster.is_file()


def preview_size(probe: ProbeRow) -> tuple[int, int]:
    """Return width and height of the previews of a video."""
    return fit_within(probe.width, probe.height, long_side=LONG_SIDE, multiple=2)


def preview_rate(probe: ProbeRow) -> Fraction:
    """Return the constant rate a clip is shown at; frames of variable rate are evened out."""
    usable = math.isfinite(probe.fps) and probe.fps > 0
    return Fraction(probe.fps).limit_denominator(1001) if usable else Fraction(25)


def source_of(video: Video, probe: ProbeRow) -> VideoReader:
    """Open the source of a preview, which must be the file that was probed.

    Raises:
        VideoError: It cannot be decoded, is gone or has changed.
    """
    return VideoReader(
        video.uri,
        index=FrameIndex.from_bytes(probe.index),
        expected_size_bytes=video.size_bytes,
        expected_stamp=video.stamp,
    )


def planned_preview(clip: Clip, probe: ProbeRow, *, folder: Path, poster_frame: int) -> Preview:
    """Return the preview that `make_preview` makes of a clip."""
    return Preview(
        video=folder / "previews" / f"{clip.clip_id}.mp4",
        poster=folder / "posters" / f"{clip.clip_id}-{poster_frame}.jpg",
        rate=preview_rate(probe),
        num_frames=min(clip.num_frames, MAX_FRAMES),
    )


def make_preview(
    video: Video, clip: Clip, probe: ProbeRow, *, folder: Path, poster_frame: int
) -> Preview:
    """Make what is missing of a clip's preview; files that are there already stay.

    Args:
        video: The source file.
        clip: The clip.
        probe: Facts of the file.
        folder: Report folder; files go to `previews/` and `posters/`.
        poster_frame: Frame of the poster, counted from the clip's start.

    Raises:
        ClipError: The source cannot be decoded, is gone or has changed.
    """
    preview = planned_preview(clip, probe, folder=folder, poster_frame=poster_frame)
    if preview.is_made:
        return preview
    size = preview_size(probe)
    with source_of(video, probe) as reader:
        end = clip.start + preview.num_frames
        pictures = _pictures(reader, clip.start, end, FrameSize(*size))
        encode_pictures(pictures, preview, poster=poster_frame)
    return preview


def make_part(video: Video, clip: Clip, probe: ProbeRow, *, path: Path, number: int) -> None:
    """Write one part of a preview that reaches over the whole clip.

    Args:
        video: The source file.
        clip: The clip.
        probe: Facts of the file.
        path: File to write; frame k of it is frame `number * PART_FRAMES + k` of the clip.
        number: Which part, from 0.

    Raises:
        ClipError: The source cannot be decoded, is gone or has changed.
    """
    start = clip.start + number * PART_FRAMES
    end = min(start + PART_FRAMES, clip.end)
    size = preview_size(probe)
    with (
        source_of(video, probe) as reader,
        replacing(path) as temporary,
        preview_writer(temporary, size=size, rate=preview_rate(probe)) as writer,
    ):
        for picture in _pictures(reader, start, end, FrameSize(*size)):
            writer.add(picture)


def one_frame(video: Video, probe: ProbeRow, number: int, *, long_side: int | None) -> bytes:
    """Return one frame as JPEG.

    Args:
        video: The source file.
        probe: Facts of the file.
        number: Frame, counted from the start of the video.
        long_side: Longer side in pixels; that of the source when None.

    Raises:
        ClipError: The source cannot be decoded, is gone or has changed.
    """
    size = (probe.width, probe.height)
    if long_side is not None:
        size = fit_within(*size, long_side=long_side, multiple=2)
    with source_of(video, probe) as reader:
        picture = reader.frames([number], size=FrameSize(*size))[0]
    return as_jpeg(picture, quality=88)


def as_jpeg(picture: npt.NDArray[np.uint8], *, quality: int = 80) -> bytes:
    """Return a picture, uint8 [H, W, 3], RGB, as JPEG."""
    file = io.BytesIO()
    Image.fromarray(picture).save(file, "JPEG", quality=quality)
    return file.getvalue()


def _pictures(
    reader: VideoReader, start: int, end: int, size: FrameSize
) -> Iterator[npt.NDArray[np.uint8]]:
    for frame in reader.stream(start, end, sizes={"preview": size}):
        yield frame.images["preview"]


def preview_writer(path: Path, *, size: tuple[int, int], rate: Fraction) -> VideoWriter:
    """Return the writer of a small mp4 that can be scrubbed.

    Args:
        path: File to write.
        size: (width, height), both even.
        rate: Frames per second.
    """
    return VideoWriter(path, size=size, fps=rate, crf=28, gop=12, options=_OPTIONS, container="mp4")


def encode_pictures(
    pictures: Iterable[npt.NDArray[np.uint8]], preview: Preview, *, poster: int
) -> None:
    """Write video and poster of a preview; a report that is killed leaves neither.

    Args:
        pictures: uint8 [H, W, 3], RGB, all of one size, even sides.
        preview: Where to, and at which rate.
        poster: Which of them is the poster; the last one where there are fewer.
    """
    pictures = iter(pictures)
    latest = next(pictures)
    height, width = latest.shape[:2]
    with replacing(preview.video) as video, replacing(preview.poster) as still:
        with preview_writer(video, size=(width, height), rate=preview.rate) as writer:
            for number, picture in enumerate(chain([latest], pictures)):
                if number <= poster:
                    latest = picture
                writer.add(picture)
        still.write_bytes(as_jpeg(latest))
