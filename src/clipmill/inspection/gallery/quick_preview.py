"""Previews that cost next to nothing: what browsers play is copied, of the rest a few frames shown.

Decoding and encoding every frame of a clip takes half a second; see `make_preview`.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.clips import Clip, Video
from clipmill.disk import replacing, write_bytes
from clipmill.inspection.preview import (
    MAX_FRAMES,
    Preview,
    as_jpeg,
    encode_pictures,
    preview_rate,
    preview_size,
    source_of,
)
from clipmill.video import FrameIndex, FrameSize
from clipmill.video.writing.packet_copy import CONTAINERS, copy_frames, lead_of

MAX_BYTES = 8 << 20
"""About what a copy may hold; it ends early where the source needs more."""

MIN_FRAMES = 48
"""Copies that would have to end before are not made."""

MAX_STILLS = 24
"""Frames shown of a clip that cannot be copied, beside that of the poster."""

DECODED = 30_000_000
"""Pixels that may be decoded for them; beyond, only key frames and the poster's are shown."""

_PLAYED = ("yuv420p", "yuvj420p")


def quick_preview(
    video: Video, clip: Clip, probe: ProbeRow, *, folder: Path, poster_frame: int
) -> Preview:
    """Make what is missing of a clip's cheap preview; arguments and errors as of `make_preview`.

    A copy begins at a key frame, `lead` frames before the clip; stills say which they are.
    """
    poster = folder / "posters" / f"{clip.clip_id}-{poster_frame}.jpg"
    copied = _copied(video, clip, probe, folder=folder, poster=poster)
    if copied is None:
        return _stills(video, clip, probe, folder=folder, poster=poster, at=poster_frame)
    if not poster.is_file():
        size = FrameSize(*preview_size(probe))
        with source_of(video, probe) as reader:
            (picture,) = reader.frames([clip.start + poster_frame], size=size)
        write_bytes(poster, as_jpeg(picture))
    return copied


def _copied(
    video: Video, clip: Clip, probe: ProbeRow, *, folder: Path, poster: Path
) -> Preview | None:
    """Copy the packets of a clip; None where no browser shows them as `VideoReader` does."""
    index = FrameIndex.from_bytes(probe.index)
    suffix = CONTAINERS.get(probe.codec)
    lead = lead_of(index, clip.start)
    if suffix is None or probe.altered or probe.pixel_format not in _PLAYED or lead is None:
        return None
    room = MAX_BYTES * index.num_frames // max(1, video.size_bytes) - lead
    frames = min(clip.num_frames, MAX_FRAMES, room)
    if frames < min(clip.num_frames, MIN_FRAMES):
        return None
    rate = preview_rate(probe)
    path = folder / "previews" / f"{clip.clip_id}-copy.{suffix}"
    if not path.is_file():
        with replacing(path) as temporary:
            made = copy_frames(
                video.uri,
                temporary,
                container=suffix,
                index=index,
                start=clip.start,
                end=clip.start + frames,
                rate=rate,
                expected_size_bytes=video.size_bytes,
                expected_stamp=video.stamp,
            )
        if not made:
            path.unlink()
            return None
    return Preview(video=path, poster=poster, rate=rate, num_frames=frames, lead=lead)


def _stills(
    video: Video, clip: Clip, probe: ProbeRow, *, folder: Path, poster: Path, at: int
) -> Preview:
    """Encode a few frames, spread over the clip and shown as long as it lasts."""
    index = FrameIndex.from_bytes(probe.index)
    shown = still_frames(index, clip, at=at)
    preview = Preview(
        video=folder / "previews" / f"{clip.clip_id}-{at}-stills.mp4",
        poster=poster,
        rate=preview_rate(probe) * len(shown) / clip.num_frames,
        num_frames=clip.num_frames,
        shown=tuple(shown),
    )
    if preview.video.is_file() and poster.is_file():
        return preview
    size = FrameSize(*preview_size(probe))
    with source_of(video, probe) as reader:
        pictures = reader.frames([clip.start + number for number in shown], size=size)
    encode_pictures(pictures, preview, poster=shown.index(at))
    return preview


def still_frames(index: FrameIndex, clip: Clip, *, at: int) -> Sequence[int]:
    """Choose frames of a clip, counted from its start, that are cheap to decode.

    Args:
        index: Frames of its video.
        clip: The clip.
        at: A frame that is one of them, counted from the clip's start.
    """
    entry = index.entry_before(clip.start)
    first = 0 if entry is None else int(index.entries.frames[entry])
    affordable = max(1, DECODED // (index.width * index.height))
    if clip.end - first <= affordable:
        found = np.arange(clip.num_frames)
    else:
        keys = index.entries.frames if not index.by_order else np.zeros(0, np.int64)
        inside = keys[(keys >= clip.start) & (keys < clip.end)] - clip.start
        found = np.union1d(inside, [at])
    count = min(len(found), MAX_STILLS, max(2, affordable))
    chosen = found[np.linspace(0, len(found) - 1, count).round().astype(int)]
    return [int(number) for number in np.union1d(chosen, [at])]
