"""The archives of OpenVid in its repository: one zip each, or the pieces of one."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from huggingface_hub import constants

from clipmill.disk import Digest
from clipmill.download.errors import DatasetError
from clipmill.net.errors import DownloadError
from clipmill.net.hub import Hub, HubListing
from clipmill.net.retry import Retries

_ARCHIVE = re.compile(r"(?:.*/)?OpenVid_part(?P<part>\d+)(?:\.zip|_part(?P<piece>[a-z]{2}))")


@dataclass(frozen=True)
class PartFile:
    """A file of a dataset, at one commit.

    Attributes:
        name: Name in its repository.
        url: Address.
        size: Size in bytes.
        digest: Published checksum, SHA-256 of a large file or git's id of a small one.
    """

    name: str
    url: str
    size: int
    digest: Digest | None = None


@dataclass(frozen=True)
class Archive:
    """One zip archive of the dataset.

    Attributes:
        part: Its number.
        pieces: Its files, in order.
        commit: Commit of the dataset.
    """

    part: int
    pieces: tuple[PartFile, ...]
    commit: str = ""

    @property
    def identity(self) -> str:
        """A mark that changes with the content."""
        return "+".join(f"{piece.digest or self.commit}:{piece.size}" for piece in self.pieces)

    @property
    def size(self) -> int:
        """Size in bytes."""
        return sum(piece.size for piece in self.pieces)


def archive_names(names: Iterable[str]) -> dict[int, list[str]]:
    """Return the files of every part: one zip, or its pieces in order where there is none."""
    whole: dict[int, list[str]] = {}
    split: dict[int, list[str]] = {}
    for name in sorted(names, key=lambda name: (name.count("/"), name)):
        if match := _ARCHIVE.fullmatch(name):
            if match["piece"]:
                split.setdefault(int(match["part"]), []).append(name)
            else:
                whole.setdefault(int(match["part"]), [name])
    return dict(sorted((split | whole).items()))


def missing_piece(names: list[str]) -> str:
    """Return the first piece that a split archive lacks before its last one; empty if none."""
    for number, name in enumerate(names):
        letters = f"_part{chr(97 + number // 26)}{chr(97 + number % 26)}"
        if not name.endswith((".zip", letters)):
            return letters
    return ""


def open_hub(*, retries: Retries | None = None, note: Callable[[str], None] | None = None) -> Hub:
    """Return the hub of datasets, whose storage addresses are asked for many ranges each.

    Raises:
        OfflineError: The environment switches the network off.
    """
    return Hub(
        "dataset",
        retries=retries,
        note=note,
        silence=constants.HF_HUB_DOWNLOAD_TIMEOUT,
        absent="--revision or HF_ENDPOINT is wrong",
        keep_redirects=True,
    )


def find_piece(hub: Hub, listing: HubListing, name: str) -> PartFile:
    """Return a file of a dataset; mirrors that list no sizes are asked for its headers.

    Raises:
        DownloadError: The hub has no such file, refuses, or does not tell its size.
    """
    found = listing.files.get(name)
    if found is None or found.size_bytes is None:
        found = hub.announce(listing.repo, listing.commit, name)
    if found.size_bytes is None:
        raise DownloadError(f"{hub.endpoint} does not tell the size of {name}")
    return PartFile(name, found.url, found.size_bytes, found.digest)


def find_archive(hub: Hub, listing: HubListing, part: int, names: list[str]) -> Archive:
    """Return an archive with size and checksum of every piece.

    Raises:
        DownloadError: The hub refuses, kept failing, or does not tell a size.
        DatasetError: A piece is not there.
    """
    if letters := missing_piece(names):
        raise DatasetError(f"its piece {letters} is not in the repository")
    return Archive(part, tuple(find_piece(hub, listing, name) for name in names), listing.commit)
