"""Rows of a table: what the readers of CSV, JSON, JSONL and Parquet have in common."""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import IO, Any, Literal, NamedTuple, cast

from clipmill.errors import UsageError
from clipmill.sources.readers.captions import encoding_of
from clipmill.sources.readers.times import TIME_COLUMNS, TimeColumns, Unit

PATH_COLUMNS = (
    *("video", "video_path", "path", "file_name", "file_path"),
    *("video_file_name", "video_file", "video_name", "media_path", "filename"),
)
"""Names of the path column, in order of preference; compared in lower case."""

CAPTION_COLUMNS = ("caption", "text", "prompt", "provided_text", "cap", "captions")
"""Names of the caption column, in order of preference; compared in lower case."""

BROKEN = (OSError, EOFError, zlib.error)
"""What reading on raises where a file breaks off: damage of a disk, a server, a compression."""

_HEAD_BYTES = 4
"""Bytes that the longest byte order mark has."""


class Row(NamedTuple):
    """One row of a table, not looked up yet; a tuple, for a million of them are made.

    Attributes:
        where: `line 17`, `lines 3-9` or `row 17`; lines and rows count from 1.
        path: The path as written; empty when there is none.
        text: What stands where the caption is expected, as written.
        problem: Why the row cannot be read; empty when it can.
        start: What stands where a start is expected.
        end: What stands where an end is expected.
        columns: The columns it was read by; None when it could not be.
    """

    where: str
    path: str = ""
    text: Any = None
    problem: str = ""
    start: Any = None
    end: Any = None
    columns: "Chosen | None" = None


class Chosen(NamedTuple):
    """The columns of a table that are read, by their names in it.

    Attributes:
        path: Column of the path.
        caption: Column of the caption, if there is one.
        times: RowColumns of start and end, if there are any.
    """

    path: str
    caption: str | None = None
    times: TimeColumns | None = None

    def __str__(self) -> str:
        names = [self.path, self.caption]
        if self.times:
            names += [self.times.start, f"{self.times.end} ({self.times.unit})"]
        return ", ".join(name for name in names if name)


@dataclass(frozen=True)
class RowColumns:
    """Which columns are asked for.

    Attributes:
        path: Name of the path column; one of `PATH_COLUMNS` when empty.
        caption: Name of the caption column; one of `CAPTION_COLUMNS` when empty.
        start: Name of the column with the start of a part; one of `TIME_COLUMNS` when empty.
        end: Name of the column with its end.
        times: What start and end count; `auto` goes by their names, `ignore` reads neither.
        encoding: Of the table and of texts; empty to go by the byte order mark, else UTF-8.
    """

    path: str = ""
    caption: str = ""
    start: str = ""
    end: str = ""
    times: Literal["auto", "seconds", "frames", "ignore"] = "auto"
    encoding: str = ""

    def find(self, names: Sequence[str]) -> Chosen | None:
        """Return the columns to read among the names; None when none holds a path."""
        return _find_all(self, tuple(names))

    def find_caption(self, names: Sequence[str]) -> str | None:
        """Return the caption column among the names, as it is written there."""
        return _find(self.caption, CAPTION_COLUMNS, names)

    def choose(self, names: Sequence[str], table: str) -> Chosen:
        """Return the columns to read.

        Raises:
            UsageError: There is no path column, or one that was asked for is not there.
        """
        known = ", ".join(map(repr, names)) or "none"
        chosen = self.find(names)
        if chosen is None:
            wanted = f"'{self.path}'" if self.path else f"any of {', '.join(PATH_COLUMNS)}"
            raise UsageError(
                f"{table} has no path column: wanted {wanted}, it has {known}; "
                "name it by `path_column`"
            )
        times = (self.start, self.end) if self.times != "ignore" else ()
        wanted_ones = [name for name in (self.caption, *times) if name]
        for name in wanted_ones:
            if name not in names:
                raise UsageError(f"{table} has no column '{name}'; it has {known}")
        return chosen


@lru_cache(maxsize=256)  # JSON lines ask this for each of a million rows
def _find_all(columns: RowColumns, names: tuple[str, ...]) -> Chosen | None:
    path = _find(columns.path, PATH_COLUMNS, names)
    if path is None:
        return None
    return Chosen(path, columns.find_caption(names), _find_times(columns, names))


def _find_times(columns: RowColumns, names: tuple[str, ...]) -> TimeColumns | None:
    if columns.times == "ignore":
        return None
    known = TIME_COLUMNS
    if columns.start or columns.end:
        start, end = columns.start or "start", columns.end or "end"
        unit: Unit = "frames" if "frame" in start.lower() else "seconds"
        known = ((start, end, unit),)
    lower = _lower(names)
    for start, end, unit in known:
        first = start if start in names else lower.get(start)
        last = end if end in names else lower.get(end)
        if first and last:
            asked = columns.times
            return TimeColumns(first, last, unit if asked == "auto" else asked)
    return None


def _find(wanted: str, usual: tuple[str, ...], names: Sequence[str]) -> str | None:
    if wanted:
        return wanted if wanted in names else None
    lower = _lower(names)
    return next((lower[name] for name in usual if name in lower), None)


def _lower(names: Sequence[str]) -> dict[str, str]:
    lower: dict[str, str] = {}
    for name in names:
        lower.setdefault(name.strip().lower(), name)
    return lower


@contextmanager
def open_table(path: str) -> Iterator[IO[bytes]]:
    """Open a local table or one behind an fsspec URL; `.gz` is decompressed on the way.

    Raises:
        UsageError: It does not exist or may not be read.
    """
    import fsspec

    try:
        file = fsspec.open(path, "rb").open() if "://" in path else Path(path).open("rb")  # noqa: SIM115
    except OSError as error:
        reason = error.strerror or str(error) or "it does not exist"
        raise UsageError(f"the table {path} cannot be read: {reason}; check its path") from error
    with file:
        if path.lower().endswith(".gz"):
            with gzip.GzipFile(fileobj=file) as plain:
                yield cast(IO[bytes], plain)
        else:
            yield file


@contextmanager
def open_text(
    path: str, encoding: str = "", newline: str | None = None
) -> Iterator[io.TextIOWrapper]:
    """Open a table as text; bytes that are none become surrogates, which cost their row only.

    Args:
        path: Local path or fsspec URL.
        encoding: What the user says it is; empty to go by its byte order mark, else UTF-8.
        newline: See `io.TextIOWrapper`.

    Raises:
        UsageError: It does not exist or may not be read, or its beginning is damaged.
    """
    with open_table(path) as raw:
        # Neither a decompressed file nor one of fsspec is sure to have `peek`.
        buffered = io.BufferedReader(cast(io.RawIOBase, raw))
        try:
            head = buffered.peek(_HEAD_BYTES)[:_HEAD_BYTES]
        except BROKEN as error:
            raise UsageError(f"the table {path} cannot be read: {error}") from error
        yield io.TextIOWrapper(
            buffered, encoding_of(head, encoding), "surrogateescape", newline=newline
        )
