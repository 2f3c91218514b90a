"""The processes that make pictures, seen from the server."""

import multiprocessing
import signal
import weakref
from collections.abc import Callable
from contextlib import suppress
from threading import BoundedSemaphore, Lock, Thread
from typing import Final, TypeVar

from clipmill.browse.pictures.child import MEMORY, make_pictures
from clipmill.errors import ClipError

MOST: Final = 4
"""Processes at most; each is started when there is work for it."""

SECONDS: Final = 60.0
"""Longest time for a picture."""

PART_SECONDS: Final = 300.0
"""Longest time for a part of a preview."""

_spawn = multiprocessing.get_context("spawn")
ResultT = TypeVar("ResultT")


class PictureError(ClipError):
    """A picture could not be made."""

    kind = "decode"


class PicturePool:
    """Does tasks in processes. One that dies, or takes too long, costs its task and no other.

    Any number of threads may ask. Nothing is started before the first task, or `warm`.

    Args:
        most: Processes at most.
        memory: Bytes of data that each may have.
    """

    def __init__(self, *, most: int = MOST, memory: int = MEMORY) -> None:
        self._memory = memory
        self._room, self._lock = BoundedSemaphore(most), Lock()
        self._idle: list[_Maker] = []
        self._all: set[_Maker] = set()
        self._closed = False
        weakref.finalize(self, _end_all, self._all)

    def make(self, task: Callable[[], ResultT], *, seconds: float = SECONDS) -> ResultT:
        """Return what a task returns.

        Args:
            task: A `functools.partial` of a function of a module, which can be sent to a process.
            seconds: Time limit, with the start of a process.

        Raises:
            PictureError: The task failed, its process died, or it took too long.
        """
        with self._room:
            maker = self._take()
            try:
                done, result = maker.ask(task, seconds)
            except BaseException:
                self._strike(maker)
                raise
            with self._lock:
                self._idle.append(maker)
        if not done:
            raise PictureError(str(result))
        return result  # type: ignore[return-value]  # of this very task

    def warm(self) -> None:
        """Start a process ahead of the first task, without waiting for it."""

        def start() -> None:
            with suppress(PictureError):  # it has been closed already
                maker = self._take()
                with self._lock:
                    self._idle.append(maker)

        Thread(target=start, daemon=True, name="picture-pool").start()

    def close(self) -> None:
        """End the processes; tasks that are being done fail."""
        with self._lock:
            self._closed = True
            _end_all(self._all)

    def _take(self) -> "_Maker":
        with self._lock:
            if self._closed:
                raise PictureError("the server is ending")
            if self._idle:
                return self._idle.pop()
            maker = _Maker(self._memory)
            self._all.add(maker)
            return maker

    def _strike(self, maker: "_Maker") -> None:
        maker.end()
        with self._lock:
            self._all.discard(maker)


class _Maker:
    """One process.

    Args:
        memory: Bytes of data that it may have.
    """

    def __init__(self, memory: int) -> None:
        self._pipe, theirs = _spawn.Pipe()
        self._process = _spawn.Process(
            target=make_pictures, args=(theirs, memory), daemon=True, name="clipmill-pictures"
        )
        self._process.start()
        theirs.close()

    def ask(self, task: Callable[[], object], seconds: float) -> tuple[bool, object]:
        """Return whether a task came to its end, and its result or the text of its error.

        Raises:
            PictureError: There is no answer, nor will there be.
        """
        try:
            self._pipe.send(task)
            if not self._pipe.poll(seconds):
                raise PictureError(f"not decoded: it took more than {seconds:g} seconds")
            done, result = self._pipe.recv()
            return bool(done), result
        except (EOFError, OSError) as error:
            self._process.join(timeout=5)
            raise PictureError(f"not decoded: {_end_of(self._process.exitcode)}") from error

    def end(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.join(timeout=5)
        self._pipe.close()


def _end_all(makers: "set[_Maker]") -> None:
    for maker in makers:
        maker.end()
    makers.clear()


def _end_of(code: int | None) -> str:
    if code is None or code >= 0:
        return f"the process that decoded it ended with exit code {code}"
    names = {number.value: number.name for number in signal.Signals}
    return f"the process that decoded it was killed by {names.get(-code, f'signal {-code}')}"
