"""Samples of a real workspace, loaded for both stages and held against the truth."""

import dataclasses
import io
import pickle
import re
import shutil
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch")

from PIL import Image  # noqa: E402
from torch.utils.data import DataLoader  # noqa: E402
from workspaces import workspace_with  # noqa: E402

import clipmill  # noqa: E402
from clipmill.demo.scene import visible_masks  # noqa: E402
from clipmill.demo.truth import load_truth  # noqa: E402
from clipmill.errors import ClipError, UsageError  # noqa: E402
from clipmill.samples.schema import SampleRow  # noqa: E402
from clipmill.samples.table import read_samples  # noqa: E402
from clipmill.store.codecs import decode_bits, decode_tracks, encode_bits, encode_tracks  # noqa: E402
from clipmill.store.errors import CorruptFileError  # noqa: E402
from clipmill.store.workspace import Workspace  # noqa: E402
from clipmill.training import (  # noqa: E402
    InOutDataset,
    InOutSample,
    LoadOptions,
    MotionDataset,
    SampleMeta,
    SampleStream,
    ShardOrder,
    collate,
    object_colours,
)
from clipmill.video import VideoReader  # noqa: E402
from clipmill.video.errors import VideoChangedError, VideoError, VideoMissingError  # noqa: E402
from clipmill.video.writing.writer import VideoWriter  # noqa: E402

SMALL = LoadOptions(height=96, width=160, num_frames=49)
NATIVE = LoadOptions(height=216, width=384, num_frames=49, stride=2)


@pytest.fixture(scope="module")
def samples(workspace: Workspace) -> dict[str, SampleRow]:
    return {sample.sample_id: sample for sample in read_samples(workspace)}


def equal(one, other) -> bool:
    return (
        one.meta == other.meta
        and torch.equal(one.video, other.video)
        and torch.equal(one.trajectory, other.trajectory)
        and torch.equal(one.first_frame, other.first_frame)
    )


@pytest.mark.parametrize("stage", [MotionDataset, InOutDataset])
@pytest.mark.parametrize("stride", [1, 2])
def test_every_sample_loads(workspace, samples, stage, stride):
    dataset = stage(workspace, replace(SMALL, stride=stride))
    number = dataset.stage
    span = 48 * stride + 1
    wanted = {
        s.sample_id
        for s in samples.values()
        if (s.stage1 if number == 1 else s.stage2) and s.num_frames >= span
    }
    assert {dataset.sample_id(k) for k in range(len(dataset))} == wanted
    assert len(wanted) >= 6
    for item in dataset:
        sample = samples[item.meta.sample_id]
        first = sample.start + sample.anchor
        assert item.meta.frames == tuple(range(first, first + span, stride))
        assert item.meta.fps * stride == item.meta.source_fps == sample.fps
        assert item.caption == sample.caption
        assert item.meta.caption_origin == sample.caption_origin != ""
        for picture in (item.video, item.trajectory):
            assert picture.shape == (49, 3, 96, 160) and picture.dtype == torch.float32
            assert -1 <= picture.min() < picture.max() <= 1
        assert [p.shape[0] for p in item.points] == [49] * len(item.points)


def test_the_video_is_the_one_of_the_file(workspace, samples):
    item = MotionDataset(workspace, NATIVE)[1]
    with VideoReader(item.meta.uri) as reader:
        frames = reader.frames(item.meta.frames)
    restored = ((item.video + 1) * 127.5).round().to(torch.uint8).permute(0, 2, 3, 1)
    assert (restored.numpy() == frames).all()
    assert torch.equal(item.first_frame, item.video[0])


@pytest.mark.parametrize(
    ("height", "width", "fit"),
    [(216, 384, "crop"), (144, 144, "crop"), (300, 200, "stretch"), (324, 384, "crop")],
)
def test_drawn_tracks_lie_on_their_object(workspace, height, width, fit):
    """By colour and position: what is drawn in an object's colour lies on the object's mask."""
    options = LoadOptions(height=height, width=width, num_frames=49, stride=2, fit=fit)
    dataset = MotionDataset(workspace, options)
    drawn = 0
    for item in dataset:
        scene = load_truth(Path(item.meta.uri + ".truth.json")).scene
        names = [sprite.name for sprite in scene.shots[0].sprites]
        for place in (0, 20, 48):
            masks = visible_masks(scene, item.meta.frames[place])
            for k, name in enumerate(item.meta.class_names):
                colour = torch.from_numpy(object_colours(k + 1)[k])[:, None, None]
                off = (item.trajectory[place] - colour).abs().max(dim=0).values
                found = (off < 0.7).numpy()
                mask = masks[names.index(name)].astype(np.uint8) * 255
                moved = _moved(mask, height, width, fit)
                around = cv2.dilate(moved, np.ones((7, 7)))  # a dot may reach over the rim
                seen = item.visibility[k][place]
                x, y = item.points[k][place][seen].round().long().T
                inside = (x >= 0) & (x < width) & (y >= 0) & (y < height)
                if not inside.any():
                    assert not found.any()
                else:
                    assert found[y[inside], x[inside]].mean() > 0.7
                    assert (moved[y[inside], x[inside]] > 50).mean() > 0.9
                    assert (around[found] > 100).mean() > 0.97
                    drawn += 1
    assert drawn > 20


def _moved(mask: np.ndarray, height: int, width: int, fit: str) -> np.ndarray:
    """Scale and crop a picture by Pillow, which knows nothing of our placement."""
    image = Image.fromarray(mask)
    if fit == "stretch":
        return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR))
    scale = max(width / image.width, height / image.height)
    cut = width / scale, height / scale
    x, y = (image.width - cut[0]) / 2, (image.height - cut[1]) / 2
    box = (x, y, x + cut[0], y + cut[1])
    return np.asarray(image.resize((width, height), Image.Resampling.BILINEAR, box=box))


def test_hidden_points_are_not_drawn(samples, tmp_path):
    base = next(s for s in samples.values() if s.num_objects == 1)
    (entry,) = base.objects
    seen = decode_bits(entry.visibility)
    seen[10:20] = False
    hidden = replace(base, objects=(replace(entry, visibility=encode_bits(seen)),))
    item = MotionDataset(workspace_with(tmp_path / "ws", hidden), SMALL)[0]
    blank = (item.trajectory == SMALL.style.background).flatten(1).all(dim=1)
    assert blank.nonzero().flatten().tolist() == list(range(10, 20))


def test_stage_two_keeps_what_the_region_allows(workspace, samples):
    dataset = InOutDataset(workspace, NATIVE)
    dropped = 0
    for item in dataset:
        sample = samples[item.meta.sample_id]
        objects = {entry.object_id: entry for entry in sample.objects}
        chosen = objects[item.meta.identity]
        x0, y0, x1, y1 = item.region.tolist()
        assert (x0, y0, x1, y1) in {region.box for region in chosen.regions}
        mask = torch.zeros(1, 216, 384)
        mask[:, y0:y1, x0:x1] = 1
        assert torch.equal(mask, item.region_mask)
        inside = mask.bool().expand(3, -1, -1)
        assert torch.equal(item.first_frame[inside], item.video[0][inside])
        assert (item.first_frame[~inside] == -1).all()
        for object_id, points in zip(item.meta.object_ids, item.points, strict=True):
            start = decode_tracks(objects[object_id].points)[0]
            if object_id == item.meta.identity:
                assert len(points[0]) == len(start)
            else:
                kept = ((start >= [x0, y0]) & (start < [x1, y1])).all(axis=1)
                assert len(points[0]) == kept.sum()
        dropped += set(objects) != set(item.meta.object_ids)
        with Image.open(io.BytesIO(chosen.reference.png)) as file:
            aspect = file.width / file.height
        _, ys, xs = (item.identity > -0.99).nonzero(as_tuple=True)
        wide, tall = (xs.max() - xs.min() + 1).item(), (ys.max() - ys.min() + 1).item()
        assert wide == 384 or tall == pytest.approx(216, abs=8)
        assert wide / tall == pytest.approx(aspect, rel=0.15)
    assert dropped, "no sample lost another object"


def test_regions_move_with_the_crop(workspace):
    square = replace(NATIVE, height=108, width=96)
    plain = {item.meta.sample_id: item for item in InOutDataset(workspace, NATIVE)}
    for item in InOutDataset(workspace, square):
        x0, _, x1, _ = plain[item.meta.sample_id].region.tolist()
        left = min(max((x0 + x1) / 4 - 48, 0), 192 - 96)
        expected = [max(0, x0 / 2 - left), 0, min(96, x1 / 2 - left), 108]
        assert item.region.tolist() == pytest.approx(expected, abs=1)
        assert item.region_mask.any()


@pytest.mark.parametrize("stage", [MotionDataset, InOutDataset])
def test_workers_change_nothing(workspace, stage):
    dataset = stage(workspace, replace(SMALL, num_frames=9, point_dropout=0.5, drop_identity=0.5))
    alone = [dataset[k] for k in reversed(range(len(dataset)))][::-1]
    loader = DataLoader(
        dataset, num_workers=2, batch_size=None, persistent_workers=True,
        multiprocessing_context="fork",
    )  # fmt: skip
    assert all(equal(a, b) for a, b in zip(alone, loader, strict=True))
    dataset.set_epoch(1)
    second = list(loader)
    assert all(equal(a, b) for a, b in zip(dataset, second, strict=True))
    assert not all(equal(a, b) for a, b in zip(alone, second, strict=True))
    copy = pickle.loads(pickle.dumps(dataset))
    assert equal(copy[2], second[2])


def test_a_reader_carried_over_a_fork_opens_its_own_files(workspace):
    dataset = MotionDataset(workspace, replace(SMALL, num_frames=5))
    first = dataset[0]
    loader = DataLoader(dataset, num_workers=1, batch_size=None, multiprocessing_context="fork")
    assert equal(next(iter(loader)), first)
    assert equal(dataset[0], first)


def test_dropout_leaves_every_object_a_point(workspace):
    full = MotionDataset(workspace, replace(SMALL, num_frames=5))
    bare = MotionDataset(workspace, replace(SMALL, num_frames=5, point_dropout=1.0))
    some = MotionDataset(workspace, replace(SMALL, num_frames=5, point_dropout=0.5))
    counts = [sum(p.shape[1] for item in data for p in item.points) for data in (bare, some, full)]
    assert counts[0] == sum(len(item.points) for item in full)
    assert counts[0] < counts[1] < counts[2]


def test_the_identity_is_dropped_as_often_as_asked(workspace):
    options = replace(SMALL, num_frames=1, drop_identity=0.4)
    dataset = InOutDataset(workspace, options)
    dropped = []
    for epoch in range(10):
        dataset.set_epoch(epoch)
        for item in dataset:
            dropped.append(item.meta.identity_dropped)
            assert bool((item.identity == -1).all()) == item.meta.identity_dropped
    assert np.mean(dropped) == pytest.approx(0.4, abs=0.15)


def test_a_region_is_one_of_the_largest(samples, tmp_path):
    base = next(s for s in samples.values() if s.stage2 and s.num_objects == 1)
    (entry,) = base.objects
    (region,) = entry.regions
    regions = tuple(
        replace(region, box=(200, 0, 384, 20 * k), area=184 * 20 * k)
        for k in (3, 9, 1, 7, 2, 8, 5, 6)
    )
    sample = replace(base, objects=(replace(entry, regions=regions),))
    dataset = InOutDataset(
        workspace_with(tmp_path / "ws", sample), replace(NATIVE, num_frames=1, min_frames=1)
    )
    found = set()
    for epoch in range(40):
        dataset.set_epoch(epoch)
        found.add(dataset[0].region[3].item())
    assert found == {100, 120, 140, 160, 180}  # of 3, 9, 1, 7, 2, 8, 5, 6 twenties


def test_short_samples_are_left_out_or_shortened(workspace, samples):
    long = MotionDataset(workspace, replace(SMALL, num_frames=81))
    assert len(long) + long.num_too_short == len(samples) and long.num_too_short == 2
    cut = MotionDataset(workspace, replace(SMALL, num_frames=81, min_frames=1, stride=2))
    assert len(cut) == len(samples)
    for item in cut:
        sample = samples[item.meta.sample_id]
        span = min(sample.num_frames, len(decode_tracks(sample.objects[0].points)))
        there = (span + 1) // 2
        assert len(item.video) % 4 == 1 and there - 4 < len(item.video) <= there


def test_tracks_shorter_than_asked_are_an_error(samples, tmp_path):
    base = next(s for s in samples.values() if s.num_objects == 1 and s.num_frames > 100)
    dataset = MotionDataset(workspace_with(tmp_path / "ws", base), replace(SMALL, num_frames=105))
    with pytest.raises(ClipError, match="tracked for 100 frames; 105 frames at stride 1 need 105"):
        dataset[0]


def test_a_missing_video(samples, tmp_path):
    base = next(iter(samples.values()))
    gone = replace(base, sample_id="gone", uri=str(tmp_path / "gone.mp4"))
    workspace = workspace_with(tmp_path / "ws", gone, base)
    options = replace(SMALL, num_frames=5)
    with pytest.raises(VideoMissingError, match=r"gone\.mp4"):
        MotionDataset(workspace, options)[0]
    lenient = MotionDataset(workspace, replace(options, on_error="next"))
    with pytest.warns(UserWarning, match=r"sample gone: .*gone\.mp4"):
        assert lenient[0].meta.sample_id == base.sample_id


@pytest.fixture
def copied(workspace, tmp_path) -> Path:
    """Workspace and videos in a place where they may be damaged."""
    shutil.copytree(Path(workspace.root).parent, tmp_path / "copy")
    root = tmp_path / "copy" / "workspace"
    for part in sorted((root / "samples" / "training").glob("*.parquet")):
        table = pq.read_table(part)
        old, new = str(Path(workspace.root).parent), str(tmp_path / "copy")
        uris = [uri.replace(old, new) for uri in table["uri"].to_pylist()]
        table = table.set_column(table.schema.get_field_index("uri"), "uri", pa.array(uris))
        Workspace.open(root).write_table(f"samples/training/{part.name}", table, rows_per_group=4)
    return root


@pytest.mark.parametrize("stage", [MotionDataset, InOutDataset])
def test_a_video_that_was_changed(copied, stage):
    dataset = stage(copied, replace(SMALL, num_frames=5))
    uri = dataset[0].meta.uri
    assert uri.startswith(str(copied.parent))
    with Path(uri).open("ab") as file:
        file.write(b"more")
    with pytest.raises(VideoChangedError, match=r"bytes but had \d+ when it was listed"):
        dataset[0]
    lenient = stage(copied, replace(SMALL, num_frames=5, on_error="next"))
    with pytest.warns(UserWarning, match="when it was listed"):
        assert lenient[0].meta.uri != uri


def test_a_video_with_other_frames_of_the_same_size(copied):
    """The size tells nothing; the stored frame index does."""
    dataset = MotionDataset(copied, replace(SMALL, num_frames=81, on_error="raise"))
    uri = Path(dataset[0].meta.uri)
    size = uri.stat().st_size
    with VideoWriter(uri, size=(384, 216), fps=Fraction(25), crf=40, gop=24) as writer:
        for _ in range(20):
            writer.add(np.zeros((216, 384, 3), np.uint8))
    uri.write_bytes(uri.read_bytes().ljust(size, b"\0"))
    assert uri.stat().st_size == size
    with pytest.raises(VideoError, match=re.escape(uri.name)):
        dataset[0]


def test_a_corrupt_part(copied):
    options = replace(SMALL, num_frames=5)
    (part,) = sorted((copied / "samples" / "training").glob("*.parquet"))
    dataset = MotionDataset(copied, options)
    lenient = MotionDataset(copied, replace(options, on_error="next"))
    good = bytearray(part.read_bytes())
    group = pq.ParquetFile(part).metadata.row_group(0)
    (column,) = (
        group.column(k)
        for k in range(group.num_columns)
        if group.column(k).path_in_schema.endswith("element.points")
    )
    first = column.dictionary_page_offset or column.data_page_offset
    size = column.total_compressed_size
    good[first : first + size] = b"\xa5" * size
    part.write_bytes(good)
    message = rf"(?s){part.name} cannot be read: .*Run the pipeline again"
    with pytest.raises(CorruptFileError, match=message):
        dataset[0]
    with pytest.warns(UserWarning, match=message):
        assert lenient[0].meta.sample_id == lenient.sample_id(group.num_rows)
    part.write_bytes(bytes(good[: len(good) // 2]))
    with pytest.raises(CorruptFileError, match=message):
        MotionDataset(copied, options)
    part.unlink()
    with pytest.raises(UsageError, match="written again since this dataset was opened"):
        MotionDataset.__getitem__(pickle.loads(pickle.dumps(dataset)), 0)


def test_batches(workspace):
    dataset = InOutDataset(workspace, SMALL)
    batch = next(iter(DataLoader(dataset, batch_size=2, collate_fn=collate)))
    assert batch["video"].shape == (2, 49, 3, 96, 160)
    assert batch["region"].shape == (2, 4)
    assert batch["identity"].shape == (2, 3, 96, 160)
    assert [meta.sample_id for meta in batch["meta"]] == [dataset.sample_id(k) for k in (0, 1)]
    assert len(batch["caption"]) == 2


def test_orders(samples, tmp_path):
    many = [replace(s, sample_id=f"{k}-{s.sample_id}") for k in range(3) for s in samples.values()]
    workspace = workspace_with(tmp_path / "ws", *many, part=5)
    dataset = MotionDataset(workspace, replace(SMALL, height=16, width=16, num_frames=1))
    order = ShardOrder(dataset)
    first = list(order)
    assert sorted(first) == list(range(len(many))) and first == list(order)
    shards = dataset.index.shard[first]
    assert (np.diff(shards) != 0).sum() == 4, "a shard was left before it was finished"
    dataset.set_epoch(1)
    assert list(order) != first
    dataset.set_epoch(0)
    ranks = [list(ShardOrder(dataset, rank=rank, world=5)) for rank in range(5)]
    assert {len(rank) for rank in ranks} == {4} and len({k for rank in ranks for k in rank}) == 20

    state = order.state_dict(consumed=7)
    dataset.set_epoch(3)
    fresh = ShardOrder(dataset)
    fresh.load_state_dict(state)
    assert list(fresh) == first[7:] and list(fresh) == first

    ids = [dataset.sample_id(k) for k in first]
    stream = SampleStream(dataset)
    taken = iter(stream)
    assert [next(taken).meta.sample_id for _ in range(9)] == ids[:9]
    resumed = SampleStream(dataset)
    resumed.load_state_dict(stream.state_dict())
    assert [item.meta.sample_id for item in resumed] == ids[9:]
    assert [item.meta.sample_id for item in resumed] == ids
    loader = DataLoader(stream, num_workers=2, batch_size=None)
    assert [item.meta.sample_id for item in loader] == ids


def test_the_index_is_small(samples, tmp_path):
    """What 100,000 samples hold in memory follows from the bytes of one."""
    base = next(iter(samples.values()))
    many = [replace(base, sample_id=f"{k:037d}") for k in range(300)]
    dataset = MotionDataset(workspace_with(tmp_path / "ws", *many), SMALL)
    index = dataset.index
    arrays = [v for v in vars(index).values() if isinstance(v, np.ndarray)]
    assert len(arrays) == 7
    assert sum(array.nbytes for array in arrays) <= 100 * len(many)


@pytest.mark.parametrize(
    "bad",
    [
        {"num_frames": 48}, {"min_frames": 50}, {"min_frames": 85}, {"stride": 0},
        {"point_dropout": 1.5}, {"fit": "pad"}, {"height": 0}, {"on_error": "ignore"},
    ],
)  # fmt: skip
def test_options_that_cannot_be_meant(bad):
    with pytest.raises(UsageError, match=next(iter(bad))):
        replace(SMALL, **bad)


def test_a_workspace_without_samples(tmp_path):
    empty = Workspace.open(tmp_path / "ws", create=True)
    with pytest.raises(UsageError, match="no samples called 'training'"):
        MotionDataset(empty, SMALL)


def test_no_object_with_a_point(samples, tmp_path):
    base = next(s for s in samples.values() if s.num_objects == 1)
    (entry,) = base.objects
    bare = replace(
        entry,
        points=encode_tracks(np.zeros((100, 0, 2), np.float32)),
        visibility=encode_bits(np.zeros((100, 0), bool)),
    )
    item = MotionDataset(workspace_with(tmp_path / "ws", replace(base, objects=(bare,))), SMALL)[0]
    assert item.points == () and (item.trajectory == 1).all()


def test_the_document_shows_what_works(exported):
    """The first batch of docs/training.md, at a small size."""
    document = Path(clipmill.__file__).parents[2] / "docs" / "training.md"
    if not document.exists():
        pytest.skip("not a checkout: no documents here")
    text = document.read_text("utf-8")
    code = re.search(r"```python\n(.*?)```", text, re.DOTALL)[1]
    assert len(code.splitlines()) <= 20
    code = code.replace("height=704, width=1280", "height=32, width=64")
    code = code.replace('"my-export"', "exported").replace("num_workers=4", "num_workers=1")
    names = {"exported": exported}
    exec(code.replace("range(10)", "range(1)"), names)
    assert names["batch"]["video"].shape == (1, 49, 3, 32, 64)
    fields = set(re.findall(r"^\| `([\w.]+)`", text, re.MULTILINE))
    known = {f.name for f in dataclasses.fields(InOutSample)} - {"meta"}
    assert fields == known | {f"meta.{f.name}" for f in dataclasses.fields(SampleMeta)}


def test_a_damaged_identity_image_is_an_error(samples, tmp_path):
    base = next(s for s in samples.values() if s.stage2 and s.num_objects == 1)
    (entry,) = base.objects
    for name, png in (("cut", entry.reference.png[:60]), ("none", b"")):
        broken = replace(entry, reference=replace(entry.reference, png=png))
        workspace = workspace_with(tmp_path / name, replace(base, objects=(broken,)))
        with pytest.raises(ClipError, match="identity image"):
            InOutDataset(workspace, replace(SMALL, num_frames=1))[0]
