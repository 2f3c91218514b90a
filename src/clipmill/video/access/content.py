"""What a video file is, whatever it is called and wherever it lies: a digest of its content."""

import hashlib
from dataclasses import astuple
from fractions import Fraction

import numpy as np

from clipmill.video.access.files import InputFile, read_blocks
from clipmill.video.access.packets import PacketTable
from clipmill.video.info import VideoInfo

SAMPLED_BLOCKS = 8
"""Blocks of the file itself that are read, evenly spread, the first and the last among them."""

BLOCK_BYTES = 1 << 14

_NONE = -(1 << 63)


def sampled_blocks(file: InputFile) -> bytes:
    """Return a digest of a few blocks of a file: its head and tail, and some between.

    They hold what packets do not show, above all the header of the container.
    """
    last = max(0, file.size_bytes - BLOCK_BYTES)
    offsets = sorted({last * n // (SAMPLED_BLOCKS - 1) for n in range(SAMPLED_BLOCKS)})
    digest = hashlib.blake2b(digest_size=16)
    for block in read_blocks(file, offsets, BLOCK_BYTES):
        digest.update(block)
    return digest.digest()


def content_digest(
    table: PacketTable, info: VideoInfo, *, time_base: Fraction, blocks: bytes
) -> str:
    """Return 32 hex digits that name the content of a video.

    They depend on the size, the facts of the stream, times, sizes and bytes of all its packets,
    and a few blocks of the file. No frame is decoded for it.

    Args:
        table: All packets of the stream that is read.
        info: Facts of the file.
        time_base: Seconds per tick.
        blocks: See `sampled_blocks`.
    """
    digest = hashlib.blake2b(b"clipmill content 1", digest_size=16)
    digest.update(repr((astuple(info), str(time_base), len(table.pts))).encode())
    for times in (table.pts, table.dts):
        ticks = [_NONE if time is None else time for time in times]
        digest.update(np.array(ticks, "<i8").tobytes())
    digest.update(np.array(table.sizes, "<i8").tobytes())
    digest.update(np.packbits(np.array(table.keys, bool)).tobytes())
    digest.update(table.payload + blocks)
    return digest.hexdigest()
