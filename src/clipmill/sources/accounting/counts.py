"""Counting while a source is listed; the counts become its account."""

from collections import defaultdict
from dataclasses import dataclass, field

from clipmill.sources.accounting.account import MAX_EXAMPLES, Counted, SourceAccount, TableUse
from clipmill.sources.found import FoundFile


@dataclass
class TableCounts:
    """Rows of one table, while it is read.

    Attributes:
        path: Absolute path or URL.
        columns: What is read of it, for people.
        rows: Rows so far.
        refused: Those of which nothing is used.
        examples: The first of these.
    """

    path: str
    columns: str = ""
    rows: int = 0
    refused: int = 0
    examples: list[str] = field(default_factory=list)

    def refuse(self, where: str, reason: str) -> None:
        """Count a row of which nothing is used."""
        self.refused += 1
        if len(self.examples) < MAX_EXAMPLES:
            self.examples.append(f"{where}: {reason}")

    def use(self) -> TableUse:
        """Return the counts."""
        return TableUse(
            path=self.path,
            columns=self.columns,
            rows=self.rows,
            refused=self.refused,
            examples=tuple(self.examples),
        )


@dataclass
class _Named:
    """Things of one kind: how many, and the names of the first."""

    count: int = 0
    names: list[str] = field(default_factory=list)

    def add(self, name: str = "", count: int = 1) -> None:
        self.count += count
        if name and len(self.names) < MAX_EXAMPLES:
            self.names.append(name)


_NamedByReason = defaultdict[tuple[str, str], _Named]


def _named_by_reason() -> _NamedByReason:
    return defaultdict(_Named)


@dataclass
class SourceCounts:
    """What was seen of one source so far.

    Attributes:
        kind: What the source was taken for.
        tables: Tables that were read.
        videos: Videos of the run.
        repeated: Entries that name a file again.
        parts: Parts of videos that rows ask for.
        without_caption: Videos and parts that have none.
    """

    kind: str = ""
    tables: list[TableCounts] = field(default_factory=list)
    videos: int = 0
    repeated: int = 0
    parts: int = 0
    without_caption: int = 0
    _failed: _Named = field(default_factory=_Named)
    _captions: _NamedByReason = field(default_factory=_named_by_reason)
    _unused: _NamedByReason = field(default_factory=_named_by_reason)
    _unread: _NamedByReason = field(default_factory=_named_by_reason)
    _notes: _NamedByReason = field(default_factory=_named_by_reason)

    def table(self, path: str) -> TableCounts:
        """Begin a table that is read."""
        self.tables.append(TableCounts(path))
        return self.tables[-1]

    def unused(self, what: str, reason: str, name: str, count: int = 1) -> None:
        """Count files of a kind that are not used, and why."""
        self._unused[what, reason].add(name, count)

    def failed(self, reason: str, name: str) -> None:
        """Count an entry that cannot be a video of the run."""
        self._failed.add(f"{name}: {reason}")

    def unread(self, reason: str, name: str) -> None:
        """Count a caption that is there and cannot be used."""
        self._unread["captions", reason.partition(":")[0]].add(name)

    def note(self, note: str) -> None:
        """Count something that was done to a caption."""
        self._notes[note, ""].add()

    def took(self, found: FoundFile) -> None:
        """Count a video, or a part of one, that is in the run."""
        self.parts += found.span is not None
        if found.text is None:
            self.without_caption += 1
        else:
            self._captions[found.origin, ""].add()

    def account(self, name: str, path: str) -> SourceAccount:
        """Return the account of the source."""
        return SourceAccount(
            name=name,
            path=path,
            kind=self.kind,
            videos=self.videos,
            repeated=self.repeated,
            failed=self._failed.count,
            failures=tuple(self._failed.names),
            parts=self.parts,
            captions=_counted(self._captions),
            without_caption=self.without_caption,
            tables=tuple(table.use() for table in self.tables),
            unread_texts=_counted(self._unread),
            unused=_counted(self._unused),
            notes=_counted(self._notes),
        )


def _counted(piles: _NamedByReason) -> tuple[Counted, ...]:
    return tuple(
        Counted(what=what, count=pile.count, reason=reason, examples=tuple(pile.names))
        for (what, reason), pile in sorted(piles.items(), key=lambda item: item[0])
    )
