"""What every part does with files of this machine: atomic writes, checksums, locks."""

from clipmill.disk.atomic import create, replacing, write_bytes, write_text
from clipmill.disk.digest import ChecksumError, Digest, sha256_of
from clipmill.disk.locks import HeldError, LocksUnsupportedError, hold

__all__ = [
    "ChecksumError",
    "Digest",
    "HeldError",
    "LocksUnsupportedError",
    "create",
    "hold",
    "replacing",
    "sha256_of",
    "write_bytes",
    "write_text",
]
