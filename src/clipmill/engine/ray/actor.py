"""The actor on a node: holds one worker process, and passes on what goes to it and comes from it.

The worker is a process of its own, not the actor, for two reasons. Of an actor that died, Ray says
no more than that; here its end is looked into where it happened, as by the local engine. And an
actor whose clip hangs in native code could say nothing; this one always can.
"""

import contextlib
import os
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clipmill import __version__
from clipmill.engine.processes.death import Death
from clipmill.engine.processes.slot import Slot
from clipmill.engine.resources.placing import Place


@dataclass(frozen=True)
class Hello:
    """What a new actor says of itself.

    Attributes:
        node: Ray's id of its node.
        host: Name of its machine.
        version: Of clipmill there.
        sees: Whether the folder of the first clip is there.
    """

    node: str
    host: str
    version: str
    sees: bool


@dataclass(frozen=True)
class News:
    """What came from a worker process.

    Attributes:
        messages: As the process pickled them, in order.
        processor: Processor seconds that it has used so far.
        death: Why it is dead, if it is; nothing more will come.
    """

    messages: list[bytes]
    processor: float
    death: Death | None = None


class WorkerActor:
    """One worker process. Its methods are called by two threads: one waits for news.

    Args:
        threads: Threads that the libraries of the process may use.
        environment: Variables for it.
        paths: Folders with modules of the user's own; those that are here are looked into.
    """

    def __init__(self, threads: int, environment: Mapping[str, str], paths: Sequence[str]) -> None:
        os.environ.update(environment)
        sys.path.extend(path for path in paths if path not in sys.path and Path(path).is_dir())
        # What the worker sees of GPUs has been set by Ray.
        with _no_main_module():
            self._slot = Slot.start(Place(), threads)
        self._sending = threading.Lock()
        self._early: dict[int, bytes] = {}
        self._next = 0

    def hello(self, folder: str) -> Hello:
        """Say who is here.

        Args:
            folder: That of the first clip; empty if it is not a local path.
        """
        import ray

        node = ray.get_runtime_context().get_node_id()
        sees = not folder or Path(folder).is_dir()
        return Hello(node, socket.gethostname(), __version__, sees)

    def order(self, number: int, order: bytes) -> None:
        """Pass an order on.

        Args:
            number: Counts the orders from 0: calls may overtake each other.
            order: Pickled.
        """
        with self._sending, contextlib.suppress(OSError):
            self._early[number] = order
            while (following := self._early.pop(self._next, None)) is not None:
                self._next += 1
                self._slot.connection.send_bytes(following)

    def news(self, wait: float, linger: float) -> News:
        """Return what the process says.

        Args:
            wait: Seconds to wait for a first message.
            linger: Seconds to wait for others after it, so that they share the journey.
        """
        messages: list[bytes] = []
        death = None
        try:
            until = time.monotonic() + wait
            while self._slot.connection.poll(max(until - time.monotonic(), 0.0)):
                if not messages:
                    until = min(until, time.monotonic() + linger)
                messages.append(self._slot.connection.recv_bytes())
        except (EOFError, OSError):
            death = self._slot.cause_of_death()
        return News(messages, self._slot.processor_seconds(), death)


@contextlib.contextmanager
def _no_main_module() -> Iterator[None]:
    """Spare processes that are started inside the block the main module of this one.

    A spawned process runs it again; Ray's brings all of Ray, which takes a second and 60 MB.
    """
    main = sys.modules["__main__"].__dict__
    file = main.pop("__file__", None)
    try:
        yield
    finally:
        if file is not None:
            main["__file__"] = file
