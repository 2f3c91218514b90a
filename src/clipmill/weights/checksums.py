"""Checksums of files, and their comparison with what was published."""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from clipmill.weights.errors import ChecksumError
from clipmill.weights.spec import Digest

_BLOCK = 1 << 20


def hash_file(
    path: Path, *, kinds: Sequence[str] = (), on_bytes: Callable[[int], None] | None = None
) -> dict[str, str]:
    """Return checksums of a file, read once.

    Args:
        path: The file.
        kinds: Digest kinds wanted besides `sha256`, which is always computed.
        on_bytes: Called with the number of bytes read so far.
    """
    hashers: dict[str, Any] = {"sha256": hashlib.sha256()}
    if "md5" in kinds:
        hashers["md5"] = hashlib.md5(usedforsecurity=False)
    if "git-sha1" in kinds:
        header = f"blob {path.stat().st_size}\0".encode()
        hashers["git-sha1"] = hashlib.sha1(header, usedforsecurity=False)
    done = 0
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            for hasher in hashers.values():
                hasher.update(block)
            done += len(block)
            if on_bytes:
                on_bytes(done)
    return {kind: hasher.hexdigest() for kind, hasher in hashers.items()}


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
        what: The model and file, for the message.
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
    return combine({name: hash_file(path / name)["sha256"] for name in files})


def combine(sha256: dict[str, str]) -> str:
    """Return one checksum for several files, independent of their order."""
    lines = "".join(f"{sha256[name]}  {name}\n" for name in sorted(sha256))
    return hashlib.sha256(lines.encode()).hexdigest()
