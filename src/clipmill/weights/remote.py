"""From a model in the registry to addresses, sizes and checksums of its files."""

from dataclasses import dataclass, replace

from clipmill.disk import Digest
from clipmill.net.errors import DownloadError
from clipmill.net.hub import Hub, HubFile
from clipmill.weights.archive import safe_name
from clipmill.weights.cache import CacheRecord
from clipmill.weights.spec import WeightFile, WeightSpec


@dataclass(frozen=True)
class RemoteFile:
    """A file to fetch.

    Attributes:
        file: Name, address and every checksum it must have.
        checked: What the checksums come from: `registry`, `hub`, `first use` (there are none).
        hub_digest: Checksum announced by the hub, under which its tools cache the file.
    """

    file: WeightFile
    checked: str = "first use"
    hub_digest: Digest | None = None


@dataclass(frozen=True)
class Remote:
    """All files of a model at one commit."""

    revision: str | None
    files: tuple[RemoteFile, ...]


def resolve(spec: WeightSpec, hub: Hub, known: CacheRecord | None) -> Remote:
    """Find out what to fetch.

    Args:
        spec: The model.
        hub: The hub.
        known: What an earlier pull found; its revision and checksums must come again.

    Raises:
        DownloadError: The hub does not have it.
    """
    revision = spec.revision or (known.revision if known else None)
    pinned = {file.path: file for file in spec.files}
    if spec.patterns:
        listing = hub.list_files(spec.hub_repo, revision or "main")
        revision = listing.commit
        names = spec.select_files(safe_name(name) for name in listing.files)
        wanted = [pinned.get(name, WeightFile(name)) for name in names]
        if not wanted:
            raise DownloadError(
                f"{spec.hub_repo} at {revision} has none of {', '.join(spec.patterns)}"
            )
    else:
        wanted = list(spec.files)
    files = []
    for file in wanted:
        if file.url or file.npm:
            found = RemoteFile(file)
        else:
            announced = hub.announce(spec.hub_repo, revision or "main", file.path)
            revision = revision or announced.commit
            found = _merge(spec, file, announced)
        files.append(_with_known(found, file, known))
    return Remote(revision, tuple(files))


def _merge(spec: WeightSpec, file: WeightFile, announced: HubFile) -> RemoteFile:
    digest = announced.digest
    pinned = file.sha256
    if pinned and digest and digest.kind == "sha256" and digest.value != pinned:
        raise DownloadError(
            f"the hub announces another '{file.path}' for '{spec.name}' than was published: "
            f"sha256 {digest.value} instead of {pinned} ({announced.url})"
        )
    size = file.size_bytes or announced.size_bytes
    digests = (*file.digests, *([digest] if digest and digest not in file.digests else []))
    merged = replace(file, url=announced.url, size_bytes=size, digests=digests)
    checked = "hub" if digest else "first use"
    return RemoteFile(merged, checked, digest)


def _with_known(found: RemoteFile, file: WeightFile, known: CacheRecord | None) -> RemoteFile:
    """Add the checksum of the first pull, and say where trust comes from."""
    if file.digests:
        found = replace(found, checked="registry")
    earlier = known.files.get(file.path) if known else None
    # Of a file with several publications another one may come the next time.
    if earlier is None or earlier.entries or file.others:
        return found
    digest = Digest("sha256", earlier.sha256)
    if digest in found.file.digests:
        return found
    return replace(found, file=replace(found.file, digests=(*found.file.digests, digest)))
