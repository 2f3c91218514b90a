"""Members of tar archives and files behind HTTP, read in place."""

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import fsspec
import numpy as np
import pytest
from range_server import serving

from clipmill.clips import TarMember
from clipmill.video import VideoChangedError, VideoError, VideoMissingError, VideoReader
from clipmill.video.access.ranges import RangeFile

Clips = Callable[..., Path]

NAME = "deep/# 100%::[clip] é.mp4"


def write_tar(path: Path, files: dict[str, bytes], form: int = tarfile.PAX_FORMAT) -> Path:
    with tarfile.open(path, "w", format=form) as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def member_of(path: Path, name: str, archive: str = "") -> TarMember:
    with tarfile.open(path) as tar:
        info = tar.getmember(name)
    return TarMember(archive or str(path), info.offset_data, info.size, name)


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
@pytest.mark.parametrize("name", [NAME, "x" * 90 + "/" + "y" * 60 + ".mp4", "plain.mp4"])
def test_a_member_decodes_as_the_file_does(clips: Clips, tmp_path: Path, form, name) -> None:
    path = clips("plain.mp4", frames=10)
    data = path.read_bytes()
    tar = write_tar(tmp_path / "a # 5%::b.tar", {"0.txt": b"x", name: data, "1.txt": b"y"}, form)
    member = member_of(tar, name)
    assert TarMember.parse(member.uri) == member
    with VideoReader(str(path)) as local:
        expected = local.frames([9, 0, 5])
        facts = local.info
    with VideoReader(member.uri, expected_size_bytes=len(data)) as reader:
        np.testing.assert_array_equal(reader.frames([9, 0, 5]), expected)
        assert reader.info == facts
    with fsspec.open(member.uri, "rb") as file:
        assert file.read() == data


def test_a_member_of_an_archive_behind_a_url(clips: Clips, tmp_path: Path) -> None:
    path = clips("plain.mp4", frames=10)
    tar = write_tar(tmp_path / "a.tar", {"v.mp4": path.read_bytes()})
    with fsspec.open("memory://shards/a.tar", "wb") as file:
        file.write(tar.read_bytes())
    member = member_of(tar, "v.mp4", "memory://shards/a.tar")
    with VideoReader(str(path)) as local, VideoReader(member.uri) as reader:
        np.testing.assert_array_equal(reader.frames([3]), local.frames([3]))


def test_an_archive_written_anew_is_changed(clips: Clips, tmp_path: Path) -> None:
    data = clips("plain.mp4", frames=10).read_bytes()
    tar = write_tar(tmp_path / "a.tar", {"v.mp4": data})
    member = member_of(tar, "v.mp4")
    for files in ({"w.mp4": data}, {"v.mp4": data + b"x"}, {"0.txt": b"x", "v.mp4": data}):
        write_tar(tar, files)
        with pytest.raises(VideoChangedError, match="written again"):
            VideoReader(member.uri)


def test_an_archive_that_is_gone_or_cut_off(clips: Clips, tmp_path: Path) -> None:
    data = clips("plain.mp4", frames=10).read_bytes()
    tar = write_tar(tmp_path / "a.tar", {"v.mp4": data})
    member = member_of(tar, "v.mp4")
    tar.write_bytes(tar.read_bytes()[: member.offset + len(data) // 2])
    with pytest.raises(VideoMissingError, match="it ends at byte"):
        VideoReader(member.uri)
    tar.unlink()
    with pytest.raises(VideoMissingError, match="does not exist"):
        VideoReader(member.uri)


@pytest.mark.parametrize("uri", ["tarmember:///a.tar", "tarmember:///a.tar#1+x/v.mp4"])
def test_what_is_no_member(uri: str) -> None:
    with pytest.raises(ValueError, match="not the URL of a tar member"):
        TarMember.parse(uri)
    with pytest.raises(VideoError, match="not the URL of a tar member"):
        VideoReader(uri)


def test_a_range_is_a_file_of_its_own() -> None:
    part = RangeFile(io.BytesIO(b"0123456789"), 3, 5, "part")
    assert part.read(2) == b"34"
    assert part.read() == b"567"
    assert part.read() == b""
    assert part.seek(-1, io.SEEK_END) == 4
    assert part.read(9) == b"7"
    assert io.BufferedReader(part).readline() == b""
    with pytest.raises(ValueError, match="cannot seek"):
        part.seek(-1)
    with pytest.raises(OSError, match="ends at byte 7 of 9"):
        RangeFile(io.BytesIO(b"0123456789"), 3, 9, "part").read()


def test_a_video_behind_http(clips: Clips) -> None:
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp")
    path = clips("plain.mp4", frames=10)
    size = path.stat().st_size
    with VideoReader(str(path)) as local, serving(path.parent) as server:
        uri = f"{server.url}/{path.name}"
        with VideoReader(uri, expected_size_bytes=size) as reader:
            np.testing.assert_array_equal(reader.frames([9, 0, 5]), local.frames([9, 0, 5]))
        assert any("bytes=" in line for line in server.asked)
        with pytest.raises(VideoChangedError):
            VideoReader(uri, expected_size_bytes=size + 1)
        with pytest.raises(VideoMissingError, match="does not exist"):
            VideoReader(f"{server.url}/gone.mp4")
        server.cut = size // 2
        with pytest.raises(VideoMissingError, match="cannot be read"):
            VideoReader(uri)
        server.cut, server.ranges = None, False
        with pytest.raises(VideoMissingError, match="no byte ranges"):
            VideoReader(uri)


def test_a_member_of_an_archive_behind_http(clips: Clips, tmp_path: Path) -> None:
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp")
    path = clips("plain.mp4", frames=10)
    write_tar(tmp_path / "a.tar", {"v.mp4": path.read_bytes()})
    with VideoReader(str(path)) as local, serving(tmp_path) as server:
        member = member_of(tmp_path / "a.tar", "v.mp4", f"{server.url}/a.tar")
        with VideoReader(member.uri) as reader:
            np.testing.assert_array_equal(reader.frames([3]), local.frames([3]))
