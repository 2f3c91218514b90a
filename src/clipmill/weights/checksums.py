"""Files compared with what was published."""

from collections.abc import Callable, Sequence
from pathlib import Path

from clipmill.disk.digest import Digest, hash_file, matches
from clipmill.weights.errors import ChecksumError


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
