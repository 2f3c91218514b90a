"""What a worker process says on stderr, passed on as it comes; its end may tell why it died."""

import logging
import os
import sys
from multiprocessing.connection import Connection
from threading import Thread

_log = logging.getLogger(__name__)

_KEPT = 4096
"""Bytes kept: a native library says why it aborts in a line or two."""


class LastWords:
    """Passes on what comes from the reading end of a pipe, and remembers the end of it.

    Args:
        pipe: Reading end; the process has the only writing end.
    """

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._tail = b""
        self._thread = Thread(target=self._pass_on, daemon=True, name="worker-stderr")
        self._thread.start()

    def _pass_on(self) -> None:
        target = sys.__stderr__.fileno() if sys.__stderr__ else None
        with self._pipe:
            while data := os.read(self._pipe.fileno(), 1 << 16):
                _log.info("a worker says: %s", data.decode("utf-8", "replace").rstrip())
                self._tail = (self._tail + data)[-_KEPT:]
                if target is not None:
                    try:
                        os.write(target, data)
                    except OSError:  # nobody reads it any more
                        target = None

    def text(self) -> str:
        """Return the end of what a process said that is dead."""
        # A grandchild may hold the pipe open for ever.
        self._thread.join(timeout=1.0)
        return self._tail.decode("utf-8", "replace")


def speak_to(pipe: Connection) -> None:
    """In a worker: let everything that is written to stderr go into a pipe."""
    os.dup2(pipe.fileno(), 2)
    pipe.close()
