"""Drawn videos and point files against the truth of a drawn clip."""

import io
import json
import pickle
import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from export_samples import RADIUS, Disc, disc_sample, red_centre

from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.compose import LeftOutError, compose
from clipmill.export.content.pieces import Piece
from clipmill.export.content.profile import PROFILES, FrameProfile
from clipmill.export.content.sample import ExportSample
from clipmill.export.formats.control import Control, ControlOptions
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.export.job.verify import verify_export
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_bits, decode_tracks, encode_bits

DISC = Disc()
START, ANCHOR = 10, 6
TARGET = FrameProfile(fps=Fraction(16), aspect=(20, 11))
EVERYTHING = {"tracks": True, "masks": True, "region": True, "wan_move": True, "ati": True}


def frames_in(path: Path) -> list[np.ndarray]:
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]


def rate_of(path: Path) -> Fraction:
    with av.open(str(path)) as container:
        return Fraction(container.streams.video[0].average_rate)


def make(sample: ExportSample, folder: Path, **options: object) -> tuple[Piece, dict[str, Path]]:
    """Make the files of a sample: the piece, and its files by extension."""
    folder.mkdir(exist_ok=True, parents=True)
    (piece,) = Control(ControlOptions(**options)).pieces(sample, folder)
    return piece, {member.extension: member.file for member in piece.members}


def true_centres(sample: ExportSample) -> np.ndarray:
    """The middle of the disc in the shown frames, in pixels of the export: [T, 2]."""
    return sample.placement.points(DISC.centre(sample.timeline.shown / float(DISC.fps)))


def read_ati(path: Path) -> np.ndarray:
    """Read the array of an ATI file, without PyTorch."""
    with zipfile.ZipFile(path) as file:
        packed = pickle.loads(file.read("archive/data.pkl"))
    with np.load(io.BytesIO(packed)) as arrays:
        assert arrays.files == ["array"]
        return arrays["array"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    path = tmp_path_factory.mktemp("disc") / "disc.mp4"
    return disc_sample(DISC, path, start=START, anchor=ANCHOR)


@pytest.fixture(scope="module")
def sample(made) -> ExportSample:
    return compose(*made, TARGET)


@pytest.fixture(scope="module")
def files(sample, tmp_path_factory) -> dict[str, Path]:
    return make(sample, tmp_path_factory.mktemp("all"), lossless=True, **EVERYTHING)[1]


def test_every_video_has_the_same_frames(sample, files):
    assert sample.num_frames > 40 and sample.size == (640, 352)
    for name in ("mp4", "tracks.mp4", "masks.mp4", "region.mp4"):
        pictures = frames_in(files[name])
        assert len(pictures) == sample.num_frames
        assert pictures[0].shape == (352, 640, 3)
        assert rate_of(files[name]) == 16


def test_discs_are_drawn_where_the_object_is(sample, files):
    radius = max(1.0, 0.014 * 352)
    ys, xs = np.mgrid[:352, :640]
    pictures = zip(
        frames_in(files["mp4"]), frames_in(files["tracks.mp4"]), true_centres(sample), strict=True
    )
    for shown, drawn, centre in pictures:
        weight = drawn.sum(axis=2).astype(float)
        middle = np.array([(xs * weight).sum(), (ys * weight).sum()]) / weight.sum()
        assert np.abs(middle - centre).max() < 0.5
        assert np.abs(middle - red_centre(shown)).max() < 0.5
        off = np.hypot(xs - centre[0], ys - centre[1])
        assert not drawn[off > 9 + radius + 2].any()
        for offset in ((0, 0), (9, 0), (-9, 0), (0, 9), (0, -9)):
            x, y = np.rint(centre + offset).astype(int)
            assert drawn[y, x].tolist() == [255, 0, 0]


def test_hidden_points_are_not_drawn(made, tmp_path):
    row, facts = made
    entry = row.objects[0]
    seen = decode_bits(entry.visibility)
    seen[20:40] = False
    hidden = replace(row, objects=(replace(entry, visibility=encode_bits(seen)),))
    sample = compose(hidden, facts, FrameProfile())
    _, files = make(sample, tmp_path, lossless=True)
    drawn = [picture.any() for picture in frames_in(files["tracks.mp4"])]
    assert drawn == [not 20 <= number < 40 for number in range(sample.num_frames)]


def test_discs_can_be_drawn_over_the_video_in_colours_of_their_place(sample, tmp_path):
    _, files = make(sample, tmp_path, lossless=True, over="video", colour="place")
    pictures = zip(
        frames_in(files["mp4"]), frames_in(files["tracks.mp4"]), true_centres(sample), strict=True
    )
    for shown, drawn, centre in pictures:
        x, y = np.rint(centre).astype(int)
        assert drawn[y, x + 9].tolist() == [255, 128, 0]  # rightmost, half-way down
        assert drawn[y, x - 9].tolist() == [0, 128, 255]
        far = np.abs(drawn.astype(int) - shown)[: max(0, y - 40)]
        assert far.size == 0 or far.max() < 40, "the video is behind the discs"


def test_masks_are_flat_colours_on_the_object(sample, files):
    ys, xs = np.mgrid[:352, :640]
    for drawn, centre in zip(frames_in(files["masks.mp4"]), true_centres(sample), strict=True):
        assert not drawn[:, :, 1:].any()
        assert np.isin(drawn[:, :, 0], (0, 255)).all()
        truth = np.hypot(xs - centre[0], ys - centre[1]) <= RADIUS
        found = drawn.any(axis=2)
        assert (truth & found).sum() / (truth | found).sum() > 0.97


def test_the_region_shows_the_video_and_grey_around_it(sample, files, tmp_path):
    piece, _ = make(sample, tmp_path, tracks=False, region=True)
    x0, y0, x1, y1 = piece.row["region"]["box"]
    # Of 100 lines, four were cut off above; of 200 columns, 192 lie between blocks.
    assert (x0, y0, x1, y1) == (0, 0, 192, 96)
    loose, _ = make(sample, tmp_path / "loose", tracks=False, region=True, align=2)
    assert loose.row["region"]["box"] == [0, 0, 200, 96]
    assert piece.row["region"]["object_id"] == sample.row.objects[0].object_id
    for shown, drawn in zip(frames_in(files["mp4"]), frames_in(files["region.mp4"]), strict=True):
        assert np.abs(drawn[y0:y1, x0:x1].astype(int) - shown[y0:y1, x0:x1]).mean() < 3
        outside = np.ones((352, 640), bool)
        outside[y0:y1, x0:x1] = False
        assert (drawn[outside] == 127).all()


def test_what_was_asked_for_and_cannot_be_had_leaves_the_sample_out(made, tmp_path):
    row, facts = made
    bare = replace(row, objects=(replace(row.objects[0], regions=()),))
    with pytest.raises(LeftOutError, match="no object has a region"):
        make(compose(bare, facts, TARGET), tmp_path, region=True)
    with pytest.raises(LeftOutError, match="no masks"):
        make(compose(row, replace(facts, inout=None), TARGET), tmp_path, masks=True)
    seen = decode_bits(row.objects[0].visibility)
    seen[0] = False
    late = replace(row, objects=(replace(row.objects[0], visibility=encode_bits(seen)),))
    with pytest.raises(LeftOutError, match="first frame"):
        make(compose(late, facts, TARGET), tmp_path, wan_move=True)


def test_wan_move_takes_the_points_of_the_first_frame(made, tmp_path):
    row, facts = made
    seen = decode_bits(row.objects[0].visibility)
    seen[0, 2] = False
    seen[30:50, 1] = False
    entry = replace(row.objects[0], visibility=encode_bits(seen))
    sample = compose(replace(row, objects=(entry,)), facts, TARGET)
    piece, files = make(sample, tmp_path, tracks=False, wan_move=True)
    tracks, visibility = (np.load(files[f"{name}.npy"]) for name in ("tracks", "visibility"))
    assert (tracks.dtype, visibility.dtype) == (np.float32, np.bool_)
    assert tracks.shape == (1, sample.num_frames, 4, 2)
    assert visibility.shape == (1, sample.num_frames, 4)
    assert visibility[0, 0].all() and not visibility[0, :, 1].all()
    assert np.abs(tracks[0, :, 0] - true_centres(sample)).max() < 0.1
    assert piece.row["wan_move_tracks"] == f"wan_move/{sample.sample_id}_tracks.npy"


@pytest.mark.parametrize("profile", [TARGET, FrameProfile(aspect=(20, 11))])
def test_ati_holds_moments_at_24_per_second(made, tmp_path, profile):
    sample = compose(*made, profile)
    _, files = make(sample, tmp_path, tracks=False, ati=True)
    array = read_ati(files["ati.pth"])
    assert array.dtype == np.float32 and array.shape == (5, 121, 1, 3)
    x, y, seen = np.moveaxis(array[:, :, 0] / 8, 2, 0)
    assert set(np.unique(seen)) == {0.0, 1.0}
    lasting = int(sample.num_frames / sample.timeline.fps * 24)
    assert 70 < lasting < 121
    assert seen[:, : lasting - 1].all() and not seen[:, lasting:].any()
    times = (START + ANCHOR) / float(DISC.fps) + np.arange(lasting - 1) / 24
    truth = sample.placement.points(DISC.centre(times))
    assert np.abs(np.stack([x, y], axis=2)[0, : lasting - 1] - truth).max() < 0.2
    assert (x[:, lasting:] == x[:, lasting - 1 : lasting]).all()


def test_ati_files_are_repeatable_and_what_torch_saves(sample, tmp_path):
    paths = [
        make(sample, tmp_path / name, tracks=False, ati=True)[1]["ati.pth"] for name in ("a", "b")
    ]
    assert paths[0].read_bytes() == paths[1].read_bytes()
    torch = pytest.importorskip("torch")
    packed = torch.load(paths[0], weights_only=True)
    with np.load(io.BytesIO(packed)) as arrays:
        assert np.array_equal(arrays["array"], read_ati(paths[0]))


def test_an_export_of_everything(workspace, tmp_path):
    out = tmp_path / "out"
    profile = PROFILES["wan2.1"].model_copy(update={"size": None})
    plan = ExportPlan(Control(ControlOptions(**EVERYTHING)), FolderContainer, profile=profile)
    report = run_export(workspace, out, plan)
    assert not verify_export(out).problems
    samples = {sample.sample_id: sample for sample in read_samples(workspace)}
    rows = [json.loads(line) for line in (out / "control.jsonl").read_text("utf-8").splitlines()]
    assert len(rows) == report.samples > 3
    assert len({tuple(row) for row in rows}) == 1, "all rows have the same columns"
    listed = (out / "wan_move.txt").read_text("utf-8").split("\n")
    assert listed.pop() == "" and len(listed) == len(rows)
    for row, line in zip(rows, listed, strict=True):
        sample = samples[row["sample_id"]]
        assert row["caption"] == sample.caption
        name, caption = line.split(",", 1)
        assert name == f"{row['sample_id']}.mp4"
        assert caption == " ".join(sample.caption.splitlines())
        points = np.load(out / row["wan_move_tracks"])
        assert points.shape[1] == row["num_frames"] == len(frames_in(out / row["tracks"]))
        shown = np.rint(np.arange(row["num_frames"]) / 16 * 25 - 1e-6).astype(int)
        truth = np.concatenate([decode_tracks(entry.points) for entry in sample.objects], axis=1)
        first = np.concatenate([decode_bits(entry.visibility)[0] for entry in sample.objects])
        reached = shown < len(truth)
        # 216 lines become 208: four go above, four below
        moved = truth[shown[reached]] - [0, 4]
        inside = ((moved[0] > -0.5) & (moved[0] < [383.5, 207.5])).all(axis=1)
        assert np.abs(points[0, reached] - moved[:, first & inside]).max() < 0.05


def test_a_whole_video_is_copied_beside_its_drawing(workspace, tmp_path):
    out = tmp_path / "out"
    run_export(workspace, out, ExportPlan(Control(ControlOptions()), FolderContainer))
    samples = {sample.sample_id: sample for sample in read_samples(workspace)}
    copied = 0
    for line in (out / "control.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        sample = samples[row["sample_id"]]
        same = (out / row["video"]).read_bytes() == Path(sample.uri).read_bytes()
        assert same == (sample.anchor == 0)
        assert len(frames_in(out / row["tracks"])) == len(frames_in(out / row["video"]))
        copied += same
    assert copied
