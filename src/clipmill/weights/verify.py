"""What of a model is in the cache, and whether it is what it should be. Opens no sockets."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from clipmill.disk.digest import (
    ChecksumError,
    Digest,
    check_file,
    combine,
    hash_folder,
    sha256_of,
)
from clipmill.weights.cache import Cache, CacheRecord, FileRecord, open_cache
from clipmill.weights.errors import MissingWeightsError
from clipmill.weights.registry import find_spec
from clipmill.weights.spec import WeightFile, WeightSpec


def remedy_for(spec: WeightSpec) -> str:
    """Return what a user does to get the weights of a model."""
    if spec.can_fetch:
        return f"Fetch it with: clipmill models pull {spec.name}"
    return (
        f"It is {spec.note} ({spec.source}): "
        f"clipmill models pull {spec.name} --from {spec.files[0].path}"
    )


def file_of(spec: WeightSpec, path: str) -> WeightFile:
    """Return what the registry knows of a file; of one it does not name, nothing but the name."""
    return next((file for file in spec.files if file.path == path), WeightFile(path))


def find_weights(name: str, *, root: Path | None = None) -> Path:
    """Return the verified local path of a model's weights.

    A file whose size and modification time are those of its last verification is taken as it
    is; any other is hashed again. Never touches the network.

    Args:
        name: Name in the registry, e.g. `autoshot`.
        root: Cache folder, if not the user's.

    Returns:
        The file, for a model of one file; else the folder that holds the files.

    Raises:
        UsageError: No such model.
        MissingWeightsError: Something is not there; the message holds the command to run.
        ChecksumError: A file is not the one that was verified or published.
    """
    spec = find_spec(name)
    return find_spec_weights(spec, open_cache(root))


def find_spec_weights(spec: WeightSpec, cache: Cache) -> Path:
    """Return the verified local path of a model that need not be in the registry."""
    ensure(spec, cache)
    folder = cache.folder(spec.name)
    return folder if spec.is_folder else folder / spec.files[0].path


def ensure(spec: WeightSpec, cache: Cache, *, rehash: bool = False) -> CacheRecord:
    """Check what the cache holds of a model, and return its record.

    Args:
        spec: The model.
        cache: The cache.
        rehash: Hash every file even if size and time are unchanged.

    Raises:
        MissingWeightsError: Something is not there.
        ChecksumError: A file is not the one that was verified or published.
    """
    record = cache.read(spec.name)
    if record is None:
        record = _adopt(spec, cache)
        rehash = False
    if not record.complete:
        raise MissingWeightsError(
            f"the weights '{spec.name}' are not all fetched yet ({cache.folder(spec.name)}). "
            f"{remedy_for(spec)}"
        )
    if spec.revision and record.revision and spec.revision != record.revision:
        raise MissingWeightsError(
            f"the weights '{spec.name}' in {cache.folder(spec.name)} are revision "
            f"{record.revision}, wanted is {spec.revision}. {remedy_for(spec)}"
        )
    renewed = {
        path: _check(spec, cache, path, known, rehash=rehash)
        for path, known in record.files.items()
    }
    if renewed != record.files:
        record = record.model_copy(update={"files": renewed})
        # A cache that others own may be read-only: then the next load hashes again.
        with suppress(OSError):
            cache.write(record)
    return record


def _adopt(spec: WeightSpec, cache: Cache) -> CacheRecord:
    """Take files that somebody put into the cache folder, if the registry knows their content."""
    folder = cache.folder(spec.name)
    missing = MissingWeightsError(
        f"the weights '{spec.name}' ({spec.title}) are not in {folder}. {remedy_for(spec)}"
    )
    if spec.patterns or any(file.unpack for file in spec.files):
        raise missing
    files = {}
    for file in spec.files:
        path = folder / file.path
        if not path.is_file():
            raise missing
        if not file.digests:
            raise MissingWeightsError(
                f"{path} has no published checksum to compare it with. If you trust it, run: "
                f"clipmill models pull {spec.name} --from {path}"
            )
        files[file.path] = record_file(
            path, file.accepted, what=f"{path}", remedy=remedy_for(spec), checked="registry"
        )
    record = CacheRecord(
        name=spec.name, source=spec.source, revision=spec.revision, complete=True, files=files
    )
    with suppress(OSError):
        cache.write(record)
    return record


def record_file(
    path: Path,
    accepted: Sequence[Sequence[Digest]],
    *,
    what: str,
    remedy: str,
    checked: str,
    on_bytes: Callable[[int], None] | None = None,
) -> FileRecord:
    """Hash a file, compare it with what was published, and return its record.

    Raises:
        ChecksumError: It differs.
    """
    before = path.stat()
    sha256 = check_file(path, accepted, what=what, remedy=remedy, on_bytes=on_bytes)
    return FileRecord(
        size_bytes=before.st_size, mtime_ns=before.st_mtime_ns, sha256=sha256, checked=checked
    )


def record_folder(path: Path, entries: tuple[str, ...], *, checked: str) -> FileRecord:
    """Hash an unpacked folder and return its record."""
    size, newest = _folder_state(path, entries)
    sha256 = hash_folder(path, entries)
    return FileRecord(
        size_bytes=size, mtime_ns=newest, sha256=sha256, checked=checked, entries=entries
    )


def _folder_state(path: Path, entries: tuple[str, ...]) -> tuple[int, int]:
    stats = [(path / entry).stat() for entry in entries]
    return sum(s.st_size for s in stats), max((s.st_mtime_ns for s in stats), default=0)


def _check(
    spec: WeightSpec, cache: Cache, name: str, known: FileRecord, *, rehash: bool
) -> FileRecord:
    path = cache.folder(spec.name) / name
    try:
        if known.entries:
            size, mtime = _folder_state(path, known.entries)
        else:
            size, mtime = path.stat().st_size, path.stat().st_mtime_ns
    except FileNotFoundError as error:
        raise MissingWeightsError(
            f"the file '{error.filename or path}' of the weights '{spec.name}' is gone. "
            f"{remedy_for(spec)}"
        ) from error
    _check_pin(spec, name, known)
    if not rehash and (size, mtime) == (known.size_bytes, known.mtime_ns):
        return known
    sha256 = hash_folder(path, known.entries) if known.entries else sha256_of(path)
    if sha256 != known.sha256:
        raise ChecksumError(
            f"{path} of the weights '{spec.name}' has changed since it was verified: expected "
            f"sha256 {known.sha256}, found {sha256} ({size:,} bytes). {remedy_for(spec)}"
        )
    return known.model_copy(update={"size_bytes": size, "mtime_ns": mtime})


def _check_pin(spec: WeightSpec, name: str, known: FileRecord) -> None:
    """Refuse a record that an older registry allowed and this one does not."""
    wrong = [
        [digest for digest in digests if _contradicts(digest, known.sha256)]
        for digests in file_of(spec, name).accepted
    ]
    if all(wrong):
        raise ChecksumError(
            f"the file '{name}' of the weights '{spec.name}' has sha256 {known.sha256}; "
            f"published is {' or '.join(str(digests[0]) for digests in wrong)}. {remedy_for(spec)}"
        )


def _contradicts(digest: Digest, sha256: str) -> bool:
    """Tell whether a published checksum rules a file out; other kinds say nothing about it."""
    whole = digest.kind == "sha256" and digest.value != sha256
    prefix = digest.kind == "sha256-prefix" and not sha256.startswith(digest.value)
    return whole or prefix


def weights_identity(name: str, *, root: Path | None = None) -> dict[str, str]:
    """Return what identifies a model's weights: name, revision, checksum.

    What the registry pins is known without having it, and is the same before and after the
    pull; anything else is read from the cache. Of a file with several publications the cache
    tells which one is here; as long as none is, it is the first.

    Raises:
        MissingWeightsError: The checksum is not known before the first pull.
    """
    spec = find_spec(name)
    cache = open_cache(root)
    if spec.sha256:
        sha256 = spec.sha256
        if spec.files[0].others:
            with suppress(MissingWeightsError):
                sha256 = ensure(spec, cache).files[spec.files[0].path].sha256
        return _identity(spec.name, spec.revision, sha256)
    record = cache.read(name)
    by_hand = record and any(file.checked == "by hand" for file in record.files.values())
    if spec.is_pinned and spec.revision and not by_hand:
        return _identity(spec.name, spec.revision, "")
    record = ensure(spec, cache)
    checksums = {path: file.sha256 for path, file in record.files.items()}
    whole = combine(checksums) if spec.is_folder else next(iter(checksums.values()))
    return _identity(spec.name, record.revision, whole)


def _identity(name: str, revision: str | None, sha256: str) -> dict[str, str]:
    return {"weights": name, "revision": revision or "", "sha256": sha256}
