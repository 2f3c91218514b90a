"""Checksums of files."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

from clipmill.errors import ClipmillError

DigestKind = Literal["sha256", "sha256-prefix", "md5", "git-sha1"]
"""`sha256-prefix`: first characters of a SHA-256, as some hubs put into file names; `git-sha1`:
the id git gives to a file's content, which the hub announces for small files."""

_BLOCK = 1 << 20


class ChecksumError(ClipmillError):
    """A file is not the one that was expected."""


@dataclass(frozen=True)
class Digest:
    """A published checksum of a file's content."""

    kind: DigestKind
    value: str

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


def hashers_for(kinds: Iterable[str], *, size: int) -> dict[str, Any]:
    """Return new hash objects by kind.

    Args:
        kinds: Digest kinds; a prefix of a SHA-256 is got from the whole.
        size: Bytes of the content; git hashes them in front of it.
    """
    made: dict[str, Any] = {}
    for kind in kinds:
        if kind == "git-sha1":
            made[kind] = hashlib.sha1(f"blob {size}\0".encode(), usedforsecurity=False)
        elif kind == "md5":
            made[kind] = hashlib.md5(usedforsecurity=False)
        else:
            made["sha256"] = hashlib.sha256()
    return made


def hash_file(
    path: Path, *, kinds: Sequence[str] = (), on_bytes: Callable[[int], None] | None = None
) -> dict[str, str]:
    """Return checksums of a file, read once.

    Args:
        path: The file.
        kinds: Digest kinds wanted besides `sha256`, which is always computed.
        on_bytes: Called with the number of bytes read so far.
    """
    hashers = hashers_for(("sha256", *kinds), size=path.stat().st_size)
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for hasher in hashers.values():
                hasher.update(block)
            done += len(block)
            if on_bytes:
                on_bytes(done)
    return {kind: hasher.hexdigest() for kind, hasher in hashers.items()}


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content, as hex digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_through(source: IO[bytes], target: IO[bytes] | None = None) -> tuple[int, str]:
    """Read a stream to its end, copying it where a target is given.

    Returns:
        Number of bytes and their SHA-256.
    """
    digest, size = hashlib.sha256(), 0
    while block := source.read(_BLOCK):
        digest.update(block)
        size += len(block)
        if target is not None:
            target.write(block)
    return size, digest.hexdigest()


def matches(digest: Digest, hashes: dict[str, str]) -> bool:
    """Tell whether computed checksums agree with a published one."""
    if digest.kind == "sha256-prefix":
        return hashes["sha256"].startswith(digest.value)
    return hashes[digest.kind] == digest.value


def check_file(
    path: Path,
    accepted: Sequence[Sequence[Digest]],
    *,
    what: str,
    remedy: str,
    on_bytes: Callable[[int], None] | None = None,
) -> str:
    """Compare a file with its published checksums.

    Args:
        path: The file.
        accepted: Published checksums of each variant; a file must have all those of one, and a
            variant without any takes every file.
        what: What it is, for the message.
        remedy: What to do about a mismatch, for the message.
        on_bytes: Called with the number of bytes read so far.

    Returns:
        The SHA-256 of the file.

    Raises:
        ChecksumError: It is of no variant.
    """
    kinds = [digest.kind for digests in accepted for digest in digests]
    hashes = hash_file(path, kinds=kinds, on_bytes=on_bytes)
    wrong = [[d for d in digests if not matches(d, hashes)] for digests in accepted]
    if any(not digests for digests in wrong):
        return hashes["sha256"]
    first = [digests[0] for digests in wrong]
    found = {d.kind: hashes["sha256" if d.kind == "sha256-prefix" else d.kind] for d in first}
    named = found.values() if len(found) == 1 else [f"{k} {v}" for k, v in found.items()]
    raise ChecksumError(
        f"{what} is not the published file: expected {' or '.join(map(str, first))}, "
        f"found {', '.join(named)} ({path.stat().st_size:,} bytes). {remedy}"
    )


def hash_folder(path: Path, files: Sequence[str]) -> str:
    """Return one SHA-256 over an unpacked folder: names and contents of the given files."""
    return combine({name: sha256_of(path / name) for name in files})


def combine(sha256: dict[str, str]) -> str:
    """Return one checksum for several files, independent of their order."""
    lines = "".join(f"{sha256[name]}  {name}\n" for name in sorted(sha256))
    return hashlib.sha256(lines.encode()).hexdigest()
