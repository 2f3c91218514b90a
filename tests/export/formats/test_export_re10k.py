"""RealEstate10K pose files, read as CameraCtrl reads them, against a camera that is known."""

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from export_samples import Disc, disc_sample
from moving_camera import FOCAL, build_filmed_workspace, camera_row, world_to_camera

from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.compose import LeftOutError, compose
from clipmill.export.content.profile import FrameProfile
from clipmill.export.formats.base import FormatOptions
from clipmill.export.formats.re10k import Re10k
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.export.render.pose_files import pose_lines
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_array, encode_array

DISC = Disc()
START, ANCHOR = 10, 6
TARGET = FrameProfile(fps=Fraction(16), aspect=(20, 11))


def read_poses(text: str) -> np.ndarray:
    """Read a pose file: float64 [T, 19]; its first line is skipped, as by all its readers."""
    assert text.endswith("\n") and not text.endswith("\n\n")
    lines = text.split("\n")[1:-1]
    return np.array([[float(number) for number in line.strip().split(" ")] for line in lines])


def matrices(poses: np.ndarray) -> np.ndarray:
    """World-to-camera matrices [T, 4, 4] of a pose file."""
    full = np.tile(np.eye(4), (len(poses), 1, 1))
    full[:, :3] = poses[:, 7:].reshape(-1, 3, 4)
    return full


def frame_count(path: Path) -> int:
    with av.open(str(path)) as container:
        return sum(1 for _ in container.decode(video=0))


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("disc") / "disc.mp4"
    row, facts = disc_sample(DISC, path, start=START, anchor=ANCHOR)
    return row, replace(facts, camera=camera_row(DISC.num_frames - START))


@pytest.mark.parametrize("resample", ["shown", "interpolated"])
def test_poses_are_those_of_the_frames_of_the_export(made, resample):
    profile = TARGET.model_copy(update={"resample": resample})
    sample = compose(*made, profile)
    poses = read_poses("\n".join(pose_lines(sample)) + "\n")
    assert poses.shape == (sample.num_frames, 19) and sample.num_frames > 40
    assert poses[:, 0].tolist() == [round(k * 1e6 / 16) for k in range(sample.num_frames)]
    assert not poses[:, 5:7].any()
    places = sample.timeline.shown if resample == "shown" else sample.timeline.positions
    first = np.linalg.inv(world_to_camera(ANCHOR))
    truth = np.stack([world_to_camera(place - START) @ first for place in places])
    assert np.abs(matrices(poses) - truth).max() < 1e-5
    assert np.array_equal(matrices(poses)[0], np.eye(4))


def test_intrinsics_are_shares_of_the_cut_picture(made):
    poses = read_poses("\n".join(pose_lines(compose(*made, TARGET))) + "\n")
    shares = np.array([FOCAL / 640, FOCAL / 352, 0.5, 0.5])
    assert np.abs(poses[:, 1:5] - shares).max() < 1e-6


def test_points_of_the_world_meet_their_pixels(made):
    """Scale, cut off the middle, rate, rebasing: all together, as a trainer casts its rays."""
    profile = FrameProfile(fps=Fraction(16), size=(200, 240), centre="objects")
    sample = compose(*made, profile)
    assert sample.placement.offset[0] not in (0, (sample.placement.scaled[0] - 200) // 2)
    poses = read_poses("\n".join(pose_lines(sample)) + "\n")
    # Points of a world whose origin is the camera of frame 0 of the export.
    points = np.random.default_rng(0).uniform([-1, -1, 4], [1, 1, 9], (20, 3))
    homogeneous = np.concatenate([points, np.ones((20, 1))], axis=1)
    for number in (0, 17, sample.num_frames - 1):
        shown = int(sample.timeline.shown[number])
        pose = world_to_camera(shown - START) @ np.linalg.inv(world_to_camera(ANCHOR))
        x, y, z, _ = pose @ homogeneous.T
        middle = (DISC.width - 1) / 2, (DISC.height - 1) / 2
        pixels = np.stack([FOCAL * x / z + middle[0], FOCAL * y / z + middle[1]], axis=1)
        wanted = sample.placement.points(pixels)
        fx, fy, cx, cy = poses[number, 1:5]
        x, y, z = (matrices(poses)[number] @ homogeneous.T)[:3]
        # Pixel centres lie at one half in these readers.
        found = np.stack([(fx * x / z + cx) * 200 - 0.5, (fy * y / z + cy) * 240 - 0.5], axis=1)
        assert np.abs(found - wanted).max() < 0.01


def test_the_header_is_one_line(made):
    row, facts = made
    lines = pose_lines(compose(replace(row, relative_path="a\nb\r c.mp4"), facts, FrameProfile()))
    assert lines[0] == "a b c.mp4"
    assert all(len(line.split(" ")) == 19 for line in lines[1:])
    assert "-0.000000000" not in " ".join(lines)


def test_a_clip_without_poses_is_left_out(made):
    row, facts = made
    with pytest.raises(LeftOutError, match="no camera poses"):
        pose_lines(compose(row, replace(facts, camera=None), FrameProfile()))


def test_a_camera_whose_travel_was_not_measured_is_left_out(made):
    row, facts = made
    steps = decode_array(facts.camera.steps)
    steps[8] = np.nan  # frames 24 to 27 of the clip; the sample begins at frame 6
    camera = replace(facts.camera, steps=encode_array(steps))
    profile = FrameProfile(max_frames=10)
    assert pose_lines(compose(row, replace(facts, camera=camera), profile))
    with pytest.raises(LeftOutError, match=r"travel.* not measured .*up to frame 19 of \d+"):
        pose_lines(compose(row, replace(facts, camera=camera), FrameProfile()))


def test_cameractrl_reads_the_folder(tmp_path):
    workspace = build_filmed_workspace(tmp_path)
    out = tmp_path / "out"
    report = run_export(
        workspace, out, ExportPlan(Re10k(FormatOptions()), FolderContainer, profile=TARGET)
    )
    samples = {sample.sample_id: sample for sample in read_samples(workspace)}
    assert report.samples == len(samples) == 2 and not report.left_out
    assert not verify_export(out).problems
    entries = json.loads((out / "re10k.json").read_text("utf-8"))
    assert {entry["clip_name"] for entry in entries} == set(samples)
    for entry in entries:
        sample = samples[entry["clip_name"]]
        assert entry["caption"] == sample.caption
        assert (entry["metric"], entry["focal_known"]) == (True, True)
        poses = read_poses((out / entry["pose_file"]).read_text("utf-8"))
        assert len(poses) == frame_count(out / entry["clip_path"]) == entry["num_frames"]
        shown = sample.anchor + np.rint(poses[:, 0] * 1e-6 * 30000 / 1001 - 1e-6)
        base = np.linalg.inv(world_to_camera(sample.anchor))
        truth = np.stack([world_to_camera(frame) @ base for frame in shown])
        assert np.abs(matrices(poses) - truth).max() < 1e-5


def test_a_workspace_without_poses_gives_an_empty_list(workspace, tmp_path):
    report = run_export(
        workspace, tmp_path / "out", ExportPlan(Re10k(FormatOptions()), FolderContainer)
    )
    assert report.samples == 0
    assert report.left_out == {"the clip has no camera poses": len(list(read_samples(workspace)))}
    assert json.loads((tmp_path / "out" / "re10k.json").read_text()) == []
