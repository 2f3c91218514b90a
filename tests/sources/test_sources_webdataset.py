import gzip
import io
import json
import tarfile
from pathlib import Path

import fsspec
import pyarrow.parquet as pq
import pytest
from pipelines import look, pipeline_on, run
from range_server import serving

from clipmill.clips import TarMember
from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import Listing, list_sources
from media import make_clip


def listing(path: Path | str, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def write_tar(path: Path, *files: tuple[str, bytes | str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, content in files:
            data = content if isinstance(content, bytes) else content.encode()
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def shown(found: Listing) -> list[tuple[str, str | None]]:
    return [(video.relative_path, video.text) for video in found.videos]


def reasons(found: Listing) -> list[tuple[str, str, str]]:
    told = [(p.relative_path, p.state, p.reason.split(": ", 1)[1]) for p in found.problems]
    assert all(p.reason.startswith("byte ") for p in found.problems)
    return told


def test_members_are_found_in_place_with_their_captions(tmp_path):
    tar = write_tar(
        tmp_path / "s.tar",
        ("a.txt", ' a cat, "asleep"\n'),
        ("a.mp4", b"123"),
        ("a.jpg", b"no video"),
        ("deep/b.mp4", b"4567"),
        ("deep/b.json", json.dumps({"caption": "line\nline", "fps": 24})),
        ("./c.small.mp4", b"89"),
        ("./c.large.mp4", b"890"),
        ("c.txt", "both"),
        ("c.large.txt", "large"),
        ("d.mp4", b"1"),
        ("._d.mp4", b"what a Mac leaves behind"),
        ("__MACOSX/d.mp4", b"and more of it"),
        ("cafe\u0301.mp4", b"2"),
        ("caf\xe9.txt", "coffee"),
    )
    found = listing(tar)
    assert found.problems == ()
    unused = {u.what: u.examples for u in found.account.sources[0].unused}
    assert unused == {
        ".jpg": ("s.tar/a.jpg",),
        "leftovers": ("s.tar/._d.mp4", "s.tar/__MACOSX/d.mp4"),
    }
    assert shown(found) == [
        ("s.tar/a.mp4", 'a cat, "asleep"'),
        ("s.tar/deep/b.mp4", "line\nline"),
        ("s.tar/c.small.mp4", "both"),
        ("s.tar/c.large.mp4", "large"),
        ("s.tar/d.mp4", None),
        ("s.tar/cafe\u0301.mp4", "coffee"),
    ]
    data = tar.read_bytes()
    contents = []
    for video in found.videos:
        member = TarMember.parse(video.uri)
        assert member.archive == str(tar)
        contents.append(data[member.offset : member.offset + video.size_bytes])
    assert contents == [b"123", b"4567", b"89", b"890", b"1", b"2"]


def test_a_named_field_is_the_caption(tmp_path):
    tar = write_tar(
        tmp_path / "s.tar",
        ("a.mp4", b"1"),
        ("a.txt", "short"),
        ("a.json", '{"caption": "middle", "long": "long"}'),
        ("b.mp4", b"1"),
        ("b.json", '{"caption": "middle"}'),
    )
    assert shown(listing(tar)) == [("s.tar/a.mp4", "short"), ("s.tar/b.mp4", "middle")]
    found = listing(tar, caption_column="long")
    assert shown(found) == [("s.tar/a.mp4", "long"), ("s.tar/b.mp4", None)]
    assert reasons(found) == [("s.tar/b.json", "noted", "has no field 'long'")]


def test_captions_that_cannot_be_read_are_listed_and_their_videos_stay(tmp_path):
    tar = write_tar(
        tmp_path / "s.tar",
        *[(f"{n}.mp4", b"1") for n in range(4)],
        ("0.json", "{broken"),
        ("1.txt", b"\xff\xfe\xfd"),
        ("2.json", '{"caption": 7}'),
        ("3.txt", "x" * 100_001),
    )
    found = listing(tar)
    assert [text for _, text in shown(found)] == [None] * 4
    told = {path: reason for path, _, reason in reasons(found)}
    assert list(told) == [f"s.tar/{name}" for name in ("0.json", "1.txt", "2.json", "3.txt")]
    assert "no caption that can be read" in told["s.tar/0.json"]
    assert "is not UTF-16" in told["s.tar/1.txt"]
    assert "'caption' is not a text but a number" in told["s.tar/2.json"]
    assert "more than 100000 bytes" in told["s.tar/3.txt"]
    assert {p.state for p in found.problems} == {"noted"}
    assert sum(text.count for text in found.account.sources[0].unread_texts) == 4


def test_a_folder_of_shards_is_recognised_and_read_in_order(tmp_path):
    for name in ("b/1.tar", "a/2.tar", "a/10.tar"):
        write_tar(tmp_path / name, ("v.mp4", name))
    found = listing(tmp_path)
    assert [path for path, _ in shown(found)] == [
        "a/10.tar/v.mp4",
        "a/2.tar/v.mp4",
        "b/1.tar/v.mp4",
    ]
    assert len({video.video_id for video in found.videos}) == 3
    (tmp_path / "b/plain.mp4").write_bytes(b"1")
    assert [path for path, _ in shown(listing(tmp_path))] == ["b/plain.mp4"]


@pytest.mark.parametrize("pattern", ["t-{008..011}.tar", "t-*.tar"])
def test_shards_by_braces_and_patterns(tmp_path, pattern):
    for number in range(8, 12):
        write_tar(tmp_path / f"t-{number:03d}.tar", ("v.mp4", str(number)))
    names = [f"t-{number:03d}.tar/v.mp4" for number in range(8, 12)]
    assert [path for path, _ in shown(listing(tmp_path / pattern))] == names


def test_a_missing_shard_is_listed(tmp_path):
    write_tar(tmp_path / "t-0.tar", ("v.mp4", b"1"))
    found = listing(tmp_path / "t-{0..1}.tar")
    assert [path for path, _ in shown(found)] == ["t-0.tar/v.mp4"]
    assert [(p.relative_path, p.state) for p in found.problems] == [("t-1.tar", "failed")]
    assert "cannot be read: No such file" in found.problems[0].reason


def test_the_same_member_and_the_same_shard_twice(tmp_path):
    tar = write_tar(tmp_path / "s.tar", ("v.mp4", b"1"), ("./v.mp4", b"2"), ("w.mp4", b"3"))
    (tmp_path / "t.tar").symlink_to(tar)
    found = listing(tmp_path)
    assert [path for path, _ in shown(found)] == ["s.tar/v.mp4", "s.tar/w.mp4"]
    assert reasons(found) == [
        ("s.tar/v.mp4", "dropped", "same file as s.tar/v.mp4"),
        ("t.tar/v.mp4", "dropped", "same file as s.tar/v.mp4"),
        ("t.tar/v.mp4", "dropped", "same file as s.tar/v.mp4"),
        ("t.tar/w.mp4", "dropped", "same file as s.tar/w.mp4"),
    ]
    ids = [v.video_id for v in found.videos] + [p.video_id for p in found.problems]
    assert len(set(ids)) == len(ids)


def test_names_and_members_that_cannot_be_videos(tmp_path):
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w", errors="surrogateescape") as tar:
        for name, kind in (
            ("folder.mp4", tarfile.DIRTYPE),
            ("link.mp4", tarfile.SYMTYPE),
            ("../out.mp4", tarfile.REGTYPE),
            ("/abs.mp4", tarfile.REGTYPE),
            ("caf\udce9.mp4", tarfile.REGTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type = kind
            info.linkname = "/etc/passwd" if kind == tarfile.SYMTYPE else ""
            tar.addfile(info)
    found = listing(path)
    assert [name for name, _ in shown(found)] == ["s.tar/abs.mp4"]
    assert [(name, reason[:20]) for name, _, reason in reasons(found)] == [
        ("s.tar/link.mp4", "is a link, a sparse "),
        ("s.tar/../out.mp4", "its path leaves the "),
        ("s.tar/caf\\xe9.mp4", "its name is not vali"),
    ]


def members(*sizes: int) -> list[tuple[str, bytes]]:
    return [(f"{number}.mp4", b"x" * size) for number, size in enumerate(sizes)]


@pytest.mark.parametrize(
    ("cut", "kept", "reason"),
    [
        (512 + 1024 + 512 + 100, 1, "the archive ends inside it"),
        (512 + 1024 + 300, 1, "damaged at byte 1536"),
        (512 + 1024, 1, "the archive has no end mark"),
        (2 * (512 + 1024), 2, "the archive has no end mark"),
    ],
)
def test_what_lies_before_a_cut_is_kept(tmp_path, cut, kept, reason):
    tar = write_tar(tmp_path / "s.tar", *members(1000, 1024, 10))
    tar.write_bytes(tar.read_bytes()[:cut])
    found = listing(tar)
    assert [path for path, _ in shown(found)] == [f"s.tar/{n}.mp4" for n in range(kept)]
    (problem,) = reasons(found)
    assert problem[1] == "failed"
    assert reason in problem[2]


def test_what_lies_before_damage_is_kept(tmp_path):
    tar = write_tar(tmp_path / "s.tar", *members(1000, 1024, 10))
    data = bytearray(tar.read_bytes())
    data[2 * 1536 : 2 * 1536 + 100] = b"z" * 100
    tar.write_bytes(data)
    found = listing(tar)
    assert [path for path, _ in shown(found)] == ["s.tar/0.mp4", "s.tar/1.mp4"]
    assert [(p[0], p[2][:34]) for p in reasons(found)] == [
        ("s.tar", "the archive is damaged at byte 307")
    ]


def test_archives_joined_end_to_end_are_read_to_the_end(tmp_path):
    first = write_tar(tmp_path / "a.tar", ("a.mp4", b"1")).read_bytes()
    second = write_tar(tmp_path / "b.tar", ("b.mp4", b"2")).read_bytes()
    joined = tmp_path / "joined.tar"
    joined.write_bytes(first + second)
    found = listing(joined)
    assert [path for path, _ in shown(found)] == ["joined.tar/a.mp4", "joined.tar/b.mp4"]
    assert found.problems == ()


def test_an_empty_archive_has_no_videos_and_no_problems(tmp_path):
    found = listing(write_tar(tmp_path / "s.tar"))
    assert (found.videos, found.problems) == ((), ())


def test_compressed_archives_are_refused_with_a_remedy(tmp_path):
    data = write_tar(tmp_path / "plain.tar", ("v.mp4", b"1")).read_bytes()
    for name in ("s.tar.gz", "disguised.tar"):
        (tmp_path / name).write_bytes(gzip.compress(data))
        with pytest.raises(UsageError, match=r"is compressed.*decompress it"):
            listing(tmp_path / name)
    found = listing(tmp_path)
    assert [path for path, _ in shown(found)] == ["plain.tar/v.mp4"]
    assert [p.relative_path for p in found.problems] == ["disguised.tar", "s.tar.gz"]


@pytest.mark.parametrize("content", [b"", b"no tar at all", b"x" * 5000])
def test_what_is_no_archive(tmp_path, content):
    (tmp_path / "s.tar").write_bytes(content)
    with pytest.raises(UsageError, match="is no tar archive"):
        listing(tmp_path / "s.tar")


def test_a_source_without_shards(tmp_path):
    with pytest.raises(UsageError, match="does not exist"):
        listing(tmp_path / "gone.tar")
    with pytest.raises(UsageError, match=r"holds no \.tar"):
        listing(tmp_path, kind="webdataset")
    with pytest.raises(UsageError, match=r"holds no \.tar"):
        listing(tmp_path / "t-*.tar")


def test_shards_behind_urls(tmp_path):
    data = write_tar(tmp_path / "s.tar", ("v.mp4", b"123"), ("v.txt", "text")).read_bytes()
    memory = fsspec.filesystem("memory")
    for number in range(2):
        memory.pipe(f"/wds/train/{number}.tar", data)
    for path in ("memory://wds", "memory://wds/train/{0..1}.tar", "memory://wds/train/*.tar"):
        found = listing(path, kind="webdataset")
        assert [text for _, text in shown(found)] == ["text", "text"]
        for video in found.videos:
            with fsspec.open(TarMember.parse(video.uri).archive, "rb") as file:
                assert file.read() == data


def test_shards_behind_http(tmp_path):
    pytest.importorskip("aiohttp", reason="HTTP needs aiohttp")
    write_tar(tmp_path / "0.tar", ("v.mp4", b"x" * 300_000), ("v.txt", "text"))
    with serving(tmp_path) as server:
        found = listing(f"{server.url}/{{0..1}}.tar")
        assert shown(found) == [("0.tar/v.mp4", "text")]
        assert [p.relative_path for p in found.problems] == ["1.tar"]
        spans = [line.split("bytes=")[1] for line in server.asked if "bytes=" in line]
    fetched = sum(int(end) - int(start) + 1 for start, end in (s.split("-") for s in spans))
    assert fetched < 200_000  # the headers, not the video


PIPELINE = """
name: small
steps:
  - annotate: probe
  - annotate: shots
  - split: shots
    min_frames: 2
"""


def test_a_whole_run_over_a_shard_and_again(tmp_path):
    first = make_clip(tmp_path / "a.mp4", size=(64, 48), frames=12).read_bytes()
    second = make_clip(tmp_path / "b.mkv", size=(96, 64), frames=7).read_bytes()
    shards = tmp_path / "shards"
    write_tar(
        shards / "0.tar", ("a.mp4", first), ("a.txt", "a pattern"), ("broken.mp4", b"no video")
    )
    write_tar(shards / "1.tar", ("deep/b.mkv", second))
    pipeline = pipeline_on(shards, PIPELINE)
    done = run(pipeline, tmp_path / "ws")
    assert done.computed == {"probe": 3, "shots": 2}
    assert done.failed == 1
    reports = look(pipeline, tmp_path / "ws")
    assert [(title, report.leaving) for title, report in reports.items()] == [
        ("source", 3),
        ("probe", 2),
        ("shots", 2),
        ("shot split", 2),
    ]
    assert run(pipeline, tmp_path / "ws").computed == {"probe": 0, "shots": 0}
    plain = tmp_path / "plain"
    for name, data in (("0.tar/a.mp4", first), ("1.tar/deep/b.mkv", second)):
        (plain / name).parent.mkdir(parents=True)
        (plain / name).write_bytes(data)
    run(pipeline_on(plain, PIPELINE), tmp_path / "plain-ws")
    for name in ("probe", "shots"):
        assert rows_of(tmp_path / "ws", name) == rows_of(tmp_path / "plain-ws", name)


def rows_of(workspace: Path, annotation: str) -> list[dict]:
    """What was computed for the good videos, less what differs between two runs."""
    (folder,) = (workspace / "annotations" / annotation).iterdir()
    parts = [pq.read_table(part) for part in folder.glob("part-*.parquet")]
    # Where a file lies is part of its probe row, and of no other.
    named = {"seconds", "file_id", "stamp"}
    rows = [row for part in parts for row in part.to_pylist()]
    good = [
        {name: value for name, value in row.items() if name not in named}
        for row in rows
        if not row["error_kind"]
    ]
    assert len(good) == 2
    return sorted(good, key=str)
