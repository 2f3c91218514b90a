"""A dataset folder is read back by the datasets library; its card says what it is, and no more."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from awkward_captions import awkward_workspace
from datasets import Dataset, Video, load_dataset
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt

from clipmill.export.containers.base import About
from clipmill.export.containers.card import make_card, size_category
from clipmill.export.containers.columns import TableColumns
from clipmill.export.containers.huggingface import HuggingFaceContainer
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.formats.registry import FORMATS, find_format
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.store.codecs import decode_bits, decode_tracks

HOSTILE = 'x\n---\nlicense: mit\n---\n# Title | <script>alert(1)</script> [a](b) `c` *d* "é" \\'


def plan(
    container=HuggingFaceContainer, *, profile: FrameProfile | None = None, **choice
) -> ExportPlan:
    small = FrameProfile(long_side=160, fps=Fraction(8))
    return ExportPlan(
        Canonical(FormatOptions()),
        container,
        profile=profile or small,
        choice=SampleFilter(**choice),
    )


def load(out: Path, cache: Path) -> Dataset:
    found = load_dataset(str(out), split="train", cache_dir=str(cache))
    assert isinstance(found.features["video"], Video)
    # decoding is left to a package of its own, torchcodec
    return found.cast_column("video", Video(decode=False))


@pytest.fixture(scope="module")
def exported(workspace, tmp_path_factory):
    folder = tmp_path_factory.mktemp("hf")
    made, rows = awkward_workspace(workspace, folder / "workspace")
    run_export(made, folder / "out", plan(profile=FrameProfile()))
    return folder / "out", rows, load(folder / "out", folder / "cache")


def test_the_library_reads_what_the_workspace_has(exported):
    out, rows, found = exported
    assert found["sample_id"] == [row.sample_id for row in rows] == found["key"]
    for item, row in zip(found, rows, strict=True):
        assert item["caption"] == row.caption
        assert (item["width"], item["height"], item["fps"]) == (row.width, row.height, row.fps)
        assert item["num_objects"] == row.num_objects and item["stage2"] is row.stage2
        video = Path(item["video"]["path"])
        assert video.relative_to(out).as_posix() == item["files"][0]
        assert {item["arrays"], item["sample"]} < set(item["files"])
        assert all((out / path).is_file() for path in item["files"])
        arrays = np.load(out / item["arrays"])
        wanted = np.concatenate([decode_tracks(entry.points) for entry in row.objects], axis=1)
        seen = np.concatenate([decode_bits(entry.visibility) for entry in row.objects], axis=1)
        np.testing.assert_array_equal(arrays["tracks"][: len(wanted)], wanted)
        np.testing.assert_array_equal(arrays["visibility"][: len(wanted)], seen)
        with av.open(str(video)) as opened:
            assert sum(1 for _ in opened.decode(video=0)) == row.num_frames == item["num_frames"]


def test_columns_have_types(exported):
    types = {name: str(feature.dtype) for name, feature in exported[2].features.items()
             if hasattr(feature, "dtype")}  # fmt: skip
    assert types["num_frames"] == "int64" and types["fps"] == "float64"
    assert types["stage1"] == "bool" and types["caption"] == types["arrays"] == "string"


def test_it_is_also_a_folder_export(workspace, tmp_path):
    run_export(workspace, tmp_path / "hf", plan(limit=2))
    run_export(workspace, tmp_path / "folder", plan(FolderContainer, limit=2))
    own = {"README.md", "metadata.parquet", "clipmill-export.json"}
    files = {
        name: {
            path.relative_to(tmp_path / name).as_posix(): path.read_bytes()
            for path in (tmp_path / name).rglob("*")
            if path.is_file() and path.relative_to(tmp_path / name).as_posix() not in own
        }
        for name in ("hf", "folder")
    }
    assert files["hf"] == files["folder"]
    assert verify_export(tmp_path / "hf").problems == ()
    report = run_export(workspace, tmp_path / "hf", plan(limit=2))
    assert report.reused == 2


# No camera of these clips has poses, so that re10k would have nothing to play.
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "re10k"])
def test_every_format_has_videos_that_play(workspace, tmp_path, name):
    out = tmp_path / "out"
    format_ = find_format(name)
    small = FrameProfile(long_side=160, fps=Fraction(8))
    report = run_export(
        workspace,
        out,
        ExportPlan(format_(format_.Options()), HuggingFaceContainer, small, SampleFilter(limit=3)),
    )
    found = load(out, tmp_path / "cache")
    assert len(found) == report.pieces > 0
    for item in found:
        with av.open(item["video"]["path"]) as opened:
            assert sum(1 for _ in opened.decode(video=0)) > 1
        assert item["video"]["path"].endswith(f"{item['key']}.mp4")


def test_it_is_streamed_from_where_it_lies(exported):
    out, rows, _ = exported
    stream = load_dataset(str(out), split="train", streaming=True)
    stream = stream.cast_column("video", Video(decode=False))
    assert [item["sample_id"] for item in stream] == [row.sample_id for row in rows]


def test_rows_of_an_earlier_version_go(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan(limit=1))
    (out / "data").mkdir()
    (out / "data/train-00000-of-00001.parquet").write_bytes((out / "metadata.parquet").read_bytes())
    (out / "data/mine.txt").write_text("stays")
    run_export(workspace, out, plan(limit=2))
    assert [path.name for path in (out / "data").iterdir()] == ["mine.txt"]
    assert len(load(out, tmp_path / "cache")) == 2


def test_the_card_says_where_the_data_come_from(workspace, tmp_path):
    run_export(workspace, tmp_path / "out", plan(limit=2))
    card = DatasetCard.load(tmp_path / "out" / "README.md")
    assert card.data.license == "other" and card.data.size_categories == ["n<1K"]
    assert "format-canonical" in card.data.tags and card.data.pretty_name == "truthful (canonical)"
    text = card.text
    assert "| source | 12 | 12 |" in text and "| quality selection |" in text
    assert "world_to_camera" in text and "origin top left" in text
    assert "| tracks (truthful" in text
    loading = text.split("```python\n")[1].split("```")[0]
    assert len(loading.splitlines()) == 5


def test_hostile_text_stays_text():
    plain = About(
        title=HOSTILE,
        num_samples=1,
        num_pieces=1,
        left_out={HOSTILE: 3},
        conventions="",
        meaning="## Fixed\ntext\n",
        licences={HOSTILE: HOSTILE},
        non_commercial=(HOSTILE,),
        models={HOSTILE: HOSTILE},
        funnel=((HOSTILE, 5, 4),),
        settings={"samples": HOSTILE},
    )
    columns = TableColumns.of([{"caption": "a"}])
    text = make_card(plain, columns, format_name="canonical", data_files=("m.parquet", "v/*"))
    card = DatasetCard(text)
    assert card.data.license == "other"
    assert card.data.pretty_name == " ".join(HOSTILE.split())
    assert card.data.to_dict()["configs"][0]["data_files"][0]["path"] == ["m.parquet", "v/*"]
    reader = MarkdownIt("commonmark").enable("table")
    tokens = [t for token in reader.parse(card.text) for t in (token, *(token.children or ()))]
    assert not {"html_inline", "html_block", "link_open", "em_open", "hr"} & {
        t.type for t in tokens
    }
    assert sum(token.type == "heading_open" and token.tag == "h1" for token in tokens) == 1
    shown = " ".join(HOSTILE.split())
    lines = [
        "".join(child.content for child in token.children)
        for token in tokens
        if token.type == "inline"
    ]
    assert lines.count(shown) >= 4
    assert f"3 x {shown}" in lines and f"samples: {shown}" in lines
    other = make_card(replace(plain, title="a"), columns, format_name="c", data_files=("d",))
    assert other.splitlines()[1] == "pretty_name: a"


def test_values_without_a_common_type_become_json():
    rows = [
        {"a": 1, "b": None, "c": [], "d": {"x": 1}, "e": 1, "f": {}, "g": {"k": None}, "i": [1, 2]},
        {"a": 2.5, "b": None, "c": [], "d": {"y": [0.5]}, "e": "one", "f": {}, "i": [[1], 2]},
        {"h": True, "e": None, "a": None, "g": {str(n): n for n in range(99)}},
    ]
    columns = TableColumns.of(rows)
    assert columns.as_json == {"e", "f", "g", "i"}
    types = {field.name: str(field.type) for field in columns.schema}
    assert types["a"] == "double" and types["b"] == "string" and types["h"] == "bool"
    assert types["c"] in {"list<item: string>", "list<element: string>"}
    found = [row for table in columns.tables(rows) for row in table.to_pylist()]
    assert [row["a"] for row in found] == [1.0, 2.5, None]
    assert found[1]["d"] == {"x": None, "y": [0.5]}
    assert json.loads(found[1]["i"]) == [[1], 2] and json.loads(found[0]["e"]) == 1
    assert json.loads(found[2]["g"])["98"] == 98 and found[0]["h"] is None


def test_types_are_those_of_all_rows():
    late = [{"a": 1}] * 5_000 + [{"a": 0.5}, {"b": "x"}] + [{"a": None}] * 5_000
    columns = TableColumns.of(late)
    assert {field.name: str(field.type) for field in columns.schema} == {
        "a": "double",
        "b": "string",
    }
    assert sum(table.num_rows for table in columns.tables(late)) == len(late)


def test_size_categories():
    assert [size_category(n) for n in (0, 999, 1_000, 2_000_000, 10**10)] == [
        "n<1K", "n<1K", "1K<n<10K", "1M<n<10M", "1B<n<10B",
    ]  # fmt: skip
