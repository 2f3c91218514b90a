"""Copies of packets show the frames they are asked for, at their times, or are not made."""

import shutil
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from clipmill.video import VideoChangedError, VideoReader, index_video
from clipmill.video.writing.packet_copy import CONTAINERS, copy_frames, lead_of
from media import ZOO, ffmpeg, make_clip

Zoo = Callable[[str], Path]

RATE = Fraction(25)

# Files of which nothing says where their frames are, or whose key packets lead to no key frame, and
# one with packets that show nothing.
NO_COPY = {"h264-bframes.avi", "h264-raw.h264", "h264-intra-refresh.mp4", "vp8-altref.webm"}


def copied(source: Path, folder: Path, start: int, end: int) -> tuple[Path, int] | None:
    """Return the copy and its lead; None when there is none."""
    info, index = index_video(str(source))
    container = CONTAINERS[info.codec]
    path = folder / f"copy.{container}"
    made = copy_frames(
        str(source), path, container=container, index=index, start=start, end=end, rate=RATE
    )
    lead = lead_of(index, start)
    return (path, lead) if made and lead is not None else None


@pytest.mark.parametrize(
    "name", [r.name for r in ZOO if r.name.startswith(("h264", "vp", "av1", "var", "edit", "rot"))]
)
def test_frames_of_a_copy_are_those_of_the_source(zoo: Zoo, tmp_path: Path, name: str) -> None:
    source = zoo(name)
    with VideoReader(str(source)) as reader:
        start, end = reader.index.num_frames // 3, reader.index.num_frames * 3 // 4
        wanted = reader.frames(range(start, end))
    found = copied(source, tmp_path, start, end)
    if found is None:
        assert name in NO_COPY
        return
    path, lead = found
    assert name not in NO_COPY
    # By their times, as a player finds them: what is before and behind the clip is passed over.
    with av.open(str(path)) as file:
        numbers = [round(frame.time * RATE) - lead for frame in file.decode(video=0)]
    assert set(range(end - start)) <= set(numbers)
    with VideoReader(str(path)) as reader:
        shown = reader.frames([numbers.index(k) for k in range(end - start)])
    if name == "h264-interlaced.mp4":
        return  # fields at either end are filled up from different neighbours
    np.testing.assert_array_equal(shown, wanted)


def test_a_copy_needs_no_more_than_its_part(zoo: Zoo, tmp_path: Path) -> None:
    source = zoo("h264-bframes.mp4")
    found = copied(source, tmp_path, 26, 30)
    assert found is not None
    path, lead = found
    assert lead == 2, "a key frame every 12 frames"
    with VideoReader(str(path)) as reader:
        assert 6 <= reader.index.num_frames <= 10
    assert path.stat().st_size < source.stat().st_size / 2


def test_no_sound_and_no_words_are_copied(tmp_path: Path) -> None:
    source = make_clip(tmp_path / "a.mp4", audio=True, extra=("-metadata", "comment=private"))
    found = copied(source, tmp_path, 0, 50)
    assert found is not None
    assert b"private" in source.read_bytes() and b"private" not in found[0].read_bytes()
    with av.open(str(found[0])) as file:
        assert [stream.type for stream in file.streams] == ["video"]


def test_a_file_that_ends_early_is_not_copied(tmp_path: Path) -> None:
    whole = make_clip(tmp_path / "whole.ts", gop=12)
    _, index = index_video(str(whole))
    cut = tmp_path / "cut.ts"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    made = copy_frames(
        str(cut), tmp_path / "c.mp4", container="mp4", index=index, start=0, end=50, rate=RATE
    )
    assert not made


def test_another_file_is_refused(tmp_path: Path) -> None:
    one = make_clip(tmp_path / "one.mp4", frames=20)
    _, index = index_video(str(one))
    size = one.stat().st_size
    shutil.copyfile(make_clip(tmp_path / "two.mp4", frames=30), one)
    with pytest.raises(VideoChangedError):
        copy_frames(
            str(one),
            tmp_path / "c.mp4",
            container="mp4",
            index=index,
            start=0,
            end=20,
            rate=RATE,
            expected_size_bytes=size,
        )


def test_the_same_part_gives_the_same_bytes(zoo: Zoo, tmp_path: Path) -> None:
    files = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        found = copied(zoo("vp9.webm"), tmp_path / name, 5, 25)
        assert found is not None
        files.append(found[0].read_bytes())
    assert files[0] == files[1]


def test_players_other_than_this_one_read_a_copy(zoo: Zoo, tmp_path: Path) -> None:
    for name in ("h264-open-gop.ts", "vp8.webm"):
        found = copied(zoo(name), tmp_path, 20, 40)
        assert found is not None
        ffmpeg("-xerror", "-i", found[0], "-f", "null", "-")
