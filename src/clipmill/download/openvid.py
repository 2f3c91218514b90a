"""OpenVid-1M: choose rows of its table, fetch their videos out of its archives.

Nan et al., OpenVid-1M: A Large-Scale High-Quality Dataset for Text-to-video Generation,
ICLR 2025; published as zip archives on the Hugging Face hub.
"""

import csv
import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zipfile import ZipInfo

from filelock import FileLock, Timeout

from clipmill.download.errors import DatasetError, FolderError
from clipmill.download.journal import Got, Journal
from clipmill.download.plan import Plan, Planner, Problem
from clipmill.download.repository import (
    Archive,
    announce,
    archive_names,
    find_archive,
    list_dataset,
)
from clipmill.download.table import Choice, VideoTable
from clipmill.download.unpack import Unpacker, disk_error
from clipmill.download.where import parse_where
from clipmill.errors import UsageError
from clipmill.weights.checksums import check_file
from clipmill.weights.errors import ChecksumError, OfflineError
from clipmill.weights.http import Http, Retries, offline
from clipmill.weights.hub import Hub
from clipmill.weights.watch import Progress, Silent

REPOSITORY = "nkp37/OpenVid-1M"
TABLES = {"train": "data/train/OpenVid-1M.csv", "hd": "data/train/OpenVidHD.csv"}
VIDEOS = "videos"
MANIFEST = "OpenVid.csv"
MISSING = "missing.txt"
PROBLEMS = "problems.txt"

_STATE = ".openvid"
_SPARE_BYTES = 64 << 20
"""Room that must be left on the disk for lists and the journal."""


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
        fetch_bytes: Bytes of members read, or to be read in a dry run.
        disk_bytes: Size of the files written, or to be written.
        fetched: Videos written, or to be written.
        here_before: Videos that were there.
        unlisted: Videos in the archives that are not chosen.
        same: Members of equal name and content, kept once.
        problems: Members refused, damaged or kept under another name; unusable archives.
        choice: What the table's rows say.
        listed_here: Chosen videos that are there.
        missing: Chosen videos that are not.
        free_bytes: Room on the disk.
    """

    commit: str
    archives: int
    archive_bytes: int
    fetch_bytes: int
    disk_bytes: int
    fetched: int
    here_before: int
    unlisted: int
    same: int
    problems: tuple[Problem, ...]
    choice: Choice
    listed_here: int
    missing: int
    free_bytes: int


def download_openvid(
    request: Request, *, progress: Progress | None = None, retries: Retries | None = None
) -> Report:
    """Fetch what is missing of a choice of OpenVid-1M.

    Raises:
        UsageError: The request makes no sense, the folder is in use, or the disk too small.
        DownloadError: The server refused or kept failing; what has arrived is kept.
        DatasetError: The published table cannot be read.
    """
    if request.subset not in TABLES:
        raise UsageError(f"no subset '{request.subset}'; there are: {', '.join(TABLES)}")
    parse_where(request.where)
    if variable := offline():
        raise OfflineError(f"the network is switched off by {variable}; unset it to download")
    try:
        with _locked(request.folder):
            return _Download(request, progress or Silent(), retries).run()
    except OSError as error:  # the disk: everything about the network has its own error
        raise disk_error(error, request.folder) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    (folder / _STATE).mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / _STATE / "lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as error:
        raise FolderError(f"another process is downloading into {folder}; wait for it") from error
    try:
        yield
    finally:
        lock.release()


@dataclass
class _Download:
    """One download; the lock of its folder is held."""

    request: Request
    watch: Progress
    retries: Retries | None
    problems: list[Problem] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder = self.request.folder
        self.state = self.folder / _STATE
        self.hub = Hub(Http(retries=self.retries, note=self.watch.note))
        self.journal = Journal(self.state / "journal.jsonl")
        self._count_lock = threading.Lock()
        self._count = 0
        self.unpacker = Unpacker(
            folder=self.folder / VIDEOS,
            state=self.state,
            journal=self.journal,
            auth=self.hub.auth,
            retries=self.retries,
            note=self.watch.note,
            on_bytes=self._arrived,
        )

    def run(self) -> Report:
        """Do it."""
        commit, names = self._commit()
        parts = self._parts(archive_names(names))
        conditions = parse_where(self.request.where)
        table = self._table(commit)
        choice = table.choose(conditions)
        # Without any choice of rows every video of an archive is taken.
        everything = self.request.subset == "train" and not conditions
        archives, plan = self._plan(
            commit, parts, (lambda _: True) if everything else choice.names.__contains__
        )
        fetched = sum(1 for _ in plan.members)
        self._check_space(plan)
        if not self.request.dry_run:
            self._fetch(archives, plan)
        here, missing = self._account(table, choice, plan)
        return Report(
            commit=commit,
            archives=len(archives),
            archive_bytes=sum(p.size for a in archives.values() for p in a.pieces),
            fetch_bytes=plan.fetch_bytes,
            disk_bytes=plan.disk_bytes,
            fetched=fetched - sum(p.reason.startswith("damaged") for p in self.problems),
            here_before=len(plan.here),
            unlisted=plan.unlisted,
            same=plan.same,
            problems=tuple(self.problems),
            choice=choice,
            listed_here=here,
            missing=missing,
            free_bytes=shutil.disk_usage(self.folder).free,
        )

    def _commit(self) -> tuple[str, list[str]]:
        """Return commit and files; a folder goes on with the commit it was begun with."""
        pinned = self.state / "commit"
        known = pinned.read_text("utf-8").strip() if pinned.exists() else ""
        revision = self.request.revision or known or "main"
        commit, names = list_dataset(self.hub.http, self.request.repository, revision)
        if commit != known:
            pinned.write_text(commit + "\n", "utf-8")
        return commit, names

    def _parts(self, published: dict[int, list[str]]) -> dict[int, list[str]]:
        wanted = self.request.parts
        if wanted is None:
            wanted = frozenset(published)
        for part in sorted(wanted - set(published)):
            self.problems.append(Problem(part, "", "the repository has no such part"))
        if not wanted & set(published):
            raise UsageError(
                f"{self.request.repository} has none of the parts asked for; it has "
                f"{len(published)}, from {min(published, default=0)} to {max(published, default=0)}"
            )
        return {part: published[part] for part in sorted(wanted & set(published))}

    def _table(self, commit: str) -> VideoTable:
        name = TABLES[self.request.subset]
        file = announce(self.hub, self.request.repository, commit, name)
        mark = file.digest.value[:12] if file.digest else commit[:12]
        path = self.state / f"{mark}-{Path(name).name}"
        if not path.exists():
            part = path.with_name(path.name + ".partial")
            self.watch.start(name, file.size_bytes)
            try:
                self.hub.http.download(
                    file.url,
                    part,
                    what=name,
                    size=file.size_bytes,
                    auth=self.hub.auth,
                    on_bytes=self.watch.at,
                )
                digests = [file.digest] if file.digest else []
                check_file(part, digests, what=name, remedy="It was removed; run it again")
            except ChecksumError:
                part.unlink()
                raise
            part.replace(path)
            self.watch.finish()
        return VideoTable(path)

    def _plan(
        self, commit: str, parts: dict[int, list[str]], wanted: Callable[[str], bool]
    ) -> tuple[dict[int, Archive], Plan]:
        """Read the directories of all archives, several at once, and plan in their order."""
        self.watch.note(f"reading the directories of {len(parts)} archives")
        repo = self.request.repository

        def look(part: int) -> tuple[Archive, list[ZipInfo], int] | Problem:
            try:
                hub = Hub(Http(retries=self.retries, note=self.watch.note))
                archive = find_archive(hub, repo, commit, part, parts[part])
                entries, end = self.unpacker.directory(archive)
            except DatasetError as error:
                return Problem(part, "", str(error))
            return archive, list(entries), end

        planner = Planner(self.folder / VIDEOS, self.journal, wanted)
        archives = {}
        with self._pool() as pool:
            for found in pool.map(look, parts):
                if isinstance(found, Problem):
                    self.problems.append(found)
                    continue
                archive, entries, end = found
                archives[archive.part] = archive
                planner.add(archive, entries, end)
        self.problems += planner.plan.problems
        return archives, planner.plan

    def _check_space(self, plan: Plan) -> None:
        free = shutil.disk_usage(self.folder).free
        if not self.request.dry_run and plan.disk_bytes + _SPARE_BYTES > free:
            raise FolderError(
                f"the disk of {self.folder} has {free / 1e9:,.2f} GB free, the chosen videos need "
                f"{(plan.disk_bytes + _SPARE_BYTES) / 1e9:,.2f} GB more; nothing was fetched. "
                "Make room, or choose fewer with --parts or --where"
            )

    def _arrived(self, count: int) -> None:
        with self._count_lock:
            self._count += count
            self.watch.at(self._count)

    def _fetch(self, archives: dict[int, Archive], plan: Plan) -> None:
        if not plan.runs:
            return
        self.watch.start("videos", plan.fetch_bytes)
        with self._pool() as pool:
            jobs = [
                pool.submit(self.unpacker.fetch, archives[runs[0][0].part], runs)
                for runs in plan.jobs()
            ]
            done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
            for job in (j for j in jobs if j in done):
                self.problems += job.result()
        self.watch.finish()

    @contextmanager
    def _pool(self) -> Iterator[ThreadPoolExecutor]:
        """Threads that stop soon when the block fails, also on Ctrl-C; nothing finished is lost."""
        pool = ThreadPoolExecutor(self.request.jobs)
        try:
            yield pool
        except BaseException:
            self.unpacker.stop.set()
            raise
        finally:
            pool.shutdown(cancel_futures=True)

    def _account(self, table: VideoTable, choice: Choice, plan: Plan) -> tuple[int, int]:
        """Write manifest and lists; return how many chosen videos are there and are missing."""
        files = {Path(g.member.replace("\\", "/")).name: g.name for g in _in_order(self.journal)}
        files |= {k: v for k, v in plan.sources.items() if v in self.journal.by_name}
        files = {k: v for k, v in files.items() if (self.folder / VIDEOS / v).exists()}
        here = len(choice.names & files.keys())
        if self.request.dry_run:
            return here, len(choice.names) - here
        pending = set(choice.names)
        manifest, missing = self.folder / MANIFEST, self.folder / MISSING
        with (
            _partial(manifest).open("w", encoding="utf-8", newline="") as rows,
            _partial(missing).open("w", encoding="utf-8") as lines,
        ):
            writer = csv.writer(rows)
            writer.writerow(("video", "caption"))
            for name, caption in table.captions():
                if name not in pending:
                    continue
                pending.discard(name)
                if name in files:
                    writer.writerow((f"{VIDEOS}/{files[name]}", caption))
                else:
                    lines.write(name + "\n")
        _partial(manifest).replace(manifest)
        _partial(missing).replace(missing)
        with (self.folder / PROBLEMS).open("w", encoding="utf-8") as lines:
            lines.writelines(f"part {p.part}\t{p.member}\t{p.reason}\n" for p in self.problems)
        return here, len(choice.names) - here


def _in_order(journal: Journal) -> list[Got]:
    # A name that two members have belongs to the first of them.
    return sorted(journal.by_name.values(), key=lambda got: (got.part, got.name), reverse=True)


def _partial(path: Path) -> Path:
    return path.with_name(path.name + ".partial")
