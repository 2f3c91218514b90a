"""The run of an export: what is made again and what is not, what is left out, what is refused."""

import json
import os
import signal
import subprocess
import sys
import tarfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from export_samples import Disc, disc_sample
from killing_format import Killing

from clipmill.config import SourceConfig
from clipmill.disk import hold
from clipmill.errors import UsageError
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.canonical import Canonical
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.manifest.entries import SampleEntry
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.sources import list_sources
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace

SMALL = FrameProfile(long_side=160, fps=Fraction(8))


def plan(profile: FrameProfile = SMALL, *, workers: int = 1, **choice) -> ExportPlan:
    return ExportPlan(
        Canonical(FormatOptions()),
        FolderContainer,
        profile=profile,
        choice=SampleFilter(**choice),
        workers=workers,
    )


def tree(folder: Path) -> dict[str, bytes]:
    return {
        p.relative_to(folder).as_posix(): p.read_bytes()
        for p in sorted(folder.rglob("*"))
        if p.is_file() and not p.name.endswith(".lock")
    }


def times(folder: Path) -> dict[str, int]:
    return {str(p): p.stat().st_mtime_ns for p in folder.rglob("*.mp4")}


def workspace_with(folder: Path, rows: list[SampleRow]) -> Workspace:
    """A workspace that holds samples and nothing else."""
    workspace = Workspace.open(folder, create=True)
    table = pa.Table.from_pylist([to_dict(row) for row in rows], schema=schema_of(SampleRow))
    workspace.write_table("samples/training/part-00000.parquet", table)
    return workspace


@pytest.fixture(scope="module")
def exported(workspace, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("run") / "out"
    run_export(workspace, out, plan())
    return out


def test_every_sample_is_there_and_verified(workspace, exported):
    samples = [s.sample_id for s in read_samples(workspace) if s.stage1]
    entries = [SampleEntry.from_line(line) for line in (exported / "manifest.jsonl").open()]
    assert [entry.sample_id for entry in entries] == samples
    found = verify_export(exported)
    assert not found.problems and found.samples == len(samples)
    assert found.files > 3 * len(samples)
    assert not (exported / ".clipmill-unfinished").exists()


def test_the_same_export_has_the_same_bytes_whatever_the_workers(workspace, exported, tmp_path):
    run_export(workspace, tmp_path / "out", plan(workers=2))
    assert tree(tmp_path / "out") == tree(exported)


def test_a_second_export_makes_nothing_again(workspace, exported):
    before = times(exported)
    report = run_export(workspace, exported, plan())
    assert report.reused == report.samples > 5
    assert times(exported) == before


def test_another_profile_makes_everything_again_and_leaves_nothing_old(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan())
    report = run_export(workspace, out, plan(SMALL.model_copy(update={"long_side": 128})))
    assert report.reused == 0
    assert verify_export(out).problems == ()
    fewer = run_export(workspace, out, plan(limit=2))
    assert fewer.samples == 2
    assert len(list(out.rglob("*.mp4"))) == 2
    assert len(list(out.glob("samples/*/*.json"))) == 2


def test_a_missing_or_damaged_size_is_made_again(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan(limit=3))
    first, second, _ = sorted(out.rglob("*.mp4"))
    whole = tree(out)
    first.unlink()
    second.write_bytes(b"cut off")
    report = run_export(workspace, out, plan(limit=3))
    assert report.reused == 1
    assert tree(out) == whole


def test_verify_names_every_kind_of_damage(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan(limit=3))
    video, gone, _ = sorted(out.rglob("*.mp4"))
    data = bytearray(video.read_bytes())
    data[len(data) // 2] ^= 1
    video.write_bytes(data)
    gone.unlink()
    image = next(out.rglob("*.png"))
    image.write_bytes(image.read_bytes()[:-9])
    (out / "samples.jsonl").write_text("{}\n")
    found = {problem.path: problem.what for problem in verify_export(out).problems}
    assert found[video.relative_to(out).as_posix()] == "its SHA-256 is another"
    assert found[gone.relative_to(out).as_posix()] == "missing"
    assert "bytes" in found["samples.jsonl"]
    assert image.relative_to(out).as_posix() in found
    with pytest.raises(UsageError, match="no export"):
        verify_export(tmp_path)


def test_where_and_limit_choose(workspace, tmp_path):
    rows = {s.sample_id: s for s in read_samples(workspace)}
    long = [s for s in rows.values() if s.stage1 and s.num_frames > 112]
    assert 0 < len(long) < len(rows)
    report = run_export(workspace, tmp_path / "a", plan(where="num_frames > 112"))
    assert report.samples == len(long)
    report = run_export(workspace, tmp_path / "b", plan(where="quality_clarity > 0", limit=1))
    assert report.samples == 1
    provided = run_export(workspace, tmp_path / "c", plan(where="caption_origin == 'provided'"))
    wanted = [s for s in rows.values() if s.stage1 and s.caption_origin == "provided"]
    assert provided.samples == len(wanted) > 0
    with pytest.raises(UsageError, match="no column 'nix'"):
        run_export(workspace, tmp_path / "d", plan(where="nix > 1"))
    with pytest.raises(UsageError, match="no samples called 'other'"):
        run_export(workspace, tmp_path / "d", plan(samples="other"))
    assert not (tmp_path / "d").exists()


def test_an_export_of_nothing_is_refused_and_an_earlier_one_stays(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, plan(limit=1))
    before = tree(out)
    for wrong, said in (
        (plan(where="num_frames > 100000"), "meets --where 'num_frames > 100000'"),
        (plan(FrameProfile(min_frames=100_000)), r"the longest of \d+ has \d+\. Choose"),
        (plan(FrameProfile(fps=8, min_frames=90)), r"the longest of \d+ has \d+ at 8 fps"),
    ):
        for folder in (out, tmp_path / "new"):
            with pytest.raises(UsageError, match=f"{said}.*Nothing was written"):
                run_export(workspace, folder, wrong)
    assert tree(out) == before
    assert not (tmp_path / "new").exists()


def test_templates_alone_are_not_left_out_without_a_word(tmp_path):
    rows = [row for row in captioned(tmp_path) if row.caption_origin in {"template", ""}]
    workspace = workspace_with(tmp_path / "ws", rows)
    with pytest.raises(UsageError, match=r"leaves out all 2 samples .*1 x its caption is a templ"):
        run_export(workspace, tmp_path / "out", plan(FrameProfile(), captions="own"))


def captioned(folder: Path) -> list[SampleRow]:
    """Samples with a template, a text of their own, no text, and a model's text."""
    texts = {"template": "A disc moves.", "provided": "Rex.", "": "", "model": "A red disc."}
    rows = []
    for number, (origin, caption) in enumerate(texts.items()):
        row, _ = disc_sample(Disc(160, 96, num_frames=12), folder / f"{number}.mp4")
        sample = f"{number}{row.sample_id[1:]}"
        more = {"caption": caption, "caption_origin": origin}
        rows.append(replace(row, sample_id=sample, video_id=f"{number}" * 16, **more))
    return rows


def test_templates_are_counted_and_left_out_on_demand(tmp_path):
    rows = captioned(tmp_path)
    workspace, out = workspace_with(tmp_path / "ws", rows), tmp_path / "out"
    report = run_export(workspace, out, plan(FrameProfile()))
    assert report.captions == {"": 1, "model": 1, "provided": 1, "template": 1}
    assert "captions: 1 without, 1 model, 1 provided, 1 template" in str(report)
    assert "- template: 1 (composed" in (out / "CONVENTIONS.md").read_text()
    own = run_export(workspace, out, plan(FrameProfile(), captions="own"))
    assert (own.samples, own.failed, own.reused) == (2, 0, 2)
    assert own.captions == {"model": 1, "provided": 1}
    assert own.left_out == {"its caption is a template": 1, "it has no caption": 1}
    entries = [SampleEntry.from_line(line) for line in (out / "manifest.jsonl").open()]
    assert [e.sample_id for e in entries if e.left_out] == [rows[0].sample_id, rows[2].sample_id]
    listed = [json.loads(line) for line in (out / "samples.jsonl").open()]
    assert [row["caption_origin"] for row in listed] == ["provided", "model"]
    assert len(list(out.rglob("*.mp4"))) == 2
    assert not verify_export(out).problems
    everything = run_export(workspace, out, plan(FrameProfile()))
    assert (everything.samples, everything.reused) == (4, 2)
    assert tree(out) == tree(_fresh(workspace, tmp_path))


def _fresh(workspace: Workspace, folder: Path) -> Path:
    run_export(workspace, folder / "fresh", plan(FrameProfile()))
    return folder / "fresh"


def test_the_limit_counts_samples_that_are_exported(tmp_path):
    rows = captioned(tmp_path)
    workspace = workspace_with(tmp_path / "ws", rows)
    report = run_export(workspace, tmp_path / "out", plan(FrameProfile(), captions="own", limit=1))
    assert (report.samples, report.left_out) == (1, {"its caption is a template": 1})


def test_bad_videos_cost_only_their_samples(tmp_path):
    rows = []
    for number in range(4):
        path = tmp_path / f"{number}.mp4"
        row, _ = disc_sample(Disc(160, 96, num_frames=12 + number), path)
        sample = f"{number}{row.sample_id[1:]}"
        rows.append(replace(row, sample_id=sample, video_id=f"{number}" * 16))
    workspace = workspace_with(tmp_path / "ws", rows)
    (tmp_path / "1.mp4").unlink()
    (tmp_path / "2.mp4").write_bytes(b"not a video at all")
    report = run_export(workspace, tmp_path / "out", plan(FrameProfile()))
    assert report.samples == 2 and report.failed == 2
    assert sum(report.left_out.values()) == 2
    entries = [SampleEntry.from_line(line) for line in (tmp_path / "out/manifest.jsonl").open()]
    assert [bool(entry.left_out) for entry in entries] == [False, True, True, False]
    assert entries[1].kind == "missing" and "1.mp4" in entries[1].left_out
    # an error is tried again by the next export
    disc_sample(Disc(160, 96, num_frames=13), tmp_path / "1.mp4")
    report = run_export(workspace, tmp_path / "out", plan(FrameProfile()))
    assert (report.samples, report.reused, report.failed) == (3, 2, 1)


def test_a_sample_that_kills_its_process_costs_only_itself(tmp_path):
    rows = []
    for number in range(7):
        row, _ = disc_sample(Disc(160, 96, num_frames=12), tmp_path / f"{number}.mp4")
        sample = f"{number}{row.sample_id[1:]}"
        caption = "Boom!" if number in {2, 3} else "Fine."
        rows.append(replace(row, sample_id=sample, caption=caption))
    workspace = workspace_with(tmp_path / "ws", rows)
    killing = ExportPlan(Killing(FormatOptions()), FolderContainer, workers=2)
    report = run_export(workspace, tmp_path / "out", killing)
    assert report.samples == 5 and report.failed == 2
    entries = [SampleEntry.from_line(line) for line in (tmp_path / "out/manifest.jsonl").open()]
    assert [entry.kind for entry in entries] == ["", "", "crash", "crash", "", "", ""]


def test_a_video_inside_a_shard_is_exported(tmp_path):
    row, _ = disc_sample(Disc(160, 96, num_frames=20), tmp_path / "disc.mp4")
    with tarfile.open(tmp_path / "shard.tar", "w") as archive:
        archive.add(tmp_path / "disc.mp4", "disc.mp4")
    (found,) = list_sources((SourceConfig(path=str(tmp_path / "shard.tar")),)).videos
    rows = [row, replace(row, sample_id="b" + row.sample_id[1:], uri=found.uri)]
    workspace = workspace_with(tmp_path / "ws", rows)
    report = run_export(workspace, tmp_path / "out", plan(SMALL, workers=2))
    assert report.samples == 2 and not report.left_out
    plain, sharded = sorted((tmp_path / "out").rglob("*.mp4"))
    assert plain.read_bytes() == sharded.read_bytes()


def test_a_video_that_was_replaced_is_refused(workspace, tmp_path):
    """Same name, other frames: the size differs, or the packets do."""
    row, facts = disc_sample(Disc(160, 96, num_frames=30), tmp_path / "disc.mp4")
    from clipmill.export.content.source_check import check_source
    from clipmill.video import VideoChangedError

    check_source(row.uri, facts)
    Disc(160, 96, num_frames=31).write(tmp_path / "other.mp4")
    other = str(tmp_path / "other.mp4")
    with pytest.raises(VideoChangedError, match="other frames"):
        check_source(other, replace(facts, size_bytes=None))
    with pytest.raises(VideoChangedError):
        check_source(other, facts)


_KILLED = """
import os, signal, sys
from pathlib import Path
from clipmill.store.workspace import Workspace
sys.path.insert(0, {tests!r})
from test_export_run import plan
from clipmill.export.job.run import run_export
def kill(done, total):
    if done == 3:
        os.kill(os.getpid(), signal.SIGKILL)
run_export(Workspace.open({workspace!r}), Path({out!r}), plan(), on_progress=kill)
"""


def test_a_killed_export_goes_on_and_ends_the_same(workspace, exported, tmp_path):
    out = tmp_path / "out"
    code = _KILLED.format(
        tests=str(Path(__file__).parent), workspace=str(workspace.root), out=str(out)
    )
    support = [str(Path(__file__).parents[2] / name) for name in ("", "support")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(support)}
    killed = subprocess.run([sys.executable, "-c", code], env=environment, check=False)
    assert killed.returncode == -signal.SIGKILL
    assert (out / ".clipmill-unfinished/journal.jsonl").is_file()
    assert not json.loads((out / "clipmill-export.json").read_text())["complete"]
    assert [p.what for p in verify_export(out).problems] == [
        "the export was not finished; run it again"
    ]
    report = run_export(workspace, out, plan())
    assert report.reused == 3
    assert tree(out) == tree(exported)


def test_two_exports_into_one_folder_do_not_mix(workspace, exported):
    with (
        hold(exported / ".clipmill-export.lock"),
        pytest.raises(UsageError, match="another export"),
    ):
        run_export(workspace, exported, plan())


def test_other_folders_are_refused_unchanged(workspace, tmp_path):
    (tmp_path / "photo.jpg").write_bytes(b"mine")
    with pytest.raises(UsageError, match="not empty"):
        run_export(workspace, tmp_path, plan())
    assert [p.name for p in tmp_path.iterdir()] == ["photo.jpg"]


def test_arrays_of_the_canonical_form_equal_the_workspace(workspace, tmp_path):
    run_export(workspace, tmp_path / "out", plan(FrameProfile()))
    rows = {s.sample_id: s for s in read_samples(workspace)}
    lines = [json.loads(line) for line in (tmp_path / "out/samples.jsonl").open()]
    assert len(lines) > 5
    for line in lines:
        row = rows[line["sample_id"]]
        described = json.loads((tmp_path / "out" / line["sample"]).read_text())
        assert described["caption"] == row.caption
        arrays = np.load(tmp_path / "out" / line["arrays"], allow_pickle=False)
        assert len(arrays["frame_seconds"]) == line["num_frames"] == row.num_frames
        first = row.start + row.anchor
        assert arrays["source_frame"].tolist() == list(range(first, row.end))
        assert set(arrays["object_id"]) == {entry.object_id for entry in row.objects}
        for entry, found in zip(row.objects, described["objects"], strict=True):
            assert found["object_id"] == entry.object_id
            assert [r["box"] for r in found["regions"]] == [list(r.box) for r in entry.regions]
            for image in found["identity"]:
                assert (tmp_path / "out" / image["path"]).read_bytes()[:4] == b"\x89PNG"
