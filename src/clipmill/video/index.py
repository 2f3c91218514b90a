"""The frame index: which frames a video has, when they are shown, where decoding can start."""

import struct
import zlib
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from clipmill.video.rate import frame_rate, is_constant

_MAGIC = b"CMFI"
_VERSION = 1
_HEADER = struct.Struct("<4sBBqqIIIIH")
_EXACT, _BY_ORDER, _ALTERED = 1, 2, 4


def _no_numbers() -> np.ndarray:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False)
class EntryPoints:
    """Where decoding can start: the K key packets that lead to a frame, in presentation order.

    Attributes:
        frames: int64 [K], ascending; the first frame that decodes right from each.
        pts: int64 [K], time of the key packet, in ticks.
        seek: int64 [K], time to seek to: the smaller of pts and dts of the key packet.
    """

    frames: np.ndarray = field(default_factory=_no_numbers)
    pts: np.ndarray = field(default_factory=_no_numbers)
    seek: np.ndarray = field(default_factory=_no_numbers)

    def __post_init__(self) -> None:
        if not len(self.frames) == len(self.pts) == len(self.seek):
            raise ValueError("frames, pts and seek of the entry points differ in length")

    def __len__(self) -> int:
        return len(self.frames)


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """All frames of a video in presentation order.

    Attributes:
        pts: int64 [T], presentation time of each frame in ticks, ascending.
        keyframes: bool [T], frames that are key frames of the codec.
        time_base: Seconds per tick.
        width: Square pixels of the first frame as displayed; native frames are given in this
            size.
        height: Square pixels of the first frame as displayed.
        exact: True when the packets could be trusted; False when they could not and the frames
            were counted by decoding the file once. The frames are right in both cases.
        stamps: int64 [T], the time that the decoder writes on each frame, by which it is
            recognised. The same as `pts`, except in containers that know no presentation times
            (AVI with reordered frames), where they are merely distinct.
        note: Why the packets could not be trusted; empty otherwise.
        by_order: True when stamps do not tell frames apart (missing or repeated); decoding then
            starts at the beginning of the file and counts.
        entries: Where decoding can start.
        altered: Whether reading gives other pictures than a plain decode of the file, see
            `PictureFacts`; the file itself then does not stand for them.
    """

    pts: np.ndarray
    keyframes: np.ndarray
    time_base: Fraction
    width: int
    height: int
    exact: bool
    stamps: np.ndarray
    note: str = ""
    by_order: bool = False
    entries: EntryPoints = field(default_factory=EntryPoints)
    altered: bool = False

    def __post_init__(self) -> None:
        shapes = {self.pts.shape, self.keyframes.shape, self.stamps.shape}
        if len(shapes) > 1 or self.pts.ndim != 1 or not self.pts.size:
            raise ValueError(f"pts, keyframes and stamps must have one shape [T], not {shapes}")

    @property
    def num_frames(self) -> int:
        """Number of frames, T."""
        return len(self.pts)

    def entry_before(self, number: int) -> int | None:
        """Return the last entry point at or before a frame; None where there is none."""
        if self.by_order:
            return None
        entry = int(np.searchsorted(self.entries.frames, number, side="right")) - 1
        return entry if entry >= 0 else None

    @property
    def rate(self) -> Fraction:
        """Frames per second computed from the presentation times; 0 for a single frame."""
        return frame_rate(self.pts, self.time_base)

    @property
    def fps(self) -> float:
        """`rate` as a float."""
        return float(self.rate)

    @property
    def variable_rate(self) -> bool:
        """Whether frame intervals differ by more than a tick's rounding."""
        return not is_constant(self.pts)

    @property
    def seconds(self) -> np.ndarray:
        """float64 [T], presentation times in seconds as the file gives them."""
        return self.pts * float(self.time_base)

    def to_bytes(self) -> bytes:
        """Return a compact, versioned form; about a hundred bytes for a constant-rate file."""
        note = self.note.encode()[:65535]
        header = _HEADER.pack(
            _MAGIC,
            _VERSION,
            self.exact * _EXACT | self.by_order * _BY_ORDER | self.altered * _ALTERED,
            self.time_base.numerator,
            self.time_base.denominator,
            self.width,
            self.height,
            self.num_frames,
            len(self.entries),
            len(note),
        )
        parts = (
            note,
            np.packbits(self.keyframes).tobytes(),
            _pack(self.pts),
            _pack(self.stamps - self.pts),
            _pack(self.entries.frames),
            _pack(self.entries.pts),
            _pack(self.entries.pts - self.entries.seek),
        )
        return header + zlib.compress(b"".join(parts), 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> "FrameIndex":
        """Read `to_bytes` back.

        Raises:
            ValueError: Not a frame index, a damaged one, or one of another version.
        """
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise ValueError("not a frame index of clipmill")
        _, version, flags, num, den, width, height, frames, entries, note_size = (
            _HEADER.unpack_from(data)
        )
        if version != _VERSION:
            raise ValueError(f"frame index of version {version}; this clipmill reads {_VERSION}")
        sizes = (note_size, (frames + 7) // 8, *[8 * frames] * 2, *[8 * entries] * 3)
        try:
            body = zlib.decompress(data[_HEADER.size :])
        except zlib.error as error:
            raise ValueError(f"frame index is damaged: {error}") from error
        if len(body) != sum(sizes):
            raise ValueError("frame index is damaged: its parts do not add up")
        ends = np.cumsum(sizes).tolist()
        note, keys, *numbers = (
            body[end - size : end] for size, end in zip(sizes, ends, strict=True)
        )
        pts, lag, entry_frames, entry_pts, entry_lag = map(_unpack, numbers)
        return cls(
            pts=pts,
            keyframes=np.unpackbits(np.frombuffer(keys, np.uint8), count=frames).astype(bool),
            time_base=Fraction(num, den),
            width=width,
            height=height,
            exact=bool(flags & _EXACT),
            note=note.decode(errors="replace"),
            stamps=pts + lag,
            by_order=bool(flags & _BY_ORDER),
            altered=bool(flags & _ALTERED),
            entries=EntryPoints(entry_frames, entry_pts, entry_pts - entry_lag),
        )


def _pack(values: np.ndarray) -> bytes:
    """Second differences: those of nearly even times are nearly all zero and compress away."""
    return np.diff(values.astype("<i8"), n=2, prepend=np.zeros(2, "<i8")).tobytes()


def _unpack(data: bytes) -> np.ndarray:
    return np.cumsum(np.cumsum(np.frombuffer(data, "<i8"))).astype(np.int64)
