"""Ctrl-C in the middle of work that can be gone on with."""

from collections.abc import Iterator
from contextlib import contextmanager


class RunInterrupted(Exception):
    """Somebody pressed Ctrl-C; everything finished is kept."""


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn Ctrl-C inside the block into `RunInterrupted`."""
    try:
        yield
    except KeyboardInterrupt:
        raise RunInterrupted from None
