"""The `diffsynth` export, read as its trainer reads it and compared with a known truth."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pandas
import pytest
from export_samples import Disc, disc_sample, red_centre
from PIL import Image

from clipmill.canvas.draw import object_colours
from clipmill.demo.scene import visible_masks
from clipmill.demo.truth import load_truth
from clipmill.export.containers.tree import FolderContainer
from clipmill.export.content.compose import LeftOutError, compose
from clipmill.export.content.grid import aligned
from clipmill.export.content.pieces import Piece
from clipmill.export.content.profile import PROFILES
from clipmill.export.content.sample import ExportSample
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.formats.diffsynth import DiffSynth, DiffSynthOptions
from clipmill.export.index_files.metadata import write_metadata
from clipmill.export.job.plan import ExportPlan, ExportReport
from clipmill.export.job.run import run_export
from clipmill.samples.table import read_samples
from clipmill.store.codecs import decode_bits, decode_tracks
from clipmill.store.workspace import Workspace

WAN = PROFILES["wan2.1"].model_copy(update={"size": None})
"""In the size of the small test clips."""
FILES = ("video", "control_video", "vace_video", "vace_video_mask")


def export(workspace: Workspace, out: Path, where: str = "", **options: Any) -> ExportReport:
    plan = ExportPlan(
        DiffSynth(DiffSynthOptions(**options)),
        FolderContainer,
        profile=WAN,
        choice=SampleFilter(where=where),
    )
    return run_export(workspace, out, plan)


@pytest.fixture(scope="module")
def out(workspace: Workspace, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("diffsynth") / "export"
    export(workspace, folder)
    return folder


def read_metadata(path: Path) -> list[dict[str, Any]]:
    """Read a metadata file the way the trainer's data set does, by its extension."""
    if path.suffix == ".json":
        with path.open("r", encoding="ascii") as file:
            return json.load(file)
    if path.suffix == ".jsonl":
        with path.open("r", encoding="ascii") as file:
            return [json.loads(line.strip()) for line in file]
    table = pandas.read_csv(path)
    return [table.iloc[number].to_dict() for number in range(len(table))]


def decode(path: Path) -> np.ndarray:
    """uint8 [T, H, W, 3]."""
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])


def samples_of(workspace: Workspace) -> dict[str, Any]:
    return {row.sample_id: row for row in read_samples(workspace, "training")}


def test_the_three_spellings_say_the_same(workspace, out):
    for stem in ("metadata", "metadata_vace"):
        lines = read_metadata(out / f"{stem}.jsonl")
        assert read_metadata(out / f"{stem}.json") == lines
        table = read_metadata(out / f"{stem}.csv")
        assert len(table) == len(lines)
        for cells, row in zip(table, lines, strict=True):
            assert {"video", "prompt"} <= set(cells) <= set(row)
            for name, cell in cells.items():
                assert (json.loads(cell) if name == "region" else cell) == row[name]
    # Two samples are ready for stage 1 only: their rows are in the first list, plain.
    rows = read_metadata(out / "metadata.jsonl")
    triples = [row for row in rows if "vace_video" in row]
    assert triples == read_metadata(out / "metadata_vace.jsonl")
    stages = {key: row.stage2 for key, row in samples_of(workspace).items()}
    assert {row["sample_id"] for row in triples} == {key for key, ready in stages.items() if ready}
    assert {row["sample_id"] for row in rows if "vace_video" not in row} == {
        key for key, ready in stages.items() if not ready
    }
    assert len(triples) == 8 and len(rows) == 10


def test_prompts_are_the_captions(workspace, out):
    samples = samples_of(workspace)
    for name in ("metadata.jsonl", "metadata.json", "metadata.csv"):
        rows = read_metadata(out / name)
        assert [row["prompt"] for row in rows] == [
            samples[row["sample_id"]].caption for row in rows
        ]
    assert any("\n" in row["prompt"] and '"' in row["prompt"] for row in rows)


def test_all_videos_of_a_row_have_the_same_frames_and_size(out):
    rows = read_metadata(out / "metadata.jsonl")
    for row in rows:
        assert row["num_frames"] % 4 == 1
        assert row["width"] % 16 == 0 and row["height"] % 16 == 0
        for name in FILES:
            if name not in row:
                continue
            assert not Path(row[name]).is_absolute()
            with av.open(str(out / row[name])) as container:
                assert container.streams.video[0].average_rate == 16
                assert container.streams.video[0].pix_fmt == "yuv420p"
                shapes = {(f.width, f.height) for f in container.decode(video=0)}
            assert shapes == {(row["width"], row["height"])}
            assert len(decode(out / row[name])) == row["num_frames"]
        picture = Image.open(out / row["reference_image"])
        assert picture.size == (row["width"], row["height"]) and picture.mode == "RGB"


def test_a_triple_is_the_original_inside_the_region_and_grey_outside(workspace, out):
    samples = samples_of(workspace)
    for row in read_metadata(out / "metadata_vace.json"):
        target, part, mask = (
            decode(out / row[name]) for name in ("video", "vace_video", "vace_video_mask")
        )
        x0, y0, x1, y1 = row["region"]
        inside = np.zeros(target.shape[1:3], bool)
        inside[y0:y1, x0:x1] = True
        assert np.abs(part[:, ~inside].astype(int) - 127).max() <= 3
        error = part[:, inside].astype(float) - target[:, inside]
        assert 10 * np.log10(255**2 / np.mean(error**2)) > 32
        assert (mask[:, inside] == 0).all() and (mask[:, ~inside] == 255).all()
        # The region is the workspace's, four rows further up by the cut, its sides moved inward.
        sample = samples[row["sample_id"]]
        entry = next(e for e in sample.objects if e.object_id == row["object_id"])
        wide = max(entry.regions, key=lambda region: region.area).box
        moved = np.clip(np.subtract(wide, (0, 4, 0, 4)), 0, (384, 208, 384, 208))
        assert (np.array([x0, y0]) - moved[:2] >= 0).all()
        assert (moved[2:] - np.array([x1, y1]) >= 0).all()
        assert np.abs(np.array(row["region"]) - moved).max() < 16
        # By the truth, no pixel of the object is in it at the first frame.
        scene = load_truth(Path(sample.uri + ".truth.json")).scene
        names = [sprite.name for sprite in scene.shots[0].sprites]
        first = sample.start + sample.anchor
        true_mask = visible_masks(scene, first)[names.index(entry.class_name)][4:212]
        assert true_mask.any() and not (true_mask & inside).any()


def test_the_control_video_has_its_dots_on_the_tracks(workspace, out):
    sample = next(row for row in samples_of(workspace).values() if len(row.objects) == 2)
    row = next(
        row for row in read_metadata(out / "metadata.jsonl") if row["sample_id"] == sample.sample_id
    )
    control = decode(out / row["control_video"]).astype(int)
    colours = (object_colours(2) + 1) * 127.5
    checked = 0
    for number in (0, 13, 30, 60):
        source = round(number * sample.fps / 16 - 1e-6)
        # Without scaling; the cut takes four rows from the top.
        places = [decode_tracks(entry.points)[source] - (0, 4) for entry in sample.objects]
        far = np.ones(control.shape[1:3], bool)
        for entry, points, colour in zip(sample.objects, places, colours, strict=True):
            for point, seen in zip(points, decode_bits(entry.visibility)[source], strict=True):
                x, y = np.rint(point).astype(int)
                if not seen or not (0 <= x < 384 and 0 <= y < 208):
                    continue
                far[max(0, y - 8) : y + 9, max(0, x - 8) : x + 9] = False
                others = places[1] if points is places[0] else places[0]
                if np.linalg.norm(others - point, axis=1).min() < 16:
                    continue
                # A small dot loses brightness by its soft border, never its hue.
                spot = control[number, y, x]
                assert np.argmax(spot) == np.argmax(colour) and np.ptp(spot) > 80, (spot, colour)
                checked += 1
        assert (control[number][far] > 245).all()
    assert checked > 30


def test_the_reference_shows_the_object_on_the_background_asked_for(workspace, out, tmp_path):
    samples = samples_of(workspace)
    row = read_metadata(out / "metadata_vace.jsonl")[0]
    where = f"sample_id == '{row['sample_id']}'"
    pictures = {"white": np.asarray(Image.open(out / row["vace_reference_image"]))}
    for background in ("black", "original"):
        folder = tmp_path / background
        export(workspace, folder, where, background=background, control=False)
        found = read_metadata(folder / "metadata_vace.jsonl")[0]
        assert "control_video" not in found
        pictures[background] = np.asarray(Image.open(folder / found["vace_reference_image"]))
    sample = samples[row["sample_id"]]
    reference = sample.objects[0].reference
    image = np.asarray(Image.open(io.BytesIO(reference.png)))
    box = reference.box
    frame = decode(Path(sample.uri))[sample.start + reference.frame]
    around = frame[box[1] : box[3], box[0] : box[2]]
    height, width = image.shape[:2]
    scale = min(384 / width, 208 / height)
    x0, y0 = (384 - round(width * scale)) // 2, (208 - round(height * scale)) // 2
    seen = {"object": 0, "outside": 0}
    for line in range(4, height - 4, 5):
        for column in range(4, width - 4, 5):
            window = slice(line - 3, line + 4), slice(column - 3, column + 4)
            place = round(y0 + (line + 0.5) * scale), round(x0 + (column + 0.5) * scale)
            if np.ptp(around[window], axis=(0, 1)).max() < 60:
                error = pictures["original"][place].astype(int) - around[line, column]
                assert np.abs(error).max() < 40
            if image[window].any(axis=2).all() and np.ptp(image[window], axis=(0, 1)).max() < 60:
                seen["object"] += 1
                for picture in pictures.values():
                    error = picture[place].astype(int) - image[line, column]
                    assert np.abs(error).max() < 40
            elif not image[window].any():
                seen["outside"] += 1
                assert (pictures["white"][place] > 235).all()
                assert (pictures["black"][place] < 20).all()
    assert min(seen.values()) > 5
    margins = {name: picture[0, 0].tolist() for name, picture in pictures.items()}
    assert margins == {"white": [255] * 3, "black": [0] * 3, "original": [255] * 3}


def disc_exported(
    tmp_path: Path, *, region: tuple[int, ...] | None = None, **changes: Any
) -> ExportSample:
    row, facts = disc_sample(Disc(), tmp_path / "disc.mp4")
    entry = row.objects[0]
    if region is not None:
        entry = replace(entry, regions=(replace(entry.regions[0], box=region),))
    entry = replace(entry, **changes.pop("object", {}))
    profile = WAN.model_copy(update={"region_grid": 1})
    return compose(replace(row, objects=(entry,), **changes), facts, profile)


def pieces(sample: ExportSample, scratch: Path, **options: Any) -> list[Piece]:
    scratch.mkdir(exist_ok=True)
    return list(DiffSynth(DiffSynthOptions(**options)).pieces(sample, scratch))


def file_of(piece: Piece, extension: str) -> Path:
    return next(member.file for member in piece.members if member.extension == extension)


def test_dots_lie_on_the_object_of_the_video(tmp_path):
    (piece,) = pieces(disc_exported(tmp_path), tmp_path / "scratch", triples="never")
    video, control = decode(file_of(piece, "mp4")), decode(file_of(piece, "control.mp4"))
    assert len(video) == len(control) == 61
    for number in range(0, 61, 6):
        assert np.abs(red_centre(video[number]) - red_centre(control[number])).max() < 1.5


def test_uneven_sides_keep_the_mask_and_blur_the_grey_only_near_them(tmp_path):
    sample = disc_exported(tmp_path, region=(21, 13, 171, 103))
    (exact,) = pieces(sample, tmp_path / "exact")
    (loose,) = pieces(sample, tmp_path / "loose", align=2)
    assert exact.row["region"] == [32, 16, 160, 96]
    assert loose.row["region"] == [22, 10, 170, 98]
    x0, y0, x1, y1 = loose.row["region"]
    outside = np.ones((352, 640), bool)
    outside[y0:y1, x0:x1] = False
    assert ((decode(file_of(loose, "mask.mp4"))[..., 0] >= 128) == outside).all()
    part = decode(file_of(loose, "vace.mp4")).astype(np.int16)
    assert np.abs(part[:, outside] - 127).max() <= 24
    outside[y0 - 8 : y1 + 8, x0 - 8 : x1 + 8] = False
    assert np.abs(part[:, outside] - 127).max() <= 4


def test_aligned_never_leaves_the_region_and_keeps_the_border():
    assert aligned((1, 15, 384, 207), (384, 208), align=16) == (16, 16, 384, 192)
    assert aligned((0, 0, 384, 208), (384, 208), align=16) == (0, 0, 384, 208)
    assert aligned((3, 3, 15, 40), (384, 208), align=16) is None
    assert aligned((3, 0, 350, 206), (350, 206), align=16) == (16, 0, 350, 206)


def test_regions_that_the_object_enters_come_first(tmp_path):
    sample = disc_exported(tmp_path)
    (entry,) = sample.row.objects
    (region,) = entry.regions
    enters = {(0, 0, 192, 96): None, (0, 0, 96, 48): 5, (16, 0, 160, 80): sample.num_frames}
    regions = tuple(
        replace(region, box=box, area=(box[2] - box[0]) * (box[3] - box[1]), enter_frame=frame)
        for box, frame in enters.items()
    )
    row = replace(sample.row, objects=(replace(entry, regions=regions),))
    made = pieces(replace(sample, row=row), tmp_path / "a", regions=3)
    assert [(piece.row["region"], piece.row["entered"]) for piece in made] == [
        ([0, 0, 96, 48], True), ([0, 0, 192, 96], False), ([16, 0, 160, 80], False),
    ]  # fmt: skip
    largest = pieces(replace(sample, row=row), tmp_path / "b", regions=1, first="largest")
    assert [piece.row["region"] for piece in largest] == [[0, 0, 192, 96]]


def test_regions_of_an_object_share_one_target(tmp_path):
    sample = disc_exported(tmp_path)
    (entry,) = sample.row.objects
    (largest,) = entry.regions
    boxes = [(0, 0, 100, 60), (0, 0, 101, 61), (16, 0, 160, 80), largest.box]
    regions = tuple(
        replace(largest, box=box, area=(box[2] - box[0]) * (box[3] - box[1])) for box in boxes
    )
    row = replace(sample.row, objects=(replace(entry, regions=regions),))
    made = pieces(replace(sample, row=row), tmp_path / "scratch", regions=9)
    # Two of the four become the same by their sides.
    assert [piece.row["region"] for piece in made] == [
        [0, 0, 192, 96], [16, 0, 160, 80], [0, 0, 96, 48],
    ]  # fmt: skip
    assert len({piece.key for piece in made}) == 3
    assert file_of(made[0], "mp4").samefile(file_of(made[2], "mp4"))
    assert len({member.file for piece in made for member in piece.members}) == 15
    limited = pieces(replace(sample, row=row), tmp_path / "less", regions=2)
    assert [piece.row["region"] for piece in limited] == [[0, 0, 192, 96], [16, 0, 160, 80]]
    again = pieces(replace(sample, row=row), tmp_path / "again", regions=2)
    for one, other in zip(limited, again, strict=True):
        for first, second in zip(one.members, other.members, strict=True):
            assert first.file.read_bytes() == second.file.read_bytes()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"object": {"reference": None}}, "has an identity image"),
        ({"object": {"regions": ()}}, "has a region"),
        ({"object": {"stage2": False}}, "not ready for Frame-In / Frame-Out"),
        ({"stage2": False, "stage2_reason": "no caption"}, "Frame-Out: no caption"),
    ],
)
def test_what_has_no_triple_is_left_out_or_becomes_a_plain_row(tmp_path, changes, reason):
    sample = disc_exported(tmp_path, **changes)
    with pytest.raises(LeftOutError, match=reason):
        pieces(sample, tmp_path / "only", triples="only")
    (piece,) = pieces(sample, tmp_path / "auto")
    assert "vace_video" not in piece.row and piece.key == sample.sample_id
    assert ("reference_image" in piece.row) == (sample.row.objects[0].reference is not None)


def test_a_broken_identity_image_leaves_the_sample_out(tmp_path):
    sample = disc_exported(tmp_path)
    (entry,) = sample.origin.objects
    broken = replace(entry.reference, png=entry.reference.png[:40])
    origin = replace(sample.origin, objects=(replace(entry, reference=broken),))
    with pytest.raises(LeftOutError, match=r"identity image of object .* cannot be read"):
        pieces(replace(sample, origin=origin), tmp_path / "scratch")


def test_a_short_sample_is_left_out(workspace, tmp_path):
    plan = ExportPlan(
        DiffSynth(DiffSynthOptions(triples="only", control=False)),
        FolderContainer,
        profile=WAN.model_copy(update={"min_frames": 81}),
    )
    report = run_export(workspace, tmp_path / "export", plan)
    assert report.samples == 2
    assert {reason.split(", ")[1] for reason in report.left_out} == {"81 needed"}


def test_no_prompt_is_lost_in_the_csv(tmp_path):
    hard = ['say "no",\nthen\r\ngo;\ta', "é中🌸 ' \\", "x, y" * 2500]
    prompts = ["", "NA", "null", "None", "nan", *hard]
    rows = [{"video": f"{n}.mp4", "prompt": p, "fps": 16.0} for n, p in enumerate(prompts)]
    rows[3]["vace_video"] = "3.vace.mp4"

    def create(path: str):
        return (tmp_path / path).open("w", encoding="utf-8", newline="")

    write_metadata("metadata", lambda: iter(rows), create, always=("video",))
    assert read_metadata(tmp_path / "metadata.jsonl") == rows
    assert read_metadata(tmp_path / "metadata.json") == rows
    table = read_metadata(tmp_path / "metadata.csv")
    assert [list(cells) for cells in table] == [["video", "prompt", "fps"]] * len(rows)
    assert [cells["prompt"] for cells in table][5:] == prompts[5:]
    assert [cells["prompt"] for cells in table][:5] == [prompt + " " for prompt in prompts[:5]]
    write_metadata("none", lambda: iter(()), create, always=("video", "prompt"))
    assert read_metadata(tmp_path / "none.json") == read_metadata(tmp_path / "none.jsonl") == []
    assert read_metadata(tmp_path / "none.csv") == []


def test_a_sample_that_is_its_whole_source_is_copied(tmp_path):
    row, facts = disc_sample(Disc(height=352, num_frames=61), tmp_path / "disc.mp4")
    profile = WAN.model_copy(update={"fps": None})
    (piece,) = pieces(compose(row, facts, profile), tmp_path / "scratch")
    video = next(member for member in piece.members if member.extension == "mp4")
    assert video.outside and video.file == tmp_path / "disc.mp4"
    assert len(decode(file_of(piece, "vace.mp4"))) == piece.row["num_frames"] == 61
    (encoded,) = pieces(compose(row, facts, profile), tmp_path / "encoded", reencode=True)
    assert file_of(encoded, "mp4").parent == tmp_path / "encoded"
