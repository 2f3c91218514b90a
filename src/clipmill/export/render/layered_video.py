"""A sample's video and everything drawn over it, written in one pass."""

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from clipmill.export.content.frames import frames_of
from clipmill.export.content.pieces import Member
from clipmill.export.content.sample import ExportSample
from clipmill.export.render.clip_video import check_count, copied_video, open_writer
from clipmill.export.render.encoding import EncodingOptions
from clipmill.export.render.overlay import Layer, Picture
from clipmill.video.writing.writer import VideoWriter


@dataclass(frozen=True)
class Drawn:
    """One drawn video of a piece.

    Attributes:
        path: Relative to the export.
        layer: Draws it.
    """

    path: str
    layer: Layer


def video_with_layers(
    sample: ExportSample,
    scratch: Path,
    *,
    path: str,
    drawn: Mapping[str, Drawn],
    options: EncodingOptions,
    lossless: bool = False,
) -> list[Member]:
    """Write the video of a sample and videos drawn over it, decoding the source once.

    Args:
        sample: The sample.
        scratch: Folder for the files.
        path: Where the video goes, relative to the export.
        drawn: Drawn videos by the extension of their member; frame for frame as long as the
            video.
        options: Of the format.
        lossless: Keep the colours of drawn videos exactly.

    Returns:
        The video with extension `mp4`, then the drawn ones in their order.

    Raises:
        VideoError: The video is missing, was changed, or cannot be decoded.
        ClipError: It has fewer frames than the sample.
    """
    video = copied_video(sample, path=path, options=options)
    members = [video or Member("mp4", path, scratch / "video.mp4")]
    members += [Member(name, item.path, scratch / f"{name}") for name, item in drawn.items()]
    with ExitStack() as files:
        writer = None
        if video is None:
            writer = files.enter_context(open_writer(sample, scratch / "video.mp4", options))
        writers = [
            (item.layer, files.enter_context(_open(sample, scratch / name, options, lossless)))
            for name, item in drawn.items()
        ]
        needs_picture = writer is not None or any(layer.needs_picture for layer, _ in writers)
        count = 0
        for picture in _pictures(sample, needed=needs_picture, any_video=bool(writers)):
            if writer is not None and picture is not None:
                writer.add(picture)
            for layer, out in writers:
                out.add(layer.draw(count, picture if layer.needs_picture else None))
            count += 1
    if needs_picture or writers:
        check_count(sample, count)
    return members


def _open(
    sample: ExportSample, file: Path, options: EncodingOptions, lossless: bool
) -> VideoWriter:
    if not lossless:
        return open_writer(sample, file, options)
    return VideoWriter(
        file, size=sample.size, fps=sample.timeline.fps, gop=options.gop, lossless=True
    )


def _pictures(sample: ExportSample, *, needed: bool, any_video: bool) -> Iterator[Picture | None]:
    """Yield the pictures of a sample; None for each where nothing is drawn on them."""
    if needed:
        yield from frames_of(sample)
    elif any_video:
        yield from (None for _ in range(sample.num_frames))
