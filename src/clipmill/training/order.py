"""Orders over a dataset: shuffled by shard, split over ranks, resumable."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from torch.utils.data import IterableDataset, Sampler, get_worker_info

from clipmill.clips import seed_for
from clipmill.errors import UsageError
from clipmill.training.datasets import InOutDataset, MotionDataset


def epoch_order(dataset: MotionDataset | InOutDataset, *, shuffle: bool) -> npt.NDArray[np.int64]:
    """Return all sample numbers in the order of the dataset's epoch, int64 [n].

    Shards come in random order, and so do the samples within each.
    """
    order = np.arange(len(dataset))
    if not shuffle:
        return order
    rng = np.random.default_rng(seed_for("order", dataset.options.seed, dataset.epoch))
    shards = dataset.index.shard
    place = rng.permutation(shards.max(initial=-1) + 1)
    return np.lexsort((rng.random(len(order)), place[shards]))


class ShardOrder(Sampler):
    """A sampler that keeps samples of one row group together, which are read from disk at once.

    Shards come in random order, and so do the samples within each. The order depends on
    (seed, epoch, dataset) alone. With several ranks each takes every `world`-th sample, and all
    get the same number; at most `world - 1` samples of an epoch are left out.

    Args:
        dataset: Its seed and epoch are used, so call `dataset.set_epoch` before each pass.
        shuffle: False for the order of the dataset.
        rank: This process.
        world: Number of processes.
    """

    def __init__(
        self,
        dataset: MotionDataset | InOutDataset,
        *,
        shuffle: bool = True,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        if not 0 <= rank < world:
            raise UsageError(f"rank must be in [0, {world}), not {rank}")
        self._dataset, self._shuffle = dataset, shuffle
        self._rank, self._world = rank, world
        self._skip = 0

    def __len__(self) -> int:
        return max(0, len(self._dataset) // self._world - self._skip)

    def numbers(self) -> npt.NDArray[np.int64]:
        """Return the sample numbers of this rank for the whole epoch, int64."""
        order = epoch_order(self._dataset, shuffle=self._shuffle)
        return order[: len(order) // self._world * self._world][self._rank :: self._world]

    def __iter__(self) -> Iterator[int]:
        numbers = self.numbers()[self._skip :]
        self._skip = 0
        return iter(numbers.tolist())

    def state_dict(self, *, consumed: int) -> dict[str, int]:
        """Return the state to go on from.

        Args:
            consumed: Samples of this epoch that this rank has trained on. The sampler cannot
                know: workers fetch ahead.
        """
        return {"epoch": self._dataset.epoch, "consumed": consumed}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Set the dataset's epoch, and skip what was consumed in the next pass over it."""
        self._dataset.set_epoch(state["epoch"])
        self._skip = state["consumed"]


class SampleStream(IterableDataset):
    """The same as a stream: an iterable dataset, split over workers, resumable.

    Worker w of n gives samples w, w + n, ... of the order, so a DataLoader with batches of one
    gives the samples in the same order whatever n is.

    Args:
        dataset: Gives the samples.
        order: Gives their order; shuffled by shard when None.
    """

    def __init__(
        self, dataset: MotionDataset | InOutDataset, *, order: ShardOrder | None = None
    ) -> None:
        self._dataset = dataset
        self._order = order or ShardOrder(dataset)
        self._done = self._skip = 0

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[Any]:
        worker = get_worker_info()
        first, step = (worker.id, worker.num_workers) if worker else (0, 1)
        numbers = self._order.numbers()[first::step]
        self._done, self._skip = self._skip, 0
        for number in numbers[self._done :].tolist():
            sample = self._dataset[number]
            self._done += 1
            yield sample

    def state_dict(self) -> dict[str, int]:
        """Return epoch and samples given so far by this copy, i.e. by this worker.

        `StatefulDataLoader` of torchdata collects the states of its workers; with a plain
        DataLoader and workers use `ShardOrder`.
        """
        return {"epoch": self._dataset.epoch, "done": self._done}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on behind the samples of an earlier `state_dict`."""
        self._dataset.set_epoch(state["epoch"])
        self._done = self._skip = state["done"]
