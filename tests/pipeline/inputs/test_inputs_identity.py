"""Rows belong to the content of a file: what is replaced, moved, copied, or captioned again.

Every change ends as it would in a workspace of its own, in every table and every export, and
computes nothing that it need not.
"""

import json
import os
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from pipelines import look, pipeline_on, run

from clipmill.config import Pipeline, SourceConfig
from clipmill.errors import UsageError
from clipmill.export.containers.registry import find_container
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.frameino.source_videos import export_frameino
from clipmill.export.formats.registry import find_format
from clipmill.export.job.plan import ExportPlan, ExportReport
from clipmill.export.job.run import run_export
from clipmill.pipeline import RunSummary
from clipmill.pipeline.inputs.changes import Changes
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace
from clipmill.training import LoadOptions, MotionDataset
from media import make_clip

PIPELINE = """
name: identity
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.num_frames, above: 10, reason: too_few_frames}
  - annotate: quality
    backend: content_backends:Quality
  - annotate: objects
    backend: content_backends:Objects
  - annotate: caption
  - annotate: tracks
    backend: content_backends:Tracks
  - samples: training
"""
AFTER_PROBE = ("quality", "objects", "caption", "tracks")
SMALL = FrameProfile(long_side=64)


@pytest.fixture(scope="module")
def shelf(tmp_path_factory) -> Path:
    """Three videos: one.mp4, two.mp4, three.mp4."""
    folder = tmp_path_factory.mktemp("shelf")
    for number, name in enumerate(("one", "two", "three")):
        darker = f"eq=brightness={-0.2 * number}"
        make_clip(folder / f"{name}.mp4", size=(64, 48), frames=12 + number, filters=darker)
    return folder


def put(source: Path, target: Path, caption: str | None = None) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(source.read_bytes())
    if caption is not None:
        target.with_suffix(".txt").write_text(caption)
    return target


def move(source: Path, target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.with_suffix(".txt").exists():
        source.with_suffix(".txt").rename(target.with_suffix(".txt"))
    return source.rename(target)


@pytest.fixture
def videos(shelf, tmp_path) -> Path:
    """A folder of one.mp4 (with a caption) and two.mp4 that a test may change."""
    put(shelf / "one.mp4", tmp_path / "videos" / "one.mp4", "the first caption")
    put(shelf / "two.mp4", tmp_path / "videos" / "two.mp4")
    return tmp_path / "videos"


def pipeline(*folders: Path) -> Pipeline:
    sources = tuple(SourceConfig(path=str(folder)) for folder in folders)
    return pipeline_on(folders[0], PIPELINE).model_copy(update={"sources": sources})


def counts(probe: int, *, after: int, **more: int) -> dict[str, int]:
    return {"probe": probe} | dict.fromkeys(AFTER_PROBE, after) | more


def rows_of(workspace: Path) -> dict[tuple[str, str], dict]:
    """Every annotation row: annotation and key -> columns."""
    found = {}
    for path in workspace.glob("annotations/*/*/part-*.parquet"):
        for row in pq.read_table(path).drop_columns(["seconds"]).to_pylist():
            key = path.parent.parent.name, next(iter(row.values()))
            assert key not in found, "a key has two rows"
            found[key] = row
    return found


def export(workspace: Path, out: Path, format_name: str) -> ExportReport:
    format_ = find_format(format_name)
    made = ExportPlan(format_(format_.Options()), find_container("folder"), SMALL)
    return run_export(Workspace.open(workspace), out, made)


def tree(folder: Path) -> dict[str, bytes]:
    files = (p for p in sorted(folder.rglob("*")) if p.is_file())
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in files
        if not p.name.endswith(".lock")
    }


def check_as_new(workspace: Path, same: Pipeline, tmp_path: Path) -> None:
    """Compare with a workspace of its own over the same files: tables, samples, exports."""
    new = tmp_path / "new"
    run(same, new)
    rows = rows_of(workspace)
    for key, row in rows_of(new).items():
        assert rows[key] == row, key
    assert VideoList.load(Workspace.open(workspace)) == VideoList.load(Workspace.open(new))
    old_samples, new_samples = (
        list(read_samples(Workspace.open(place))) for place in (workspace, new)
    )
    assert old_samples == new_samples
    assert new_samples, "nothing to compare"
    for name in ("canonical", "plain"):
        for place in (workspace, new):
            export(place, tmp_path / f"{place.name}-{name}", name)
        old_files = tree(tmp_path / f"{workspace.name}-{name}")
        new_files = tree(tmp_path / f"{new.name}-{name}")
        assert old_files.keys() == new_files.keys()
        for file, data in new_files.items():
            assert old_files[file] == data, file
    for place in (workspace, new):
        export_frameino(Workspace.open(place), tmp_path / f"{place.name}-fi", videos="copy")
    assert tree(tmp_path / f"{workspace.name}-fi") == tree(tmp_path / f"{new.name}-fi")


def start(videos: Path, tmp_path: Path) -> Path:
    """A finished run with its exports, which every change then has to bring up to date."""
    workspace = tmp_path / "ws"
    assert run(pipeline(videos), workspace).computed == counts(2, after=2)
    for name in ("canonical", "plain"):
        assert export(workspace, tmp_path / f"ws-{name}", name).samples
    export_frameino(Workspace.open(workspace), tmp_path / "ws-fi", videos="copy")
    return workspace


def again(workspace: Path, *folders: Path, **options) -> RunSummary:
    return run(pipeline(*folders), workspace, **options)


def test_nothing_changed_computes_nothing(videos, tmp_path):
    workspace = start(videos, tmp_path)
    before = {p: p.stat().st_mtime_ns for p in workspace.rglob("annotations/**/*.parquet")}
    summary = again(workspace, videos)
    assert summary.computed == counts(0, after=0)
    assert not summary.changes
    assert {p: p.stat().st_mtime_ns for p in before} == before


def test_a_replaced_file_is_computed_again_and_nothing_else(videos, shelf, tmp_path):
    workspace = start(videos, tmp_path)
    put(shelf / "three.mp4", videos / "two.mp4")
    summary = again(workspace, videos)
    assert summary.computed == counts(1, after=1)
    assert summary.changes == Changes(changed=1)
    assert "1 video changed: its rows are computed again" in str(summary.changes)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_the_former_content_comes_back_without_work(videos, shelf, tmp_path):
    workspace = start(videos, tmp_path)
    put(shelf / "three.mp4", videos / "two.mp4")
    again(workspace, videos)
    put(shelf / "two.mp4", videos / "two.mp4")
    assert again(workspace, videos).computed == counts(1, after=0)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_equal_size_and_time_do_not_hide_another_content(videos, shelf, tmp_path):
    first, other = (shelf / "two.mp4").read_bytes(), (shelf / "three.mp4").read_bytes()
    size = 8 + max(len(first), len(other))
    padded = [data + (size - len(data)).to_bytes(4, "big") + b"free" for data in (first, other)]
    target = videos / "two.mp4"
    target.write_bytes(padded[0].ljust(size, b"\0"))
    workspace = start(videos, tmp_path)
    then = target.stat()
    target.write_bytes(padded[1].ljust(size, b"\0"))
    os.utime(target, ns=(then.st_atime_ns, then.st_mtime_ns))
    assert (target.stat().st_size, target.stat().st_mtime_ns) == (then.st_size, then.st_mtime_ns)
    assert again(workspace, videos).changes == Changes(changed=1)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_a_touched_file_is_read_again_and_keeps_its_work(videos, tmp_path):
    workspace = start(videos, tmp_path)
    (videos / "two.mp4").touch()
    summary = again(workspace, videos)
    assert summary.computed == counts(1, after=0)
    assert not summary.changes
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_a_renamed_and_a_moved_file_keep_their_work(videos, tmp_path):
    workspace = start(videos, tmp_path)
    move(videos / "two.mp4", videos / "deep" / "er" / "renamed.mp4")
    move(videos / "one.mp4", videos / "uno.mp4")
    summary = again(workspace, videos)
    assert summary.computed == counts(2, after=0)
    assert summary.changes == Changes(moved=2)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_other_groups_of_the_same_files_keep_their_work(videos, shelf, tmp_path):
    workspace = start(videos, tmp_path)
    more = tmp_path / "more"
    put(shelf / "three.mp4", more / "three.mp4")
    summary = again(workspace, videos, more)
    assert summary.computed == counts(1, after=1)
    assert summary.changes == Changes(new=1)
    both = tmp_path / "both"
    both.mkdir()
    move(videos / "one.mp4", both / "videos" / "one.mp4")
    move(videos / "two.mp4", both / "videos" / "two.mp4")
    move(more / "three.mp4", both / "more" / "three.mp4")
    summary = again(workspace, both)
    assert summary.computed == counts(3, after=0)
    assert summary.changes == Changes(moved=3)
    check_as_new(workspace, pipeline(both), tmp_path)


def test_the_parent_folder_computes_nothing(videos, tmp_path):
    inner = videos / "inner"
    for name in ("one.mp4", "two.mp4"):
        move(videos / name, inner / name)
    workspace = start(inner, tmp_path)
    assert again(workspace, videos).computed == counts(0, after=0)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_another_folder_with_the_same_names_takes_nothing_over(videos, shelf, tmp_path):
    workspace = start(videos, tmp_path)
    other = tmp_path / "elsewhere"
    put(shelf / "three.mp4", other / "one.mp4")
    put(shelf / "one.mp4", other / "two.mp4")
    # One of them is known, with a caption that it does not have here.
    assert again(workspace, other).computed == counts(2, after=1, caption=2)
    check_as_new(workspace, pipeline(other), tmp_path)


@pytest.mark.parametrize(
    ("text", "origin"), [("the second caption", "provided"), (None, "template")]
)
def test_another_caption_reaches_every_table_and_export(videos, tmp_path, text, origin):
    workspace = start(videos, tmp_path)
    (videos / "one.txt").unlink()
    if text is not None:
        (videos / "one.txt").write_text(text)
    summary = again(workspace, videos)
    assert summary.computed == counts(0, after=0, caption=1)
    assert summary.changes == Changes(reworded=1)
    origins = {s.caption_origin for s in read_samples(Workspace.open(workspace)) if s.stage1}
    assert origin in origins
    check_as_new(workspace, pipeline(videos), tmp_path)
    written = [data for name in ("plain", "canonical", "fi") for data in
               tree(tmp_path / f"ws-{name}").values()]  # fmt: skip
    assert not any(b"the first caption" in data for data in written)
    assert text is None or sum(text.encode() in data for data in written) >= 3
    captions = [row for key, row in rows_of(workspace).items() if key[0] == "caption"]
    assert "the first caption" not in str(captions)


def test_a_caption_where_there_was_none(videos, tmp_path):
    workspace = start(videos, tmp_path)
    (videos / "two.txt").write_text("late")
    assert again(workspace, videos).computed == counts(0, after=0, caption=1)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_a_copy_is_known_as_one_and_lends_its_caption(videos, tmp_path):
    shutil.copy(videos / "two.mp4", videos / "zz.mp4")
    (videos / "zz.txt").write_text("of the copy")
    shutil.copy(videos / "one.mp4", videos / "one copy.mp4")
    workspace = tmp_path / "ws"
    summary = run(pipeline(videos), workspace)
    assert summary.computed == counts(4, after=2)
    assert (summary.reports[1].dropped, summary.reports[1].leaving) == (2, 2)
    same = look(pipeline(videos), workspace)["probe"]
    assert same.verdicts.equals(summary.reports[1].verdicts)
    paths = {v.video_id: v.relative_path for v in VideoList.load(Workspace.open(workspace)).videos}
    reasons = {paths[row["video_id"]]: row["rule"] for row in same.verdicts.to_pylist()}
    # The first of the listing stands for all.
    assert reasons == {
        "one.mp4": "same content as one copy.mp4",
        "zz.mp4": "same content as two.mp4",
    }
    texts = {s.relative_path: s.caption for s in read_samples(Workspace.open(workspace))}
    assert texts == {"one copy.mp4": "the first caption", "two.mp4": "of the copy"}
    (videos / "two.mp4").unlink()
    assert again(workspace, videos).computed == counts(0, after=0)


def test_a_file_replaced_while_a_run_goes_on_waits_for_the_next(videos, shelf, tmp_path):
    from clipmill.pipeline.run import Observer

    class Editor(Observer):
        def step_done(self, report):
            if report.title == "probe":
                put(shelf / "three.mp4", videos / "two.mp4")

    reads = PIPELINE
    summary = run(pipeline_on(videos, reads), tmp_path / "ws", observer=Editor())
    quality = summary.reports[3]
    assert (quality.entering, quality.leaving, quality.postponed) == (2, 1, 1)
    assert summary.failed == 0 and summary.postponed_kinds == {"changed": 1}
    assert quality.verdicts["rule"].to_pylist()[0].startswith("changed: ")
    second = run(pipeline_on(videos, reads), tmp_path / "ws")
    assert second.failed == 0
    assert second.computed == counts(1, after=1)
    check_as_new(tmp_path / "ws", pipeline_on(videos, reads), tmp_path)


def test_an_emptied_source_is_refused_before_anything_is_replaced(videos, tmp_path):
    workspace = start(videos, tmp_path)
    before = tree(workspace)
    kept = tmp_path / "unmounted"
    videos.rename(kept)
    videos.mkdir()
    with pytest.raises(UsageError, match=r"(?s)no video found in .*videos.*--allow-fewer"):
        again(workspace, videos)
    assert tree(workspace) == before
    videos.rmdir()
    kept.rename(videos)
    assert again(workspace, videos).computed == counts(0, after=0)


def test_a_source_that_shrinks_sharply_is_refused(videos, shelf, tmp_path):
    put(shelf / "three.mp4", videos / "three.mp4")
    workspace = tmp_path / "ws"
    run(pipeline(videos), workspace)
    before = tree(workspace)
    (videos / "one.mp4").rename(tmp_path / "one.mp4")
    (videos / "two.mp4").rename(tmp_path / "two.mp4")
    with pytest.raises(UsageError, match=r"holds 1 video, 3 in the last run.*--allow-fewer"):
        again(workspace, videos)
    assert tree(workspace) == before
    summary = again(workspace, videos, allow_fewer=True)
    assert summary.changes == Changes(gone=2)
    (tmp_path / "one.mp4").rename(videos / "one.mp4")
    assert again(workspace, videos).computed == counts(1, after=0)


def test_samples_are_not_replaced_by_nothing_unless_asked(videos, tmp_path):
    workspace = start(videos, tmp_path)
    before = tree(workspace / "samples")
    strict = pipeline_on(videos, PIPELINE.replace("above: 10", "above: 9000"))
    with pytest.raises(UsageError, match=r"no sample is left.*were kept.*--allow-fewer"):
        run(strict, workspace)
    assert tree(workspace / "samples") == before
    assert run(strict, workspace, allow_fewer=True).samples == 0
    assert not tree(workspace / "samples")


def test_an_export_before_the_next_run_has_nothing_of_a_replaced_file(videos, shelf, tmp_path):
    workspace = start(videos, tmp_path)
    other = put(shelf / "three.mp4", videos / "two.mp4")
    report = export(workspace, tmp_path / "fresh", "canonical")
    assert report.failed
    assert all("two.mp4" in reason for reason in report.left_out)
    rows = [json.loads(line) for line in (tmp_path / "fresh" / "samples.jsonl").open()]
    listed = VideoList.load(Workspace.open(workspace)).videos
    kept = {video.video_id for video in listed if video.relative_path == "one.mp4"}
    assert {row["sample_id"][:16] for row in rows} == kept
    summary = export_frameino(Workspace.open(workspace), tmp_path / "fi", videos="link")
    assert all(str(other) in item.reason for item in summary.left_out if "has" in item.reason)
    assert summary.left_out and summary.videos == 1


def test_samples_of_other_inputs_than_the_last_run_are_refused(videos, shelf, tmp_path):
    """A run that was stopped before its last step leaves the samples of the run before."""
    workspace = start(videos, tmp_path)
    (videos / "one.txt").write_text("the second caption")
    put(shelf / "three.mp4", videos / "two.mp4")
    again(workspace, videos, until="quality")
    with pytest.raises(UsageError, match=r"none of the .* samples .* holds any more"):
        export(workspace, tmp_path / "ws-canonical", "canonical")
    with pytest.raises(UsageError, match="Run the pipeline again"):
        MotionDataset(Workspace.open(workspace), LoadOptions(height=32, width=64, num_frames=5))
    again(workspace, videos)
    check_as_new(workspace, pipeline(videos), tmp_path)


def test_a_workspace_of_the_old_layout_is_refused_with_the_way_out(tmp_path):
    (tmp_path / "workspace.json").write_text('{"clipmill_workspace": 1}\n')
    with pytest.raises(UsageError, match=r"path of their video.*Run into a new workspace"):
        Workspace.open(tmp_path, create=True)
