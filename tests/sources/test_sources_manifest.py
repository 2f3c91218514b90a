import csv
import json
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipmill.clips import video_id_for
from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import Listing, list_sources

HARD_CAPTIONS = [
    "plain",
    'he said "hi", then left, twice',
    "first line\nsecond line\r\nthird",
    "видео 映像 🎬 é",
    "x, " * 3333 + "y",
    '"',
    " kept as it is ",
]


def listing(path: Path | str, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def videos_in(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x" * (1 + len(name)))
    return folder


def write_csv(path: Path, rows: list[list[str]]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return path


def write_tsv(path: Path, rows: list[list[str]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, delimiter="\t").writerows(rows)
    return path


def write_jsonl(path: Path, rows: list[list[str]]) -> Path:
    header, *items = rows
    lines = [json.dumps(dict(zip(header, item, strict=True))) for item in items]
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def write_parquet(path: Path, rows: list[list[str]]) -> Path:
    header, *items = rows
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(dict(zip(header, zip(*items, strict=True), strict=True))), path)
    return path


def text_manifest(folder: Path, text: str, name: str = "m.csv") -> Path:
    (folder / name).write_text(text, "utf-8")
    return folder / name


def reasons(found: Listing) -> list[tuple[str, str, str]]:
    return [(p.relative_path, p.state, p.reason) for p in found.problems]


WRITERS = {"csv": write_csv, "tsv": write_tsv, "jsonl": write_jsonl, "parquet": write_parquet}


@pytest.mark.parametrize("suffix", WRITERS)
def test_captions_arrive_unchanged(tmp_path, suffix):
    names = [f"v{n}.mp4" for n in range(len(HARD_CAPTIONS))]
    videos_in(tmp_path, *names)
    rows = [["id", "caption", "video"]]
    rows += [[str(n), text, names[n]] for n, text in enumerate(HARD_CAPTIONS)]
    found = listing(WRITERS[suffix](tmp_path / f"m.{suffix}", rows))
    assert found.problems == ()
    assert [v.text for v in found.videos] == HARD_CAPTIONS
    assert [v.relative_path for v in found.videos] == names
    assert found.videos[0].video_id == video_id_for("v0.mp4")
    assert found.videos[0].uri == str(tmp_path / "v0.mp4")
    assert found.videos[0].size_bytes == 7


@pytest.mark.parametrize("suffix", WRITERS)
def test_missing_empty_and_duplicate_rows_are_listed(tmp_path, suffix):
    videos_in(tmp_path, "a.mp4", "b/c.mp4")
    names = ["a.mp4", "gone.mp4", "", "b/c.mp4", "./a.mp4", "b", "gone.mp4"]
    rows = [["video"], *([name] for name in names)]
    if suffix in {"csv", "tsv"}:  # a line of one empty field would be a blank line
        rows = [["video", "n"], *([name, "1"] for name in names)]
    found = listing(WRITERS[suffix](tmp_path / f"m.{suffix}", rows))
    assert [v.relative_path for v in found.videos] == ["a.mp4", "b/c.mp4"]
    word, first = ("row", 1) if suffix == "parquet" else ("line", 1 if suffix == "jsonl" else 2)
    lines = [f"{word} {first + n}" for n in range(7)]
    assert reasons(found) == [
        ("gone.mp4", "failed", f"{lines[1]}: the file does not exist"),
        (f"m.{suffix}, {lines[2]}", "failed", f"{lines[2]}: the path is empty"),
        ("a.mp4", "dropped", f"{lines[4]}: same file as a.mp4"),
        ("b", "failed", f"{lines[5]}: is not a file"),
        ("gone.mp4", "failed", f"{lines[6]}: the file does not exist"),
    ]
    ids = [v.video_id for v in found.videos] + [p.video_id for p in found.problems]
    assert len(set(ids)) == len(ids)


def test_rows_of_a_wrong_length_are_listed_and_blank_lines_are_not(tmp_path):
    videos_in(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    text = "video,n,caption\na.mp4,1,one\nb.mp4\n\nb.mp4,1,one,two\nc.mp4,1,three\n"
    found = listing(text_manifest(tmp_path, text))
    assert [v.relative_path for v in found.videos] == ["a.mp4", "c.mp4"]
    assert reasons(found) == [
        ("m.csv, line 3", "failed", "line 3: has 1 fields where the header has 3"),
        ("m.csv, line 5", "failed", "line 5: has 4 fields where the header has 3"),
    ]


def test_a_stray_quote_costs_its_own_row_and_is_named(tmp_path):
    videos_in(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    text = 'video,caption\na.mp4,"he said "hi" there"\nb.mp4,fine\nc.mp4,"never closed\n'
    found = listing(text_manifest(tmp_path, text))
    assert [(v.relative_path, v.text) for v in found.videos] == [("b.mp4", "fine")]
    assert [p.relative_path for p in found.problems] == ["m.csv, line 2", "m.csv, line 4"]
    assert "not valid CSV" in found.problems[0].reason


def test_a_quote_that_swallows_megabytes_is_bounded(tmp_path):
    videos_in(tmp_path, "a.mp4", "z.mp4")
    body = "".join(f"n{n:07d}.mp4,text\n" for n in range(60_000))
    found = listing(text_manifest(tmp_path, f'video,caption\na.mp4,"open\n{body}z.mp4,end\n'))
    assert [v.relative_path for v in found.videos] == ["z.mp4"]
    assert found.problems[0].reason.startswith("lines 2-")
    assert "field limit" in found.problems[0].reason


def test_the_field_limit_of_the_csv_module_is_put_back(tmp_path):
    before = csv.field_size_limit()
    listing(text_manifest(videos_in(tmp_path, "a.mp4"), "video\na.mp4\n"))
    assert csv.field_size_limit() == before


def test_bytes_that_are_no_utf8_cost_a_caption_or_their_own_row(tmp_path):
    videos_in(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "m.csv").write_bytes(b"video,caption\na.mp4,caf\xe9\nb\xff.mp4,x\nb.mp4,ok\n")
    found = listing(tmp_path / "m.csv")
    assert [(v.relative_path, v.text) for v in found.videos] == [("a.mp4", None), ("b.mp4", "ok")]
    remark = "its caption is not valid UTF-8; convert it, or name its `encoding`"
    assert reasons(found) == [
        ("a.mp4", "noted", f"line 2: {remark}; the video is in the run"),
        ("b\\xed\\xb3\\xbf.mp4", "failed", "line 3: the path is not valid UTF-8"),
    ]


def test_a_byte_order_mark_and_windows_line_ends(tmp_path):
    videos_in(tmp_path, "a.mp4")
    (tmp_path / "m.csv").write_bytes(b"\xef\xbb\xbfVideo,Text\r\na.mp4,hello\r\n")
    (tmp_path / "m.jsonl").write_bytes(b'\xef\xbb\xbf{"path": "a.mp4", "prompt": "hello"}\r\n')
    for name in ("m.csv", "m.jsonl"):
        assert [v.text for v in listing(tmp_path / name).videos] == ["hello"]


def test_lines_that_are_no_json_objects_are_listed(tmp_path):
    videos_in(tmp_path, "a.mp4")
    lines = [
        *("{broken", "[1, 2]", '{"caption": "no path"}', '{"video": 7}', '{"video": null}', ""),
        *('{"video": "a.mp4", "caption": ["x"]}', '{"video": "\\ud800.mp4"}', "[" * 100_000),
        '{"video": "a.mp4", "caption": null}',
    ]
    found = listing(text_manifest(tmp_path, "\n".join(lines), "m.jsonl"))
    assert [(v.relative_path, v.text) for v in found.videos] == [("a.mp4", "x")]
    shown = [p.reason.split(": ")[:2] for p in found.problems]
    assert [line for line, _ in shown] == [f"line {n}" for n in (1, 2, 3, 4, 5, 8, 9, 10)]
    assert [reason for _, reason in shown] == [
        "is not valid JSON",
        "is not a JSON object",
        "has no path (wanted",
        "'video' is not a string",
        "the path is empty",
        "the path is not valid UTF-8",
        "is not valid JSON",
        "same file as a.mp4",
    ]
    assert {p.state for p in found.problems} == {"failed", "dropped"}


def test_captions_of_every_kind_keep_their_videos(tmp_path):
    captions = [["one", "two"], "lone \ud83d", "ok", 7, {"en": "x"}, [], None, "a\0b"]
    names = [f"{number}.mp4" for number in range(len(captions))]
    videos_in(tmp_path, *names)
    rows = [{"video": n, "caption": c} for n, c in zip(names, captions, strict=True)]
    (tmp_path / "m.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (tmp_path / "m.json").write_text(json.dumps(rows))
    for table, place in (("m.jsonl", "line"), ("m.json", "item")):
        found = listing(tmp_path / table)
        assert [v.relative_path for v in found.videos] == names
        assert [v.text for v in found.videos] == ["one", None, "ok", *[None] * 4, "ab"]
        assert [(p.relative_path, p.state) for p in found.problems] == [
            (name, "noted") for name in ("1.mp4", "3.mp4", "4.mp4")
        ]
        assert all(p.reason.startswith(f"{place} ") for p in found.problems)
        notes = {note.what: note.count for note in found.account.sources[0].notes}
        assert sorted(notes.values()) == [1, 1]


def test_lists_of_captions_in_parquet(tmp_path):
    videos_in(tmp_path, "a.mp4", "b.mp4", "c.mp4")
    names = ["a.mp4", "b.mp4", "c.mp4"]
    lists = [["one", "two"], None, []]
    for kind in (pa.list_(pa.string()), pa.large_list(pa.large_string())):
        table = pa.table({"video": names, "caption": pa.array(lists, kind)})
        pq.write_table(table, tmp_path / "m.parquet")
        assert [v.text for v in listing(tmp_path / "m.parquet").videos] == ["one", None, None]


@pytest.mark.parametrize("path", ["../out.mp4", "a/../../out.mp4", "..", "{outside}", "/out.mp4"])
def test_paths_that_leave_the_root_are_refused(tmp_path, path):
    videos_in(tmp_path, "out.mp4", "root/a.mp4")
    path = path.format(outside=tmp_path / "out.mp4")
    manifest = write_csv(tmp_path / "m.csv", [["video", "n"], [path, "1"], ["a.mp4", "2"]])
    found = listing(manifest, root="root")
    assert [v.uri for v in found.videos] == [str(tmp_path / "root" / "a.mp4")]
    assert [p.state for p in found.problems] == ["failed"]
    assert "root" in found.problems[0].reason


def test_without_a_root_absolute_paths_are_taken_and_dots_still_are_not(tmp_path):
    videos_in(tmp_path, "out.mp4", "in/a.mp4")
    inside, outside = str(tmp_path / "in" / "a.mp4"), str(tmp_path / "out.mp4")
    rows = [["video"], [outside], [inside], ["a.mp4"], ["../out.mp4"]]
    found = listing(write_csv(tmp_path / "in" / "m.csv", rows))
    assert [v.relative_path for v in found.videos] == [outside, "a.mp4"]
    assert [(p.relative_path, p.state) for p in found.problems] == [
        ("a.mp4", "dropped"),
        ("../out.mp4", "failed"),
    ]


def test_odd_paths(tmp_path):
    videos_in(tmp_path, "a.mp4", "ä/ö 1.mp4")
    (tmp_path / "link.mp4").symlink_to(tmp_path / "a.mp4")
    (tmp_path / "dead.mp4").symlink_to(tmp_path / "nowhere.mp4")
    names = ["ä//ö 1.mp4", "link.mp4", "a.mp4", "dead.mp4", "a.mp4/b.mp4", ".", "x\0.mp4"]
    names.append("nosuch://example.org/v.mp4")
    found = listing(write_jsonl(tmp_path / "m.jsonl", [["path"], *([n] for n in names)]))
    assert [v.relative_path for v in found.videos] == ["ä/ö 1.mp4", "link.mp4"]
    assert reasons(found) == [
        ("a.mp4", "dropped", "line 3: same file as link.mp4"),
        ("dead.mp4", "failed", "line 4: cannot be read: No such file or directory"),
        ("a.mp4/b.mp4", "failed", "line 5: the file does not exist"),
        (".", "failed", "line 6: the path names the folder itself"),
        ("x\\0.mp4", "failed", "line 7: the path holds a zero byte"),
        (
            "nosuch://example.org/v.mp4",
            "failed",
            "line 8: cannot be read: Protocol not known: nosuch",
        ),
    ]


def test_columns_can_be_named(tmp_path):
    videos_in(tmp_path, "a.mp4", "b.mp4")
    rows = [["video", "clip", "caption", "long"], ["a.mp4", "b.mp4", "short", "longer"]]
    for suffix, write in WRITERS.items():
        manifest = write(tmp_path / f"m.{suffix}", rows)
        (video,) = listing(manifest, path_column="clip", caption_column="long").videos
        assert (video.relative_path, video.text) == ("b.mp4", "longer")
        (video,) = listing(manifest).videos
        assert (video.relative_path, video.text) == ("a.mp4", "short")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_manifest_without_the_columns_is_refused(tmp_path, suffix):
    manifest = WRITERS[suffix](tmp_path / f"m.{suffix}", [["name"], ["a.mp4"]])
    with pytest.raises(UsageError, match=r"no path column.*it has 'name'"):
        listing(manifest)
    with pytest.raises(UsageError, match="no column 'words'"):
        listing(manifest, path_column="name", caption_column="words")


def test_manifests_that_cannot_be_read_at_all_are_refused(tmp_path):
    with pytest.raises(UsageError, match="No such file"):
        listing(tmp_path / "gone.csv")
    with pytest.raises(UsageError, match="no header line"):
        listing(text_manifest(tmp_path, ""))
    with pytest.raises(UsageError, match="not a Parquet file"):
        listing(text_manifest(tmp_path, "no parquet", "m.parquet"))
    with pytest.raises(UsageError, match="`root`"):
        listing(text_manifest(tmp_path, "video\n"), root="gone")
    pq.write_table(pa.table({"video": [1, 2]}), tmp_path / "n.parquet")
    with pytest.raises(UsageError, match="holds int64, not text"):
        listing(tmp_path / "n.parquet")


def test_a_parquet_file_that_breaks_off_inside_is_listed(tmp_path):
    names = [f"{n}.mp4" for n in range(40)]
    videos_in(tmp_path, *names)
    table = pa.table({"video": names})
    path = tmp_path / "m.parquet"
    pq.write_table(table, path, row_group_size=20, compression="gzip", use_dictionary=False)
    at = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    data = bytearray(path.read_bytes())
    data[at : at + 60] = b"\xff" * 60
    path.write_bytes(data)
    found = listing(path)
    assert [v.relative_path for v in found.videos] == names[: len(found.videos)]
    assert len(found.videos) in {0, 20}
    (problem,) = found.problems
    assert problem.state == "failed"
    assert "cannot be read" in problem.reason


def test_parquet_columns_of_other_text_types(tmp_path):
    videos_in(tmp_path, "a.mp4", "b.mp4")
    names = ["a.mp4", "b.mp4"]
    structs = pa.array([{"path": name, "bytes": None} for name in names])
    columns = [pa.array(names, pa.large_string()), pa.array(names).dictionary_encode(), structs]
    for column in columns:
        pq.write_table(pa.table({"video": column}), tmp_path / "m.parquet")
        assert [v.relative_path for v in listing(tmp_path / "m.parquet").videos] == names


def test_a_manifest_and_a_root_behind_urls():
    memory = fsspec.filesystem("memory")
    memory.pipe("/manifest/deep/v.mp4", b"1234")
    memory.pipe("/manifest/m.csv", b"video,caption\ndeep/v.mp4,hi\ngone.mp4,no\n/x.mp4,no\n")
    found = listing("memory://manifest/m.csv")
    (video,) = found.videos
    assert (video.relative_path, video.size_bytes, video.text) == ("deep/v.mp4", 4, "hi")
    assert video.uri == "memory://manifest/deep/v.mp4"
    assert [p.relative_path for p in found.problems] == ["gone.mp4", "/x.mp4"]


def test_a_manifest_beside_a_folder_shares_its_files(tmp_path):
    videos_in(tmp_path, "v/a.mp4", "v/b.mp4")
    manifest = write_csv(tmp_path / "m.csv", [["video", "caption"], ["v/a.mp4", "first"]])
    sources = [SourceConfig(path=str(manifest)), SourceConfig(path=str(tmp_path / "v"))]
    found = list_sources(sources)
    assert [(v.source, v.text) for v in found.videos] == [("m.csv", "first"), ("v", None)]
    assert [p.reason for p in found.problems] == ["same file as v/a.mp4"]
