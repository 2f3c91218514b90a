"""The account: what a source gave, what is not used of it, and why."""

import gzip
import json
import unicodedata
from pathlib import Path

import fsspec
import pytest

from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import Account, Listing, list_sources
from clipmill.sources.accounting.account import MAX_EXAMPLES
from clipmill.sources.describe import describe_account, describe_empty


def listing(*paths: Path | str, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields) for path in paths])


def put(path: Path, data: bytes | str = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def shown(found: Listing) -> list[tuple[str, str | None]]:
    return [(video.relative_path, video.text) for video in found.videos]


def unused(found: Listing) -> dict[str, tuple[int, tuple[str, ...]]]:
    """Things that are not used: kind -> how many, and their names."""
    return {u.what: (u.count, u.examples) for u in found.account.sources[0].unused}


def test_everything_in_a_folder_is_accounted_for(tmp_path):
    left = ("._a.mp4", "__MACOSX/._a.mp4", ".Trash-1000/files/a.mp4", "@eaDir/a.mp4/x.mp4")
    for name in ("a.mp4", "sub/b.mp4", "sub/.DS_Store", *left):
        put(tmp_path / name)
    for name in ("p.gif", "a.json", "list.txt", "part.zip", "scores.csv.zst", "x.tar", "LICENSE"):
        put(tmp_path / name)
    put(tmp_path / "a.txt", "a caption")
    put(tmp_path / "sub/scores.csv", "video,score\nb.mp4,1\n")
    found = listing(tmp_path)
    assert shown(found) == [("a.mp4", "a caption"), ("sub/b.mp4", None)]
    assert found.problems == ()
    assert unused(found) == {
        "leftovers": (5, (".Trash-1000/", "@eaDir/", "__MACOSX/", "._a.mp4", "sub/.DS_Store")),
        ".gif": (1, ("p.gif",)),
        ".json": (1, ("a.json",)),
        ".txt": (1, ("list.txt",)),
        ".zip": (1, ("part.zip",)),
        ".csv.zst": (1, ("scores.csv.zst",)),
        ".tar": (1, ("x.tar",)),
        ".csv": (1, ("sub/scores.csv",)),
        "no suffix": (1, ("LICENSE",)),
    }
    (source,) = found.account.sources
    assert (source.kind, source.videos, source.without_caption) == ("folder", 2, 1)
    assert [(c.what, c.count) for c in source.captions] == [("text file", 1)]
    assert Account.model_validate_json(found.account.model_dump_json()) == found.account
    text = "\n".join(describe_account(found.account))
    assert "2 videos, captions: 1 from text file, 1 without" in text
    assert "not used: 1 .gif (another kind of file): p.gif" in text


def test_few_names_of_many_are_kept(tmp_path):
    put(tmp_path / "a.mp4")
    for number in range(20):
        put(tmp_path / f"{number:02d}.gif")
    count, names = unused(listing(tmp_path))[".gif"]
    assert (count, len(names)) == (20, MAX_EXAMPLES)
    assert "04.gif, ..." in "\n".join(describe_account(listing(tmp_path).account))


def test_texts_that_cannot_be_read_cost_no_video_and_are_named(tmp_path):
    texts = {"bom": b"\xef\xbb\xbfa red disc", "latin1": b"un caf\xe9", "big": b"x" * 100_001}
    texts |= {"utf16": "a disc".encode("utf-16"), "nul": b"a\0b", "folder": b""}
    for name, data in texts.items():
        put(tmp_path / f"{name}.mp4")
        put(tmp_path / f"{name}.txt", data)
    (tmp_path / "folder.txt").unlink()
    (tmp_path / "folder.txt").mkdir()
    found = listing(tmp_path)
    captions = dict(shown(found))
    assert captions == {f"{name}.mp4": None for name in texts} | {
        "bom.mp4": "a red disc",
        "utf16.mp4": "a disc",
    }
    told = {p.relative_path: (p.state, p.reason, Path(p.uri).name) for p in found.problems}
    end = "; the video is in the run"
    assert told == {
        "big.mp4": ("noted", f"big.txt has more than 100000 bytes{end}", "big.txt"),
        "latin1.mp4": (
            "noted",
            f"latin1.txt is not UTF-8; convert it, or name its `encoding`{end}",
            "latin1.txt",
        ),
        "nul.mp4": (
            "noted",
            f"nul.txt holds zero bytes; if it is UTF-16, name its `encoding`{end}",
            "nul.txt",
        ),
    }
    assert len({v.video_id for v in found.videos} | {p.video_id for p in found.problems}) == 9
    assert dict(shown(listing(tmp_path, encoding="latin-1")))["latin1.mp4"] == "un café"
    lines = describe_account(found.account)
    assert any("big.txt" in line and "not used" in line for line in lines)


def test_an_encoding_that_does_not_exist_is_refused():
    with pytest.raises(ValueError, match="no such encoding of texts: 'utf-99'"):
        SourceConfig(path="x", encoding="utf-99")


def test_a_text_goes_with_its_video_in_another_unicode_form(tmp_path):
    put(tmp_path / unicodedata.normalize("NFD", "café.mp4"))
    put(tmp_path / unicodedata.normalize("NFC", "café.txt"), "coffee")
    assert [text for _, text in shown(listing(tmp_path))] == ["coffee"]


def test_texts_behind_a_url_are_captions_too():
    memory = fsspec.filesystem("memory")
    contents = {"a.mp4": b"1", "a.txt": b"one", "b.mp4": b"1", "b.txt": b"caf\xe9", "c.gif": b"1"}
    contents |= {"__MACOSX/._a.mp4": b"1", "sub/d.mp4": b"1", "sub/a.txt": b"of no video"}
    contents |= {"e.mp4": b"1", "e.txt": b"x" * 100_001}
    for name, data in contents.items():
        memory.pipe(f"/account/{name}", data)
    found = listing("memory://account")
    assert shown(found) == [("a.mp4", "one"), ("b.mp4", None), ("e.mp4", None), ("sub/d.mp4", None)]
    assert {p.relative_path: p.reason.split(";")[0] for p in found.problems} == {
        "b.mp4": "b.txt is not UTF-8",
        "e.mp4": "e.txt has more than 100000 bytes",
    }
    assert unused(found) == {
        ".gif": (1, ("c.gif",)),
        ".txt": (1, ("sub/a.txt",)),
        "leftovers": (1, ("__MACOSX/._a.mp4",)),
    }


def test_a_table_tells_its_columns_rows_and_refused_lines(tmp_path):
    put(tmp_path / "a.mp4")
    put(tmp_path / "b.mp4")
    rows = ["a.mp4,one", "gone.mp4,x", "p.jpg,x", "short", "a.mp4,again", "b.mp4,caf\xe9"]
    table = put(tmp_path / "t.csv", "\n".join(["video,caption", *rows, ""]).encode("latin-1"))
    found = listing(table)
    (source,) = found.account.sources
    (use,) = source.tables
    assert (use.path, use.columns, use.rows, use.refused) == (str(table), "video, caption", 6, 3)
    assert use.examples == (
        "line 3: the file does not exist",
        "line 4: names a picture, not a video",
        "line 5: has 1 fields where the header has 2",
    )
    assert (source.videos, source.failed, source.repeated) == (2, 3, 1)
    assert [(c.what, c.count) for c in source.captions] == [("column 'caption'", 1)]
    assert source.unread_texts[0].examples == ("b.mp4, line 7",)


def test_a_source_without_videos_says_what_it_has_instead(tmp_path):
    put(tmp_path / "gifs/a.gif")
    put(tmp_path / "full/a.mp4")
    (tmp_path / "empty").mkdir()
    found = listing(tmp_path / "gifs", tmp_path / "full", tmp_path / "empty")
    text = describe_empty(found.account)
    assert f"no video found in {tmp_path}/gifs and {tmp_path}/empty" in text
    assert "1 .gif (another kind of file): a.gif" in text
    assert describe_empty(listing(tmp_path / "full").account) == ""
    # The same videos under another name are no empty source.
    twice = [SourceConfig(path=str(tmp_path / "full"), name=name) for name in "ab"]
    assert describe_empty(list_sources(twice).account) == ""


def test_names_cannot_steer_the_terminal(tmp_path):
    put(tmp_path / "a.mp4")
    put(tmp_path / "\x1b[2J\n\u202e.gif")
    lines = describe_account(listing(tmp_path).account)
    assert all(character.isprintable() for line in lines for character in line)
    assert "\\x1b[2J\\n\\u202e.gif" in "\n".join(lines)


@pytest.mark.parametrize("name", ["a.gif", "notes.txt", "v.zip", "noname"])
def test_a_single_file_that_is_no_video_by_its_name_is_refused(tmp_path, name):
    path = put(tmp_path / name)
    with pytest.raises(UsageError, match=r"is no video by its name .*videos end in .*\.mp4"):
        listing(path)
    assert [name for name, _ in shown(listing(path, kind="folder"))] == [name]


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl", "json"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("packed", [False, True])
def test_tables_packed_or_in_another_encoding(tmp_path, suffix, encoding, packed):
    put(tmp_path / "a é.mp4")
    row = {"video": "a é.mp4", "caption": "花"}
    separator = "\t" if suffix == "tsv" else ","
    text = {"jsonl": json.dumps(row, ensure_ascii=False) + "\n", "json": json.dumps([row])}.get(
        suffix, f"video{separator}caption\na é.mp4{separator}花\n"
    )
    data = text.encode(encoding)
    name = f"t.{suffix}.gz" if packed else f"t.{suffix}"
    path = put(tmp_path / name, gzip.compress(data) if packed else data)
    assert shown(listing(path)) == [("a é.mp4", "花")]


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "json"])
def test_a_packed_table_that_breaks_off_keeps_the_rows_before(tmp_path, suffix):
    names = [f"{number:05d}.mp4" for number in range(20_000)]
    for name in names[:100]:
        put(tmp_path / "v" / name)
    rows = [{"video": f"v/{name}"} for name in names]
    text = {
        "csv": "video\n" + "".join(f"{row['video']}\n" for row in rows),
        "jsonl": "".join(json.dumps(row) + "\n" for row in rows),
        "json": json.dumps(rows),
    }[suffix]
    data = gzip.compress(text.encode())
    path = put(tmp_path / f"t.{suffix}.gz", data[: len(data) * 9 // 10])
    found = listing(path)
    if suffix == "json":  # a megabyte at once is all of it
        assert found.videos == ()
    else:
        assert len(found.videos) == 100
    assert "cannot be read" in found.problems[-1].reason
    assert "end-of-stream" in found.problems[-1].reason or "ended" in found.problems[-1].reason


def test_json_that_is_no_list_of_rows(tmp_path):
    put(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="write a list of them"):
        listing(put(tmp_path / "o.json", '{\n"a.mp4": "one"\n}'))
    with pytest.raises(UsageError, match="no JSON list"):
        listing(put(tmp_path / "n.json", "7"))
    lines = put(
        tmp_path / "l.json", '{"video": "a.mp4", "caption": "one"}\n{"video": "gone.mp4"}\n'
    )
    assert shown(listing(lines)) == [("a.mp4", "one")]
    bare = put(tmp_path / "b.jsonl", '{"video": "a.mp4", "caption": "o\tn\0e"}\n')
    assert shown(listing(bare)) == [("a.mp4", "o\tne")]
    cut = put(tmp_path / "c.json", '[{"video": "a.mp4", "caption": "one"}, {"vid')
    found = listing(cut)
    assert shown(found) == [("a.mp4", "one")]
    assert found.problems[0].reason.startswith("item 2: is not valid JSON")
