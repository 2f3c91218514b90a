"""What is asked of a download, and what it reports at the end."""

from dataclasses import dataclass
from pathlib import Path

from clipmill.download.plan import Problem
from clipmill.download.table import Choice

REPOSITORY = "nkp37/OpenVid-1M"


@dataclass(frozen=True)
class Request:
    """What is wanted.

    Attributes:
        folder: Target; `videos/`, the manifest and the lists are made in it.
        parts: Numbers of archives; None for all.
        subset: `train` or `hd`.
        where: Choice of rows, see `parse_where`; empty for all.
        revision: Branch, tag or commit; empty goes on with the folder's commit, else `main`.
        jobs: Requests at once.
        dry_run: Only tell what it would cost.
        repository: Name on the hub.
    """

    folder: Path
    parts: frozenset[int] | None = None
    subset: str = "train"
    where: str = ""
    revision: str = ""
    jobs: int = 4
    dry_run: bool = False
    repository: str = REPOSITORY


@dataclass(frozen=True)
class Report:
    """What is there at the end.

    Attributes:
        commit: Commit of the dataset.
        archives: Archives looked at.
        archive_bytes: Their size.
        requests: Requests for members, or for whole archives.
        fetch_bytes: Bytes of members and whole archives read, or to be read in a dry run.
        received_bytes: Bytes that arrived in all: these, the table and the directories.
        disk_bytes: Size of the files written, or to be written; at most so much for archives
            whose content is not known yet.
        fetched: Videos written, or to be written as far as the archives' content is known.
        whole_archives: Archives that had to be fetched whole, or will have to be.
        here_before: Videos that were there.
        unlisted: Videos in the archives that are not chosen.
        same: Members of equal name and content, kept once.
        problems: Members refused, damaged or kept under another name; unusable archives.
        choice: What the table's rows say.
        listed_here: Chosen videos that are there.
        missing: Chosen videos that are not.
        first_missing: Names of the first of them.
        free_bytes: Room on the disk.
    """

    commit: str
    archives: int
    archive_bytes: int
    requests: int
    fetch_bytes: int
    received_bytes: int
    disk_bytes: int
    fetched: int
    whole_archives: int
    here_before: int
    unlisted: int
    same: int
    problems: tuple[Problem, ...]
    choice: Choice
    listed_here: int
    missing: int
    first_missing: tuple[str, ...]
    free_bytes: int
