"""From archives to files: directories first, then members in byte ranges, else whole archives."""

import threading
from collections.abc import Iterator, Mapping, Sequence, Set
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from zipfile import ZipInfo

from clipmill.disk import ChecksumError
from clipmill.download.archives.repository import Archive
from clipmill.download.cost import check_room, check_room_for_whole, say_whole
from clipmill.download.errors import DatasetError
from clipmill.download.plan import Planner, Problem, ZipMember
from clipmill.download.whole_unpack import WholeUnpacker
from clipmill.net.errors import NoRangesError
from clipmill.net.progress import Progress


class Meter:
    """Counts the bytes of what is being fetched, from several threads.

    Args:
        watch: Who is told.
    """

    def __init__(self, watch: Progress) -> None:
        self.watch = watch
        self._lock = threading.Lock()
        self._count = 0

    def begin(self, what: str, size: int) -> None:
        """Count from zero."""
        self._count = 0
        self.watch.start(what, size)

    def arrived(self, count: int) -> None:
        """Add bytes; negative ones were lost."""
        with self._lock:
            self._count += count
            self.watch.at(self._count)


@contextmanager
def stopping_pool(jobs: int, stop: threading.Event) -> Iterator[ThreadPoolExecutor]:
    """Threads that stop soon when the block fails, also on Ctrl-C; nothing finished is lost.

    Args:
        jobs: How many.
        stop: Set when the block fails.
    """
    pool = ThreadPoolExecutor(jobs)
    try:
        yield pool
    except BaseException:
        stop.set()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class Fetcher:
    """Fetches what a planner wants of archives.

    Args:
        folder: Target of the download.
        archives: The archives, by number.
        planner: Decides what is wanted.
        unpacker: Reads archives.
        meter: Counts bytes.
        jobs: Requests at once.
        problems: What went wrong is added to these.

    Attributes:
        unknown: Numbers of archives whose directories cannot be read: no byte ranges.
        whole: Number -> bytes fetched, of archives that were unpacked from the disk.
    """

    def __init__(
        self,
        *,
        folder: Path,
        archives: Mapping[int, Archive],
        planner: Planner,
        unpacker: WholeUnpacker,
        meter: Meter,
        jobs: int,
        problems: list[Problem],
    ) -> None:
        self.archives, self.planner = archives, planner
        self.unknown: list[int] = []
        self.whole: dict[int, int] = {}
        self._folder, self._unpacker, self._meter = folder, unpacker, meter
        self._jobs, self._problems = jobs, problems

    def look(self) -> None:
        """Read all directories, several at once, and plan in the order of the archives."""
        self._meter.watch.note(f"reading the directories of {len(self.archives)} archives")
        refused = threading.Event()

        def directory(archive: Archive) -> tuple[Sequence[ZipInfo], int] | str | None:
            # What one file's server refuses, the others' will; what is known needs no server.
            if refused.is_set() and not self._unpacker.knows(archive):
                return None
            try:
                return self._unpacker.directory(archive)
            except DatasetError as error:
                return str(error)
            except NoRangesError:
                refused.set()
                return None

        with self._pool() as pool:
            found = pool.map(directory, self.archives.values())
            for archive, result in zip(self.archives.values(), found, strict=True):
                if result is None:
                    self.unknown.append(archive.part)
                elif isinstance(result, str):
                    self._problems.append(Problem(archive.part, "", result))
                else:
                    self.planner.add(archive, *result)
        if self.unknown:
            say_whole(self._meter.watch.note, [self.archives[part] for part in self.unknown])

    def fetch(self, enough: Set[str] | None) -> None:
        """Fetch what is planned, and archives that could not be planned.

        Args:
            enough: Published names after which no further archive is fetched whole; None if all
                archives are wanted.

        Raises:
            DownloadError: The server refused, or kept failing.
            FolderError: The disk is too small.
            OSError: The disk is full or fails.
        """
        plan = self.planner.plan
        on_disk = {part for part, archive in self.archives.items() if self._unpacker.kept(archive)}
        # What is unpacked from the disk takes the room of its archive.
        check_room(
            self._folder,
            sum(m.size for run in plan.runs for m in run if m.part not in on_disk),
        )
        refused = self._fetch_ranges(on_disk)
        for part in on_disk - refused.keys():
            self._unpacker.discard(self.archives[part])
        for part in sorted({*self.unknown, *refused}):
            known = refused.get(part)
            if known is None and enough is not None and enough <= plan.sources.keys():
                continue
            self._fetch_whole(self.archives[part], known)

    def _fetch_ranges(self, on_disk: Set[int]) -> dict[int, list[ZipMember]]:
        """Fetch members in byte ranges; return those of archives on disk or without ranges."""
        plan, refused = self.planner.plan, set(on_disk)
        remote = [m for m in plan.members if m.part not in on_disk]

        def fetch(runs: Sequence[tuple[ZipMember, ...]]) -> list[Problem]:
            part = runs[0][0].part
            if part in refused:
                return []
            try:
                return self._unpacker.fetch(self.archives[part], runs)
            except NoRangesError:
                refused.add(part)
                return []

        if remote:
            self._meter.begin("videos", sum(m.end - m.start for m in remote))
            with self._pool() as pool:
                jobs = [pool.submit(fetch, runs) for runs in plan.jobs()]
                done, _ = wait(jobs, return_when=FIRST_EXCEPTION)
                for job in (j for j in jobs if j in done):
                    self._problems += job.result()
            self._meter.watch.finish()
        found: dict[int, list[ZipMember]] = {}
        for member in plan.members:
            if member.part in refused and not self._unpacker.has(member):
                found.setdefault(member.part, []).append(member)
        return found

    def _fetch_whole(self, archive: Archive, members: Sequence[ZipMember] | None) -> None:
        """Fetch an archive whole, take the members out, remove it.

        Args:
            archive: The archive.
            members: What is wanted of it; None while its directory is not known.
        """
        if members is not None:
            # A whole archive was checked: what is damaged in it is so for good.
            damaged = self._unpacker.damaged(archive)
            self._problems += [
                Problem(m.part, m.member, "damaged: in the published archive, not fetched again")
                for m in members
                if m.member in damaged
            ]
            members = [member for member in members if member.member not in damaged]
            if not members:
                self._unpacker.discard(archive)
                return
        self.whole[archive.part] = 0
        if members is not None and max(m.end for m in members) > self._unpacker.kept(archive):
            self._unpacker.discard(archive)
        if not self._unpacker.kept(archive):
            check_room_for_whole(self._folder, archive, self._unpacker.begun(archive))
            self.whole[archive.part] = archive.size
            self._meter.begin(f"part {archive.part}", archive.size)
            try:
                self._unpacker.fetch_whole(archive)
            except ChecksumError as error:
                self._problems.append(Problem(archive.part, "", str(error)))
                return
            self._meter.watch.finish()
        if members is None:
            plan = self.planner.plan
            planned = len(plan.runs)
            try:
                self.planner.add(archive, *self._unpacker.directory(archive))
            except DatasetError as error:
                self._problems.append(Problem(archive.part, "", str(error)))
                self._unpacker.discard(archive)
                return
            members = [member for run in plan.runs[planned:] for member in run]
        self._meter.watch.note(f"part {archive.part}: unpacking {len(members):,} videos")
        self._problems += self._unpacker.unpack_whole(archive, members)

    def _pool(self) -> AbstractContextManager[ThreadPoolExecutor]:
        return stopping_pool(self._jobs, self._unpacker.stop)
