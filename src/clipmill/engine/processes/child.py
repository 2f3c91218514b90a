"""The main function of a spawned worker process: sessions over a pipe."""

import os
import signal
import sys
import threading
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any

from clipmill.engine.base import Item
from clipmill.engine.memory import forget_peak_rss
from clipmill.engine.processes.last_words import speak_to
from clipmill.engine.session import Session, TransportError
from clipmill.engine.spec import StageSpec
from clipmill.orphans import die_with_parent


@dataclass(frozen=True)
class Open:
    """To a worker: work on this stage from now on."""

    spec: StageSpec


@dataclass(frozen=True)
class Shut:
    """To a worker: let go of the model once everything is done."""


@dataclass(frozen=True)
class Add:
    """To a worker: work on these clips."""

    items: list[Item]


@dataclass(frozen=True)
class GiveBack:
    """To a worker: let go of clips, this many at most; it answers with `GivenBack`."""

    most: int


@dataclass(frozen=True)
class Measure:
    """To a worker: say what was done; it answers with `Measured`."""


@dataclass(frozen=True)
class GivenBack:
    """From a worker: keys that it let go of."""

    keys: list[str]


Order = Open | Shut | Add | GiveBack | Measure


def child_main(connection: Connection, stderr: Connection) -> None:
    """Work on stages until the parent closes the connection.

    Messages to the parent are those of `clipmill.engine.session`, `GivenBack` and `Measured`.

    Args:
        connection: To the parent; takes `Order`s.
        stderr: Pipe that everything goes to that is written to stderr.
    """
    speak_to(stderr)
    # Ctrl-C reaches the whole process group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    die_with_parent()
    sessions: SimpleQueue[Session] = SimpleQueue()
    threading.Thread(
        target=_listen, args=(connection, sessions), daemon=True, name="orders"
    ).start()
    while True:
        session = sessions.get()
        _limit_threads(session.spec.cpu_threads)
        forget_peak_rss()
        try:
            session.run()
        except TransportError:
            # Nothing is left to do, and libraries that tidy up at exit may wait for ever.
            os._exit(0)
        del session  # free the model before the next one is loaded


def _listen(connection: Connection, sessions: "SimpleQueue[Session]") -> None:
    """Take orders, in a thread of its own: they come while the model works."""
    sending = threading.Lock()

    def send(message: Any) -> None:
        with sending:
            connection.send(message)

    session: Session | None = None
    try:
        while True:
            order = connection.recv()
            if isinstance(order, Open):
                if session:
                    session.close()
                session = Session(order.spec, send)
                sessions.put(session)
            elif session is None:
                raise RuntimeError(f"{type(order).__name__} before a stage")
            elif isinstance(order, Shut):
                session.close()
                session = None
            elif isinstance(order, Add):
                session.add(order.items)
            elif isinstance(order, GiveBack):
                send(GivenBack(session.give_back(order.most)))
            elif isinstance(order, Measure):
                send(session.measured())
    except (EOFError, BrokenPipeError, ConnectionResetError):
        os._exit(0)
    except Exception:  # noqa: BLE001 - told on stderr, and by the end of the process
        # Orders that cannot be read: nobody would hear of it while this process goes on.
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(1)


def _limit_threads(count: int) -> None:
    """Keep N workers from using N times all cores."""
    import cv2

    cv2.setNumThreads(max(count, 1))
