"""Batches of several shapes, from real clips of several aspect ratios."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch.utils.data import DataLoader  # noqa: E402
from workspaces import workspace_with  # noqa: E402

from clipmill.errors import ClipError, UsageError  # noqa: E402
from clipmill.samples.schema import SampleRow  # noqa: E402
from clipmill.samples.table import read_samples  # noqa: E402
from clipmill.store.codecs import decode_bits, decode_tracks, encode_bits, encode_tracks  # noqa: E402
from clipmill.training import (  # noqa: E402
    BucketBatches,
    Buckets,
    LoadOptions,
    MotionDataset,
    collate,
)
from clipmill.video.writing.writer import VideoWriter  # noqa: E402

BUCKETS = Buckets(((64, 32), (32, 64), (48, 48)), frame_counts=(5, 49, 81))
OPTIONS = LoadOptions(buckets=BUCKETS)
VIDEOS = {"wide": (128, 64), "tall": (72, 128), "square": (96, 90)}
LENGTHS = (20, 60, 90)


def make_video(path: Path, size: tuple[int, int]) -> None:
    """A clip whose first row of pixels tells its frame, in brightness."""
    with VideoWriter(path, size=size, fps=Fraction(25), crf=18, gop=24) as writer:
        for number in range(max(LENGTHS)):
            writer.add(np.full((size[1], size[0], 3), 2 * number, np.uint8))


@pytest.fixture(scope="module")
def mixed(workspace, tmp_path_factory):
    """45 samples of three aspect ratios and three lengths, in turn."""
    folder = tmp_path_factory.mktemp("mixed")
    base = next(s for s in read_samples(workspace) if s.num_objects == 1)
    for name, size in VIDEOS.items():
        make_video(folder / f"{name}.mp4", size)
    samples: list[SampleRow] = []
    for number in range(45):
        name = list(VIDEOS)[number % 3]
        length = LENGTHS[number // 3 % 3]
        width, height = VIDEOS[name]
        samples.append(
            replace(
                base, sample_id=f"{name}-{length}-{number}", uri=str(folder / f"{name}.mp4"),
                video_id=name, start=0, end=length, anchor=0, num_frames=length,
                width=width, height=height,
            )
        )  # fmt: skip
    return workspace_with(folder / "ws", *samples, part=8, rows_per_group=2)


def test_batches_stack_through_a_real_loader(mixed):
    dataset = MotionDataset(mixed, OPTIONS)
    batches = BucketBatches(dataset, batch_size=2, last="pad")
    loader = DataLoader(
        dataset, batch_sampler=batches, num_workers=2, collate_fn=collate,
        multiprocessing_context="fork",
    )  # fmt: skip
    shapes: Counter[tuple[int, ...]] = Counter()
    met: Counter[str] = Counter()
    sizes = {"wide": (32, 64), "tall": (64, 32), "square": (48, 48)}
    counts = {20: 5, 60: 49, 90: 81}
    total = 0
    for batch in loader:
        shapes[tuple(batch["video"].shape)] += 1
        assert batch["trajectory"].shape == batch["video"].shape
        total += 1
        for meta in batch["meta"]:
            name, length, _ = meta.sample_id.split("-")
            assert batch["video"].shape == (2, counts[int(length)], 3, *sizes[name])
            met[meta.sample_id] += 1
    assert total == len(batches) == 27 and len(shapes) == 9  # 5 samples each: two and a half
    assert len(met) == 45 and sum(met.values()) == 54


def test_every_rank_gets_the_same_shapes_and_other_samples(mixed):
    dataset = MotionDataset(mixed, OPTIONS)
    for last, met in (("drop", 36), ("pad", 45)):
        ranks = [
            list(BucketBatches(dataset, batch_size=2, rank=rank, world=2, last=last))
            for rank in range(2)
        ]
        assert len(ranks[0]) == len(ranks[1])
        for one, other in zip(*ranks, strict=True):
            assert len({int(k) for k in dataset.bucket[one + other]}) == 1
            assert len(one) == len(other) == 2
        assert len({k for rank in ranks for batch in rank for k in batch}) == met
        if last == "drop":
            assert sum(len(batch) for rank in ranks for batch in rank) == met, "one came twice"


def test_the_last_batch(mixed):
    dataset = MotionDataset(mixed, OPTIONS)
    sizes = {
        last: Counter(map(len, BucketBatches(dataset, batch_size=2, last=last)))
        for last in ("drop", "pad", "short")
    }
    assert sizes == {"drop": {2: 18}, "pad": {2: 27}, "short": {2: 18, 1: 9}}
    # More than there are: padding repeats them as often as it takes.
    padded = list(BucketBatches(dataset, batch_size=12, last="pad"))
    assert [len(batch) for batch in padded] == [12] * 9
    assert all(len(set(batch)) == 5 for batch in padded)
    assert len(BucketBatches(dataset, batch_size=12)) == 0


def test_batches_depend_on_seed_and_epoch_and_go_on(mixed):
    dataset = MotionDataset(mixed, OPTIONS)
    batches = BucketBatches(dataset, batch_size=2)
    first = list(batches)
    assert list(batches) == first == list(BucketBatches(dataset, batch_size=2))
    dataset.set_epoch(1)
    assert list(batches) != first
    seeded = MotionDataset(mixed, replace(OPTIONS, seed=1))
    assert list(BucketBatches(seeded, batch_size=2)) != first

    dataset.set_epoch(0)
    state = batches.state_dict(consumed=5)
    dataset.set_epoch(9)
    resumed = BucketBatches(dataset, batch_size=2)
    resumed.load_state_dict(state)
    assert len(resumed) == len(first) - 5
    assert list(resumed) == first[5:] and list(resumed) == first


def test_batches_keep_row_groups_together(mixed):
    """Each bucket takes its samples group by group, as the order without buckets does."""
    dataset = MotionDataset(mixed, replace(OPTIONS, buckets=Buckets(((32, 32),), (5,))))
    groups = [set(dataset.index.shard[batch]) for batch in BucketBatches(dataset, batch_size=4)]
    assert len(set.union(*groups)) >= 22 and sum(map(len, groups)) <= 3 * len(groups)
    plain = list(BucketBatches(dataset, batch_size=4, shuffle=False))
    assert plain == [list(range(k, k + 4)) for k in range(0, 44, 4)]


def test_what_cannot_be_read_is_replaced_by_the_same_shape(mixed):
    samples = list(read_samples(mixed))
    gone = replace(samples[0], uri="/nowhere/gone.mp4")
    folder = Path(mixed.root).parent / "gone"
    dataset = MotionDataset(
        workspace_with(folder, gone, *samples[1:], part=8), replace(OPTIONS, on_error="next")
    )
    with pytest.warns(UserWarning, match="gone"):
        item = dataset[0]
    assert item.meta.sample_id == "wide-20-9" and item.video.shape == (5, 3, 32, 64)


def test_a_sample_tracked_for_less_than_its_bucket_is_an_error(mixed, tmp_path):
    samples = [s for s in read_samples(mixed) if s.num_frames == 90]
    (entry,) = samples[0].objects
    short = replace(
        entry,
        points=encode_tracks(decode_tracks(entry.points)[:50]),
        visibility=encode_bits(decode_bits(entry.visibility)[:50]),
    )
    changed = workspace_with(tmp_path / "ws", replace(samples[0], objects=(short,)), *samples[1:])
    with pytest.raises(ClipError, match="tracked for 50 frames; 81 frames at stride 1 need 81"):
        MotionDataset(changed, OPTIONS)[0]
    with pytest.warns(UserWarning, match="tracked for 50 frames"):
        assert len(MotionDataset(changed, replace(OPTIONS, on_error="next"))[0].video) == 81


@pytest.mark.parametrize("multiple", [16, 32])
@pytest.mark.parametrize("pixels", [1280 * 720, 480 * 832, 256 * 256])
def test_sizes_from_a_budget(pixels, multiple):
    found = Buckets.from_pixels(pixels, multiple=multiple)
    assert len(found.sizes) >= 5
    for width, height in found.sizes:
        assert width % multiple == height % multiple == 0
        assert 0.75 * pixels <= width * height <= pixels
        assert 0.45 <= width / height <= 2.2
    assert {(h, w) for w, h in found.sizes} == set(found.sizes), "tall and wide are alike"


def test_the_nearest_size():
    buckets = Buckets(((1280, 704), (704, 1280), (960, 960), (640, 352)))
    width = np.array([1920, 720, 1000, 4000, 640, 1280], np.int32)
    height = np.array([1080, 1280, 1000, 1000, 360, 720], np.int32)
    assert buckets.nearest(width, height).tolist() == [0, 1, 2, 0, 3, 0]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Buckets(()),
        lambda: Buckets(((16, 16), (16, 16))),
        lambda: Buckets(((16, 0),)),
        lambda: Buckets(((16, 16),), frame_counts=(48,)),
        lambda: Buckets.from_pixels(100, multiple=16),
        LoadOptions,
        lambda: LoadOptions(height=64, width=64, buckets=BUCKETS),
        lambda: LoadOptions(buckets=BUCKETS, min_frames=5),
    ],
)
def test_buckets_that_cannot_be_meant(wrong):
    with pytest.raises(UsageError):
        wrong()


@pytest.mark.parametrize(
    "wrong",
    [{"batch_size": 0}, {"rank": 2, "world": 2}, {"last": "no"}, {"last": "short", "world": 2}],
)
def test_batches_that_cannot_be_meant(mixed, wrong):
    with pytest.raises(UsageError):
        BucketBatches(MotionDataset(mixed, OPTIONS), **{"batch_size": 2, **wrong})
