"""Weights that a user has already: checked, copied into the cache, recorded. No network."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from clipmill.disk import Digest, replacing
from clipmill.net.progress import Progress
from clipmill.weights.cache import Cache, CacheRecord, FileRecord
from clipmill.weights.errors import MissingWeightsError
from clipmill.weights.spec import WeightSpec
from clipmill.weights.verify import (
    file_of,
    find_spec_weights,
    record_file,
    record_folder,
    remedy_for,
)


def place(
    spec: WeightSpec, source: Path, cache: Cache, *, progress: Progress | None = None
) -> Path:
    """Put weights that a user has into the cache; touches no network.

    Files with a published checksum, or with one from an earlier pull, must fit it; any other is
    trusted because the user says so, and recorded as `by hand`.

    Args:
        spec: The model.
        source: The file, under any name, or a folder with the files.
        cache: The cache.
        progress: Watches.

    Returns:
        What `find_weights` returns from now on.

    Raises:
        MissingWeightsError: A file is not there, or more are needed.
        ChecksumError: A file is not the published one; nothing was copied.
    """
    with cache.lock(spec.name):
        try:
            _place(spec, source, cache, progress or Progress())
        except OSError as error:
            raise cache.unusable(error) from error
    return find_spec_weights(spec, cache)


def _place(spec: WeightSpec, source: Path, cache: Cache, watch: Progress) -> None:
    known = cache.read(spec.name)
    if known and spec.revision and known.revision != spec.revision:
        known = None
    files = dict(known.files) if known else {}
    hand = _Hand(spec, cache, files, watch)
    placed = {name: hand.put(name, path) for name, path in _chosen(spec, source).items()}
    files |= placed
    record = CacheRecord(
        name=spec.name,
        source=spec.source,
        revision=_revision(spec, known, placed),
        complete=all(file.path in files for file in spec.files),
        files=files,
    )
    cache.write(record)


def _revision(
    spec: WeightSpec, known: CacheRecord | None, placed: dict[str, FileRecord]
) -> str | None:
    """Return the commit the files are of; nobody can tell it of unverified ones."""
    if known:
        return known.revision
    return spec.revision if all(f.checked == "registry" for f in placed.values()) else None


def _chosen(spec: WeightSpec, source: Path) -> dict[str, Path]:
    """Return which path is meant for which file of the model."""
    if not source.exists():
        raise MissingWeightsError(f"there is no {source}")
    names = [file.path for file in spec.files]
    if any(file.unpack for file in spec.files) and source.is_dir():
        return {names[0]: source}
    if source.is_file():
        if len(names) == 1 and not spec.patterns and not spec.files[0].unpack:
            return {names[0]: source}
        if source.name in names and not spec.patterns:
            return {source.name: source}
        raise MissingWeightsError(
            f"the weights '{spec.name}' are several files: give the folder that holds them"
        )
    if spec.patterns:
        inside = [p.relative_to(source).as_posix() for p in source.rglob("*") if p.is_file()]
        names = sorted({*spec.select_files(inside), *names})
    missing = [name for name in names if not (source / name).is_file()]
    if missing or not names:
        wanted = ", ".join(missing or spec.patterns)
        raise MissingWeightsError(f"{source} has no {wanted} for the weights '{spec.name}'")
    return {name: source / name for name in names}


@dataclass(frozen=True)
class _Hand:
    """Copies files into the cache."""

    spec: WeightSpec
    cache: Cache
    known: dict[str, FileRecord]
    watch: Progress

    def put(self, name: str, path: Path) -> FileRecord:
        """Check a file or folder, copy it, and return its record."""
        target = self.cache.folder(self.spec.name) / name
        if path.is_dir():
            return self._put_folder(path, target)
        published = file_of(self.spec, name).digests
        accepted = self._accepted(name)
        self.watch.start(f"{self.spec.name}/{name}", path.stat().st_size)
        record = record_file(
            path,
            accepted,
            what=f"{path}, given for the weights '{self.spec.name}',",
            remedy=remedy_for(self.spec),
            checked="registry" if published else "by hand",
            on_bytes=self.watch.at,
        )
        if path.resolve() != target.resolve():
            with replacing(target) as copy:
                shutil.copyfile(path, copy)
            record = record.model_copy(update={"mtime_ns": target.stat().st_mtime_ns})
        if not any(accepted):
            self.watch.note(
                f"{self.spec.name}/{name}: no published checksum; trusted as given, and recorded"
            )
        self.watch.finish()
        return record

    def _put_folder(self, path: Path, target: Path) -> FileRecord:
        if path.resolve() != target.resolve():
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(path, target)
        entries = sorted(p.relative_to(target).as_posix() for p in target.rglob("*") if p.is_file())
        return record_folder(target, tuple(entries), checked="by hand")

    def _accepted(self, name: str) -> tuple[tuple[Digest, ...], ...]:
        file, earlier = file_of(self.spec, name), self.known.get(name)
        if file.others or earlier is None:
            return file.accepted
        return ((*file.digests, Digest("sha256", earlier.sha256)),)
