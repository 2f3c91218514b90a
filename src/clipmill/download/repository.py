"""A dataset repository of the hub: its files at one commit, and its archives in pieces."""

import re
from dataclasses import dataclass
from urllib.parse import quote

from clipmill.download.errors import DatasetError
from clipmill.download.remote import Piece
from clipmill.weights.errors import DownloadError
from clipmill.weights.http import Http
from clipmill.weights.hub import Hub, HubFile, endpoint

_ARCHIVE = re.compile(r"(?:.*/)?OpenVid_part(?P<part>\d+)(?:\.zip|_part(?P<piece>[a-z]{2}))")


@dataclass(frozen=True)
class Archive:
    """One zip archive of the dataset.

    Attributes:
        part: Its number.
        pieces: Its files, in order.
    """

    part: int
    pieces: tuple[Piece, ...]

    @property
    def identity(self) -> str:
        """A mark that changes with the content."""
        return "+".join(f"{piece.identity}:{piece.size}" for piece in self.pieces)


def list_dataset(http: Http, repo: str, revision: str) -> tuple[str, list[str]]:
    """Return the commit a revision of a dataset stands for, and its file names.

    Raises:
        DownloadError: No such dataset or revision, or an answer that makes no sense.
    """
    url = f"{endpoint()}/api/datasets/{repo}/revision/{quote(revision, safe='')}"
    what = f"the file list of the dataset {repo} at {revision}"
    response = http.ask("GET", url, what=what, auth=Hub(http).auth)
    try:
        answer = response.json()
        return str(answer["sha"]), sorted(str(entry["rfilename"]) for entry in answer["siblings"])
    except (ValueError, KeyError, TypeError) as error:
        raise DownloadError(f"{url} did not answer with {what}: {error!r}") from error


def archive_names(names: list[str]) -> dict[int, list[str]]:
    """Return the files of every part: one zip, or its pieces in order where there is none."""
    whole: dict[int, list[str]] = {}
    split: dict[int, list[str]] = {}
    for name in sorted(names):
        if match := _ARCHIVE.fullmatch(name):
            (split if match["piece"] else whole).setdefault(int(match["part"]), []).append(name)
    return dict(sorted((split | whole).items()))


def missing_piece(names: list[str]) -> str:
    """Return the first piece that a split archive lacks before its last one; empty if none."""
    for number, name in enumerate(names):
        letters = f"_part{chr(97 + number // 26)}{chr(97 + number % 26)}"
        if not name.endswith((".zip", letters)):
            return letters
    return ""


def find_archive(hub: Hub, repo: str, commit: str, part: int, names: list[str]) -> Archive:
    """Ask for size and checksum of every piece of an archive.

    Raises:
        DownloadError: The hub refuses, or kept failing.
        DatasetError: It does not tell a size, or a piece is not there.
    """
    if letters := missing_piece(names):
        raise DatasetError(f"its piece {letters} is not in the repository")
    return Archive(part, tuple(piece_of(announce(hub, repo, commit, name)) for name in names))


def announce(hub: Hub, repo: str, commit: str, name: str) -> HubFile:
    """Return what the hub announces of a file of a dataset."""
    return hub.announce(f"datasets/{repo}", commit, name)


def piece_of(file: HubFile) -> Piece:
    """Return a file of the hub as something to read ranges of."""
    if file.size_bytes is None:
        raise DatasetError(f"the hub does not tell the size of {file.path}")
    identity = str(file.digest) if file.digest else str(file.commit)
    return Piece(file.path, file.url, file.size_bytes, identity)
