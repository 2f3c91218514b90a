"""The digest of a video's content: the same for every copy, another for every other content."""

import os
import shutil
from pathlib import Path

import pytest

from clipmill.clips import stamp_of_file
from clipmill.video import VideoChangedError, VideoReader, probe_video
from media import copy_clip, ffmpeg


def content(path: Path) -> str:
    return probe_video(str(path)).content


def test_a_copy_has_the_content_of_its_original(clips, tmp_path):
    first = clips("plain.mp4", frames=10)
    shutil.copy(first, tmp_path / "another name.mp4")
    assert content(tmp_path / "another name.mp4") == content(first)
    assert len(content(first)) == 32


def test_one_byte_of_one_packet_makes_another_content(zoo, tmp_path):
    """As a damaged download and its repair: size, times and sizes of packets are the same."""
    first = zoo("mjpeg.avi")
    data = bytearray(first.read_bytes())
    for place in (len(data) // 3, len(data) // 2, 2 * len(data) // 3):
        changed = data.copy()
        changed[place] ^= 1
        (tmp_path / "b.avi").write_bytes(changed)
        assert content(tmp_path / "b.avi") != content(first), place


def test_what_only_the_header_says_makes_another_content(clips, tmp_path):
    first = clips("plain.mp4", frames=10)
    contents = {content(first)}
    for angle in (90, 180):
        turned = tmp_path / f"{angle}.mp4"
        ffmpeg("-i", first, "-metadata:s:v:0", f"rotate={angle}", "-c", "copy", turned)
        contents.add(content(turned))
    contents.add(content(copy_clip(first, tmp_path / "noted.mp4")))
    assert len(contents) == 4


@pytest.mark.parametrize("name", ["xvid-packed.avi", "h264-open-gop-start.ts", "vp9-altref.webm"])
def test_files_whose_packets_lie_have_a_content_too(zoo, tmp_path, name):
    shutil.copy(zoo(name), tmp_path / f"copy{Path(name).suffix}")
    assert content(tmp_path / f"copy{Path(name).suffix}") == content(zoo(name))


def test_a_file_that_was_written_since_it_was_listed_is_refused(clips, tmp_path):
    path = Path(shutil.copy(clips("plain.mp4", frames=10), tmp_path / "a.mp4"))
    stamp, listed = stamp_of_file(path.stat()), path.stat()
    with VideoReader(str(path), expected_stamp=stamp) as reader:
        reader.frames([0])
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    os.utime(path, ns=(listed.st_atime_ns, listed.st_mtime_ns))
    for open_it in (VideoReader, probe_video):
        with pytest.raises(VideoChangedError, match="written or replaced"):
            open_it(str(path), expected_size_bytes=listed.st_size, expected_stamp=stamp)


def test_a_file_that_is_written_while_it_is_read_is_refused(clips, tmp_path):
    path = Path(shutil.copy(clips("plain.mp4", frames=10), tmp_path / "a.mp4"))
    stamp = stamp_of_file(path.stat())
    with (
        pytest.raises(VideoChangedError, match="written or replaced"),
        VideoReader(str(path), expected_stamp=stamp) as reader,
    ):
        reader.frames([0])
        path.touch()
