"""Tasks for the processes that make pictures: what a hostile video does to its decoder."""

import ctypes
import os
import signal
import time
from typing import Any

from clipmill.browse.thumbs.make import make_clip_thumbnail
from clipmill.errors import ClipError


def process_id() -> int:
    """Say which process this is."""
    return os.getpid()


def leave() -> None:
    """End the process, as an assertion of a C library does."""
    os._exit(7)


def be_killed() -> None:
    """Be killed, as by a kernel without memory."""
    os.kill(os.getpid(), signal.SIGKILL)


def read_nowhere() -> None:
    """Read at address 0, as a decoder with a bug does."""
    ctypes.string_at(0)


def hang() -> None:
    """Never come to an end."""
    while True:
        time.sleep(60)


def take_memory(size: int) -> int:
    """Write so many bytes of memory."""
    return len(bytearray(b"x" * size))


def fail() -> None:
    """Fail as a clip that cannot be decoded does."""
    raise ClipError("bad.mp4: no picture in it")


def thumbnail_of_hostile(video: Any, clip: Any, probe: Any) -> bytes:
    """Make a thumbnail; the first video of the tiny run kills the process."""
    if video.relative_path == os.environ["CLIPMILL_TEST_HOSTILE"]:
        read_nowhere()
    return make_clip_thumbnail(video, clip, probe)
