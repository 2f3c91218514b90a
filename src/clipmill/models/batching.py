"""Work in batches that fit: halved when the memory runs out."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

import torch

from clipmill.errors import OutOfMemoryError

Item = TypeVar("Item")
Result = TypeVar("Result")

_TRIED = re.compile(r"tried to allocate ([\d.]+ ?[KMGT]?i?B)", re.IGNORECASE)


class TooLargeError(OutOfMemoryError):
    """Not even the smallest piece of a clip fits into the memory of the device."""


def in_batches(
    work: Callable[[Sequence[Item]], Sequence[Result]],
    items: Sequence[Item],
    *,
    size: int,
    least: int = 1,
    what: str = "one item",
) -> list[Result]:
    """Run `work` over items, at most `size` at a time, in order.

    A batch that does not fit into memory is halved, and the smaller size is kept for the rest.

    Args:
        work: Gives one result per item.
        items: All of them.
        size: Largest batch.
        least: Batches of this size or less are not halved.
        what: Such a batch, for the error.

    Raises:
        TooLargeError: Not even `least` items fit; says how much memory was asked for.
    """
    results: list[Result] = []
    while len(results) < len(items):
        batch = items[len(results) : len(results) + size]
        try:
            results += work(batch)
            continue
        except torch.OutOfMemoryError as error:
            if len(batch) <= least:
                raise too_large(what, error) from error
        # Only now has the failed attempt let go of its tensors.
        torch.cuda.empty_cache()
        size = max(least, len(batch) // 2)
    return results


def runs_within(sizes: Sequence[int], *, most: int, bound: int) -> list[int]:
    """Cut items into runs of neighbours for one call each.

    The shorter items of a call are filled up to the longest, so a run counts as its number times
    its largest size.

    Args:
        sizes: Of the items, in any unit.
        most: Items in a run, at most.
        bound: A run's size, at most; an item that is larger stands alone.

    Returns:
        The lengths of the runs, which add up to the number of items.
    """
    lengths: list[int] = []
    largest = 0
    for size in sizes:
        largest = max(largest, size)
        if lengths and lengths[-1] < most and (lengths[-1] + 1) * largest <= bound:
            lengths[-1] += 1
        else:
            lengths.append(1)
            largest = size
    return lengths


def too_large(what: str, error: torch.OutOfMemoryError) -> TooLargeError:
    """Return the error that names what did not fit and the memory that it needs.

    Args:
        what: The smallest piece that was tried.
        error: As torch raised it.
    """
    need = ""
    if torch.cuda.is_available():
        peak, total = torch.cuda.max_memory_allocated(), torch.cuda.mem_get_info()[1]
        need = f" beside {peak / 2**30:.1f} GiB at most in use; it has {total / 2**30:.1f} GiB"
    tried = _TRIED.search(str(error))
    asked = f"{tried[1]} more were asked for" if tried else str(error).split("\n", 1)[0]
    return TooLargeError(
        f"{what} does not fit into the memory of the device: {asked}{need}. End other programs "
        "on it, take fewer workers or smaller frames, or use a device with more memory"
    )
