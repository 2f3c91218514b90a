"""Archives fetched whole, for servers without byte ranges: one at a time, checked, then emptied.

An unfinished piece begins again, since such a server cannot go on in the middle; finished pieces
of a split archive stay. Members are unpacked from the archive's end to its start and their room is
freed one by one, so an archive and its videos are never on the disk together.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from clipmill.disk import ChecksumError
from clipmill.disk.digest import check_file, hash_file, hashers_for, matches
from clipmill.download.archives.repository import PartFile
from clipmill.net.errors import TransientError
from clipmill.net.hub import Hub


def partial_of(path: Path) -> Path:
    """Return where a file is while it is not whole."""
    return path.with_name(path.name + ".partial")


def fetch_pieces(
    pieces: tuple[PartFile, ...],
    path: Path,
    *,
    hub: Hub,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Fetch files one after the other into one; what an earlier call has finished is kept.

    Args:
        pieces: What the file consists of, in order.
        path: The file; exists only when it is whole and has the published checksums.
        hub: Where the pieces are.
        on_bytes: Called with the number of bytes of each block; negative when it begins again.

    Raises:
        ChecksumError: A piece has not the published checksum, twice.
        DownloadError: The server refused, or kept failing.
        OSError: The disk is full or fails.
    """
    report = on_bytes or (lambda _: None)
    partial = partial_of(path)
    partial.touch()
    with partial.open("r+b") as file:
        have, start = file.seek(0, os.SEEK_END), 0
        for piece in pieces:
            # A piece is begun only after the one before it was checked.
            if have > start + piece.size or _is_whole(partial, piece, start, have):
                report(piece.size)
            else:
                have = 0
                _fetch(piece, file, start, hub, report)
            start += piece.size
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def fetch_file(piece: PartFile, path: Path, *, hub: Hub, on_bytes: Callable[[int], None]) -> None:
    """Fetch one file; it goes on in the middle where the server allows it.

    Args:
        piece: The file.
        path: Where it goes; exists only when it has the published checksum.
        hub: Where it is.
        on_bytes: Called with the number of bytes that are there.

    Raises:
        ChecksumError: It has not the published checksum.
        DownloadError: The server refused, or kept failing.
        OSError: The disk is full or fails.
    """
    partial = partial_of(path)
    hub.download(piece.url, partial, what=piece.name, size=piece.size, on_bytes=on_bytes)
    published = (piece.digest,) if piece.digest else ()
    try:
        check_file(
            partial,
            (published,),
            what=piece.name,
            remedy="It was removed; run the same command again",
        )
    except ChecksumError:
        partial.unlink()
        raise
    partial.replace(path)


def _fetch(
    piece: PartFile, file: BinaryIO, start: int, hub: Hub, report: Callable[[int], None]
) -> None:
    patience, wrong = hub.patience(piece.name), ""
    while True:
        file.seek(start)
        file.truncate()
        kind = piece.digest.kind if piece.digest else "sha256"
        hashers, arrived = hashers_for([kind], size=piece.size), 0
        try:
            for block in hub.read_whole(piece.url, what=piece.name, size=piece.size):
                file.write(block)
                for hasher in hashers.values():
                    hasher.update(block)
                arrived += len(block)
                report(len(block))
            found = {kind: hasher.hexdigest() for kind, hasher in hashers.items()}
            if not (now := _wrong(piece, found)):
                return
            if wrong:
                file.truncate(start)
                raise ChecksumError(now)
            wrong = now
            problem = TransientError(wrong)
        except TransientError as error:
            problem = TransientError(
                f"{error}; {arrived:,} bytes are lost, the server cannot go on in the middle",
                error.wait,
            )
        report(-arrived)
        patience.failed(problem)


def _is_whole(path: Path, piece: PartFile, start: int, have: int) -> bool:
    """Tell whether a single piece arrived just before the process died."""
    if start or have != piece.size or piece.digest is None:
        return False
    return matches(piece.digest, hash_file(path, kinds=(piece.digest.kind,)))


def _wrong(piece: PartFile, found: dict[str, str]) -> str:
    digest = piece.digest
    if digest is None or found[digest.kind] == digest.value:
        return ""
    return f"{piece.name} is not the published file: expected {digest}, found {found[digest.kind]}"
