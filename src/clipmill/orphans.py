"""A process that must not outlive the one that started it."""

import os
import threading
from multiprocessing import parent_process


def die_with_parent() -> None:
    """Leave when the parent is gone, even in the middle of work."""
    parent = parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="parent-watch").start()
