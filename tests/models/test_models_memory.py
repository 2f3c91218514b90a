"""What does not fit into memory is split; a network that refuses above a size stands for a GPU.

On a CPU torch raises another error than `torch.OutOfMemoryError`, so it is raised here by hand.
"""

from collections.abc import Callable

import pytest

from clipmill.errors import ClipError

torch = pytest.importorskip("torch", reason="needs torch (extra frameino)")

from clipmill.models.batching import TooLargeError, in_batches, runs_within, too_large  # noqa: E402
from clipmill.models.cotracker import FEWEST_POINTS, SHORTEST, Tracker  # noqa: E402

TEXT = "CUDA out of memory. Tried to allocate 2.44 GiB. GPU 0 has a total capacity of 8 GiB"


def limited(most: int) -> tuple[Callable[[list[int]], list[int]], list[int]]:
    """Return work that doubles numbers, `most` at a time, and the sizes it was called with."""
    sizes: list[int] = []

    def work(batch: list[int]) -> list[int]:
        sizes.append(len(batch))
        if len(batch) > most:
            raise torch.OutOfMemoryError(TEXT)
        return [2 * number for number in batch]

    return work, sizes


def test_batches_are_halved_until_they_fit_and_stay_small() -> None:
    work, sizes = limited(3)
    assert in_batches(work, list(range(20)), size=16) == list(range(0, 40, 2))
    assert sizes == [16, 8, 4, *[2] * 10]


def test_the_smallest_batch_is_named_with_the_memory_it_wants() -> None:
    work, sizes = limited(3)
    with pytest.raises(TooLargeError, match=r"^four clips does not fit.*: 2\.44 GiB more were"):
        in_batches(work, list(range(20)), size=16, least=4, what="four clips")
    assert sizes == [16, 8, 4]
    assert issubclass(TooLargeError, ClipError)  # one clip fails, the others go on
    assert "no room" in str(too_large("x", torch.OutOfMemoryError("no room\nat all")))


def test_runs_count_as_their_number_times_their_largest() -> None:
    sizes = [3, 3, 1, 4, 9, 1, 1, 1, 1]
    assert runs_within(sizes, most=9, bound=9) == [3, 1, 1, 4]
    assert runs_within(sizes, most=2, bound=9) == [2, 2, 1, 2, 2]  # 1 and 4 are two of 4
    assert runs_within(sizes, most=9, bound=100) == [9]
    assert runs_within(sizes, most=9, bound=1) == [1] * 5 + [1] * 4
    assert runs_within([], most=9, bound=9) == []


class Memory(torch.nn.Module):
    """A predictor whose points move by what they see, and whose memory is points x frames."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most = most
        self.calls: list[tuple[int, int]] = []

    def forward(
        self, video: "torch.Tensor", queries: "torch.Tensor", backward_tracking: bool
    ) -> tuple["torch.Tensor", "torch.Tensor"]:
        count, length = queries.shape[1], video.shape[1]
        self.calls.append((count, length))
        if count * length > self.most:
            raise torch.OutOfMemoryError(TEXT)
        # A frame's brightness is where it shifts a point to; visible are those with even x.
        shift = video[0, :, 0, 0, 0] - video[0, 0, 0, 0, 0]
        tracks = queries[0, None, :, 1:] + shift[:, None, None]
        return tracks[None], (tracks[..., 0].round() % 2 == 0)[None]


VIDEO = torch.arange(40, dtype=torch.uint8)[:, None, None, None].expand(40, 3, 4, 6)
POINTS = torch.tensor([[float(n), 2.0 * n] for n in range(50)])


def follow(most: int) -> tuple[Memory, tuple["torch.Tensor", ...]]:
    predictor = Memory(most)
    return predictor, Tracker(predictor, device=torch.device("cpu")).there_and_back(VIDEO, POINTS)


def test_points_go_in_fewer_calls_then_frames_in_stretches() -> None:
    predictor, whole = follow(10**6)
    assert predictor.calls == [(50, 40)] * 2  # there and back
    tracks, visible, home = whole
    assert tracks.shape == (40, 50, 2) and visible.shape == (40, 50) and home.shape == (50, 2)
    assert torch.equal(tracks[:, 3, 0], 3.0 + torch.arange(40))
    assert torch.equal(home, POINTS)

    predictor, split = follow(12 * 40)
    assert predictor.calls == [(50, 40), (25, 40), *[(12, 40)] * 8, *[(2, 40)] * 2]
    assert all(torch.equal(a, b) for a, b in zip(whole, split, strict=True))

    predictor, split = follow(FEWEST_POINTS * 20)
    fitting = [call for call in predictor.calls if call[0] * call[1] <= FEWEST_POINTS * 20]
    assert max(frames for _, frames in fitting) == 20
    assert fitting[:6] == [(8, 20), (8, 20), (8, 2), (8, 2), (8, 20), (8, 20)]
    assert all(torch.equal(a, b) for a, b in zip(whole, split, strict=True))


def test_the_smallest_call_that_does_not_fit_is_named() -> None:
    smallest = rf"CoTracker3 with {FEWEST_POINTS} points over {SHORTEST} frames does not fit"
    with pytest.raises(TooLargeError, match=rf"{smallest}.*2\.44 GiB"):
        follow(FEWEST_POINTS * SHORTEST - 1)


def test_a_single_frame_and_a_single_point() -> None:
    tracker = Tracker(Memory(10**6), device=torch.device("cpu"))
    tracks, visible, home = tracker.there_and_back(VIDEO[:1], POINTS[:1])
    assert tracks.tolist() == [[[0.0, 0.0]]] and visible.tolist() == [[True]]
    assert home.tolist() == [[0.0, 0.0]]
