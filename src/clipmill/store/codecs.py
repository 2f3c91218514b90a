"""Arrays as compact typed binary columns, never as JSON text.

Every blob begins with one magic byte and its shape, so a column needs no companion columns.
Integers are little-endian. Layouts:

- `A` array: dtype code, ndim, shape (uint32 each), raw data.
- `B` bits: ndim, shape (uint32 each), packed bits (big bit order within a byte, as numpy packs).
- `T` tracks [T, N, 2]: shape of T and N (uint32 each), first frame int32, then int16 differences
  between neighbouring frames, both in units of 1/16 pixel. A jump that does not fit int16
  (more than 2047 px in one frame) switches the whole blob to int32 (magic `t`).
- `M` mask: height, width (uint32 each), COCO compressed run lengths.
"""

import struct
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pycocotools import mask as coco

TRACK_UNIT = 1 / 16
"""Resolution of stored track coordinates, in pixels."""

_TRACK_LIMIT = 1e8

_HEAD = 7
"""Bytes before the values of an array with one dimension."""

_DTYPES = ("u1", "i1", "u2", "i2", "u4", "i4", "i8", "f2", "f4", "f8")

_FLOATS = b"A" + bytes([_DTYPES.index("f4"), 1])
"""How an array float32 [T] begins."""


def _pack_shape(shape: tuple[int, ...]) -> bytes:
    return struct.pack(f"<B{len(shape)}I", len(shape), *shape)


def _unpack_shape(blob: bytes, offset: int) -> tuple[tuple[int, ...], int]:
    ndim = blob[offset]
    shape = struct.unpack_from(f"<{ndim}I", blob, offset + 1)
    return shape, offset + 1 + 4 * ndim


def _expect(blob: bytes, magic: bytes, what: str) -> None:
    if blob[:1] not in {magic[i : i + 1] for i in range(len(magic))}:
        raise ValueError(f"not {what}: the blob begins with {blob[:1]!r}")


def encode_array(array: npt.NDArray[Any]) -> bytes:
    """Encode an integer or float array of any shape; the dtype is kept.

    Raises:
        ValueError: Another dtype; bool has `encode_bits`.
    """
    name = array.dtype.str.lstrip("<>|=")
    if name not in _DTYPES:
        raise ValueError(f"arrays of {array.dtype} cannot be stored")
    code = _DTYPES.index(name)
    data = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False)
    return b"A" + bytes([code]) + _pack_shape(array.shape) + data.tobytes()


def decode_array(blob: bytes) -> npt.NDArray[Any]:
    """Decode a blob of `encode_array`; the result owns its memory."""
    _expect(blob, b"A", "an array")
    shape, offset = _unpack_shape(blob, 2)
    return np.frombuffer(blob, f"<{_DTYPES[blob[1]]}", offset=offset).reshape(shape).copy()


def float_rows(
    blobs: pa.BinaryArray,
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """Return length and highest value of many `encode_array` blobs of float32 [T], undecoded.

    Args:
        blobs: binary [n], no nulls.

    Returns:
        Lengths T, int64 [n], and the highest values behind each first one, float64 [n], NaN passed
        over. Infinity where that is not known: of arrays of another shape or dtype, and of those
        without a second value, of which the length is theirs in bytes.
    """
    ends = np.frombuffer(blobs.buffers()[1], np.int32)[blobs.offset :][: len(blobs) + 1]
    data = np.frombuffer(blobs.buffers()[2] or b"", np.uint8)[ends[0] : ends[-1]]
    begins, sizes = (ends[:-1] - ends[0]).astype(np.int64), np.diff(ends).astype(np.int64)
    plain = sizes >= _HEAD + 2 * 4
    heads = begins[plain, None] + np.arange(3)
    plain[plain] = (data[heads] == np.frombuffer(_FLOATS, np.uint8)).all(axis=1)
    lengths = np.where(plain, (sizes - _HEAD) // 4, sizes)
    highest = np.full(len(blobs), np.inf)
    if plain.any():
        kept = np.repeat(plain, sizes)
        kept[(begins[plain, None] + np.arange(_HEAD)).ravel()] = False
        values = data[kept].view("<f4")
        first = np.cumsum(lengths[plain]) - lengths[plain]
        values[first] = -np.inf
        highest[plain] = np.fmax.reduceat(values, first)
    return lengths, highest


def encode_bits(flags: npt.NDArray[np.bool_]) -> bytes:
    """Encode a bool array of any shape, one bit per value."""
    return b"B" + _pack_shape(flags.shape) + np.packbits(flags.astype(bool)).tobytes()


def decode_bits(blob: bytes) -> npt.NDArray[np.bool_]:
    """Decode a blob of `encode_bits`."""
    _expect(blob, b"B", "a bit array")
    shape, offset = _unpack_shape(blob, 1)
    bits = np.unpackbits(np.frombuffer(blob, np.uint8, offset=offset), count=int(np.prod(shape)))
    return bits.astype(bool).reshape(shape)


def encode_tracks(points: npt.NDArray[np.floating[Any]]) -> bytes:
    """Encode point tracks.

    Args:
        points: float [T, N, 2], x, y in source pixels, finite, within +-100 million.

    Returns:
        A blob; decoding gives every coordinate back within 1/32 pixel.

    Raises:
        ValueError: On another shape or on values that are not finite or out of range.
    """
    if points.ndim != 3 or points.shape[2] != 2:
        raise ValueError(f"tracks must be [T, N, 2], got {points.shape}")
    if not (np.abs(points) <= _TRACK_LIMIT).all():  # false for NaN as well
        raise ValueError(f"tracks hold NaN, infinity or values beyond {_TRACK_LIMIT:g} px")
    units = np.rint(points / TRACK_UNIT).astype(np.int64)
    steps = np.diff(units, axis=0)
    small = bool(np.abs(steps).max(initial=0) <= np.iinfo(np.int16).max)
    head = (b"T" if small else b"t") + struct.pack("<II", *points.shape[:2])
    # a step beyond int32 wraps around here, and back again when it is summed up
    body = steps.astype("<i2" if small else "<i4")
    return head + units[:1].astype("<i4").tobytes() + body.tobytes()


def decode_tracks(blob: bytes) -> npt.NDArray[np.float32]:
    """Decode a blob of `encode_tracks` to float32 [T, N, 2], x, y in source pixels."""
    _expect(blob, b"Tt", "tracks")
    length, count = struct.unpack_from("<II", blob, 1)
    if length == 0:
        return np.zeros((0, count, 2), np.float32)
    first = np.frombuffer(blob, "<i4", count=count * 2, offset=9)
    steps = np.frombuffer(blob, "<i2" if blob[:1] == b"T" else "<i4", offset=9 + 8 * count)
    rows = np.concatenate([first[None], steps.reshape(length - 1, count * 2)])
    units = rows.cumsum(axis=0, dtype=np.int32)
    return (units.reshape(length, count, 2) * TRACK_UNIT).astype(np.float32)


def encode_mask(mask: npt.NDArray[np.bool_]) -> bytes:
    """Encode a bool mask [H, W] as COCO compressed run lengths with its size in front."""
    counts = coco.encode(np.asfortranarray(mask.astype(np.uint8)))["counts"]
    return b"M" + struct.pack("<II", *mask.shape) + counts


def mask_to_coco(blob: bytes) -> dict[str, Any]:
    """Return a mask blob as the COCO dict `{"size": [H, W], "counts": bytes}`."""
    _expect(blob, b"M", "a mask")
    height, width = struct.unpack_from("<II", blob, 1)
    return {"size": [height, width], "counts": blob[9:]}


def decode_mask(blob: bytes, *, size: tuple[int, int] | None = None) -> npt.NDArray[np.bool_]:
    """Decode a mask blob.

    Args:
        blob: Result of `encode_mask`. Its grid covers the whole frame, at any resolution.
        size: (height, width) to sample the mask at (nearest neighbour, pixel centres);
            its own grid when None.

    Returns:
        bool [H, W].
    """
    packed = mask_to_coco(blob)
    height, width = packed["size"]
    if size is None or size == (height, width):
        return coco.decode(packed).astype(bool)
    rows = ((np.arange(size[0]) + 0.5) * height / size[0]).astype(int)
    columns = ((np.arange(size[1]) + 0.5) * width / size[1]).astype(int)
    if size[1] > width:
        return coco.decode(packed).astype(bool)[rows][:, columns]
    return _sampled(_run_lengths(packed["counts"]), height, rows, columns)


def _sampled(
    runs: npt.NDArray[np.int64],
    height: int,
    rows: npt.NDArray[np.int64],
    columns: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Sample a mask without unpacking it, which would take ten times as long.

    Args:
        runs: Its run lengths, column by column, the first of background.
        height: Of its grid.
        rows: Rows to sample, ascending.
        columns: Columns to sample, ascending, none twice.
    """
    column, row = np.divmod(runs.cumsum(), height)  # where each run ends
    whole = np.searchsorted(columns, column)  # sampled columns before that one
    within = columns[np.minimum(whole, len(columns) - 1)] == column
    before = whole * len(rows) + within * np.searchsorted(rows, row)
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, np.diff(before, prepend=0)).reshape(len(columns), len(rows)).T


def _run_lengths(counts: bytes) -> npt.NDArray[np.int64]:
    """Unpack COCO's run lengths: 5 bits a byte, lowest first; from the fourth on, differences."""
    data = np.frombuffer(counts, np.uint8).astype(np.int64) - 48
    last = np.flatnonzero(data & 0x20 == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    place = 5 * (np.arange(len(data)) - np.repeat(first, last - first + 1))
    runs = np.add.reduceat((data & 0x1F) << place, first)
    runs -= np.where(data[last] & 0x10, 32 << place[last], 0)
    for start in (1, 2):
        runs[start::2] = runs[start::2].cumsum()
    return np.asarray(runs)
