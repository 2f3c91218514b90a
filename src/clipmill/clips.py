"""Names of things: videos, clips, objects, and seeds derived from them.

One identity runs from the source file to the training sample, so no list is ever paired with
another by position.
"""

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

_CLIP_ID = re.compile(r"(?P<video>[0-9a-f]{16})-(?P<start>\d{6,})-(?P<end>\d{6,})")


def _digest(text: str, size: int) -> bytes:
    # surrogatepass: neither names on disk nor texts of data sets need be valid UTF-8.
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=size).digest()


def video_id_for(relative_path: str, *, source: str = "") -> str:
    """Return the 16 hex digits that name an entry of a source until its content is known.

    What could be probed is named by its content, see `Video`.

    Args:
        relative_path: Path of the file relative to its source root, with `/` as separator.
        source: Name of the source, when it has one; several sources then never collide.
    """
    name = f"{source}/{relative_path}" if source else relative_path
    return _digest(name, 8).hex()


VIDEO_ID_DIGITS = 16
"""Length of a video id, which is the beginning of its content's digest."""


def video_id_of(content: str) -> str:
    """Return the video id of a content digest."""
    return content[:VIDEO_ID_DIGITS]


def file_id_for(uri: str, size_bytes: int, stamp: str) -> str:
    """Return the 16 hex digits that name a file as it lies at an address at one moment.

    Probe rows are kept by it: a file of another size or stamp is another file until it is read.
    """
    return _digest("\x1f".join((uri, str(size_bytes), stamp)), 8).hex()


def text_id_for(text: str | None) -> str:
    """Return 16 hex digits that name a caption, without white space around; empty for none."""
    text = (text or "").strip()
    return _digest(text, 8).hex() if text else ""


def stamp_of_file(found: os.stat_result) -> str:
    """Return what changes when a local file is written or replaced.

    The times of its content and of its inode: a copy may keep the first, nothing keeps both.
    """
    return f"{found.st_mtime_ns:x}.{found.st_ctime_ns:x}"


_STAMPS = (
    *("ETag", "etag", "generation", "md5Hash", "content_md5", "Content-MD5", "contentHash"),
    *("LastModified", "last_modified", "Last-Modified", "updated", "mtime", "modified", "created"),
)
"""What file systems of fsspec say of a file that changes with its content; the surest first."""


def stamp_of_entry(info: Mapping[str, Any]) -> str:
    """Return what changes when a file behind a URL is replaced; empty when nothing is told.

    Args:
        info: What fsspec says of the file.
    """
    return next((f"{name}={info[name]}" for name in _STAMPS if info.get(name)), "")


def seed_for(*parts: str | int) -> int:
    """Return a seed in [0, 2**63) that depends on the given ids and on nothing else."""
    return int.from_bytes(_digest("\x1f".join(map(str, parts)), 8), "big") >> 1


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a video that a row of a table asks for.

    Attributes:
        start: First moment, counted from the first frame of the video, which is 0.
        end: The moment after the last one; None for the end of the video.
        unit: `seconds` or `frames`.
        text: Caption of the part, if the row has one.
        where: Line or row of the table.
    """

    start: float
    end: float | None
    unit: str
    text: str | None = None
    where: str = ""


@dataclass(frozen=True, slots=True)
class Video:
    """One source file.

    Attributes:
        video_id: 16 hex digits. Once the file has been probed, the name of its content: moved and
            renamed files keep it, a replaced file gets another. Before that, for files that
            cannot be probed, and for copies of another video, see `video_id_for`.
        source: Name of the source it came from; empty for a single unnamed source.
        relative_path: Path relative to the source root, `/` as separator.
        uri: Absolute local path or fsspec URL; see `TarMember` for a video inside an archive.
        size_bytes: Size when listed; a file of another size is refused as `changed`.
        text: Caption that came with the data set, if any.
        stamp: What changes when the file is replaced (times, ETag), as listed; empty when nothing
            is known. A file with another stamp is refused as `changed`.
        spans: Parts that become its clips, each with a caption of its own; the whole video does
            when there are none.
    """

    video_id: str
    source: str
    relative_path: str
    uri: str
    size_bytes: int
    text: str | None = None
    stamp: str = ""
    spans: tuple[Span, ...] = ()

    @property
    def file_id(self) -> str:
        """Name of the file as it was listed, see `file_id_for`."""
        return file_id_for(self.uri, self.size_bytes, self.stamp)


@dataclass(frozen=True, slots=True, order=True)
class Clip:
    """Frames [start, end) of a video, in presentation order, half-open.

    Attributes:
        video_id: The video it is cut from.
        start: First frame, counted from 0 in presentation order.
        end: One past the last frame.
    """

    video_id: str
    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a clip needs 0 <= start < end, got [{self.start}, {self.end})")

    @property
    def clip_id(self) -> str:
        """`{video_id}-{start:06d}-{end:06d}`."""
        return f"{self.video_id}-{self.start:06d}-{self.end:06d}"

    @property
    def num_frames(self) -> int:
        """Length in frames."""
        return self.end - self.start

    @classmethod
    def parse(cls, clip_id: str) -> "Clip":
        """Read a `clip_id` back; raises ValueError when it is not one."""
        match = _CLIP_ID.fullmatch(clip_id)
        if not match:
            raise ValueError(f"not a clip id: {clip_id!r}")
        return cls(match["video"], int(match["start"]), int(match["end"]))


def anchor_id_for(clip_id: str, anchor: int) -> str:
    """Return the id of an anchor frame (index from the clip's start) of a clip."""
    return f"{clip_id}-a{anchor:05d}"


def object_id_for(clip_id: str, anchor: int, number: int) -> str:
    """Return the id of object `number` (from 0) segmented at `anchor` of a clip."""
    return f"{anchor_id_for(clip_id, anchor)}-o{number:02d}"


@dataclass(frozen=True, slots=True)
class TarMember:
    """One file inside an uncompressed tar archive, to be read in place.

    Its `uri` is `tarmember://{archive}#{offset}+{size_bytes}/{name}`, for example
    `tarmember:///data/000.tar#1536+90112/clip.mp4`. In archive and name, `%`, `#` and `::` are
    percent-encoded. fsspec opens it as well, once `clipmill.video` has been imported.

    Attributes:
        archive: Absolute local path or fsspec URL of the archive.
        offset: First byte of the content, counted from the start of the archive.
        size_bytes: Size of the content.
        name: Path inside the archive.
    """

    archive: str
    offset: int
    size_bytes: int
    name: str

    @property
    def uri(self) -> str:
        """The URL of this member."""
        place = f"{self.offset}+{self.size_bytes}"
        return f"{TAR_MEMBER}{_quoted(self.archive)}#{place}/{_quoted(self.name)}"

    @classmethod
    def parse(cls, uri: str) -> "TarMember":
        """Read a `uri` back; raises ValueError when it is not one."""
        match = _MEMBER_URI.fullmatch(uri)
        if not match:
            raise ValueError(f"not the URL of a tar member: {uri!r}")
        offset, size = int(match["offset"]), int(match["size"])
        return cls(unquote(match["archive"]), offset, size, unquote(match["name"]))


TAR_MEMBER = "tarmember://"
"""How the URL of a tar member begins."""

_MEMBER_URI = re.compile(
    re.escape(TAR_MEMBER) + r"(?P<archive>[^#]+)#(?P<offset>\d+)\+(?P<size>\d+)/(?P<name>[^#]*)",
    re.DOTALL,
)


def _quoted(text: str) -> str:
    # fsspec would take `::` for a chain of file systems.
    return text.replace("%", "%25").replace("#", "%23").replace("::", "%3A%3A")
