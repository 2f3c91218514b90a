"""Cheap previews: copied where browsers play the source, else a few frames of it."""

from pathlib import Path

import av
import numpy as np
import pytest
from clip_inputs import probed

from clipmill.annotations.base import ClipInput
from clipmill.clips import Clip
from clipmill.inspection.gallery import quick_preview as module
from clipmill.inspection.gallery.quick_preview import quick_preview, still_frames
from clipmill.inspection.preview import Preview
from clipmill.video import FrameIndex, VideoReader
from media import make_clip


def preview_of(item: ClipInput, folder: Path, *, poster_frame: int = 0) -> Preview:
    return quick_preview(
        item.video, item.clip, item.probe, folder=folder, poster_frame=poster_frame
    )


def closest(picture: np.ndarray, source: Path) -> int:
    """Return the frame of a video that looks most like a picture."""
    with VideoReader(str(source)) as reader:
        frames = reader.frames(range(reader.index.num_frames))
    height, width = picture.shape[:2]
    assert frames.shape[1:3] == (height, width), "no scaling between what is compared"
    return int(np.abs(frames.astype(int) - picture).mean(axis=(1, 2, 3)).argmin())


def test_what_browsers_play_is_copied(tmp_path):
    path = make_clip(tmp_path / "a.mp4", gop=12, frames=60)
    preview = preview_of(probed(path, 15, 45), tmp_path, poster_frame=10)
    assert (preview.lead, preview.shown, preview.num_frames) == (3, None, 30)
    with VideoReader(str(preview.video)) as reader, VideoReader(str(path)) as source:
        assert reader.index.rate == preview.rate == 25
        np.testing.assert_array_equal(reader.frames([3 + 7])[0], source.frames([15 + 7])[0])
    with av.open(str(preview.poster)) as file:
        poster = next(file.decode(video=0)).to_ndarray(format="rgb24")
    assert closest(poster, path) == 25


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.avi", {"codec": "mpeg4"}),
        ("a.mp4", {"codec": "hevc"}),
        ("ten-bits.mp4", {"pixel_format": "yuv420p10le"}),
        ("fields.mp4", {"extra": ("-flags", "+ilme+ildct", "-x264-params", "tff=1")}),
        ("wide-pixels.mp4", {"extra": ("-aspect", "4:1")}),
    ],
)
def test_of_other_videos_some_frames_are_shown(tmp_path, name, options):
    path = make_clip(tmp_path / name, **{"frames": 60, **options})
    item = probed(path, 4, 56)
    preview = preview_of(item, tmp_path, poster_frame=17)
    assert preview.shown is not None and 17 in preview.shown
    assert len(preview.shown) == module.MAX_STILLS + 1
    assert (preview.shown[0], preview.shown[-1]) == (0, 51)
    with av.open(str(preview.video)) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        times = [frame.time for frame in file.decode(video=0)]
    assert len(times) == len(preview.shown)
    assert len(times) / preview.rate == pytest.approx(52 / 25), "as long as the clip"
    if name == "a.avi":
        with VideoReader(str(preview.video)) as reader:
            assert closest(reader.frames([10])[0], path) == 4 + preview.shown[10]
        with av.open(str(preview.poster)) as file:
            poster = next(file.decode(video=0)).to_ndarray(format="rgb24")
        assert closest(poster, path) == 21


def test_of_what_is_dear_to_decode_key_frames_are_shown(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", gop=12, frames=120)
    index = FrameIndex.from_bytes(probed(path).probe.index)
    clip = Clip("0" * 16, 30, 100)
    monkeypatch.setattr(module, "DECODED", 10 * index.width * index.height)
    assert still_frames(index, clip, at=20) == [6, 18, 20, 30, 42, 54, 66]
    monkeypatch.setattr(module, "DECODED", 4 * index.width * index.height)
    assert still_frames(index, clip, at=20) == [6, 20, 42, 66]


def test_large_copies_end_early_and_larger_ones_are_not_made(tmp_path, monkeypatch):
    path = make_clip(tmp_path / "a.mp4", gop=12, frames=120)
    item = probed(path, 12, 120)
    monkeypatch.setattr(module, "MAX_BYTES", path.stat().st_size * 6 // 10 + 1)
    preview = preview_of(item, tmp_path / "early")
    assert preview.num_frames == 72 and preview.shown is None
    assert preview.video.stat().st_size < path.stat().st_size * 7 // 10
    monkeypatch.setattr(module, "MAX_BYTES", path.stat().st_size * 3 // 10)
    assert preview_of(item, tmp_path / "none").shown is not None


def test_files_that_are_there_stay(tmp_path):
    for path in (make_clip(tmp_path / "a.mp4"), make_clip(tmp_path / "a.avi", codec="mpeg4")):
        first = preview_of(probed(path), tmp_path)
        times = [file.stat().st_mtime_ns for file in (first.video, first.poster)]
        assert preview_of(probed(path), tmp_path) == first
        assert [file.stat().st_mtime_ns for file in (first.video, first.poster)] == times
        first.poster.unlink()
        assert preview_of(probed(path), tmp_path).poster.is_file()
