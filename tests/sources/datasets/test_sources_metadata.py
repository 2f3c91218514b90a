"""Tables beside the videos they describe: what trainers read, read back in."""

import json
from pathlib import Path

import pytest

from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import Listing, list_sources
from clipmill.sources.accounting.account import SourceAccount
from clipmill.sources.detect import WITH_TABLE


def listing(path: Path, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def put(path: Path, data: str = "x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(data, "utf-8")
    return path


def shown(found: Listing) -> list[tuple[str, str | None]]:
    return [(video.relative_path, video.text) for video in found.videos]


def account(found: Listing) -> SourceAccount:
    (source,) = found.account.sources
    return source


ROWS = {
    "diffsynth": {"video": "clips/a.mp4", "prompt": "a red disc, moving"},
    "videox-fun": {"file_path": "clips/a.mp4", "text": "a red disc, moving", "type": "video"},
    "musubi": {"video_path": "clips/a.mp4", "caption": "a red disc, moving"},
    "finetrainers": {"file_name": "clips/a.mp4", "caption": "a red disc, moving"},
    "opensora": {"video_file_name": "clips/a.mp4", "text": "a red disc, moving"},
    "ltx": {"media_path": "clips/a.mp4", "caption": "a red disc, moving"},
    "fastvideo": {"path": "clips/a.mp4", "cap": ["a red disc, moving"]},
}


SPELLINGS = [
    (trainer, suffix)
    for trainer, row in ROWS.items()
    for suffix in ("csv", "jsonl", "json")
    if suffix != "csv" or all(isinstance(cell, str) for cell in row.values())
]


@pytest.mark.parametrize(("trainer", "suffix"), SPELLINGS)
def test_metadata_of_trainers_is_read_back_in(tmp_path, trainer, suffix):
    row = ROWS[trainer]
    for name in ("clips/a.mp4", "control/a.mp4", "references/a.png"):
        put(tmp_path / name)
    cells = ",".join(f'"{cell}"' for cell in row.values())
    texts = {
        "csv": f"{','.join(row)}\n{cells}\n",
        "jsonl": json.dumps(row) + "\n",
        "json": json.dumps([row], indent=1),
    }
    table = put(tmp_path / f"metadata.{suffix}", texts[suffix])
    found = listing(tmp_path)
    assert shown(found) == [("clips/a.mp4", "a red disc, moving")]
    assert found.problems == ()
    source = account(found)
    assert (source.kind, source.tables[0].path) == ("huggingface", str(table))
    unused = {u.what: (u.reason, u.examples) for u in source.unused}
    assert unused["video"] == ("no row names it", ("control/a.mp4",))
    assert unused[".png"][1] == ("references/a.png",)


def test_of_three_spellings_one_is_read_and_the_others_are_named(tmp_path):
    put(tmp_path / "a.mp4")
    put(tmp_path / "metadata.csv", "video,prompt\na.mp4,one\n")
    put(tmp_path / "metadata.jsonl", '{"video": "a.mp4", "prompt": "one"}\n')
    put(tmp_path / "metadata.json", '[{"video": "a.mp4", "prompt": "one"}]')
    found = listing(tmp_path)
    assert shown(found) == [("a.mp4", "one")]
    assert {u.examples[0]: u.reason for u in account(found).unused} == {
        "metadata.json": "metadata.csv beside it is read",
        "metadata.jsonl": "metadata.csv beside it is read",
    }


def test_metadata_that_names_no_file_does_not_hide_the_one_that_does(tmp_path):
    put(tmp_path / "a.mp4")
    put(tmp_path / "metadata.csv", "camera,date\nx,y\n")
    put(tmp_path / "metadata.jsonl", '{"file_name": "a.mp4", "text": "one"}\n')
    assert shown(listing(tmp_path)) == [("a.mp4", "one")]


def test_metadata_of_pictures_leaves_a_plain_folder(tmp_path):
    put(tmp_path / "a.mp4")
    put(tmp_path / "metadata.csv", "file_name,text\na.png,one\n")
    assert shown(listing(tmp_path)) == [("a.mp4", None)]


def test_one_other_table_adds_captions_and_no_video_is_lost(tmp_path):
    for name in ("a.mp4", "b.mp4", "sub/c.mp4"):
        put(tmp_path / name)
    put(tmp_path / "b.txt", "from the text file")
    put(tmp_path / "captions.csv", "video,caption\nsub/c.mp4,three\nb.mp4,\ngone.mp4,x\n")
    found = listing(tmp_path)
    assert shown(found) == [
        ("sub/c.mp4", "three"),
        ("b.mp4", "from the text file"),
        ("a.mp4", None),
    ]
    assert [(p.relative_path, p.state) for p in found.problems] == [("gone.mp4", "failed")]
    source = account(found)
    assert source.kind == WITH_TABLE
    assert source.unused == ()
    assert {c.what: c.count for c in source.captions} == {"column 'caption'": 1, "text file": 1}
    assert shown(listing(tmp_path, kind="folder")) == [
        ("a.mp4", None),
        ("b.mp4", "from the text file"),
        ("sub/c.mp4", None),
    ]


@pytest.mark.parametrize(
    "tables",
    [
        {"one.csv": "video,caption\na.mp4,1\n", "two.csv": "video,caption\na.mp4,2\n"},
        {"scores.csv": "video,score\na.mp4,1\n"},
        {"elsewhere.csv": "video,caption\nother/a.mp4,1\n"},
        {"broken.json": "{", "empty.csv": "", "no.parquet": "x"},
    ],
)
def test_tables_that_are_not_used_are_named(tmp_path, tables):
    put(tmp_path / "a.mp4")
    for name, text in tables.items():
        put(tmp_path / name, text)
    found = listing(tmp_path)
    assert shown(found) == [("a.mp4", None)]
    assert account(found).kind == "folder"
    named = {name for unused in account(found).unused for name in unused.examples}
    assert named == set(tables)
    assert all("give it as `--input`" in unused.reason for unused in account(found).unused)


OPENVID = "video,caption,aesthetic score\na_0_0to30.mp4,one,5\nb_0_0to30.mp4,two,5\n"


@pytest.mark.parametrize("table", ["data/train/OpenVid-1M.csv", "OpenVid-1M.csv", "OpenVidHD.csv"])
@pytest.mark.parametrize(
    "place", ["", "videos", "videos/OpenVid_part{n}", "OpenVidHD/OpenVidHD_part_{n}", "part{n}/x"]
)
def test_openvid_as_people_unpack_it(tmp_path, table, place):
    put(tmp_path / table, OPENVID)
    names = [f"{place.format(n=n)}/{v}_0_0to30.mp4".lstrip("/") for n, v in enumerate("ab")]
    for name in names:
        put(tmp_path / name)
    put(tmp_path / "__MACOSX/a_0_0to30.mp4")
    found = listing(tmp_path)
    assert shown(found) == list(zip(names, ("one", "two"), strict=True))
    assert account(found).kind == "openvid"
    assert found.problems == ()


def test_openvid_that_is_still_zipped_says_how_to_unpack_it(tmp_path):
    put(tmp_path / "data/train/OpenVid-1M.csv", OPENVID)
    put(tmp_path / "OpenVidHD/OpenVidHD_part_1.zip")
    with pytest.raises(UsageError, match=r"still in OpenVid_part\*\.zip; unpack them"):
        listing(tmp_path)
    put(tmp_path / "videos/b_0_0to30.mp4")
    found = listing(tmp_path)
    assert shown(found) == [("videos/b_0_0to30.mp4", "two")]
    assert {u.what: u.examples for u in account(found).unused} == {
        ".zip": ("OpenVidHD/OpenVidHD_part_1.zip",)
    }


def test_videos_that_no_row_of_openvid_names_are_counted(tmp_path):
    put(tmp_path / "OpenVid-1M.csv", OPENVID)
    for name in ("a_0_0to30.mp4", "b_0_0to30.mp4", "more/c.mp4"):
        put(tmp_path / name)
    (unused,) = account(listing(tmp_path)).unused
    assert (unused.what, unused.examples) == ("video", ("more/c.mp4",))
