import os
from pathlib import Path

import fsspec
import pytest

from clipmill.clips import video_id_for
from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import list_sources


def listing(*paths: str | Path, names: tuple[str, ...] = ()):
    named = names or ("",) * len(paths)
    return list_sources(
        [SourceConfig(path=str(p), name=n) for p, n in zip(paths, named, strict=True)]
    )


def put(path: Path, data: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def test_videos_are_found_recursively_in_path_order(tmp_path):
    for name in ("b/z.mkv", "a.MP4", "b/a.webm", "notes.txt", "b/c/d.avi"):
        put(tmp_path / name)
    found = listing(tmp_path)
    assert [v.relative_path for v in found.videos] == ["a.MP4", "b/a.webm", "b/c/d.avi", "b/z.mkv"]
    assert found.videos[0].video_id == video_id_for("a.MP4")
    assert found.problems == ()


def test_names_with_spaces_quotes_newlines_and_other_scripts(tmp_path):
    names = ["with space.mp4", "quo'te\".mp4", "new\nline.mp4", "видео 映像.mp4"]
    for name in names:
        put(tmp_path / name)
    assert {v.relative_path for v in listing(tmp_path).videos} == set(names)


def test_a_name_that_is_not_utf8_is_a_problem_and_no_neighbour_is_lost(tmp_path):
    put(tmp_path / "good.mp4")
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4")))
    found = listing(tmp_path)
    assert [v.relative_path for v in found.videos] == ["good.mp4"]
    assert [p.state for p in found.problems] == ["failed"]
    assert "UTF-8" in found.problems[0].reason


def test_a_symlink_loop_is_walked_once(tmp_path):
    put(tmp_path / "a" / "v.mp4")
    (tmp_path / "a" / "loop").symlink_to(tmp_path, target_is_directory=True)
    (tmp_path / "self.mp4").symlink_to(tmp_path / "self.mp4")
    found = listing(tmp_path)
    assert [v.relative_path for v in found.videos] == ["a/v.mp4"]
    assert [(p.relative_path, p.state) for p in found.problems] == [("self.mp4", "failed")]


def test_the_same_file_twice_is_one_video_and_one_reason(tmp_path):
    put(tmp_path / "one.mp4")
    (tmp_path / "two.mp4").symlink_to(tmp_path / "one.mp4")
    found = listing(tmp_path)
    assert [v.relative_path for v in found.videos] == ["one.mp4"]
    assert found.problems[0].state == "dropped"
    assert found.problems[0].reason == "same file as one.mp4"


def test_the_same_folder_given_twice_is_listed_once(tmp_path):
    put(tmp_path / "one.mp4")
    found = listing(tmp_path, tmp_path, names=("a", "b"))
    assert len(found.videos) == 1
    assert len(found.problems) == 1


def test_several_sources_never_share_ids(tmp_path):
    put(tmp_path / "a" / "v.mp4")
    put(tmp_path / "b" / "v.mp4")
    ids = [v.video_id for v in listing(tmp_path / "a", tmp_path / "b").videos]
    assert len(set(ids)) == 2


def test_two_sources_of_one_name_are_refused(tmp_path):
    put(tmp_path / "a" / "x" / "v.mp4")
    put(tmp_path / "b" / "x" / "v.mp4")
    with pytest.raises(UsageError, match="two sources are called 'x'"):
        listing(tmp_path / "a" / "x", tmp_path / "b" / "x")


def test_a_text_file_beside_a_video_is_its_caption(tmp_path):
    put(tmp_path / "v.mp4")
    put(tmp_path / "v.txt", b'a cat, "asleep"\n')
    assert listing(tmp_path).videos[0].text == 'a cat, "asleep"'


def test_a_single_file_and_a_missing_path(tmp_path):
    video = put(tmp_path / "v.mp4")
    assert [v.relative_path for v in listing(video).videos] == ["v.mp4"]
    with pytest.raises(UsageError, match="does not exist"):
        listing(tmp_path / "nowhere")


def test_a_url_is_listed_through_fsspec():
    memory = fsspec.filesystem("memory")
    memory.pipe("/shelf/deep/v.mp4", b"1234")
    memory.pipe("/shelf/readme.md", b"no")
    found = listing("memory://shelf")
    assert [(v.relative_path, v.size_bytes) for v in found.videos] == [("deep/v.mp4", 4)]
    assert found.videos[0].uri.startswith("memory://")
