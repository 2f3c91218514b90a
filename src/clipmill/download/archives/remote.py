"""An archive read like a local file: on a server in byte ranges, or what is left of it on disk."""

import io
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from clipmill.download.archives.repository import PartFile
from clipmill.net.hub import Hub

TAIL_BYTES = 1 << 16
"""Read at once from the end of an archive, where its directory is; 64 KiB hold about 700 names."""


class HubRangeFile(io.RawIOBase):
    """Pieces on a server as one seekable file.

    Two ways of reading: outside the window, each read is one request for exactly its bytes;
    inside, one request streams from the place of the first read to the window's end.

    Args:
        pieces: What the file consists of, in order.
        hub: Where they are.
        tail: The file's last bytes, if they are known from an earlier read.
        on_bytes: Called with the number of bytes of each block that arrives.
    """

    def __init__(
        self,
        pieces: Sequence[PartFile],
        *,
        hub: Hub,
        tail: bytes = b"",
        on_bytes: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__()
        self.size = sum(piece.size for piece in pieces)
        self.tail = tail
        self._pieces, self._hub = pieces, hub
        self._on_bytes = on_bytes or (lambda _: None)
        self._position = 0
        self._window = (0, 0)
        self._stream: Iterator[bytes] | None = None
        self._stream_at = 0
        self._ahead = bytearray()
        if not tail:
            start = max(0, self.size - TAIL_BYTES)
            self.tail = b"".join(self._blocks(start, self.size))

    def set_window(self, start: int, end: int) -> None:
        """Expect forward reads inside [start, end) from now on."""
        self._window = (start, min(end, self.size - len(self.tail)))
        self._close_stream()

    @property
    def window_end(self) -> int:
        """Where the window ends."""
        return self._window[1]

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place of the next read."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move; nothing is fetched before the next read."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}[whence]
        if base + offset < 0:
            raise OSError(f"cannot move to byte {base + offset}")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; fewer bytes are read only at the end of the file."""
        start = self._position
        end = min(start + len(buffer), self.size)
        if end <= start:
            return 0
        data = self._get(start, end)
        buffer[: len(data)] = data
        self._position = start + len(data)
        return len(data)

    def close(self) -> None:
        """Drop the open request, if any."""
        self._close_stream()
        super().close()

    def _get(self, start: int, end: int) -> bytes:
        tail_start = self.size - len(self.tail)
        if start >= tail_start:
            return self.tail[start - tail_start : end - tail_start]
        if self._window[0] <= start and end <= self._window[1]:
            return self._from_stream(start, end)
        if self._window[0] <= start < self._window[1] == tail_start:
            return self._from_stream(start, tail_start) + self.tail[: end - tail_start]
        data = b"".join(self._blocks(start, min(end, tail_start)))
        if end >= tail_start:
            # A directory that is longer than the tail: keep it all, it is read again.
            self.tail = data + self.tail
            return self.tail[: end - start]
        return data

    def _from_stream(self, start: int, end: int) -> bytes:
        if self._stream is None or start < self._stream_at:
            self._close_stream()
            self._stream = self._blocks(start, self._window[1])
            self._stream_at = start
        skip = start - self._stream_at
        while len(self._ahead) < skip + end - start:
            self._ahead += next(self._stream)
        data = bytes(self._ahead[skip : skip + end - start])
        del self._ahead[: skip + end - start]
        self._stream_at = end
        return data

    def _close_stream(self) -> None:
        self._ahead.clear()
        if self._stream is not None:
            self._stream.close()  # type: ignore[attr-defined]
        self._stream = None

    def _blocks(self, start: int, end: int) -> Iterator[bytes]:
        offset = 0
        for piece in self._pieces:
            first, last = max(start - offset, 0), min(end - offset, piece.size)
            offset += piece.size
            if first >= last:
                continue
            for block in self._hub.read_range(
                piece.url, first, last, what=piece.name, size=piece.size
            ):
                self._on_bytes(len(block))
                yield block


class LocalFile(HubRangeFile):
    """An archive that was fetched whole; its members are given up from the end on.

    Args:
        path: The file; it may have lost its end already.
        pieces: What it consisted of.
        hub: Where they were.
        tail: The archive's last bytes, if they are known from an earlier read.
    """

    def __init__(
        self, path: Path, pieces: Sequence[PartFile], *, hub: Hub, tail: bytes = b""
    ) -> None:
        self._file = path.open("r+b")
        super().__init__(pieces, hub=hub, tail=tail)

    def give_up(self, start: int) -> None:
        """Free the room of everything from a place on."""
        self._file.truncate(start)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
        super().close()

    def _blocks(self, start: int, end: int) -> Iterator[bytes]:
        self._file.seek(start)
        data = self._file.read(end - start)
        if len(data) != end - start:
            raise EOFError(f"byte {end:,} of the archive is not there any more")
        yield data
