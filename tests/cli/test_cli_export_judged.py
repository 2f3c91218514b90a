"""Exports carry what people said, also what they said after the last run."""

import csv
import json
import shutil
import sys
from pathlib import Path

import pytest
from truthful_run import shared_workspace

from clipmill.review import Judgement, ReviewStore, judge_clip
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace

SMALL = ("--limit", 2, "--long-side", 96, "-j", 1, "--where", "anchor == 40")
"""Two samples of two videos."""
LISTS = {
    "canonical": "samples.jsonl",
    "control": "control.jsonl",
    "diffsynth": "metadata.jsonl",
    "plain": "review/samples.jsonl",
    "videox-fun": "metadata.json",
    "frameino": "stage1/csv/shard-00000.csv",
}
"""Where each format has it in a folder export; `re10k` takes only clips with poses."""


@pytest.fixture
def judged(tmp_path, tmp_path_factory) -> Workspace:
    """A finished run that may be judged; its videos are those of all tests."""
    shutil.copytree(shared_workspace(tmp_path_factory).root, tmp_path / "ws")
    return Workspace.open(tmp_path / "ws")


def first_clips(workspace: Workspace) -> list[str]:
    """The clips of the first samples, each once."""
    return list(dict.fromkeys(sample.clip_id for sample in read_samples(workspace)))


def say(workspace: Workspace, clip_id: str) -> dict:
    """Star, tag and note a clip; return what exports have to say of it."""
    store = ReviewStore.open(workspace)
    rows: list[Judgement] = []
    for kind, value, who in (
        ("star", "", "Ann"),
        ("tag", 'night, "x"', "Bob"),
        ("note", "?", "Al"),
    ):
        name = store.add(judge_clip(clip_id, kind, value, who=who))
        rows.append(store.state().rows[name])
    return {
        "verdict": "",
        "star": True,
        "tags": ['night, "x"'],
        "notes": 1,
        "who": ["Al", "Ann", "Bob"],
        "when": rows[-1].when,
    }


def rows_of(path: Path) -> list[dict]:
    """The rows of a list of samples, JSON cells read."""
    if path.suffix == ".csv":
        csv.field_size_limit(sys.maxsize)
        with path.open(newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0])[-1] == "review"
        return [row | {"review": json.loads(row["review"] or "null")} for row in rows]
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.mark.parametrize("name", sorted(LISTS))
def test_every_format_says_what_people_said(clipmill, judged, tmp_path, name):
    clip, other = first_clips(judged)[:2]
    said = say(judged, clip)
    out = tmp_path / name
    more = ["--videos", "cut"] if name == "frameino" else []
    code, text, error = clipmill("export", name, out, "-w", judged.root, *SMALL, *more, "--json")
    assert code == 0, text + error
    found = [row["review"] for row in rows_of(out / LISTS[name]) if row.get("review")]
    assert found == [said]
    entries = [json.loads(line) for line in (out / "manifest.jsonl").read_text().splitlines()]
    pieces = {
        entry["sample_id"].rpartition("-a")[0]: [p["row"].get("review") for p in entry["pieces"]]
        for entry in entries
    }
    assert pieces == {clip: [said], other: [None]}
    assert json.loads(text)["reviewed"] == 1
    told = (out / "CONVENTIONS.md").read_text()
    assert "## Judgements\nPeople said something of 1 samples. " in told


def test_whole_videos_have_the_column_too(clipmill, judged, tmp_path):
    clip = first_clips(judged)[0]
    said = say(judged, clip)
    code, _, error = clipmill("export", "frameino", tmp_path / "o", "-w", judged.root)
    assert code == 0, error
    for stage in (1, 2):
        rows = rows_of(tmp_path / f"o/stage{stage}/csv/shard-00000.csv")
        assert {row["sample_id"].rpartition("-a")[0] == clip for row in rows} == {True, False}
        for row in rows:
            mine = row["sample_id"].rpartition("-a")[0] == clip
            assert row["review"] == (said if mine else None)
    assert "of 2 samples. The last column, `review`" in (tmp_path / "o/CONVENTIONS.md").read_text()


@pytest.mark.parametrize("container", ["webdataset", "huggingface"])
def test_containers_have_it_in_their_rows(clipmill, judged, tmp_path, container):
    clips = first_clips(judged)
    said = say(judged, clips[1])
    out = tmp_path / "o"
    code, _, error = clipmill(
        "export", "plain", out, "-w", judged.root, "--as", container, *SMALL,
    )  # fmt: skip
    assert code == 0, error
    if container == "huggingface":
        import pyarrow.parquet as pq

        rows = pq.read_table(out / "metadata.parquet").to_pylist()
    else:
        import tarfile

        with tarfile.open(next((out / "shards").iterdir())) as shard:
            names = [name for name in shard.getnames() if name.endswith(".json")]
            rows = [json.loads(shard.extractfile(name).read()) for name in names]
    assert len(rows) == 2
    for row in rows:
        mine = row["sample_id"].rpartition("-a")[0] == clips[1]
        assert (row.get("review") or None) == (said if mine else None)


def test_what_was_taken_back_leaves_no_byte(clipmill, judged, tmp_path):
    """An export without judgements is the one from before there were judgements."""
    clip = first_clips(judged)[0]

    def exported(name: str, format_: str) -> dict[str, bytes]:
        out = tmp_path / f"{name}-{format_}"
        code, _, error = clipmill("export", format_, out, "-w", judged.root, *SMALL)
        assert code == 0, error
        return {
            str(path.relative_to(out)): path.read_bytes()
            for path in out.rglob("*")
            if path.is_file() and not path.is_symlink()
        }

    before = exported("a", "plain")
    store = ReviewStore.open(judged)
    name = store.add(judge_clip(clip, "star", who="Ann"))
    assert "review/samples.jsonl" in exported("b", "plain")
    store.undo(name, who="Ann")
    assert exported("c", "plain") == before
    # The export with the star loses it again.
    assert exported("b", "plain") == before


def test_a_star_counts_for_the_next_export_without_a_run(clipmill, judged, tmp_path):
    """`--where` reads the judgements as they are, not as the last run knew them."""
    clip = first_clips(judged)[0]
    wanted = ("export", "plain", tmp_path / "o", "-w", judged.root, *SMALL[:-1], "review.star")
    code, _, error = clipmill(*wanted)
    assert code == 2 and "meets --where 'review.star'" in error
    store = ReviewStore.open(judged)
    name = store.add(judge_clip(clip, "star", who="Ann"))
    assert clipmill(*wanted)[0] == 0
    rows = rows_of(tmp_path / "o/review/samples.jsonl")
    assert {row["sample_id"].rpartition("-a")[0] for row in rows} == {clip}
    store.undo(name, who="Ann")
    assert clipmill(*wanted)[0] == 2


def test_dropped_clips_are_told_and_still_there_until_the_next_run(clipmill, judged, tmp_path):
    clip = first_clips(judged)[0]
    ReviewStore.open(judged).add(judge_clip(clip, "drop", who="Ann"))
    command = ("export", "plain", tmp_path / "o", "-w", judged.root, *SMALL)
    code, _, error = clipmill(*command)
    assert code == 0
    assert "people dropped 1 of the clips: another run with `select: review`" in error
    rows = rows_of(tmp_path / "o/review/samples.jsonl")
    assert {row["review"]["verdict"] for row in rows} == {"drop"}
    code, _, error = clipmill(*command[:-1], "review.verdict != 'drop' and anchor == 40")
    assert code == 0 and "people dropped" not in error
