"""Linear algebra in one thread, so that the same numbers come out on any number of cores."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from threadpoolctl import ThreadpoolController  # type: ignore[import-untyped]


@cache
def _pools() -> ThreadpoolController:
    """Return the thread pools of the process; looking them up takes a while."""
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let BLAS and OpenMP use one thread within the block."""
    with _pools().limit(limits=1):
        yield
