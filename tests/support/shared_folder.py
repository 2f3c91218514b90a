"""Folders that are made once for all tests of a session, also over several test processes."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest


def shared_folder(
    factory: pytest.TempPathFactory, name: str, build: Callable[[Path], object]
) -> Path:
    """Return the session's folder of that name; `build` fills it for whoever asks first.

    Nobody may change what is in it: other processes look at it meanwhile.
    """
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent
    folder = base / "shared" / name
    folder.mkdir(parents=True, exist_ok=True)
    with (base / "shared" / f"{name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        # Asked anew: it may have been written between opening the file and getting the lock.
        if not os.fstat(lock.fileno()).st_size:
            build(folder)
            lock.write("ready\n")
    return folder
