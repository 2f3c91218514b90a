"""The main function of a spawned worker process."""

import os
import signal
import threading
from multiprocessing import parent_process
from multiprocessing.connection import Connection
from typing import Any

from clipmill.annotations.base import ClipInput
from clipmill.engine.last_words import speak_to
from clipmill.engine.memory import peak_rss_bytes
from clipmill.engine.spec import StageSpec
from clipmill.errors import ClipmillError

Unit = tuple[StageSpec, list[tuple[str, ClipInput]]]


def child_main(connection: Connection, stderr: Connection) -> None:
    """Work through units until the parent closes the connection.

    Messages to the parent: `("begin", key)`, `("outcome", Outcome)`, `("idle", peak bytes)`,
    `("broken", text)` when a backend cannot be set up, or cannot go on.

    Args:
        connection: To the parent.
        stderr: Pipe that everything goes to that is written to stderr.
    """
    speak_to(stderr)
    # Ctrl-C reaches the whole process group; the parent alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with_parent()
    send_lock = threading.Lock()

    def send(*message: Any) -> None:
        with send_lock:
            connection.send(message)

    try:
        _serve(connection, send)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        # Nothing is left to do, and libraries that tidy up at exit may wait for ever.
        os._exit(0)


def _serve(connection: Connection, send: Any) -> None:
    from clipmill.engine.worker import Worker, told

    worker: Worker | None = None
    while True:
        spec, items = connection.recv()
        if worker is None or worker.spec != spec:
            worker = None  # free the previous model before the next one is loaded
            _limit_threads(spec.cpu_threads)
            try:
                worker = Worker.start(spec, on_begin=lambda key: send("begin", key))
            except ClipmillError as error:
                send("broken", str(error))
                return
        try:
            for outcome in worker.run(items):
                send("outcome", outcome)
        except (EOFError, BrokenPipeError, ConnectionResetError):
            raise
        except Exception as error:  # noqa: BLE001 - reported to the parent, which raises
            known = isinstance(error, ClipmillError)
            send("broken", str(error) if known else told(error))
            return
        send("idle", peak_rss_bytes())


def _limit_threads(count: int) -> None:
    """Keep N workers from using N times all cores."""
    import cv2

    cv2.setNumThreads(count)


def _die_with_parent() -> None:
    """Leave when the parent is gone, even in the middle of a clip."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()
