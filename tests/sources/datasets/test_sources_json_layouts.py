"""VidGen-1M and OpenS2V-5M, and the reader of large JSON documents."""

import io
import json
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipmill.clips import TarMember
from clipmill.config import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources import Listing, list_sources
from clipmill.sources.readers import json_items


def listing(path: Path, **fields: str) -> Listing:
    return list_sources([SourceConfig(path=str(path), **fields)])


def put(path: Path, data: bytes | str = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def shown(found: Listing) -> list[tuple[str, str | None]]:
    return [(video.relative_path, video.text) for video in found.videos]


def reasons(found: Listing) -> list[tuple[str, str, str]]:
    return [(p.relative_path, p.state, p.reason) for p in found.problems]


def vidgen(folder: Path, *items: object) -> Path:
    put(folder / "VidGen_1M_video_caption.json", json.dumps(items))
    return folder


@pytest.mark.parametrize("place", ["", "videos", "VidGen_video_7"])
def test_vidgen_is_recognised_and_its_videos_found(tmp_path, place):
    put(tmp_path / place / "Eep9uvenxAo-Scene-0030.mp4")
    put(tmp_path / place / "unlisted.mp4")
    vidgen(tmp_path, {"vid": "Eep9uvenxAo-Scene-0030", "caption": 'a "hand",\nflowers 花'})
    found = listing(tmp_path)
    name = (Path(place) / "Eep9uvenxAo-Scene-0030.mp4").as_posix()
    assert shown(found) == [(name, 'a "hand",\nflowers 花')]
    assert found.videos[0].uri == str(tmp_path / name)
    assert found.problems == ()


def test_vidgen_by_its_file_with_the_videos_elsewhere(tmp_path):
    table = vidgen(tmp_path / "tables", {"vid": "a", "caption": "x"}) / (
        "VidGen_1M_video_caption.json"
    )
    put(tmp_path / "unzipped/deep/a.mp4")
    found = listing(table, root="../unzipped")
    assert shown(found) == [("deep/a.mp4", "x")]
    renamed = table.rename(table.with_name("part_0.json"))
    assert shown(listing(renamed, kind="vidgen", root="../unzipped")) == [("deep/a.mp4", "x")]


def test_bad_items_of_vidgen_are_listed(tmp_path):
    for name in ("a.mp4", "b.mp4", "sub/c.mp4"):
        put(tmp_path / name)
    vidgen(
        tmp_path,
        {"vid": "a", "caption": "first"},
        {"vid": "gone", "caption": "x"},
        {"vid": "", "caption": "x"},
        {"vid": "a", "caption": "again"},
        {"caption": "no vid"},
        "no object",
        {"vid": 7, "caption": "x"},
        {"vid": "b", "caption": ["x"]},
        {"vid": "../out", "caption": "x"},
        {"vid": "c", "caption": "  "},
        {"vid": "b\ud800", "caption": "x"},
        {"vid": "b"},
    )
    found = listing(tmp_path)
    assert shown(found) == [("a.mp4", "first"), ("b.mp4", "x"), ("sub/c.mp4", None)]
    table = "VidGen_1M_video_caption.json"
    assert reasons(found) == [
        ("gone.mp4", "failed", "item 2: the file does not exist"),
        (f"{table}, item 3", "failed", "item 3: the path is empty"),
        ("a.mp4", "dropped", "item 4: same file as a.mp4"),
        (f"{table}, item 5", "failed", "item 5: has no path of a video"),
        (f"{table}, item 6", "failed", "item 6: has no path of a video"),
        (f"{table}, item 7", "failed", "item 7: has no path of a video"),
        (
            "../out.mp4",
            "failed",
            "item 9: the path is not one below the folder of videos",
        ),
        ("b\\xed\\xa0\\x80.mp4", "failed", "item 11: the path is not valid UTF-8"),
        ("b.mp4", "dropped", "item 12: same file as b.mp4"),
    ]
    ids = [v.video_id for v in found.videos] + [p.video_id for p in found.problems]
    assert len(set(ids)) == len(ids)


def test_vidgen_cut_off_keeps_what_came_before(tmp_path):
    for name in "abc":
        put(tmp_path / f"{name}.mp4")
    table = vidgen(tmp_path, *({"vid": name, "caption": name} for name in "abc"))
    table /= "VidGen_1M_video_caption.json"
    table.write_bytes(table.read_bytes()[:-10])
    found = listing(tmp_path)
    assert [path for path, _ in shown(found)] == ["a.mp4", "b.mp4"]
    (problem,) = reasons(found)
    assert problem[1] == "failed"
    assert problem[2].startswith("item 3: is not valid JSON")


def test_vidgen_that_is_still_zipped_says_so(tmp_path):
    put(vidgen(tmp_path, {"vid": "a"}) / "VidGen_video_0.zip")
    with pytest.raises(UsageError, match="still in VidGen_video"):
        listing(tmp_path)
    (tmp_path / "VidGen_1M_video_caption.json").write_text('"text"')
    put(tmp_path / "a.mp4")
    with pytest.raises(UsageError, match="no JSON list or object"):
        listing(tmp_path)


def clip(path: object, **metadata: object) -> dict:
    rest = {"crop": [0, 1280, 0, 720], "face_cut": [0, 95], "path": path}
    return {"metadata": rest | metadata, "annotation": {"mask_map": {}}}


def opens2v(folder: Path, number: int, items: dict, variant: str = "mask_and_bbox") -> None:
    put(folder / "Jsons" / variant / f"total_part{number}.json", json.dumps(items))


def test_opens2v_extracted_in_any_of_the_usual_places(tmp_path):
    opens2v(
        tmp_path,
        1,
        {
            "a_step1": clip("part_1/a/a_segment_0.mp4", face_cap_qwen="qwen", cap=["other"]),
            "b_step1": clip("part_1/b/b_segment_2.mp4", cap=["cap"]),
        },
    )
    opens2v(tmp_path, 2, {"c_step1": clip("part_1/c/c_segment_0.mp4", face_cap_qwen="c")})
    opens2v(tmp_path, 10, {"d_step1": clip("part_1/d/d.mp4")})
    opens2v(tmp_path, 1, {"e": clip("e.mp4")}, variant="mask_and_bbox_High-Quality")
    for place in (
        "total_part1/part_1/a/a_segment_0.mp4",
        "total_part1/total_part1/part_1/b/b_segment_2.mp4",
        "part_1/c/c_segment_0.mp4",
        "other/part_1/d/d.mp4",
        "total_part10/part_1/d/d.mp4",
        "e.mp4",
    ):
        put(tmp_path / "Videos" / place)
    found = listing(tmp_path)
    assert shown(found) == [
        ("total_part1/part_1/a/a_segment_0.mp4", "qwen"),
        ("total_part1/total_part1/part_1/b/b_segment_2.mp4", "cap"),
        ("part_1/c/c_segment_0.mp4", "c"),
        ("total_part10/part_1/d/d.mp4", None),
    ]
    assert found.problems == ()
    best = tmp_path / "Jsons/mask_and_bbox_High-Quality"
    for path in (best, best / "total_part1.json"):
        assert shown(listing(path, kind="opens2v")) == [("e.mp4", None)]


def test_opens2v_in_archives_that_were_not_unpacked(tmp_path):
    opens2v(tmp_path, 1, {k: clip(f"part_1/{k}/{k}.mp4", face_cap_qwen=k) for k in "abc"})
    archive = tmp_path / "Videos/total_part1/total_part1.tar"
    archive.parent.mkdir(parents=True)
    with tarfile.open(archive, "w") as tar:
        for name in "ab":
            info = tarfile.TarInfo(f"total_part1/part_1/{name}/{name}.mp4")
            info.size = 3
            tar.addfile(info, io.BytesIO(f"<{name}>".encode()))
    archive.write_bytes(archive.read_bytes()[:2500])
    found = listing(tmp_path)
    inside = "total_part1/total_part1.tar/total_part1/part_1"
    assert shown(found) == [(f"{inside}/a/a.mp4", "a"), (f"{inside}/b/b.mp4", "b")]
    member = TarMember.parse(found.videos[1].uri)
    assert archive.read_bytes()[member.offset :][: member.size_bytes] == b"<b>"
    assert [(path, state) for path, state, _ in reasons(found)] == [
        ("part_1/c/c.mp4", "failed"),
        ("total_part1/total_part1.tar", "failed"),
    ]
    assert "the archive is damaged" in found.problems[1].reason


def test_bad_items_of_opens2v_are_listed(tmp_path):
    opens2v(
        tmp_path,
        3,
        {
            "a": clip("a.mp4", face_cap_qwen="first"),
            "a_2": clip("a.mp4", face_cap_qwen="second", face_cut=[96, 200]),
            "gone": clip("part_1/gone.mp4"),
            "empty": clip(""),
            "short": {"metadata": {"fps": 24}},
            "bare": {},
            "number": clip(3),
            "caption": clip("b.mp4", face_cap_qwen=5),
        },
    )
    for name in ("a.mp4", "b.mp4"):
        put(tmp_path / "Videos" / name)
    found = listing(tmp_path)
    assert shown(found) == [("a.mp4", "first"), ("b.mp4", None)]
    assert reasons(found) == [
        ("a.mp4", "dropped", "item 2: same file as a.mp4"),
        ("part_1/gone.mp4", "failed", "item 3: the file does not exist"),
        ("total_part3.json, item 4", "failed", "item 4: the path is empty"),
        ("total_part3.json, item 5", "failed", "item 5: has no path of a video"),
        ("total_part3.json, item 6", "failed", "item 6: has no path of a video"),
        ("total_part3.json, item 7", "failed", "item 7: has no path of a video"),
        (
            "b.mp4",
            "noted",
            "item 8: its caption is not a text but a number; the video is in the run",
        ),
    ]


def test_opens2v_that_is_split_or_no_opens2v(tmp_path):
    opens2v(tmp_path, 1, {"a": clip("a.mp4")})
    put(tmp_path / "Videos/total_part1/total_part1.tar.split.000")
    with pytest.raises(UsageError, match="still split; join them"):
        listing(tmp_path)
    with pytest.raises(UsageError, match="has no Jsons/mask_and_bbox"):
        listing(tmp_path / "Videos", kind="opens2v")


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
)


@settings(deadline=None)
@given(document=st.lists(_VALUES) | st.dictionaries(st.text(), _VALUES), chunk=st.integers(1, 9))
def test_items_are_those_of_the_whole_document(tmp_path_factory, document, chunk):
    path = tmp_path_factory.mktemp("json") / "d.json"
    path.write_text(json.dumps(document, ensure_ascii=False, indent=chunk % 3), "utf-8")
    expected = list(document.values()) if isinstance(document, dict) else document
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json_items, "_CHUNK_CHARACTERS", chunk)
        assert list(json_items.json_items(str(path))) == expected


@pytest.mark.parametrize(
    ("text", "items"),
    [
        ("[1, 2", [1, 2]),
        ("[1, 2,", [1, 2]),
        ("[1 2]", [1]),
        ('{"a": 1, "b"}', [1]),
        ('{"a": 1, "b": "never closed', [1]),
        ("[[1], [2]}", [[1], [2]]),
        ("[1, nonsense, 3]", [1]),
    ],
)
def test_damage_is_told_after_the_items_before_it(tmp_path, text, items):
    path = put(tmp_path / "d.json", text)
    given_items = []
    with pytest.raises(json_items.JsonDamageError):
        for item in json_items.json_items(str(path)):
            given_items.append(item)
    assert given_items == items
