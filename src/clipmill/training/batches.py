"""Batches of samples of one shape, for datasets with buckets."""

from collections.abc import Iterator
from typing import Literal

from torch.utils.data import Sampler

from clipmill.errors import UsageError
from clipmill.training.datasets import InOutDataset, MotionDataset
from clipmill.training.order import epoch_order

Last = Literal["drop", "pad", "short"]


class BucketBatches(Sampler[list[int]]):
    """A batch sampler: `DataLoader(dataset, batch_sampler=BucketBatches(...))`.

    All samples of a batch have one shape, and so have the batches of all ranks at a step, so
    that no rank waits for larger ones. Samples are met in the order of `ShardOrder`, so that
    those of one row group come to few, neighbouring batches. The batches depend on
    (seed, epoch, dataset, batch_size, world) alone.

    Args:
        dataset: With `LoadOptions.buckets`; call its `set_epoch` before each pass.
        batch_size: Samples of a batch of one rank.
        shuffle: False for the order of the dataset.
        rank: This process.
        world: Number of processes.
        last: What becomes of the samples of a bucket that fill no batch of every rank: `drop`
            leaves them out in this epoch; `pad` fills up with samples of the bucket that come
            again; `short` makes batches that are smaller, with one process only.
    """

    def __init__(
        self,
        dataset: MotionDataset | InOutDataset,
        *,
        batch_size: int,
        shuffle: bool = True,
        rank: int = 0,
        world: int = 1,
        last: Last = "drop",
    ) -> None:
        if not 0 <= rank < world:
            raise UsageError(f"rank must be in [0, {world}), not {rank}")
        if batch_size < 1:
            raise UsageError(f"batch_size must be at least 1, not {batch_size}")
        if last not in ("drop", "pad", "short"):
            raise UsageError(f"last must be drop, pad or short, not {last!r}")
        if last == "short" and world > 1:
            raise UsageError("short batches would differ between ranks; use drop or pad")
        self._dataset, self._shuffle, self._last = dataset, shuffle, last
        self._size, self._rank, self._world = batch_size, rank, world
        self._skip = 0

    def __len__(self) -> int:
        return max(0, sum(1 for _ in self._steps()) - self._skip)

    def __iter__(self) -> Iterator[list[int]]:
        skip, self._skip = self._skip, 0
        for number, step in enumerate(self._steps()):
            if number >= skip:
                # In the dataset's order: rows of one group are then read one after the other.
                yield sorted(step[self._rank * self._size : (self._rank + 1) * self._size])

    def _steps(self) -> Iterator[list[int]]:
        """Yield the samples of all ranks, step by step."""
        wanted = self._size * self._world
        buckets = self._dataset.bucket.tolist()
        waiting: dict[int, list[int]] = {}
        first: dict[int, list[int]] = {}
        for number in epoch_order(self._dataset, shuffle=self._shuffle).tolist():
            gathered = waiting.setdefault(buckets[number], [])
            gathered.append(number)
            if len(gathered) == wanted:
                first.setdefault(buckets[number], gathered)
                yield gathered
                waiting[buckets[number]] = []
        if self._last == "drop":
            return
        for bucket, rest in waiting.items():
            if rest and self._last == "pad":
                yield _filled(rest, first.get(bucket, rest), wanted)
            elif rest:
                yield rest

    def state_dict(self, *, consumed: int) -> dict[str, int]:
        """Return the state to go on from.

        Args:
            consumed: Batches of this epoch that this rank has trained on.
        """
        return {"epoch": self._dataset.epoch, "consumed": consumed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Set the dataset's epoch, and skip what was consumed in the next pass over it."""
        self._dataset.set_epoch(state["epoch"])
        self._skip = state["consumed"]


def _filled(rest: list[int], again: list[int], wanted: int) -> list[int]:
    """Fill a batch up with samples that come again."""
    missing = wanted - len(rest)
    return rest + (again * (missing // len(again) + 1))[:missing]
