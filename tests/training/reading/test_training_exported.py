"""Samples of an export, held against those of the workspace it was made from."""

import json
import pickle
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402

from clipmill.errors import ClipmillError, UsageError  # noqa: E402
from clipmill.export.containers.registry import find_container  # noqa: E402
from clipmill.export.formats.base import FormatOptions  # noqa: E402
from clipmill.export.formats.canonical import Canonical  # noqa: E402
from clipmill.export.job.plan import ExportPlan  # noqa: E402
from clipmill.export.job.run import run_export  # noqa: E402
from clipmill.store.errors import CorruptFileError  # noqa: E402
from clipmill.store.workspace import Workspace  # noqa: E402
from clipmill.training import (  # noqa: E402
    InOutDataset,
    LoadOptions,
    MotionDataset,
    SampleStream,
    ShardOrder,
    collate,
)
from clipmill.training.reading.files import MissingFileError  # noqa: E402
from clipmill.video.errors import VideoChangedError, VideoMissingError  # noqa: E402

NATIVE = LoadOptions(height=216, width=384, num_frames=49, stride=2)
TINY = LoadOptions(height=32, width=64, num_frames=5)
STAGES = [MotionDataset, InOutDataset]


def by_id(dataset) -> dict:
    return {item.meta.sample_id: item for item in dataset}


@pytest.fixture
def copy(exported: Path, tmp_path: Path) -> Path:
    """An export that may be damaged."""
    return shutil.copytree(exported, tmp_path / "copy")


def only(folder: Path, pattern: str) -> Path:
    return sorted(folder.rglob(pattern))[0]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("size", "containers"),
    [((216, 384), ("exported", "archived", "published")), ((96, 96), ("exported",))],
)
def test_an_export_gives_the_samples_of_its_workspace(workspace, request, stage, size, containers):
    options = replace(NATIVE, height=size[0], width=size[1], point_dropout=0.3, drop_identity=0.3)
    ours = by_id(stage(workspace, options))
    for container in containers:
        theirs = by_id(stage(request.getfixturevalue(container), options))
        assert set(ours) == set(theirs) and len(ours) >= 6, container
        for name, one in ours.items():
            _is_same(one, theirs[name], regions=stage is InOutDataset)


def _is_same(one, other, *, regions):
    """Compare a sample of the workspace with that of an export of it."""
    assert one.caption == other.caption
    assert one.meta.caption_origin == other.meta.caption_origin != ""
    assert one.meta.object_ids == other.meta.object_ids
    assert one.meta.class_names == other.meta.class_names
    assert one.meta.fps == pytest.approx(other.meta.fps)
    for here, there in zip(one.points, other.points, strict=True):
        assert here.shape == there.shape and (here - there).abs().max() <= 1 / 16
    assert all(map(torch.equal, one.visibility, other.visibility))
    # Compression is all that is lost, on average a few of 255 levels.
    assert (one.video - other.video).abs().mean() < 4 / 127.5
    assert (one.trajectory - other.trajectory).abs().max() < 0.2
    moved = np.diff(one.meta.frames)
    assert (np.diff(other.meta.frames) == moved).all() and other.meta.frames[0] == 0
    if regions:
        assert torch.equal(one.region, other.region)
        assert torch.equal(one.region_mask, other.region_mask)
        assert torch.equal(one.identity, other.identity)
        assert one.meta.identity == other.meta.identity
        assert one.meta.identity_dropped == other.meta.identity_dropped


def test_tracks_end_where_they_ended_in_the_workspace(workspace, exported):
    """Behind its tracks an export has points that stand still; those are no tracks."""
    options = replace(TINY, num_frames=129, min_frames=5)
    ours, theirs = MotionDataset(workspace, options), MotionDataset(exported, options)
    lengths = {name: len(item.video) for name, item in by_id(ours).items()}
    assert lengths == {name: len(item.video) for name, item in by_id(theirs).items()}
    assert any(lengths[ours.sample_id(k)] + 3 < ours.index.num_frames[k] for k in range(len(ours)))


def test_orders_and_workers(exported):
    dataset = InOutDataset(str(exported), TINY)
    order = ShardOrder(dataset)
    first = list(order)
    assert sorted(first) == list(range(len(dataset))) and len(set(dataset.index.shard)) == len(
        first
    )
    loader = DataLoader(
        dataset, sampler=order, batch_size=None, num_workers=2, multiprocessing_context="fork"
    )
    ids = [dataset.sample_id(k) for k in first]
    assert [item.meta.sample_id for item in loader] == ids
    assert [item.meta.sample_id for item in SampleStream(dataset)] == ids
    carried = pickle.loads(pickle.dumps(dataset))
    assert torch.equal(carried[1].video, dataset[1].video)


def test_shards_are_read_in_place(archived):
    dataset = InOutDataset(archived, TINY)
    shards = dataset.index.shard
    assert 2 <= shards.max() + 1 < len(dataset), "several shards, of several samples"
    order = list(ShardOrder(dataset))
    assert (np.diff(shards[order]) != 0).sum() == shards.max()
    loader = DataLoader(
        dataset, sampler=order, batch_size=None, num_workers=2, multiprocessing_context="fork"
    )
    assert [item.meta.sample_id for item in loader] == [dataset.sample_id(k) for k in order]


def test_damaged_shards(archived, tmp_path):
    copied = shutil.copytree(archived, tmp_path / "copy")
    dataset = InOutDataset(copied, TINY)
    shard = only(copied, "*.tar")
    inside = int((dataset.index.shard == dataset.index.shard[0]).sum())
    good = shard.read_bytes()
    shard.write_bytes(good.replace(b".npz\0", b".npy\0"))
    with pytest.raises(MissingFileError, match=rf"{shard.name} has no member .*export again"):
        dataset[0]
    shard.write_bytes(b"\xff" * len(good))
    with pytest.raises(CorruptFileError, match=rf"{shard.name} cannot be read.*export again"):
        dataset[0]
    shard.unlink()
    with pytest.raises(MissingFileError, match=rf"{shard.name} cannot be read"):
        dataset[0]
    with pytest.warns(UserWarning) as warned:
        lenient = InOutDataset(copied, replace(TINY, on_error="next"))
        assert lenient[0].meta.sample_id == dataset.sample_id(inside)
    assert len(warned) == inside


def test_what_is_no_place_for_samples(tmp_path, exported, workspace):
    with pytest.raises(UsageError, match=r"nowhere is no folder"):
        MotionDataset(tmp_path / "nowhere", TINY)
    with pytest.raises(UsageError, match=r"neither a workspace nor an export.*clipmill export"):
        MotionDataset(tmp_path, TINY)
    marker = tmp_path / "clipmill-export.json"
    for about, message in (
        (
            '{"export": "plain/folder", "complete": true}',
            "kind plain/folder.*clipmill export",
        ),
        ('{"export": "canonical/folder", "complete": false}', "not finished; run it again"),
        ('{"export": "canonical/folder", "complete": true}', r"manifest\.jsonl is missing"),
        ("{", "cannot be read"),
        ("[]", "cannot be read"),
    ):
        marker.write_text(about)
        with pytest.raises(UsageError, match=message):
            MotionDataset(tmp_path, TINY)
    marker.write_text('{"export": "canonical/folder", "complete": true}')
    (tmp_path / "manifest.jsonl").touch()
    with pytest.raises(UsageError, match="holds no sample"):
        MotionDataset(tmp_path, TINY)
    (tmp_path / "manifest.jsonl").write_text('{"pieces": []}\n{"pieces": [{}]}\n')
    with pytest.raises(CorruptFileError, match=r"manifest\.jsonl, line 2,.*run the export again"):
        MotionDataset(tmp_path, TINY)
    # The path of a workspace and the workspace itself are the same.
    assert len(MotionDataset(workspace.root, TINY)) == len(MotionDataset(workspace, TINY))


def change_marker(folder: Path, **settings) -> None:
    marker = folder / "clipmill-export.json"
    about = json.loads(marker.read_text("utf-8"))
    about["settings"] |= settings
    marker.write_text(json.dumps(about))


@pytest.mark.parametrize("stage", STAGES)
def test_an_export_of_the_first_version_is_read(copy, exported, stage):
    """Rows had no origin of the caption, lines no colours, objects no tracked frames."""
    change_marker(copy, version=1)
    for path in (copy / "samples").rglob("*.json"):
        described = json.loads(path.read_text())
        for entry in described["objects"]:
            del entry["tracked_frames"]
        path.write_text(json.dumps(described))
    lines = []
    for line in (copy / "manifest.jsonl").read_text().splitlines():
        entry = json.loads(line)
        for piece in entry["pieces"]:
            del piece["row"]["caption_origin"]
            for file in piece["files"]:
                del file["colours"]
                file["bytes"] = (copy / file["path"]).stat().st_size
        lines.append(json.dumps(entry) + "\n")
    (copy / "manifest.jsonl").write_text("".join(lines))
    before, now = by_id(stage(copy, TINY)), by_id(stage(exported, TINY))
    assert set(before) == set(now) and before
    for name, one in before.items():
        assert one.caption == now[name].caption and torch.equal(one.video, now[name].video)
        assert one.meta.caption_origin == now[name].meta.caption_origin


def test_an_export_of_a_later_version_is_refused(copy):
    change_marker(copy, version=99)
    with pytest.raises(UsageError, match=r"files of version 99, .*reads those up to \d+; install"):
        MotionDataset(copy, TINY)


def test_a_sample_without_its_arrays_in_the_manifest(copy):
    manifest = copy / "manifest.jsonl"
    first, *others = manifest.read_text().splitlines(keepends=True)
    entry = json.loads(first)
    files = entry["pieces"][0]["files"]
    entry["pieces"][0]["files"] = [f for f in files if not f["path"].startswith("arrays/")]
    manifest.write_text(json.dumps(entry) + "\n" + "".join(others))
    match = r"manifest\.jsonl names no \.npz of sample .*run the export again"
    one_fails(copy, MotionDataset, MissingFileError, match)


def one_fails(folder: Path, stage, error: type[Exception], match: str) -> None:
    """One sample cannot be read; with `next` its neighbour comes in its place."""
    dataset = stage(folder, TINY)
    failed = 0
    for number in range(len(dataset)):
        try:
            dataset[number]
        except ClipmillError as found:
            assert type(found) is error and re.search(match, str(found)), found
            failed += 1
    assert failed == 1
    lenient = stage(folder, replace(TINY, on_error="next"))
    with pytest.warns(UserWarning, match=match):
        assert len(list(lenient)) == len(dataset)


def drawn_image(copy: Path) -> Path:
    """The identity image of the first sample's object: which one is drawn depends on the ids."""
    name = InOutDataset(copy, TINY)[0].meta.identity
    return only(copy / "identity", f"{name}/0.png")


def test_a_missing_identity_image(copy):
    drawn_image(copy).unlink()
    assert len(by_id(MotionDataset(copy, TINY))) == len(MotionDataset(copy, TINY))
    match = r"identity/.*0\.png cannot be read .*run the export again"
    one_fails(copy, InOutDataset, MissingFileError, match)


def test_a_changed_identity_image(copy):
    image = drawn_image(copy)
    image.write_bytes(image.read_bytes()[:-9])
    one_fails(copy, InOutDataset, MissingFileError, r"0\.png has \d+ bytes, but had \d+")


@pytest.mark.parametrize("stage", STAGES)
def test_a_missing_or_changed_video(copy, stage):
    video = only(copy / "videos", "*.mp4")
    video.write_bytes(video.read_bytes() + b"more")
    one_fails(copy, stage, VideoChangedError, r"videos/.*\.mp4")
    video.unlink()
    one_fails(copy, stage, VideoMissingError, r"videos/.*\.mp4")


def rewritten(path: Path, data: bytes) -> None:
    """Write other bytes of the same length, so that their size tells nothing."""
    size = path.stat().st_size
    path.write_bytes(data.ljust(size, b"\0")[:size])


def test_corrupt_arrays(copy):
    arrays = only(copy / "arrays", "*.npz")
    good = arrays.read_bytes()
    half = len(good) // 2
    for bad in (b"no zip at all", good[:half], good[:half] + b"\xff" * 64 + good[half + 64 :]):
        rewritten(arrays, bad)
        one_fails(copy, MotionDataset, CorruptFileError, rf"{arrays.name} cannot be read.*export")


@pytest.mark.parametrize("lost", ["tracks", "object_id", "visibility"])
def test_arrays_that_do_not_belong_together(copy, lost):
    path = only(copy / "arrays", "*.npz")
    with np.load(path) as file:
        arrays = dict(file)
    for change in (None, arrays[lost][:-1]):
        left = {k: v for k, v in arrays.items() if k != lost}
        np.savez_compressed(path, **left, **({} if change is None else {lost: change}))
        forget_size(copy, path)
        one_fails(copy, MotionDataset, CorruptFileError, f"{path.name} cannot be read")


def forget_size(folder: Path, path: Path) -> None:
    """Make the manifest agree with a file's size."""
    manifest = folder / "manifest.jsonl"
    lines = []
    for line in manifest.read_text().splitlines():
        entry = json.loads(line)
        for file in entry["pieces"][0]["files"] if entry["pieces"] else ():
            if folder / file["path"] == path:
                file["bytes"] = path.stat().st_size
        lines.append(json.dumps(entry))
    manifest.write_text("\n".join(lines) + "\n")


def test_a_corrupt_description(copy):
    described = only(copy / "samples", "*.json")
    rewritten(described, b'{"objects": [{}]}')
    one_fails(copy, MotionDataset, CorruptFileError, f"{described.name} cannot be read")
    rewritten(described, b"{")
    one_fails(copy, MotionDataset, CorruptFileError, f"{described.name} cannot be read")


def test_an_export_written_anew(copy):
    dataset = MotionDataset(copy, TINY)
    manifest = copy / "manifest.jsonl"
    lines = manifest.read_text().splitlines()
    manifest.write_text("\n".join(reversed(lines)) + "\n")
    with pytest.raises(UsageError, match="written again since this dataset was opened"):
        dataset[0]


HOSTILE = "one\ntwo\r\n\"three\", 'four' \\ \u2028 é " + "x" * 10_000


@pytest.fixture(scope="module")
def hostile(workspace, tmp_path_factory) -> tuple[Workspace, Path]:
    """A workspace whose captions are hostile, and an export of it."""
    folder = tmp_path_factory.mktemp("hostile")
    changed = shutil.copytree(workspace.root, folder / "ws")
    for part in sorted((changed / "samples" / "training").glob("*.parquet")):
        table = pq.read_table(part)
        place = table.schema.get_field_index("caption")
        table = table.set_column(place, "caption", pa.array([HOSTILE] * len(table)))
        pq.write_table(table, part)
    opened = Workspace.open(changed)
    plan = ExportPlan(Canonical(FormatOptions()), find_container("folder"))
    run_export(opened, folder / "out", plan)
    return opened, folder / "out"


@pytest.mark.parametrize("stage", STAGES)
def test_hostile_captions_survive_export_and_loading(hostile, stage):
    """Newlines, quotes, 10,000 characters: through parquet, export, loader and worker."""
    for place in hostile:
        dataset = stage(place, TINY)
        loader = DataLoader(
            dataset, batch_size=len(dataset), num_workers=1, collate_fn=collate,
            multiprocessing_context="fork",
        )  # fmt: skip
        (batch,) = loader
        assert batch["caption"] == [HOSTILE] * len(dataset)
