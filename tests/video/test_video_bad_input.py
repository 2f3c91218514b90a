"""Every unusable file ends in a clear error with its kind, never in a wrong or lost frame."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from clipmill.errors import ClipError, ClipTimeoutError
from clipmill.video import (
    IndexMismatchError,
    VideoChangedError,
    VideoError,
    VideoMissingError,
    VideoReader,
    index_video,
)
from media import decode_all, ffmpeg, make_clip

Clips = Callable[..., Path]


def _error(path: Path | str, **options: object) -> ClipError:
    with pytest.raises(VideoError) as caught:
        index_video(str(path), **options)  # type: ignore[arg-type]
    assert repr(str(path)) in str(caught.value)
    return caught.value


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    error = _error(tmp_path / "a.mp4")
    assert error.kind == "decode" and "0 bytes" in str(error)


def test_text_named_mp4(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("this is a shopping list\n" * 50)
    assert _error(tmp_path / "a.mp4").kind == "decode"


def test_sound_only(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    ffmpeg("-f", "lavfi", "-i", "sine=duration=1", path)
    error = _error(path)
    assert error.kind == "decode" and "no video stream" in str(error)


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    cover = tmp_path / "cover.png"
    ffmpeg("-f", "lavfi", "-i", "testsrc=s=64x64", "-frames:v", "1", cover)
    ffmpeg(
        *("-f", "lavfi", "-i", "sine=duration=1", "-i", cover, "-map", "0", "-map", "1"),
        *("-c:v", "copy", "-disposition:v", "attached_pic", tmp_path / "a.mp3"),
    )
    assert "no video stream" in str(_error(tmp_path / "a.mp3"))


@pytest.mark.parametrize("name", ["gone.mp4", "folder"])
def test_missing_file_and_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    error = _error(tmp_path / name)
    assert isinstance(error, VideoMissingError) and error.kind == "missing"


def test_a_named_pipe_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mp4")
    assert _error(tmp_path / "pipe.mp4").kind == "missing"


def test_a_symlink_loop(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").symlink_to("b.mp4")
    (tmp_path / "b.mp4").symlink_to("a.mp4")
    assert _error(tmp_path / "a.mp4").kind == "missing"


@contextmanager
def _as_nobody() -> Iterator[None]:
    """Give up root's right to read everything for a while."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read(tmp_path: Path, clips: Clips) -> None:
    path = tmp_path / "secret.mp4"
    path.write_bytes(clips("plain.mp4", frames=10).read_bytes())
    path.chmod(0)
    with _as_nobody():
        error = _error(path)
    assert error.kind == "missing" and "permission" in str(error).lower()


def test_an_unknown_protocol() -> None:
    assert _error("nosuchthing://bucket/a.mp4").kind == "missing"


def test_a_file_of_another_size_is_refused(clips: Clips) -> None:
    path = clips("plain.mp4", frames=10)
    size = path.stat().st_size
    index_video(str(path), expected_size_bytes=size)
    error = _error(path, expected_size_bytes=size + 1)
    assert isinstance(error, VideoChangedError) and error.kind == "changed"
    with pytest.raises(VideoChangedError):
        VideoReader(str(path), index=index_video(str(path))[1], expected_size_bytes=size - 1)


def test_a_file_deleted_after_indexing(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=5)
    _, index = index_video(str(path))
    path.unlink()
    with pytest.raises(VideoMissingError, match=r"a\.mp4"):
        VideoReader(str(path), index=index)


def test_a_deleted_file_stays_readable_while_open(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=5)
    with VideoReader(str(path), index=index_video(str(path))[1]) as reader:
        path.unlink()
        assert reader.frames([4]).shape == (1, 180, 320, 3)


def test_absurd_size_in_the_header_is_refused(clips: Clips, tmp_path: Path) -> None:
    data = clips("tall.mkv", codec="ffv1", size=(320, 360), frames=5).read_bytes()
    real, huge = b"\xb0\x82\x01\x40\xba\x82\x01\x68", b"\xb0\x82\xea\x60\xba\x82\xea\x60"
    assert real in data  # Matroska elements PixelWidth and PixelHeight
    (tmp_path / "huge.mkv").write_bytes(data.replace(real, huge))
    error = _error(tmp_path / "huge.mkv")
    assert error.kind == "decode" and "max_pixels" in str(error)


def test_absurd_size_in_the_bitstream_is_refused(clips: Clips, tmp_path: Path) -> None:
    """The container says 320x180, the key frames of the stream 16383x16383 (268 megapixels)."""
    data = clips("plain.webm", codec="vp8", frames=5).read_bytes()
    size, huge = np.array([320, 180], "<u2").tobytes(), np.array([16383] * 2, "<u2").tobytes()
    assert b"\x9d\x01\x2a" + size in data
    (tmp_path / "huge.webm").write_bytes(
        data.replace(b"\x9d\x01\x2a" + size, b"\x9d\x01\x2a" + huge)
    )
    error = _error(tmp_path / "huge.webm")
    assert error.kind == "decode" and "max_pixels" in str(error)


def test_the_size_limit_can_be_set(clips: Clips) -> None:
    path = clips("plain.mp4", frames=10)
    assert "320x180" in str(_error(path, max_pixels=320 * 180 - 1))
    assert index_video(str(path), max_pixels=320 * 180)[0].width == 320


NAMES = (
    "with space.mp4",
    "quo'te\".mp4",
    "new\nline.mp4",
    "Größe 日本.mp4",
    "-i %03d.mp4",
    "a:b.mp4",
)


@pytest.mark.parametrize("name", NAMES)
def test_any_file_name(tmp_path: Path, clips: Clips, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(clips("plain.mp4", frames=10).read_bytes())
    with VideoReader(str(path)) as reader:
        assert reader.frames([9]).any()


def test_a_file_name_that_is_not_utf8(tmp_path: Path, clips: Clips) -> None:
    path = os.fsdecode(os.fsencode(str(tmp_path)) + b"/caf\xe9.mp4")
    Path(path).write_bytes(clips("plain.mp4", frames=10).read_bytes())
    assert index_video(path)[1].num_frames == 10


def test_a_playlist_does_not_pull_in_other_files(tmp_path: Path, clips: Clips) -> None:
    inner = clips("plain.mp4", frames=10)
    (tmp_path / "a.mp4").write_text(f"ffconcat version 1.0\nfile '{inner}'\n")
    _error(tmp_path / "a.mp4")


@pytest.mark.parametrize("ending", ["mp4", "mkv", "webm", "ts", "avi"])
def test_a_truncated_file_gives_its_good_frames(tmp_path: Path, ending: str) -> None:
    """The index made of the truncated file itself counts the frames that decode."""
    codec = {"webm": "vp9", "avi": "mpeg4"}.get(ending, "h264")
    extra = ("-movflags", "faststart") if ending == "mp4" else ()
    whole = make_clip(tmp_path / f"whole.{ending}", codec=codec, frames=60, gop=20, extra=extra)
    path = tmp_path / f"cut.{ending}"
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    _, index = index_video(str(path))
    assert 20 < index.num_frames < 60
    reference = decode_all(whole, (320, 180))
    with VideoReader(str(path), index=index) as reader:
        got = [frame.images["source"] for frame in reader.stream(0, index.num_frames)]
    # The packet that was cut through may be patched up by the decoder; all others are whole.
    np.testing.assert_array_equal(np.stack(got[:-4]), reference[: len(got) - 4])


def test_a_truncated_file_without_its_table_is_refused(tmp_path: Path, clips: Clips) -> None:
    data = clips("plain.mp4", frames=10).read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) // 2])
    assert _error(tmp_path / "a.mp4").kind == "decode"


def test_a_stale_index_gives_all_good_frames_before_it_raises(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mp4", frames=60, gop=20, extra=("-movflags", "faststart"))
    _, stale = index_video(str(path))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 7 // 10])
    true_count = index_video(str(path))[1].num_frames
    got = []
    with VideoReader(str(path), index=stale) as reader:
        with pytest.raises(IndexMismatchError) as caught:
            got.extend(frame.index for frame in reader.stream(0, 60))
        assert got == list(range(true_count))
        assert (caught.value.expected, caught.value.decoded) == (60, true_count)
        assert "60" in str(caught.value) and str(true_count) in str(caught.value)
        # The reader can still be used.
        assert reader.frames([5]).any()
        with pytest.raises(IndexMismatchError):
            reader.frames([59])


def test_an_index_of_a_shorter_file_is_noticed_by_a_full_pass(tmp_path: Path) -> None:
    short = make_clip(tmp_path / "short.mkv", frames=20, gop=10, extra=("-bf", "0"))
    longer = make_clip(tmp_path / "longer.mkv", frames=30, gop=10, extra=("-bf", "0"))
    _, stale = index_video(str(short))
    with (
        VideoReader(str(longer), index=stale) as reader,
        pytest.raises(IndexMismatchError, match="does not know"),
    ):
        list(reader.stream(0, 20))


def test_a_damaged_packet_costs_only_the_frames_that_need_it(tmp_path: Path) -> None:
    path = make_clip(tmp_path / "a.mkv", codec="mpeg2", frames=60, gop=10, extra=("-bf", "0"))
    reference = decode_all(path, (320, 180))
    _, index = index_video(str(path))
    data = bytearray(path.read_bytes())
    middle = len(data) // 2
    data[middle : middle + 400] = bytes(400)
    path.write_bytes(data)
    with VideoReader(str(path), index=index) as reader:
        np.testing.assert_array_equal(reader.frames([3, 58]), reference[[3, 58]])


def test_one_frame(zoo: Callable[[str], Path]) -> None:
    info, index = index_video(str(zoo("one-frame.mp4")))
    assert (index.num_frames, index.fps, info.width) == (1, 0.0, 160)


def test_the_larger_of_two_default_video_streams_is_read(tmp_path: Path) -> None:
    first = make_clip(tmp_path / "first.mp4", size=(160, 90), frames=20)
    second = make_clip(tmp_path / "second.mp4", size=(320, 180), frames=30)
    path = tmp_path / "two.mp4"
    ffmpeg("-i", second, "-i", first, "-map", "1:v", "-map", "0:v", "-c", "copy", path)
    info, index = index_video(str(path))
    assert (info.num_video_streams, info.width, index.num_frames) == (2, 320, 30)
    with VideoReader(str(path), index=index) as reader:
        np.testing.assert_array_equal(reader.frames([29])[0], decode_all(second, (320, 180))[29])


def test_a_deadline_stops_a_pass_and_leaves_the_reader_usable(clips: Clips) -> None:
    seen = []

    def check() -> None:
        seen.append(1)
        if len(seen) == 5:
            raise ClipTimeoutError("too long")

    path = clips("plain.mp4", frames=10)
    with VideoReader(str(path), index=index_video(str(path))[1], on_frame=check) as reader:
        with pytest.raises(ClipTimeoutError):
            list(reader.stream(0, 10))
        assert len(list(reader.stream(0, 10))) == 10


def test_numbers_outside_the_video_are_a_mistake_of_the_caller(clips: Clips) -> None:
    with VideoReader(str(clips("plain.mp4", frames=10))) as reader:
        for number in (-1, 10):
            with pytest.raises(IndexError, match="10 frames"):
                reader.frames([number])
        with pytest.raises(ValueError, match=r"\[5, 11\)"):
            reader.stream(5, 11)


def test_errors_survive_the_way_between_processes() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(IndexMismatchError("text", expected=3, decoded=2)))
    assert (str(error), error.expected, error.decoded, error.kind) == ("text", 3, 2, "decode")
