"""The file behind a video: local path, URL or tar member, checked before libav sees it."""

import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipmill.clips import TAR_MEMBER, TarMember, stamp_of_file
from clipmill.video.access.machine import local_path
from clipmill.video.access.ranges import open_member, open_url
from clipmill.video.errors import VideoChangedError, VideoError, VideoMissingError, name_of

_HEAD = 12
_ISO_BOXES = (b"ftyp", b"moov", b"mdat", b"free", b"wide", b"skip")


@dataclass(frozen=True, slots=True)
class InputFile:
    """An existing, readable file.

    Attributes:
        uri: Local path, fsspec URL or URL of a tar member.
        size_bytes: Size of the file.
        head: Its first bytes.
        target: What `av.open` takes: a `file:` name, or an open file object.
    """

    uri: str
    size_bytes: int
    head: bytes
    target: Any

    @property
    def is_iso(self) -> bool:
        """Whether it looks like MP4 or MOV, whose tables hold all times."""
        return self.head[4:8] in _ISO_BOXES

    def close(self) -> None:
        """Close the file object of a URL or tar member; local files are libav's."""
        if not isinstance(self.target, str):
            self.target.close()


def open_file(
    uri: str, *, expected_size_bytes: int | None = None, expected_stamp: str = ""
) -> InputFile:
    """Look at a file.

    Args:
        uri: Local path, fsspec URL or URL of a tar member.
        expected_size_bytes: A file of another size is refused.
        expected_stamp: A local file, or one in a local archive, with another stamp is refused
            (see `clipmill.clips.stamp_of_file`); empty when that is not known.

    Raises:
        VideoError: It is empty, of another size than expected (`changed`), or no regular file.
        OSError: As the system says, e.g. for permissions.
    """
    path = local_path(uri)
    file = _open_url(uri) if path is None else _look_at(path, uri)
    try:
        if expected_size_bytes is not None and file.size_bytes != expected_size_bytes:
            raise VideoChangedError(
                f"{name_of(uri)} has {file.size_bytes} bytes but had {expected_size_bytes} when "
                "it was listed; list the source again"
            )
        if expected_stamp and (found := local_stamp(uri)) and found != expected_stamp:
            raise VideoChangedError(
                f"{name_of(uri)} was written or replaced since it was listed; list the source again"
            )
        if file.size_bytes == 0:
            raise VideoError(f"{name_of(uri)} is empty (0 bytes); fetch it again")
    except VideoError:
        file.close()
        raise
    return file


def local_stamp(uri: str) -> str:
    """Return the stamp of a local file, or of the local archive it is in; empty behind a URL.

    Raises:
        OSError: As the system says, e.g. when it is gone.
    """
    path = TarMember.parse(uri).archive if uri.startswith(TAR_MEMBER) else uri
    return "" if "://" in path else stamp_of_file(Path(path).stat())


def read_blocks(file: InputFile, offsets: Sequence[int], size: int) -> Iterator[bytes]:
    """Yield blocks of a file, each of up to `size` bytes; only one reader at a time."""
    if not isinstance(file.target, str):
        for offset in offsets:
            file.target.seek(offset)
            yield file.target.read(size)
        return
    with Path(file.target.removeprefix("file:")).open("rb") as opened:
        for offset in offsets:
            opened.seek(offset)
            yield opened.read(size)


def _look_at(path: Path, uri: str) -> InputFile:
    mode = path.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
        # Opening a named pipe would wait for ever.
        raise VideoMissingError(f"{name_of(uri)} is a pipe or a device, not a video file")
    with path.open("rb") as file:
        head = file.read(_HEAD)
        size = file.seek(0, 2)
    # `file:` keeps libav from taking a name with a colon for a protocol.
    return InputFile(uri, size, head, f"file:{path.absolute()}")


def _open_url(uri: str) -> InputFile:
    try:
        file = open_member(TarMember.parse(uri)) if uri.startswith(TAR_MEMBER) else open_url(uri)
    except ValueError as error:
        raise VideoMissingError(f"{name_of(uri)} cannot be opened: {error}") from error
    try:
        head = file.read(_HEAD)
        size = file.seek(0, 2)
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return InputFile(uri, size, head, file)
