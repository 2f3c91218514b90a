import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import Listing, list_sources


def listing(path: Path, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def put(path: Path, data: str = "x") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data, "utf-8")


def shown(found: Listing) -> list[tuple[str, str | None]]:
    return [(video.relative_path, video.text) for video in found.videos]


OPENVID_HEADER = "video,caption,aesthetic score,motion score,frame,fps,seconds\n"


@pytest.mark.parametrize("folder", ["videos", "video", ""])
def test_openvid_is_recognised_and_its_hd_table_repeats_nothing(tmp_path, folder):
    put(tmp_path / "data/train/OpenVid-1M.csv", OPENVID_HEADER + 'a.mp4,"x, y",5,1,100,24.0,4\n')
    put(tmp_path / "data/train/OpenVidHD.csv", OPENVID_HEADER + "a.mp4,hd,5,1,100,24.0,4\n")
    put(tmp_path / folder / "a.mp4")
    found = listing(tmp_path)
    assert shown(found) == [((Path(folder) / "a.mp4").as_posix(), "x, y")]
    assert found.videos[0].uri == str(tmp_path / folder / "a.mp4")
    (unused,) = found.account.sources[0].unused
    assert (unused.what, unused.examples) == (".csv", ("data/train/OpenVidHD.csv",))
    assert "repeats rows of OpenVid-1M.csv" in unused.reason
    assert found.problems == ()


def test_openvid_with_its_hd_table_alone_and_another_root(tmp_path):
    put(tmp_path / "o/data/train/OpenVidHD.csv", OPENVID_HEADER + "a.mp4,hd,5,1,100,24.0,4\nb\n")
    put(tmp_path / "elsewhere/a.mp4")
    found = listing(tmp_path / "o", kind="openvid", root="../elsewhere")
    assert shown(found) == [("a.mp4", "hd")]
    assert [p.relative_path for p in found.problems] == ["OpenVidHD.csv, line 3"]


def test_a_folder_that_is_no_openvid_folder(tmp_path):
    with pytest.raises(UsageError, match="no OpenVid folder"):
        listing(tmp_path, kind="openvid")


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("place", ["", "train", "data/train"])
def test_a_hugging_face_metadata_file(tmp_path, suffix, place):
    folder = tmp_path / place
    put(folder / "clips/a.mp4")
    put(folder / "unlisted.mp4")
    row = {"file_name": "clips/a.mp4", "text": "hello"}
    table = folder / f"metadata.{suffix}"
    if suffix == "csv":
        put(table, "file_name,text\nclips/a.mp4,hello\n")
    elif suffix == "jsonl":
        put(table, json.dumps(row) + "\n")
    else:
        pq.write_table(pa.Table.from_pylist([row]), table)
    found = listing(tmp_path)
    assert shown(found) == [((Path(place) / "clips/a.mp4").as_posix(), "hello")]
    assert found.problems == ()


def test_splits_of_a_data_set_are_read_together_and_may_not_leave_it(tmp_path):
    for split in ("test", "train"):
        put(tmp_path / split / "v.mp4")
    put(tmp_path / "train/metadata.csv", "file_name\nv.mp4\n../test/v.mp4\n../../x.mp4\n")
    put(tmp_path / "test/metadata.jsonl", '{"file_name": "v.mp4"}\n{broken\n')
    found = listing(tmp_path)
    assert [path for path, _ in shown(found)] == ["test/v.mp4", "train/v.mp4"]
    assert [(p.relative_path, p.state) for p in found.problems] == [
        ("test/metadata.jsonl, line 2", "failed"),
        ("test/v.mp4", "dropped"),
        ("../../x.mp4", "failed"),
    ]


def test_parquet_shards_with_one_that_is_corrupt(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        put(tmp_path / "videos" / name)
    (tmp_path / "data").mkdir()
    for number, name in enumerate(("a.mp4", "b.mp4")):
        shard = pa.table({"video_path": [f"videos/{name}"], "prompt": [name]})
        pq.write_table(shard, tmp_path / f"data/train-{number}.parquet")
    put(tmp_path / "data/train-2.parquet", "not parquet")
    found = listing(tmp_path, kind="huggingface")
    assert shown(found) == [("videos/a.mp4", "a.mp4"), ("videos/b.mp4", "b.mp4")]
    (problem,) = found.problems
    assert problem.state == "failed"
    assert "train-2.parquet is not a Parquet file" in problem.reason


def test_a_data_set_whose_tables_cannot_be_read_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"no metadata\.csv"):
        listing(tmp_path, kind="huggingface")
    put(tmp_path / "data/train-0.parquet", "not parquet")
    with pytest.raises(UsageError, match="not a Parquet file"):
        listing(tmp_path, kind="huggingface")


def test_a_metadata_file_of_something_else_leaves_a_plain_folder(tmp_path):
    put(tmp_path / "metadata.csv", "camera,date\nx,y\n")
    put(tmp_path / "a.mp4")
    assert [path for path, _ in shown(listing(tmp_path))] == ["a.mp4"]


def test_a_folder_can_be_forced_to_be_plain(tmp_path):
    put(tmp_path / "metadata.csv", "file_name\na.mp4\n")
    put(tmp_path / "a.mp4")
    put(tmp_path / "b.mp4")
    found = listing(tmp_path, kind="folder")
    assert [path for path, _ in shown(found)] == ["a.mp4", "b.mp4"]
