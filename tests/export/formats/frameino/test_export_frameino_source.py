"""Exports are read back the way the training loaders read them."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from frameino_loader import decoded_frames, load_item, read_rows
from truthful_run import HOSTILE

from clipmill.errors import UsageError
from clipmill.export.formats.frameino.source_videos import export_frameino
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_bits, decode_tracks, encode_bits, encode_tracks
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace


@pytest.fixture(scope="module")
def samples(workspace: Workspace) -> dict[str, SampleRow]:
    return {sample.sample_id: sample for sample in read_samples(workspace)}


@pytest.fixture(scope="module")
def exported(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("out") / "data set"
    export_frameino(workspace, out, shards=2)
    return out


def workspace_with(folder: Path, samples: list[SampleRow]) -> Workspace:
    """A workspace that holds samples and nothing else."""
    workspace = Workspace.open(folder, create=True)
    table = pa.Table.from_pylist([to_dict(s) for s in samples], schema=schema_of(SampleRow))
    workspace.write_table("samples/training/part-00000.parquet", table)
    return workspace


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()
    }


@pytest.mark.parametrize("num_frames", [49, 81])
@pytest.mark.parametrize("stage", [1, 2])
def test_the_loader_reads_every_row(exported, samples, stage, num_frames):
    rows = read_rows(exported / f"stage{stage}" / "csv")
    wanted = {s.sample_id for s in samples.values() if (s.stage1 if stage == 1 else s.stage2)}
    assert {row["sample_id"] for row in rows} == wanted
    assert len(rows) == len(wanted) > 3
    lengths = {
        path: decoded_frames(exported / "videos" / path)
        for path in {row["video_path"] for row in rows}
    }
    for row in rows:
        item = load_item(
            row, video_root=exported / "videos", id_root=exported / "ID",
            num_frames=num_frames, stage=stage, length=lengths[row["video_path"]],
        )  # fmt: skip
        sample = samples[row["sample_id"]]
        assert item.prompt == sample.caption
        assert item.start == sample.anchor
        assert int(row["num_frames"]) == lengths[row["video_path"]]
        assert [len(track[0]) for track in item.points] == [
            decode_tracks(entry.points).shape[1] for entry in sample.objects
        ] or stage == 2


def test_tracks_stand_at_their_place_in_the_clip(exported, samples):
    late = 0
    for row in read_rows(exported / "stage1" / "csv"):
        sample = samples[row["sample_id"]]
        (tracks,), (seen,) = json.loads(row["Track_Traj"]), json.loads(row["Track_Visibility"])
        ((start, segments),) = json.loads(row["Panoptic_Segmentation"])
        assert start == sample.anchor
        for number, entry in enumerate(sample.objects):
            truth = decode_tracks(entry.points)
            points, visible = np.array(tracks[number]), np.array(seen[number])
            assert len(points) == len(visible) == sample.end - sample.start
            last = sample.anchor + len(truth)
            assert np.abs(points[sample.anchor : last] - truth).max() <= 0.5
            assert (points[: sample.anchor] == points[sample.anchor]).all()
            assert (points[last:] == points[last - 1]).all()
            assert not visible[: sample.anchor].any() and not visible[last:].any()
            assert (visible[sample.anchor : last] == decode_bits(entry.visibility)).all()
            assert segments[number][1] == entry.class_name
            assert [[x, y] for y, x in segments[number][2]] == points[start].tolist()
            late += sample.anchor > 0
    assert late, "no sample with a start frame behind the clip's first"


def test_a_row_never_holds_more_than_one_entry(exported):
    """Prompts slid against entries where lists of a clip were thinned separately."""
    for stage in (1, 2):
        for row in read_rows(exported / f"stage{stage}" / "csv"):
            names = ["Structured_Text_Prompt", "Panoptic_Segmentation", "Obj_Info", "Track_Traj"]
            names += ["Track_Visibility"] + ["ID_info"] * (stage == 2)
            assert [len(json.loads(row[name])) for name in names] == [1] * len(names)
            objects = len(json.loads(row["Obj_Info"])[0])
            assert len(json.loads(row["Track_Traj"])[0]) == objects
            assert len(json.loads(row["Motion_Strength"])) == objects


def test_regions_do_not_touch_the_object_at_the_start_frame(exported):
    rows = read_rows(exported / "stage2" / "csv")
    for row in rows:
        for entry in json.loads(row["ID_info"])[0]:
            if entry:
                (box, _, _), regions = entry
                for area, (x0, y0), (x1, y1) in regions:
                    assert area == (x1 - x0) * (y1 - y0)
                    assert x0 >= box[2] or x1 <= box[0] or y0 >= box[3] or y1 <= box[1]


def test_captions_survive_quoting(exported):
    prompts = {
        json.loads(row["Structured_Text_Prompt"])[0]: row["provided_text"]
        for row in read_rows(exported / "stage1" / "csv")
    }
    hostile = HOSTILE + "\nsecond, line"
    assert prompts[hostile] == hostile


def test_only_shards_lie_in_the_csv_folders(exported):
    for stage in (1, 2):
        names = sorted(p.name for p in (exported / f"stage{stage}" / "csv").iterdir())
        assert names == ["shard-00000.csv", "shard-00001.csv"]
        headers = {
            (exported / f"stage{stage}" / "csv" / name).read_text("utf-8").partition("\n")[0]
            for name in names
        }
        assert len(headers) == 1
        ids = sorted(int(row["ID"]) for row in read_rows(exported / f"stage{stage}" / "csv"))
        assert ids == list(range(len(ids)))


def test_the_manifest_lists_every_file_with_its_checksum(exported):
    import hashlib

    manifest = json.loads((exported / "clipmill-export.json").read_text("utf-8"))
    files = tree(exported)
    del files["clipmill-export.json"]
    assert set(manifest["files"]) == set(files)
    for path, entry in manifest["files"].items():
        assert entry["bytes"] == len(files[path])
        if not path.startswith("videos/"):
            assert entry["sha256"] == hashlib.sha256(files[path]).hexdigest()
    assert manifest["complete"] is True


def test_the_scores_stand_beside_the_rows(exported, samples):
    for row in read_rows(exported / "stage1" / "csv"):
        assert float(row["quality.clarity"]) > 0
        strengths = json.loads(row["Motion_Strength"])
        objects = samples[row["sample_id"]].objects
        assert strengths == pytest.approx([entry.motion_strength for entry in objects])


def test_a_second_export_is_equal_and_tidies_up(workspace, tmp_path):
    out = tmp_path / "out"
    export_frameino(workspace, out, shards=3)
    export_frameino(workspace, out, shards=1)
    fresh = tmp_path / "fresh"
    export_frameino(workspace, fresh, shards=1)
    assert tree(out) == tree(fresh)
    assert not (out / ".clipmill-unfinished").exists()


def test_one_stage_leaves_the_other_in_peace(workspace, tmp_path):
    out = tmp_path / "out"
    first = export_frameino(workspace, out, stage="1")
    assert first.stage2_rows == 0 and not (out / "stage2").exists()
    before = tree(out / "stage1")
    export_frameino(workspace, out, stage="2")
    assert tree(out / "stage1") == before
    manifest = json.loads((out / "clipmill-export.json").read_text("utf-8"))
    assert {"stage1/csv/shard-00000.csv", "stage2/csv/shard-00000.csv"} <= set(manifest["files"])


@pytest.mark.parametrize("mode", ["link", "copy"])
def test_videos_are_placed(workspace, tmp_path, mode):
    out = tmp_path / "out"
    export_frameino(workspace, out, videos=mode)
    videos = sorted(p for p in (out / "videos").rglob("*") if p.is_file())
    assert videos and all(p.is_symlink() == (mode == "link") for p in videos)
    sources = {s.uri: Path(s.uri).read_bytes() for s in read_samples(workspace)}
    assert sorted(p.read_bytes() for p in videos) == sorted(sources.values())


def test_without_videos_rows_name_them_below_the_source(workspace, tmp_path):
    export_frameino(workspace, tmp_path / "out", videos="none")
    rows = read_rows(tmp_path / "out" / "stage1" / "csv")
    root = Path(workspace.root).parent / "videos"
    assert rows and all((root / row["video_path"]).is_file() for row in rows)
    assert not (tmp_path / "out" / "videos").exists()


def test_equal_names_of_two_sources_do_not_collide(samples, tmp_path):
    base = next(iter(samples.values()))
    twins = []
    for source in ("a", "b"):
        video = tmp_path / source / "same\nname?.MP4"
        video.parent.mkdir()
        video.write_bytes(source.encode())
        twins.append(
            replace(base, source=source, video_id=(source * 16)[:16], uri=str(video),
                    relative_path=video.name, sample_id=f"{source}-a00000")
        )  # fmt: skip
    out = tmp_path / "out"
    export_frameino(workspace_with(tmp_path / "ws", twins), out, videos="copy")
    rows = read_rows(out / "stage1" / "csv")
    contents = [(out / "videos" / row["video_path"]).read_text() for row in rows]
    assert contents == ["a", "b"]
    assert [row["relative_path"] for row in rows] == ["same\nname?.MP4"] * 2


def test_what_the_loader_cannot_take_is_left_out_with_a_reason(samples, tmp_path):
    base = next(s for s in samples.values() if s.stage2)
    gone = replace(base, sample_id="gone", video_id="0" * 16, uri=str(tmp_path / "gone.mp4"))
    short = replace(base, sample_id="short", num_frames=96)
    entry = base.objects[0]
    frames = len(decode_tracks(entry.points))
    bare = replace(
        entry,
        points=encode_tracks(np.zeros((frames, 0, 2), np.float32)),
        visibility=encode_bits(np.zeros((frames, 0), bool)),
    )
    empty = replace(base, sample_id="empty", objects=(bare,))
    nowhere = replace(base, sample_id="nowhere", objects=(replace(entry, regions=()),))
    crowd = replace(base, sample_id="crowd", objects=(entry,) * 110)
    workspace = workspace_with(tmp_path / "ws", [gone, short, empty, nowhere, crowd, base])
    summary = export_frameino(workspace, tmp_path / "out")
    left = {(item.sample_id, item.stage): item.reason for item in summary.left_out}
    assert set(left) == {
        ("gone", 1), ("gone", 2), ("short", 2), ("empty", 1), ("empty", 2), ("nowhere", 2),
        ("crowd", 1), ("crowd", 2),
    }  # fmt: skip
    assert "gone.mp4" in left["gone", 1]
    assert "96 frames" in left["short", 2]
    assert (summary.stage1_rows, summary.stage2_rows) == (3, 1)
    assert "left out of stage 2" in str(summary)
    assert "96 frames" in (tmp_path / "out" / "CONVENTIONS.md").read_text("utf-8")


def test_a_stage_that_stays_empty_is_told_before_writing(samples, tmp_path):
    base = next(s for s in samples.values() if s.stage2)
    short = replace(base, num_frames=96)
    unready = replace(base, stage2=False, stage2_reason="no object has a region")
    for row, said in (
        (
            short,
            "stage 2: none of 1 samples can be in it (fewer than 97 frames, the longest has 96)",
        ),
        (unready, "stage 2: none of 1 samples is ready for it (1 x no object has a region)"),
    ):
        told: list[str] = []
        workspace = workspace_with(tmp_path / row.stage2_reason / "ws", [row])
        summary = export_frameino(
            workspace, tmp_path / row.stage2_reason / "out", on_notice=told.append
        )
        assert len(told) == 1 and told[0].startswith(said)
        assert (summary.stage1_rows, summary.stage2_rows) == (1, 0)


def test_templates_are_marked_counted_and_left_out_on_demand(samples, tmp_path):
    first, second, *_ = [row for row in samples.values() if row.stage1]
    rows = [replace(first, caption_origin="template"), replace(second, caption_origin="provided")]
    workspace = workspace_with(tmp_path / "ws", rows)
    summary = export_frameino(workspace, tmp_path / "out", videos="none")
    assert summary.captions == {"provided": 1, "template": 1}
    assert "captions: 1 provided, 1 template" in str(summary)
    written = {row["sample_id"]: row for row in read_rows(tmp_path / "out/stage1/csv")}
    assert written[first.sample_id]["caption_origin"] == "template"
    own = export_frameino(workspace, tmp_path / "out", videos="none", captions="own")
    assert own.captions == {"provided": 1}
    assert [row["sample_id"] for row in read_rows(tmp_path / "out/stage1/csv")] == [
        second.sample_id
    ]
    assert {(item.sample_id, item.reason) for item in own.left_out} >= {
        (first.sample_id, "its caption is a template")
    }


def test_a_changed_video_is_left_out(tmp_path, workspace):
    twin = tmp_path / "twin"
    shutil.copytree(workspace.root, twin)
    copy = Workspace.open(twin)
    sample = next(read_samples(copy))
    table = copy.read_table("videos.parquet")
    sizes = [
        size + (video == sample.video_id)
        for video, size in zip(
            table["video_id"].to_pylist(), table["size_bytes"].to_pylist(), strict=True
        )
    ]
    column = table.column_names.index("size_bytes")
    copy.write_table("videos.parquet", table.set_column(column, "size_bytes", [sizes]))
    summary = export_frameino(copy, tmp_path / "out")
    assert {item.sample_id[:16] for item in summary.left_out} == {sample.video_id}
    assert all("changed" in item.reason for item in summary.left_out)


def test_a_foreign_folder_is_refused_untouched(workspace, tmp_path):
    out = tmp_path / "precious"
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(UsageError, match="not empty"):
        export_frameino(workspace, out)
    assert tree(out) == {"thesis.txt": b"years of work"}


def test_a_foreign_file_among_the_shards_is_refused(workspace, tmp_path):
    """Trainers take every file of the folder for a shard."""
    out = tmp_path / "out"
    export_frameino(workspace, out)
    (out / "stage1" / "csv" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match=r"notes\.txt"):
        export_frameino(workspace, out)
    assert (out / "stage1" / "csv" / "notes.txt").read_text() == "mine"


def test_files_of_others_in_an_export_survive(workspace, tmp_path):
    out = tmp_path / "out"
    export_frameino(workspace, out)
    (out / "README.txt").write_text("mine")
    (out / "ID" / "mine.png").write_bytes(b"mine")
    export_frameino(workspace, out)
    assert (out / "README.txt").read_text() == "mine"
    assert (out / "ID" / "mine.png").read_bytes() == b"mine"


def test_a_killed_export_is_taken_up_by_the_next(workspace, tmp_path):
    out = tmp_path / "out"

    def kill(done: int, total: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_frameino(workspace, out, on_progress=kill)
    assert not any((out / "stage1" / "csv").glob("*")), "half a shard is a shard to a trainer"
    assert json.loads((out / "clipmill-export.json").read_text())["complete"] is False
    export_frameino(workspace, out)
    fresh = tmp_path / "fresh"
    export_frameino(workspace, fresh)
    assert tree(out) == tree(fresh)


def test_no_samples_is_a_clear_error(tmp_path):
    workspace = Workspace.open(tmp_path / "ws", create=True)
    with pytest.raises(UsageError, match="no samples called 'training'"):
        export_frameino(workspace, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_links_behind_a_url_are_refused(samples, tmp_path):
    base = next(iter(samples.values()))
    remote = replace(base, uri="memory://bucket/clip.mp4")
    workspace = workspace_with(tmp_path / "ws", [remote])
    with pytest.raises(UsageError, match="--videos copy"):
        export_frameino(workspace, tmp_path / "out")


def test_videos_behind_a_url_are_fetched(samples, tmp_path):
    import fsspec

    with fsspec.open("memory://bucket/clip.mp4", "wb") as file:
        file.write(b"video")
    base = next(iter(samples.values()))
    workspace = workspace_with(tmp_path / "ws", [replace(base, uri="memory://bucket/clip.mp4")])
    export_frameino(workspace, tmp_path / "out", videos="copy")
    (row,) = read_rows(tmp_path / "out" / "stage1" / "csv")
    assert (tmp_path / "out" / "videos" / row["video_path"]).read_bytes() == b"video"
