"""OpenVid-1M: choose rows of its table, fetch their videos out of its archives.

Nan et al., OpenVid-1M: A Large-Scale High-Quality Dataset for Text-to-video Generation,
ICLR 2025; published as zip archives on the Hugging Face hub.
"""

import shutil
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from clipmill.choice import parse_where
from clipmill.disk import HeldError, hold, write_text
from clipmill.download.archives.repository import (
    Archive,
    archive_names,
    find_archive,
    find_piece,
    open_hub,
)
from clipmill.download.archives.whole import fetch_file
from clipmill.download.errors import DatasetError, FolderError
from clipmill.download.fetcher import Fetcher, Meter, stopping_pool
from clipmill.download.journal import Journal
from clipmill.download.lists import VIDEOS, files_here, write_lists
from clipmill.download.plan import Planner, Problem
from clipmill.download.request import Report, Request
from clipmill.download.table import Choice, VideoTable
from clipmill.download.unpack import Stopped, disk_error
from clipmill.download.whole_unpack import WholeUnpacker
from clipmill.errors import UsageError
from clipmill.net.hub import Hub, HubListing
from clipmill.net.progress import Progress
from clipmill.net.retry import Retries

TABLES = {"train": "data/train/OpenVid-1M.csv", "hd": "data/train/OpenVidHD.csv"}

_STATE = ".openvid"
_NAMES_SHOWN = 10


def download_openvid(
    request: Request, *, progress: Progress | None = None, retries: Retries | None = None
) -> Report:
    """Fetch what is missing of a choice of OpenVid-1M.

    Raises:
        UsageError: The request makes no sense, the folder is in use, or the disk too small.
        DiskFullError: The disk filled up on the way; what is finished is kept.
        DownloadError: The server refused or kept failing; what has arrived is kept.
        DatasetError: The published table cannot be read.
    """
    if request.subset not in TABLES:
        raise UsageError(f"--subset: there is no '{request.subset}'; choose {' or '.join(TABLES)}")
    parse_where(request.where)
    watch, stop = progress or Progress(), threading.Event()

    def sleep(seconds: float) -> None:  # waiting ends when the download does
        if stop.wait(seconds):
            raise Stopped

    hub = open_hub(retries=retries or Retries(sleep=sleep), note=watch.note)
    try:
        with _locked(request.folder):
            return _Download(request, watch, hub, stop).run()
    except OSError as error:  # the disk: everything about the network has its own error
        raise disk_error(error, request.folder) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    with ExitStack() as held:
        try:
            held.enter_context(hold(folder / _STATE / "lock"))
        except HeldError as error:
            raise FolderError(
                f"--to: another process is downloading into {folder}; wait for it"
            ) from error
        yield


@dataclass
class _Download:
    """One download; the lock of its folder is held."""

    request: Request
    watch: Progress
    hub: Hub
    stop: threading.Event
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.request.folder
        self.state = self.folder / _STATE
        self.journal = Journal(self.state / "journal.jsonl")
        self.meter = Meter(self.watch)
        self.unpacker = WholeUnpacker(
            folder=self.folder / VIDEOS,
            state=self.state,
            journal=self.journal,
            hub=self.hub,
            note=self.watch.note,
            on_bytes=self.meter.arrived,
            stop=self.stop,
        )

    def run(self) -> Report:
        """Do it."""
        listing = self._listing()
        parts = self._parts(archive_names(listing.files))
        conditions = parse_where(self.request.where)
        table = self._table(listing)
        choice = table.choose(conditions)
        # Without any choice of rows every video of an archive is taken.
        everything = self.request.subset == "train" and not conditions
        planner = Planner(
            self.folder / VIDEOS,
            self.journal,
            (lambda _: True) if everything else choice.names.__contains__,
        )
        fetcher = Fetcher(
            folder=self.folder,
            archives=self._archives(listing, parts),
            planner=planner,
            unpacker=self.unpacker,
            meter=self.meter,
            jobs=self.request.jobs,
            problems=self.problems,
        )
        fetcher.look()
        if not self.request.dry_run:
            fetcher.fetch(None if everything else choice.names)
        return self._report(listing, fetcher, table, choice)

    def _listing(self) -> HubListing:
        """Return commit and files; a folder goes on with the commit it was begun with."""
        pinned = self.state / "commit"
        known = pinned.read_text("utf-8").strip() if pinned.exists() else ""
        listing = self.hub.list_files(
            self.request.repository, self.request.revision or known or "main"
        )
        if listing.commit != known:
            write_text(pinned, listing.commit + "\n")
        return listing

    def _parts(self, published: dict[int, list[str]]) -> dict[int, list[str]]:
        wanted = self.request.parts
        if wanted is None:
            wanted = frozenset(published)
        for part in sorted(wanted - set(published)):
            self.problems.append(Problem(part, "", "the repository has no such part"))
        if not wanted & set(published):
            raise UsageError(
                f"--parts: {self.request.repository} has none of the parts asked for; it has "
                f"{len(published)}, from {min(published, default=0)} to {max(published, default=0)}"
            )
        return {part: published[part] for part in sorted(wanted & set(published))}

    def _table(self, listing: HubListing) -> VideoTable:
        name = TABLES[self.request.subset]
        piece = find_piece(self.hub, listing, name)
        mark = (piece.digest.value if piece.digest else listing.commit)[:12]
        path = self.state / f"{mark}-{Path(name).name}"
        if not path.exists():
            self.watch.start(name, piece.size)
            fetch_file(piece, path, hub=self.hub, on_bytes=self.watch.at)
            self.watch.finish()
        return VideoTable(path)

    def _archives(self, listing: HubListing, parts: dict[int, list[str]]) -> dict[int, Archive]:
        def find(part: int) -> Archive | Problem:
            try:
                return find_archive(self.hub, listing, part, parts[part])
            except DatasetError as error:
                return Problem(part, "", str(error))

        with stopping_pool(self.request.jobs, self.stop) as pool:
            found = list(pool.map(find, parts))
        self.problems += [one for one in found if isinstance(one, Problem)]
        return {one.part: one for one in found if isinstance(one, Archive)}

    def _report(
        self, listing: HubListing, fetcher: Fetcher, table: VideoTable, choice: Choice
    ) -> Report:
        plan, archives, dry = fetcher.planner.plan, fetcher.archives, self.request.dry_run
        problems = tuple(sorted((*self.problems, *plan.problems), key=lambda p: p.part))
        files = files_here(self.folder, self.journal, plan.sources)
        if not dry:
            write_lists(self.folder, table, choice, files, problems)
        missing = choice.names - files.keys()
        whole = {part: archives[part].size for part in fetcher.unknown} if dry else fetcher.whole
        ranges = [run for run in plan.runs if run[0].part not in whole]
        return Report(
            commit=listing.commit,
            archives=len(archives),
            archive_bytes=sum(archive.size for archive in archives.values()),
            requests=len(ranges) + sum(len(archives[part].pieces) for part in whole),
            fetch_bytes=sum(m.end - m.start for r in ranges for m in r) + sum(whole.values()),
            received_bytes=self.hub.received,
            disk_bytes=plan.disk_bytes + (sum(whole.values()) if dry else 0),
            fetched=sum(1 for _ in plan.members)
            - sum(problem.reason.startswith("damaged") for problem in problems),
            whole_archives=len(whole),
            here_before=len(plan.here),
            unlisted=plan.unlisted,
            same=plan.same,
            problems=problems,
            choice=choice,
            listed_here=len(choice.names) - len(missing),
            missing=len(missing),
            first_missing=tuple(sorted(missing)[:_NAMES_SHOWN]),
            free_bytes=shutil.disk_usage(self.folder).free,
        )
