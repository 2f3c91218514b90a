"""Making entries of rows: the caption cleaned, the times read, and every refusal counted."""

from clipmill.sources.accounting.counts import SourceCounts, TableCounts
from clipmill.sources.found import FoundFile
from clipmill.sources.lookup.local import LocatedFile
from clipmill.sources.readers.captions import as_caption
from clipmill.sources.readers.rows import Chosen, Row
from clipmill.sources.readers.times import parse_span


class RowReader:
    """Rows of one table as entries of the source.

    Args:
        label: Name of the table, for rows without a path.
        table: Counts the rows.
        counts: Counts what was done to captions.
    """

    def __init__(self, label: str, table: TableCounts, counts: SourceCounts) -> None:
        self._label = label
        self._table = table
        self._counts = counts
        self._columns: Chosen | None = None
        self._origin = ""

    def refused(self, row: Row, problem: str) -> FoundFile:
        """Return the entry of a row of which nothing is used."""
        self._table.rows += 1
        self._table.refuse(row.where, problem)
        shown = printable_path(row.path) if row.path.strip() else f"{self._label}, {row.where}"
        return FoundFile(shown, shown, shown, 0, problem=problem, where=row.where)

    def video(self, row: Row, relative: str, place: LocatedFile) -> FoundFile:
        """Return the entry of a row whose file was looked up."""
        span = None
        problem = place.problem
        columns = row.columns
        if columns is not self._columns and columns is not None:
            self._read_by(columns)
        times = columns.times if columns else None
        if times and not problem:
            try:
                span = parse_span(row.start, row.end, times.unit, row.where)
            except ValueError as error:
                problem = str(error)
        self._table.rows += 1
        if problem:
            self._table.refuse(row.where, problem)
        caption = as_caption(row.text)
        if caption.note:
            self._counts.note(caption.note)
        return FoundFile(
            relative,
            place.uri,
            place.real_path,
            place.size_bytes,
            place.stamp,
            caption.text,
            problem,
            row.where,
            self._origin,
            f"its caption {caption.problem}" if caption.problem else "",
            span=span,
        )

    def _read_by(self, columns: Chosen) -> None:
        """Note by which columns rows are read; lines of JSON may differ in them."""
        self._columns = columns
        self._origin = f"column '{columns.caption}'" if columns.caption else ""
        if str(columns) not in self._table.columns:
            self._table.columns += ("; " if self._table.columns else "") + str(columns)


def unusable(path: str) -> str:
    """Say why a path of a row cannot be looked up; empty when it can."""
    if not path or path.isspace():
        return "the path is empty"
    if "\0" in path:
        return "the path holds a zero byte"
    if path.isascii():
        return ""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return "the path is not valid UTF-8"
    return ""


def printable_path(path: str) -> str:
    """Return a path as it may be shown and stored: UTF-8 without zero bytes."""
    raw = path.encode("utf-8", "surrogatepass")
    return raw.decode("utf-8", "backslashreplace").replace("\0", "\\0")
