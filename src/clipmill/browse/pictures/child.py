"""The main function of a process that makes pictures."""

import os
import resource
import signal
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from typing import Any, Final

from clipmill.errors import ClipmillError
from clipmill.orphans import die_with_parent

MEMORY: Final = 4 << 30
"""Bytes that a process may have for its data; a picture of 8K with all its threads takes half."""


def make_pictures(pipe: Connection, memory: int) -> None:
    """Do tasks until the parent closes the pipe.

    Args:
        pipe: Takes functions without arguments; gives whether one came to its end, and its result
            or the text of its error.
        memory: Bytes for data, where the system can limit it.
    """
    # Ctrl-C reaches the whole process group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(memory)
    die_with_parent()
    while True:
        try:
            task: Callable[[], Any] = pipe.recv()
        except (EOFError, OSError):
            os._exit(0)
        answer = _answer(task)
        try:
            pipe.send(answer)
        except OSError:
            os._exit(0)


def _answer(task: Callable[[], Any]) -> tuple[bool, Any]:
    try:
        return True, task()
    except MemoryError:
        return False, "it takes more memory than a picture may have"
    except (ClipmillError, OSError) as error:
        return False, str(error)


def _limit(memory: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    allowed = memory if most == resource.RLIM_INFINITY else min(memory, most)
    with suppress(OSError, ValueError):  # not every system has it
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, most))
