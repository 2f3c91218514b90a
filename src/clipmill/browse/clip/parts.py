"""Previews in parts, made when they are asked for, and kept; single frames, which are not."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Final

from clipmill.browse.clip.opened import OpenClip
from clipmill.browse.pictures.pool import PART_SECONDS
from clipmill.browse.site import Site
from clipmill.errors import ClipmillError
from clipmill.inspection.preview import LONG_SIDE, make_part, one_frame
from clipmill.store.workspace import Workspace

FOLDER: Final = "browse/previews"
"""Where they are kept in a workspace; may be deleted at any time."""

_AT_ONCE: Final = 2
"""Parts that are encoded at a time."""


class LeftError(ClipmillError):
    """Whoever asked has gone."""


class KeptParts:
    """Makes what is missing. Files are named by content, so that they outlive reruns.

    A workspace that is remote, or that may not be written, keeps nothing: a temporary folder does,
    while the server lives.

    Args:
        site: The server.
    """

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder: Path | None = None
        self._lock = Lock()
        self._making: dict[Path, Lock] = {}
        self._room = BoundedSemaphore(_AT_ONCE)

    def part(self, one: OpenClip, number: int, *, left: Callable[[], bool]) -> Path:
        """Return the path of a part of a clip's preview; see `make_part`.

        Args:
            one: The clip.
            number: Which part.
            left: Tells whether nobody waits for it any more; asked before it is made.

        Raises:
            LeftError: So it is.
        """
        clip = one.clip
        path = self._place / clip.clip_id / f"{number:05d}.mp4"

        def make() -> None:
            with self._room:
                if left():
                    raise LeftError("nobody waits for it")
                task = partial(
                    make_part, one.video, clip, one.known.probe, path=path, number=number
                )
                self._site.pictures.make(task, seconds=PART_SECONDS)

        return self._made(path, make)

    def frame(self, one: OpenClip, number: int, *, small: bool) -> bytes:
        """Return a frame of the clip as JPEG, at the size of the previews or of the source."""
        side = LONG_SIDE if small else None
        with nullcontext() if small else self._room:
            first = one.clip.start
            task = partial(one_frame, one.video, one.known.probe, first + number, long_side=side)
            return self._site.pictures.make(task)

    @property
    def _place(self) -> Path:
        with self._lock:
            if self._folder is None:
                self._folder = self._choose()
            return self._folder

    def _choose(self) -> Path:
        workspace = Workspace.open(self._site.uri, look=True)
        folder = workspace.local_path(FOLDER)
        if folder is not None and not self._site.read_only and os.access(workspace.root, os.W_OK):
            return folder
        temporary = tempfile.mkdtemp(prefix="clipmill-browse-")
        weakref.finalize(self, shutil.rmtree, temporary, ignore_errors=True)
        return Path(temporary)

    def _made(self, path: Path, make: Callable[[], None]) -> Path:
        """Make a file once, however many ask for it at the same time."""
        if path.is_file():
            return path
        with self._lock:
            mine = self._making.setdefault(path, Lock())
        with mine:
            if not path.is_file():
                make()
        with self._lock:
            self._making.pop(path, None)
        return path
