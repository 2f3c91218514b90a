"""Names of the files of a piece: in a folder, and as members of a tar shard."""

from typing import NamedTuple

SAMPLE_KEY = r"[0-9a-f]{16}-\d+-\d+-a\d+"
"""Pattern of sample ids, for `Format.owned`."""

SPREAD_KEY = rf".{{2}}/{SAMPLE_KEY}"
"""Pattern of sample ids below a folder of two characters, see `spread`."""


class FileName(NamedTuple):
    """What one file of a piece is called.

    Attributes:
        extension: Unique in the piece, `mp4` or `mask.mp4`; see `member_name`.
        path: Where it lies in a folder, relative to the export, `/` as separator.
    """

    extension: str
    path: str


def spread(key: str, name: str) -> str:
    """Return `name` below a folder of two characters, so that no folder grows too large."""
    return f"{key[:2]}/{name}"


def member_name(key: str, extension: str) -> str:
    """Return what a file of a piece is called in a tar shard; `key` is that of the piece."""
    return f"{key}.{extension}"


def identity_name(object_id: str, number: int, *, folder: str) -> FileName:
    """Return what an identity image of an object is called.

    Args:
        object_id: The object.
        number: 0 for the main image.
        folder: Of the export.
    """
    short = object_id.rsplit("-", 1)[-1]
    path = f"{folder}/{spread(object_id, object_id)}/{number}.png"
    return FileName(f"{short}.{number}.png", path)
