"""The video of a piece: copied when nothing has to change, else encoded."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clipmill.errors import ClipError
from clipmill.export.content.frames import frames_of
from clipmill.export.content.pieces import Member
from clipmill.export.content.sample import ExportSample
from clipmill.export.render.encoding import EncodingOptions
from clipmill.video.writing.writer import VideoWriter


def open_writer(sample: ExportSample, file: Path, options: EncodingOptions) -> VideoWriter:
    """Return a writer for frames of a sample: uint8 [H, W, 3] RGB."""
    return VideoWriter(
        file, size=sample.size, fps=sample.timeline.fps, crf=options.crf, gop=options.gop
    )


def write_frames(
    sample: ExportSample,
    file: Path,
    frames: Iterable[npt.NDArray[np.uint8]],
    options: EncodingOptions,
) -> None:
    """Encode frames in the size and rate of a sample.

    Raises:
        ClipError: There are more or fewer frames than the sample has.
    """
    with open_writer(sample, file, options) as writer:
        for image in frames:
            writer.add(image)
    check_count(sample, writer.num_frames)


def check_count(sample: ExportSample, found: int) -> None:
    """Refuse a video with more or fewer frames than its sample has.

    Raises:
        ClipError: It has.
    """
    if found != sample.num_frames:
        raise ClipError(
            f"{found} frames of {sample.origin.uri} could be read, "
            f"{sample.num_frames} were expected"
        )


def copied_video(sample: ExportSample, *, path: str, options: EncodingOptions) -> Member | None:
    """Return the source video as a member with extension `mp4`, where it can stay as it is.

    That is so when the sample is its whole source video, an MP4 file on this machine, and
    nothing asks for an encoding; else None.
    """
    if sample.is_untouched and not options.reencode and _is_mp4(sample.origin.uri):
        uri = Path(sample.origin.uri)
        return Member("mp4", path, uri, outside=True, colours=sample.colours)
    return None


def video_member(
    sample: ExportSample, scratch: Path, *, path: str, options: EncodingOptions
) -> Member:
    """Return the video of a sample as a member with extension `mp4`.

    A sample that is its whole source video is copied; everything else is decoded once and
    encoded, frame for frame.

    Raises:
        VideoError: The video is missing, was changed, or cannot be decoded.
    """
    copied = copied_video(sample, path=path, options=options)
    if copied is not None:
        return copied
    file = scratch / "video.mp4"
    write_frames(sample, file, frames_of(sample), options)
    return Member("mp4", path, file)


def _is_mp4(uri: str) -> bool:
    return "://" not in uri and uri.lower().endswith(".mp4")
