"""Does a file open as what its name says?"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from PIL import Image

from clipmill.errors import ClipError
from clipmill.video import FrameSize, VideoReader

_TINY = FrameSize(16, 16, "gray")


def why_unreadable(place: Path, *, name: str, num_frames: Any = None) -> str:
    """Return why a file cannot be used; empty when it can.

    Args:
        place: The file.
        name: Its name in the export; the suffix says what it is.
        num_frames: Frames that a video must have; any number when None.
    """
    suffix = Path(name).suffix.lower()
    try:
        if suffix == ".mp4":
            return _video(place, num_frames)
        if suffix in _OPEN:
            _OPEN[suffix](place)
    except (ClipError, OSError, ValueError, SyntaxError, EOFError, BadZipFile) as error:
        # SyntaxError: Pillow's word for a broken PNG
        return f"cannot be read: {error}"
    return ""


def _video(place: Path, num_frames: Any) -> str:
    with VideoReader(str(place)) as reader:
        count = sum(1 for _ in reader.stream(0, reader.index.num_frames, sizes={"tiny": _TINY}))
    if num_frames is not None and count != num_frames:
        return f"{count} frames, {num_frames} expected"
    return ""


def _arrays(place: Path) -> None:
    with np.load(place, allow_pickle=False) as arrays:
        for name in arrays.files:
            arrays[name]


def _array(place: Path) -> None:
    np.load(place, allow_pickle=False)


def _image(place: Path) -> None:
    with Image.open(place) as image:
        image.load()


_OPEN: dict[str, Callable[[Path], Any]] = {
    ".npz": _arrays,
    ".npy": _array,
    ".png": _image,
    ".json": lambda place: json.loads(place.read_text("utf-8")),
    ".txt": lambda place: place.read_text("utf-8"),
}
