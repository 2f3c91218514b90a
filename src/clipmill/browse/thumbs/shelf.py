"""Where thumbnails are kept: in the workspace, or for as long as the server runs."""

import tempfile
from pathlib import Path
from threading import Lock
from typing import Final

from clipmill.clips import Clip
from clipmill.disk import write_bytes
from clipmill.store.workspace import Workspace

FOLDER: Final = "media/thumbnails"


class ThumbnailShelf:
    """Keeps thumbnails by the id of their clip, which names content: they never go stale.

    Args:
        workspace: Holds them, if it lies on this machine.
        read_only: Whether nothing may be written into it.
    """

    def __init__(self, workspace: Workspace, *, read_only: bool) -> None:
        self._kept = workspace.local_path(FOLDER)
        self._writable = self._kept is not None and not read_only
        self._spare: tempfile.TemporaryDirectory[str] | None = None
        self._lock = Lock()

    def get(self, clip: Clip) -> bytes | None:
        """Return a thumbnail; None where there is none."""
        folders = [self._kept, Path(self._spare.name) if self._spare else None]
        for folder in folders:
            try:
                if folder is not None:
                    return _place(folder, clip).read_bytes()
            except OSError:
                continue
        return None

    def put(self, clip: Clip, data: bytes) -> None:
        """Keep a thumbnail; where the workspace refuses it, in a temporary folder.

        A disk that refuses that, too, is no reason not to show it.
        """
        if self._writable and self._kept is not None:
            try:
                write_bytes(_place(self._kept, clip), data)
                return
            except OSError:
                self._writable = False
        try:
            with self._lock:
                self._spare = self._spare or tempfile.TemporaryDirectory(prefix="clipmill-thumbs-")
            write_bytes(_place(Path(self._spare.name), clip), data)
        except OSError:
            return


def _place(folder: Path, clip: Clip) -> Path:
    # A few hundred folders: a million files in one are slow to list.
    return folder / clip.video_id[:2] / f"{clip.clip_id}.jpg"
