"""The `videox-fun` export, read as its trainer reads it and compared with a known truth."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from export_samples import Disc, disc_sample, red_centre
from PIL import Image

from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.compose import LeftOutError, compose
from clipmill.export.content.pieces import Piece
from clipmill.export.content.profile import PROFILES
from clipmill.export.content.sample import CameraPath, ExportSample
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.videox_fun import VideoXFun, VideoXFunOptions
from clipmill.export.job.plan import ExportPlan, ExportReport
from clipmill.export.job.run import run_export
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace

WAN = PROFILES["wan2.1"].model_copy(update={"size": None})
"""In the size of the small test clips."""


def export(workspace: Workspace, out: Path, where: str = "", **options: Any) -> ExportReport:
    plan = ExportPlan(
        VideoXFun(VideoXFunOptions(**options)),
        FolderContainer,
        profile=WAN,
        choice=SampleFilter(where=where),
    )
    return run_export(workspace, out, plan)


@pytest.fixture(scope="module")
def out(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("videox") / "export"
    export(workspace, folder)
    return folder


def read_list(folder: Path) -> list[dict[str, Any]]:
    with (folder / "metadata.json").open("r", encoding="ascii") as file:
        return json.load(file)


def decode(path: str | Path) -> np.ndarray:
    """uint8 [T, H, W, 3]."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def read_item(row: dict[str, Any], data_root: Path) -> tuple[np.ndarray, np.ndarray | None, list]:
    """Read a row as the trainer does: videos below the data root, objects as they are named."""
    video = decode(data_root / row["file_path"])
    control = row["control_file_path"]
    pictures = decode(data_root / control) if control is not None else None
    objects = [np.array(Image.open(name)) for name in row["object_file_path"][:4]]
    return video, pictures, objects


def read_poses(path: Path) -> list[list[float]]:
    """Read a pose file as the trainer does: behind the first line, split at single spaces."""
    with path.open() as file:
        lines = file.readlines()
    return [[float(number) for number in line.strip().split(" ")] for line in lines[1:]]


def test_every_row_reads_as_the_trainer_reads_it(workspace, out, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    samples = list(read_samples(workspace, "training"))
    rows = read_list(out)
    assert [row["text"] for row in rows] == [sample.caption for sample in samples]
    assert any("\n" in row["text"] and '"' in row["text"] for row in rows)
    for row, sample in zip(rows, samples, strict=True):
        assert row["type"] == "video"
        video, control, objects = read_item(row, out)
        assert video.shape == control.shape
        assert video.shape[1:3] == (row["height"], row["width"]) == (208, 384)
        assert len(video) % 4 == 1 and len(video) <= 81
        # The object images are those of the workspace, black or white where the mask is 0.
        pictured = sorted((o for o in sample.objects if o.reference), key=lambda o: -o.area)
        assert len(objects) == len(pictured) == len(row["object_file_path"])
        for name, picture, entry in zip(row["object_file_path"], objects, pictured, strict=True):
            assert Path(name).is_absolute()
            image = np.asarray(Image.open(io.BytesIO(entry.reference.png)))
            outside = ~image.any(axis=2)
            assert outside.any() and picture.shape == image.shape
            assert (picture[~outside] == image[~outside]).all()
            # White is what black reaches from the border; specks of black in the object stay.
            white = (picture[outside] == 255).all(axis=1)
            assert white.mean() > 0.95
    assert max(len(row["object_file_path"]) for row in rows) == 2


def made(sample: ExportSample, scratch: Path, **options: Any) -> Piece:
    scratch.mkdir(exist_ok=True)
    (piece,) = VideoXFun(VideoXFunOptions(**options)).pieces(sample, scratch)
    return piece


def file_of(piece: Piece, extension: str) -> Path:
    return next(member.file for member in piece.members if member.extension == extension)


@pytest.fixture
def disc(tmp_path: Path) -> ExportSample:
    row, facts = disc_sample(Disc(), tmp_path / "disc.mp4")
    return compose(row, facts, WAN)


@pytest.mark.parametrize("background", ["white", "black"])
def test_dots_lie_on_the_object_of_the_video(disc, tmp_path, background):
    piece = made(disc, tmp_path / "scratch", control_background=background)
    video, control = decode(file_of(piece, "mp4")), decode(file_of(piece, "control.mp4"))
    assert len(video) == len(control) == 61
    level = 255 if background == "white" else 0
    assert np.abs(control[:, 0, 0].astype(int) - level).max() < 4
    for number in range(0, 61, 6):
        assert np.abs(red_centre(video[number]) - red_centre(control[number])).max() < 1.5


def test_camera_poses_are_the_control_file(disc, tmp_path):
    count = disc.num_frames
    poses = np.tile(np.eye(4), (count, 1, 1))
    poses[:, 0, 3] = np.linspace(0, 3, count)
    matrices = np.tile(np.diag([500.0, 400.0, 1.0]), (count, 1, 1))
    matrices[:, :2, 2] = (319.5, 175.5)
    camera = CameraPath(poses, matrices, metric=True, focal_known=True)
    piece = made(replace(disc, camera=camera), tmp_path / "scratch", control="camera")
    assert piece.row["control_file_path"].endswith(f"{disc.sample_id}.txt")
    lines = read_poses(file_of(piece, "control.txt"))
    assert len(lines) == count == len(decode(file_of(piece, "mp4")))
    assert {len(line) for line in lines} == {19}
    for line, pose in zip(lines, poses, strict=True):
        assert line[1:5] == pytest.approx([500 / 640, 400 / 352, 0.5, 0.5])
        assert np.array(line[7:]).reshape(3, 4) == pytest.approx(pose[:3], abs=1e-6)
    seconds = np.array([line[0] for line in lines]) / 1e6
    assert seconds == pytest.approx(np.arange(count) / 16, abs=1e-6)


def test_samples_without_poses_are_left_out_when_poses_are_wanted(workspace, tmp_path):
    report = export(workspace, tmp_path / "export", control="camera")
    assert report.samples == 0 and report.failed == 0
    assert sum(report.left_out.values()) == 8
    assert all("camera" in reason for reason in report.left_out)
    assert read_list(tmp_path / "export") == []


def test_no_control_and_another_root(workspace, tmp_path):
    out = tmp_path / "export"
    export(workspace, out, "num_objects == 2", control="none", root="/data/set", objects=1)
    rows = read_list(out)
    assert len(rows) == 2 and not (out / "control").exists()
    for row in rows:
        assert row["control_file_path"] is None
        (name,) = row["object_file_path"]
        assert name.startswith("/data/set/objects/")
        assert (out / Path(name).relative_to("/data/set")).is_file()
        video, control, _ = read_item({**row, "object_file_path": []}, out)
        assert control is None and len(video) > 1


def test_the_four_largest_objects_are_taken(disc, tmp_path):
    (entry,) = disc.row.objects
    areas = [0.01, 0.2, 0.05, 0.4, 0.3, 0.1]
    many = tuple(
        replace(entry, object_id=f"{disc.sample_id}-o{number:02}", area=area)
        for number, area in enumerate(areas)
    )
    sample = replace(
        disc, row=replace(disc.row, objects=many), origin=replace(disc.origin, objects=many)
    )
    paths = made(sample, tmp_path / "scratch", control="none").row["object_file_path"]
    assert [path[-7:-4] for path in paths] == ["o03", "o04", "o01", "o05"]


def test_an_object_keeps_its_surroundings_when_asked(disc, tmp_path):
    piece = made(disc, tmp_path / "scratch", control="none", background="original")
    picture = np.asarray(Image.open(file_of(piece, "o00.png"))).astype(int)
    x0, y0, x1, y1 = disc.origin.objects[0].reference.box
    frame = Disc().frame(disc.origin.start + disc.origin.objects[0].reference.frame)
    assert np.abs(picture - frame[y0:y1, x0:x1]).max() < 12


def test_broken_and_missing_identity_images(disc, tmp_path):
    (entry,) = disc.origin.objects
    broken = replace(entry, reference=replace(entry.reference, png=b"\x89PNG nothing"))
    sample = replace(disc, origin=replace(disc.origin, objects=(broken,)))
    with pytest.raises(LeftOutError, match="cannot be read"):
        made(sample, tmp_path / "broken")
    without = (replace(entry, reference=None),)
    sample = replace(
        disc, row=replace(disc.row, objects=without), origin=replace(disc.origin, objects=without)
    )
    assert made(sample, tmp_path / "none", control="none").row["object_file_path"] == []


def test_long_and_hostile_texts(disc, tmp_path):
    texts = ["", 'a "b"\n\r\n\t\\ é中🌸', "words, " * 2000]
    rows = [
        made(
            replace(disc, row=replace(disc.row, caption=text)),
            tmp_path / f"{number}",
            control="none",
            objects=0,
        ).row
        for number, text in enumerate(texts)
    ]

    def create(path: str):
        return (tmp_path / path).open("w", encoding="utf-8", newline="")

    VideoXFun(VideoXFunOptions()).write_indices(lambda: iter(rows), create)
    assert [row["text"] for row in read_list(tmp_path)] == texts
