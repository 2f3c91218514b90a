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
_EXACT, _BY_ORDER = 1, 2


def _no_entries() -> np.ndarray:
    return np.zeros(0, np.int64)


def _pack(values: np.ndarray) -> bytes:
    """Second differences: those of nearly even times are nearly all zero and compress away."""
    return np.diff(values.astype("<i8"), n=2, prepend=np.zeros(2, "<i8")).tobytes()


def _unpack(data: bytes) -> np.ndarray:
    return np.cumsum(np.cumsum(np.frombuffer(data, "<i8"))).astype(np.int64)


@dataclass(frozen=True, eq=False)
class FrameIndex:
    """All frames of a video in presentation order.

    Attributes:
        pts: int64 [T], presentation time of each frame in ticks.
        keyframes: bool [T], frames that are key frames of the codec.
        time_base: Seconds per tick.
        width: Pixels of the first frame as displayed; every native frame is given in this size.
        height: Pixels.
        exact: True when the packets could be trusted; False when they could not and the frames
            were counted by decoding the file once. The frames are right in both cases.
        note: Why the packets could not be trusted; empty otherwise.
        by_order: True when times do not identify frames (missing or repeated pts); decoding
            then starts at the beginning of the file and counts.
        entry_frames: int64 [K], ascending; first frame that decodes right from a key packet.
        entry_pts: int64 [K], pts of the key packet, in ticks.
        entry_seek: int64 [K], the smaller of pts and dts of the key packet: the time to seek to.
    """

    pts: np.ndarray
    keyframes: np.ndarray
    time_base: Fraction
    width: int
    height: int
    exact: bool
    note: str = ""
    by_order: bool = False
    entry_frames: np.ndarray = field(default_factory=_no_entries)
    entry_pts: np.ndarray = field(default_factory=_no_entries)
    entry_seek: np.ndarray = field(default_factory=_no_entries)

    def __post_init__(self) -> None:
        if self.pts.shape != self.keyframes.shape or self.pts.ndim != 1:
            raise ValueError(f"pts {self.pts.shape} and keyframes {self.keyframes.shape} differ")
        if not len(self.entry_frames) == len(self.entry_pts) == len(self.entry_seek):
            raise ValueError("entry_frames, entry_pts and entry_seek differ in length")

    @property
    def num_frames(self) -> int:
        """Number of frames, T."""
        return len(self.pts)

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
        flags = self.exact * _EXACT | self.by_order * _BY_ORDER
        header = _HEADER.pack(
            _MAGIC,
            _VERSION,
            flags,
            self.time_base.numerator,
            self.time_base.denominator,
            self.width,
            self.height,
            self.num_frames,
            len(self.entry_frames),
            len(note),
        )
        body = b"".join(
            (
                note,
                _pack(self.pts),
                np.packbits(self.keyframes).tobytes(),
                _pack(self.entry_frames),
                _pack(self.entry_pts),
                _pack(self.entry_seek),
            )
        )
        return header + zlib.compress(body, 6)

    @classmethod
    def from_bytes(cls, data: bytes) -> "FrameIndex":
        """Read `to_bytes` back.

        Raises:
            ValueError: Not a frame index, or one of another version.
        """
        if len(data) < _HEADER.size or data[:4] != _MAGIC:
            raise ValueError("not a frame index of clipmill")
        (_, version, flags, num, den, width, height, frames, entries, note_size) = (
            _HEADER.unpack_from(data)
        )
        if version != _VERSION:
            raise ValueError(f"frame index of version {version}; this clipmill reads {_VERSION}")
        sizes = (note_size, 8 * frames, (frames + 7) // 8, 8 * entries, 8 * entries, 8 * entries)
        body = zlib.decompress(data[_HEADER.size :])
        if len(body) != sum(sizes):
            raise ValueError("frame index is damaged: its parts do not add up")
        ends = np.cumsum(sizes).tolist()
        note, pts, keys, *entry = (
            body[end - size : end] for size, end in zip(sizes, ends, strict=True)
        )
        return cls(
            pts=_unpack(pts),
            keyframes=np.unpackbits(np.frombuffer(keys, np.uint8), count=frames).astype(bool),
            time_base=Fraction(num, den),
            width=width,
            height=height,
            exact=bool(flags & _EXACT),
            note=note.decode(errors="replace"),
            by_order=bool(flags & _BY_ORDER),
            entry_frames=_unpack(entry[0]),
            entry_pts=_unpack(entry[1]),
            entry_seek=_unpack(entry[2]),
        )
