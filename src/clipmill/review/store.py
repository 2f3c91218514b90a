"""The judgements of a workspace: added, taken back, put together, never altered."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Final

from clipmill.errors import UsageError
from clipmill.review.judgement import Judgement, moment
from clipmill.review.lines import SUFFIX, ReadLines, joined_lines, judgement_line, read_lines
from clipmill.review.state import ReviewState
from clipmill.store.errors import CHECK, CorruptFileError, StorageError
from clipmill.store.integrity import Damage
from clipmill.store.workspace import Workspace

FOLDER: Final = "review"

_FULL: Final = 1 << 17
"""Bytes after which a session begins a new file: every judgement writes its file again."""

_LARGEST: Final = 1 << 28
"""Bytes of a file that is merged."""


@dataclass(frozen=True)
class MergedReviews:
    """What came of putting files together.

    Attributes:
        added: Judgements that were not known.
        known: Those that were.
        lost: Lines that cannot be read, by file.
        newer: Rows of a later version of clipmill, which are not taken.
    """

    added: int
    known: int
    lost: dict[str, str]
    newer: int


class ReviewStore:
    """Judgements of a workspace. May be shared by threads; several processes may write at once.

    Each store writes files of its own, whole or not at all, named after the person and a random
    number. So nobody's file is written by two, and a copy of a file never meets one of its name
    with other contents.

    Args:
        workspace: Where they are. No lock is taken: judging goes on while a run works.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._session = secrets.token_hex(6)
        self._lock = Lock()
        self._read: dict[str, tuple[str, ReadLines]] = {}
        self._state: ReviewState | None = None
        self._open: dict[str, tuple[int, bytes]] = {}

    @classmethod
    def open(cls, workspace: Workspace | str) -> "ReviewStore":
        """Open the judgements of a workspace; nothing is written until the first of them.

        Raises:
            NoWorkspaceError: There is no workspace.
        """
        place = workspace if isinstance(workspace, Workspace) else None
        return cls(place or Workspace.open(str(workspace), look=True))

    def add(self, row: Judgement) -> str:
        """Write a judgement as said now; return its id.

        Raises:
            StorageError: The storage refused it; nothing was written.
        """
        with self._lock:
            state = self._look()
            last = max((r.when for r in state.rows.values() if r.who == row.who), default="")
            said = Judgement(**(row.model_dump() | {"when": moment(last)}))
            self._append(said)
            return said.id

    def undo(self, name: str, *, who: str) -> str:
        """Take a judgement back, also an undo or another person's; return the id of the undo.

        Raises:
            UsageError: There is no such judgement, or it was taken back already.
            StorageError: The storage refused it; nothing was written.
        """
        state = self.state()
        row = state.rows.get(name)
        if row is None:
            raise UsageError(f"there is no judgement {name}; `clipmill review list` has their ids")
        if name in state.undone:
            raise UsageError(f"judgement {name} was taken back already")
        given = row.model_dump() | {"kind": "undo", "value": name, "who": who, "when": ""}
        return self.add(Judgement(**given))

    def state(self) -> ReviewState:
        """Return what was said so far; only files that changed are read again."""
        with self._lock:
            return self._look()

    def merge(self, paths: Sequence[Path]) -> MergedReviews:
        """Add the judgements of files of other people; what is known already is not added again.

        Args:
            paths: Files, or folders of them: another workspace, or its folder `review`.

        Raises:
            UsageError: There is no such file, or one is no file of judgements at all.
            StorageError: The storage refused them.
        """
        with self._lock:
            known = self._look().rows
            fresh: dict[str, Judgement] = {}
            met, newer = 0, 0
            lost: dict[str, str] = {}
            for path in _files(paths):
                read = _read_file(path)
                met += sum(row.id in known for row in read.rows)
                fresh |= {row.id: row for row in read.rows if row.id not in known}
                newer += read.newer
                if read.lost:
                    lost[str(path)] = f"{read.lost} lines cannot be read; {read.reason}"
            if fresh:
                rows = sorted(fresh.values(), key=lambda row: (row.when, row.id))
                own = f"{FOLDER}/merged-{secrets.token_hex(6)}{SUFFIX}"
                self._write(own, joined_lines(rows))
                self._state = None
            return MergedReviews(len(fresh), met, lost, newer)

    def _append(self, row: Judgement) -> None:
        number, before = self._open.get(row.who, (0, b""))
        if len(before) > _FULL:
            number, before = number + 1, b""
        data = before + judgement_line(row)
        stem = re.sub(r"[^a-z0-9]+", "-", row.who.lower()).strip("-")[:32] or "somebody"
        # Two names may give one stem; their files are apart by the place of the name.
        people = list(self._open) if row.who in self._open else [*self._open, row.who]
        path = f"{FOLDER}/{stem}-{self._session}-{people.index(row.who)}-{number:04d}{SUFFIX}"
        self._write(path, data)
        self._open[row.who] = (number, data)
        self._state = None

    def _write(self, path: str, data: bytes) -> None:
        try:
            self._workspace.write_bytes(path, data)
        except StorageError:
            # A run that begins sweeps away files that are not finished: this one may have been.
            self._workspace.write_bytes(path, data)

    def _look(self) -> ReviewState:
        stamps = review_stamps(self._workspace)
        if self._state is not None and self._state.stamps == stamps:
            return self._state
        for name, stamp in stamps.items():
            if name not in self._read or self._read[name][0] != stamp:
                data = self._workspace.read_bytes(f"{FOLDER}/{name}") or b""
                self._read[name] = stamp, read_lines(data)
        found = {name: self._read[name][1] for name in stamps}
        self._state = ReviewState(
            (row for read in found.values() for row in read.rows),
            damages=[damage_of(name, read) for name, read in found.items() if read.lost],
            newer=sum(read.newer for read in found.values()),
            stamps=stamps,
        )
        return self._state


def review_stamps(workspace: Workspace) -> dict[str, str]:
    """Return what changes with the judgements of a workspace, by file name."""
    stamps = workspace.stamps(FOLDER)
    return {
        name: stamp
        for name, stamp in sorted(stamps.items())
        if name.endswith(SUFFIX) and not name.startswith(".")
    }


def damage_of(name: str, read: ReadLines) -> Damage:
    """Return the damage of a file of judgements of which lines are lost."""
    lines = "1 line" if read.lost == 1 else f"{read.lost} lines"
    reason = f"{lines} cannot be read ({read.reason}); its {len(read.rows)} others count"
    return Damage(f"{FOLDER}/{name}", reason, read.lost)


def check_judgements(workspace: Workspace, path: str) -> None:
    """Read a file of judgements; raises CorruptFileError when lines of it are lost."""
    read = read_lines(workspace.read_bytes(path) or b"")
    if read.lost:
        damage = damage_of(path.rpartition("/")[2], read)
        raise CorruptFileError(f"{workspace.root}/{path}", damage.reason, CHECK)


def keep_good_lines(workspace: Workspace, damaged: str, path: str) -> int:
    """Write the lines of a damaged file that can be read to a path; return how many there are."""
    read = read_lines(workspace.read_bytes(damaged) or b"")
    if read.good:
        workspace.write_bytes(path, read.good)
    return len(read.rows) + read.newer


def _files(paths: Sequence[Path]) -> list[Path]:
    found: list[Path] = []
    for path in paths:
        if path.is_dir():
            inner = path / FOLDER if (path / FOLDER).is_dir() else path
            own = sorted(p for p in inner.glob(f"*{SUFFIX}") if not p.name.startswith("."))
            if not own:
                raise UsageError(f"{path} holds no files of judgements (*{SUFFIX})")
            found += own
        elif path.is_file():
            found.append(path)
        else:
            raise UsageError(f"{path} is not there")
    return found


def _read_file(path: Path) -> ReadLines:
    size = path.stat().st_size
    if size > _LARGEST:
        raise UsageError(f"{path} has {size} bytes, at most {_LARGEST} are read")
    try:
        read = read_lines(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    if read.lost and not (read.rows or read.newer):
        raise UsageError(f"{path} is no file of judgements: {read.reason}")
    return read
