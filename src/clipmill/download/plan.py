"""What is fetched: the members of archives, their file names, and the runs they are read in."""

import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

from clipmill.download.archives.repository import Archive
from clipmill.download.journal import Got, Journal
from clipmill.download.names import flat_name, is_video_member, member_refusal, second_name

RUN_BYTES = 64 << 20
"""Neighbouring members are read by one request of at most about this size; a job takes as much."""


@dataclass(frozen=True)
class Problem:
    """A member or a whole archive that was not taken as it is.

    Attributes:
        part: Number of the archive.
        member: Name in it; empty for the archive itself.
        reason: One line.
    """

    part: int
    member: str
    reason: str


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A member that is to be fetched.

    Attributes:
        part: Number of its archive.
        index: Place in the archive's directory.
        member: Name in the archive.
        name: File name in the folder.
        start: First byte in the archive.
        end: One after its last byte.
        size: Size of the file.
        crc: CRC-32 of the file.
    """

    part: int
    index: int
    member: str
    name: str
    start: int
    end: int
    size: int
    crc: int


@dataclass
class Plan:
    """What has to be done for all archives.

    Attributes:
        runs: Members that lie side by side in one archive, each run one request.
        here: File names that are there already.
        sources: Published name -> file name, of all members that are here or planned.
        problems: What is left out, or kept under another name.
        unlisted: Videos in the archives that the choice does not name.
        same: Members whose content another member of the same name already brings.
    """

    runs: list[tuple[ZipMember, ...]] = field(default_factory=list)
    here: set[str] = field(default_factory=set)
    sources: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unlisted: int = 0
    same: int = 0

    @property
    def members(self) -> Iterable[ZipMember]:
        """The members to fetch."""
        return (member for run in self.runs for member in run)

    def jobs(self) -> Iterator[list[tuple[ZipMember, ...]]]:
        """Yield runs of one archive that together are worth opening it once."""
        job: list[tuple[ZipMember, ...]] = []
        size = 0
        for run in self.runs:
            length = run[-1].end - run[0].start
            if job and (job[-1][0].part != run[0].part or size + length > RUN_BYTES):
                yield job
                job, size = [], 0
            job.append(run)
            size += length
        if job:
            yield job

    @property
    def fetch_bytes(self) -> int:
        """Bytes that will be read from archives."""
        return sum(member.end - member.start for member in self.members)

    @property
    def disk_bytes(self) -> int:
        """Bytes that the files will take."""
        return sum(member.size for member in self.members)


class Planner:
    """Adds archives to a plan, in the order of their numbers.

    Args:
        folder: Where the videos are.
        journal: What was fetched before.
        wanted: Tells whether a published file name is chosen.
    """

    def __init__(self, folder: Path, journal: Journal, wanted: Callable[[str], bool]) -> None:
        self.plan = Plan()
        self._journal, self._wanted = journal, wanted
        self._claimed = {g.name: (g.size, g.crc) for g in journal.by_name.values()}
        self._present = {path.name: path for path in folder.iterdir()} if folder.exists() else {}
        self._by_member = {(g.part, g.member, g.crc): g for g in journal.by_name.values()}

    def add(self, archive: Archive, directory: Sequence[zipfile.ZipInfo], end: int) -> None:
        """Plan one archive.

        Args:
            archive: The archive.
            directory: Its entries.
            end: Where its directory begins, so its last member ends.
        """
        ends = dict(pairwise([*sorted({entry.header_offset for entry in directory}), end]))
        found = []
        for index, entry in enumerate(directory):
            if entry.is_dir():
                continue
            if reason := member_refusal(entry) or _misplaced(entry, ends[entry.header_offset]):
                self._problem(archive.part, entry, f"refused: {reason}")
            elif not is_video_member(entry):
                continue
            elif not self._wanted(flat_name(entry)):
                self.plan.unlisted += 1
            elif name := self._name(archive.part, entry):
                found.append(
                    ZipMember(
                        archive.part,
                        index,
                        entry.orig_filename,
                        name,
                        entry.header_offset,
                        ends[entry.header_offset],
                        entry.file_size,
                        entry.CRC,
                    )
                )
        self.plan.runs += _runs(sorted(found, key=lambda member: (member.start, member.index)))

    def _problem(self, part: int, entry: zipfile.ZipInfo, reason: str) -> None:
        self.plan.problems.append(Problem(part, entry.orig_filename, reason))

    def _name(self, part: int, entry: zipfile.ZipInfo) -> str:
        """Claim a file name for a member; return it when the member has to be fetched."""
        name, content = flat_name(entry), (entry.file_size, entry.CRC)
        got = self._by_member.get((part, entry.orig_filename, entry.CRC))
        if got is None and self._taken(name, content):
            other, name = name, second_name(name, entry.CRC)
            reason = f"another file of other content is called {other}: kept as {name}"
            self._problem(part, entry, reason)
        elif got is not None:
            name = got.name
            if name != flat_name(entry):
                self._problem(part, entry, f"another file is called so: kept as {name}")
        if got is None and self._claimed.get(name) == content and name not in self._journal.by_name:
            self.plan.same += 1
            return ""
        self._claimed[name] = content
        self.plan.sources.setdefault(flat_name(entry), name)
        if self._is_here(part, entry, name):
            self.plan.here.add(name)
            return ""
        return name

    def _taken(self, name: str, content: tuple[int, int]) -> bool:
        if name in self._claimed:
            return self._claimed[name] != content
        path = self._present.get(name)
        return path is not None and file_content(path, content[0]) != content

    def _is_here(self, part: int, entry: zipfile.ZipInfo, name: str) -> bool:
        path = self._present.get(name)
        if path is None or path.stat().st_size != entry.file_size:
            return False
        if name not in self._journal.by_name:
            # Its line is missing: the process died between the file and the line.
            if file_content(path, entry.file_size) != (entry.file_size, entry.CRC):
                return False
            self._journal.add(Got(name, part, entry.orig_filename, entry.file_size, entry.CRC))
        return True


def file_content(path: Path, size: int) -> tuple[int, int]:
    """Return size and CRC-32 of a file; the CRC is -1 if the size is not the one given."""
    found = path.stat().st_size
    if found != size:
        return found, -1
    crc = 0
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            crc = zlib.crc32(block, crc)
    return found, crc


def _misplaced(entry: zipfile.ZipInfo, end: int) -> str:
    inside = entry.header_offset >= 0 and entry.header_offset + entry.compress_size < end
    return "" if inside else "it overlaps its neighbour in the archive"


def _runs(members: Sequence[ZipMember]) -> list[tuple[ZipMember, ...]]:
    runs: list[list[ZipMember]] = []
    for member in members:
        last = runs[-1] if runs else None
        if last and last[-1].end == member.start and member.end - last[0].start <= RUN_BYTES:
            last.append(member)
        else:
            runs.append([member])
    return [tuple(run) for run in runs]
