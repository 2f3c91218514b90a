"""Pixels that are not square, fields, mirrored pictures, and which stream of several is read."""

import random
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from clipmill.video import FrameIndex, FrameSize, VideoReader, index_video
from clipmill.video.pixels.aspect import square_size
from media import ffmpeg, make_clip

_TFF = ("-flags", "+ilme+ildct", "-x264-params", "tff=1")
_BFF = ("-flags", "+ilme+ildct", "-x264-params", "bff=1")


@pytest.mark.parametrize(
    ("size", "aspect", "shown"),
    [
        ((720, 576), Fraction(64, 45), (1024, 576)),
        ((720, 576), Fraction(16, 15), (768, 576)),
        ((720, 480), Fraction(8, 9), (640, 480)),
        ((1440, 1080), Fraction(4, 3), (1920, 1080)),
        ((426, 240), Fraction(640, 639), (426, 240)),  # rounding of an encoder
        ((426, 240), Fraction(0), (426, 240)),  # not named
        ((426, 240), Fraction(9, 1), (426, 240)),  # nonsense
    ],
)
def test_sizes_in_square_pixels(
    size: tuple[int, int], aspect: Fraction, shown: tuple[int, int]
) -> None:
    assert square_size(*size, aspect) == shown


def test_an_anamorphic_picture_is_stretched(tmp_path: Path) -> None:
    wide = make_clip(tmp_path / "wide.mp4", size=(512, 288), frames=8, filters="boxblur=2")
    path = tmp_path / "pal.mp4"
    ffmpeg("-i", wide, "-vf", "scale=360:288,setsar=64/45", "-c:v", "libx264", "-crf", "10", path)
    info, index = index_video(str(path))
    assert (info.width, info.height, index.altered) == (512, 288, True)
    assert info.picture.sample_aspect == Fraction(64, 45)
    with VideoReader(str(path), index=FrameIndex.from_bytes(index.to_bytes())) as reader:
        found = reader.frames(range(8)).astype(int)
    with VideoReader(str(wide)) as reader:
        expected = reader.frames(range(8)).astype(int)
    assert found.shape == expected.shape
    assert np.abs(found - expected).mean() < 4


def test_a_turned_anamorphic_picture_is_stretched_before_it_is_turned(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", size=(360, 288), frames=5, filters="setsar=64/45")
    turned = tmp_path / "turned.mp4"
    turned.write_bytes(_with_matrix(path, (0, 1, -1, 0)))
    info, _ = index_video(str(turned))
    assert (info.width, info.height) == (288, 512)
    with VideoReader(str(turned)) as reader, VideoReader(str(path)) as plain:
        turn = 1 if info.rotation == 270 else -1
        expected = np.rot90(plain.frames([3])[0], turn)
        np.testing.assert_array_equal(reader.frames([3])[0], expected)


def _with_matrix(path: Path, matrix: tuple[int, int, int, int]) -> bytes:
    """Return an MP4 file with another display matrix (a, b, c, d)."""
    data = bytearray(path.read_bytes())
    at = data.find(b"tkhd") + 4 + 4 + 20 + 16
    a, b, c, d = (value << 16 for value in matrix)
    data[at : at + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    return bytes(data)


def _woven(folder: Path, *, first: str = "top") -> Path:
    """50 moments a second woven into 25 frames; the ball moves 8 pixels from field to field."""
    path = folder / f"{first}.mp4"
    source = "color=gray:s=320x180:r=50,format=yuv420p"
    ball = "color=white:s=24x24:r=50"
    order = "tff" if first == "top" else "bff"
    chain = (
        f"[0][1]overlay=x='8+8*mod(n,34)':y=70:shortest=0,"
        f"tinterlace=interleave_{first},fieldorder={order}"
    )
    ffmpeg(
        *("-f", "lavfi", "-i", source, "-f", "lavfi", "-i", ball, "-filter_complex", chain),
        *("-frames:v", "30", "-c:v", "libx264", "-crf", "8"),
        *(_TFF if first == "top" else _BFF),
        path,
    )
    return path


def _place(lines: np.ndarray) -> float:
    """Return the middle column of the ball."""
    return float(np.flatnonzero((lines > 190).any(0)).mean())


def _combs(frames: np.ndarray) -> float:
    """How much lines differ from the mean of those above and below, against those two apart."""
    lines = frames.astype(float)
    return float(np.abs(lines[:, 1:-1] - (lines[:, :-2] + lines[:, 2:]) / 2).mean())


@pytest.mark.parametrize(("first", "order"), [("top", "tt"), ("bottom", "bb")])
def test_fields_are_deinterlaced(tmp_path: Path, first: str, order: str) -> None:
    path = _woven(tmp_path, first=first)
    info, index = index_video(str(path))
    assert (info.picture.field_order, info.picture.interlaced) == (order, True)
    assert index.altered and index.num_frames == 30
    raw = ffmpeg("-i", path, "-vsync", "0", "-f", "rawvideo", "-pix_fmt", "gray", "-")
    woven = np.frombuffer(raw, np.uint8).reshape(30, 180, 320)
    with VideoReader(str(path)) as reader:
        whole = reader.frames(range(30), size=FrameSize(320, 180, "gray"))
    assert _combs(whole) < 0.35 * _combs(woven)
    # A frame shows the moment of its first field, and the second one is 8 pixels further.
    for number in (3, 9):
        shown = _place(whole[number])
        assert shown == pytest.approx(_place(woven[number, first == "bottom" :: 2]), abs=1)
        assert shown == pytest.approx(_place(woven[number, first == "top" :: 2]) - 8, abs=1)


@pytest.mark.parametrize(
    ("name", "codec", "extra"),
    [
        ("a.ts", "h264", _TFF),
        ("a.mkv", "h264", _TFF),
        ("a.mpg", "mpeg2", ("-flags", "+ilme+ildct", "-top", "1")),
        ("a.mov", "mpeg2", ("-flags", "+ilme+ildct", "-top", "0")),
    ],
)
def test_fields_are_seen_in_every_container(
    tmp_path: Path, name: str, codec: str, extra: tuple[str, ...]
) -> None:
    path = make_clip(tmp_path / name, codec=codec, size=(160, 96), frames=12, extra=extra)
    info, index = index_video(str(path))
    assert info.picture.interlaced and index.altered
    with VideoReader(str(path), index=index) as reader, reader._decoder() as decoder:
        assert decoder._decoded_at(5).interlaced_frame and not decoder.at(5).interlaced_frame


def test_deinterlaced_frames_do_not_depend_on_the_order_of_access(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", size=(160, 96), frames=40, gop=9, extra=_TFF)
    with VideoReader(str(path)) as reader:
        passed = np.stack([frame.images["source"] for frame in reader.stream(0, 40)])
        order = random.Random(5).sample(range(40), 40)
        np.testing.assert_array_equal(reader.frames(order), passed[np.sort(order)][order])
        for number in (17, 3, 39, 0, 4, 5):
            np.testing.assert_array_equal(reader.frames([number])[0], passed[number])
        steps = [frame.images["source"] for frame in reader.stream(1, 40, step=3)]
        np.testing.assert_array_equal(np.stack(steps), passed[1::3])


def test_a_mirrored_picture_is_not_turned(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=5)
    mirrored = tmp_path / "mirrored.mp4"
    mirrored.write_bytes(_with_matrix(path, (-1, 0, 0, 1)))
    assert index_video(str(mirrored))[0].rotation == 0
    with VideoReader(str(path)) as plain, VideoReader(str(mirrored)) as reader:
        np.testing.assert_array_equal(reader.frames([2])[0], plain.frames([2])[0][:, ::-1])


@pytest.fixture(scope="module")
def parts(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Path]:
    folder = tmp_path_factory.mktemp("parts")
    still = folder / "still.jpg"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=640x480", "-frames:v", "1", still)
    return (
        make_clip(folder / "small.mp4", size=(160, 90), frames=20),
        make_clip(folder / "large.mp4", size=(320, 180), frames=30),
        still,
    )


def _marked(out: Path, inputs: list[Path], default: int | None) -> Path:
    args: list[str | Path] = []
    for path in inputs:
        args += ["-i", path]
    for number in range(len(inputs)):
        args += ["-map", f"{number}:v"]
    args += ["-c", "copy"]
    for number in range(len(inputs)):
        args += [f"-disposition:v:{number}", "default" if number == default else "0"]
    ffmpeg(*args, out)
    return out


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
@pytest.mark.parametrize(("default", "width"), [(0, 160), (1, 320)])
def test_the_default_stream_is_read(
    parts: tuple[Path, Path, Path], tmp_path: Path, default: int, width: int, suffix: str
) -> None:
    path = _marked(tmp_path / f"a.{suffix}", [parts[0], parts[1]], default)
    info, index = index_video(str(path))
    assert (info.width, info.picture.stream_index) == (width, default)
    assert index.altered is (default == 1)
    with VideoReader(str(path)) as reader:
        assert reader.frames([19]).shape[2] == width


def test_the_larger_one_is_read_where_none_is_the_default(
    parts: tuple[Path, Path, Path], tmp_path: Path
) -> None:
    path = _marked(tmp_path / "a.ts", [parts[0], parts[1]], None)
    assert index_video(str(path))[0].width == 320


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("default", [0, 1])
def test_a_still_picture_is_never_read_beside_a_video(
    parts: tuple[Path, Path, Path], tmp_path: Path, default: int, suffix: str
) -> None:
    path = _marked(tmp_path / f"a.{suffix}", [parts[2], parts[1]], default)
    info, index = index_video(str(path))
    assert (info.width, info.codec, index.num_frames) == (320, "h264", 30)


def test_a_cover_is_never_read(parts: tuple[Path, Path, Path], tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg(
        *("-i", parts[2], "-i", parts[0], "-map", "0:v", "-map", "1:v", "-c", "copy"),
        *("-disposition:v:0", "attached_pic", path),
    )
    info, index = index_video(str(path))
    assert (info.width, info.num_video_streams, index.num_frames) == (160, 1, 20)
    assert not index.altered
