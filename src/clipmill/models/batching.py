"""Work in batches that fit: halved when the GPU runs out of memory."""

from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_batches(
    work: Callable[[Sequence[Item]], Sequence[Result]], items: Sequence[Item], *, size: int
) -> list[Result]:
    """Run `work` over items, at most `size` at a time, in order.

    A batch that does not fit into GPU memory is halved, and the smaller size is kept for the rest.

    Raises:
        torch.OutOfMemoryError: Not even one item fits.
    """
    results: list[Result] = []
    while len(results) < len(items):
        batch = items[len(results) : len(results) + size]
        try:
            results += work(batch)
        except torch.OutOfMemoryError:
            if len(batch) == 1:
                raise
            torch.cuda.empty_cache()
            size = len(batch) // 2
    return results
