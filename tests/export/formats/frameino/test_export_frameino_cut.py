"""The cut form of the frameino export, read as the training loaders read it."""

from pathlib import Path

import numpy as np
import pytest
from frameino_loader import decoded_frames, load_item, read_rows

from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.profile import PROFILES, FrameProfile
from clipmill.export.formats.frameino.cut_videos import FrameIno, FrameInoOptions
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_tracks


@pytest.fixture(scope="module")
def cut(workspace, tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("cut") / "out"
    plan = ExportPlan(
        FrameIno(FrameInoOptions(shards=2)), FolderContainer, profile=FrameProfile(aspect=(20, 11))
    )
    run_export(workspace, out, plan)
    return out


@pytest.mark.parametrize("stage", [1, 2])
def test_the_loader_reads_every_row(workspace, cut, stage):
    samples = {s.sample_id: s for s in read_samples(workspace)}
    rows = read_rows(cut / f"stage{stage}/csv")
    assert len({row["sample_id"] for row in rows}) == len(rows) > 3
    for row in rows:
        sample = samples[row["sample_id"]]
        length = decoded_frames(cut / "videos" / row["video_path"])
        assert length == sample.num_frames == int(row["num_frames"])
        item = load_item(
            row, video_root=cut / "videos", id_root=cut / "ID", num_frames=49, stage=stage,
            length=length, same_scale=False,
        )  # fmt: skip
        assert item.prompt == sample.caption
        assert item.start == 0
        if stage == 2:
            assert item.reference is not None and item.reference.any()


def test_points_move_with_the_cut(workspace, cut):
    samples = {s.sample_id: s for s in read_samples(workspace)}
    for row in read_rows(cut / "stage1/csv"):
        sample = samples[row["sample_id"]]
        width, height = int(row["width"]), int(row["height"])
        assert (width, height) == (384, 210)
        item = load_item(
            row, video_root=cut / "videos", id_root=cut / "ID", num_frames=49, stage=1,
            length=sample.num_frames,
        )  # fmt: skip
        for entry, found in zip(sample.objects, item.points, strict=True):
            # 216 lines become 210: three go above, three below
            truth = decode_tracks(entry.points)[0 : 2 * len(found) : 2] - [0, 3]
            assert np.abs(np.array(found) - truth).max() <= 0.51


def test_a_profile_that_ends_before_stage_two_says_so_before_writing(workspace, tmp_path):
    out, told = tmp_path / "out", []

    def tell(text: str) -> None:
        assert not out.exists()
        told.append(text)

    profile = PROFILES["wan2.1"].model_copy(update={"size": None})
    plan = ExportPlan(FrameIno(FrameInoOptions()), FolderContainer, profile=profile)
    report = run_export(workspace, out, plan, on_notice=tell)
    samples = list(read_samples(workspace))
    ready = sum(sample.stage2 for sample in samples)
    (notice,) = told
    assert notice.startswith(f"stage 2: none of {ready} samples can be in it (fewer than 97 frames")
    assert "the longest has 81" in notice and "--max-frames 97" in notice
    assert report.indices["stage 1"].pieces == report.samples == len(samples)
    assert report.indices["stage 2"].pieces == len(read_rows(out / "stage2/csv")) == 0
    number = len(samples)
    assert f"stage 2: 0 of {number} ({number} x fewer than 97 frames)" in str(report)


def test_a_profile_that_reaches_stage_two_says_nothing(workspace, cut):
    told = []
    plan = ExportPlan(
        FrameIno(FrameInoOptions(shards=2)), FolderContainer, profile=FrameProfile(aspect=(20, 11))
    )
    report = run_export(workspace, cut, plan, on_notice=told.append)
    assert not told
    assert report.indices["stage 2"].pieces == len(read_rows(cut / "stage2/csv")) > 0
