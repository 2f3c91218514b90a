"""Folders of videos with tables that describe them.

`metadata.csv`, `.jsonl`, `.json` or `.parquet` is what Hugging Face, DiffSynth-Studio, VideoX-Fun,
musubi-tuner and finetrainers read, and what clipmill writes for them: its rows are the data set.
Any other table only adds captions and times to the videos of its folder.
"""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.accounting.leftout import reason_for
from clipmill.sources.datasets.tables import absolute, all_rows, count_unnamed, subfolders
from clipmill.sources.folder import list_local
from clipmill.sources.found import PICTURE_SUFFIXES, FoundFile, is_leftover, is_video
from clipmill.sources.lookup.local import LocalPlaces
from clipmill.sources.manifest import Manifest, read_rows, resolve_root, table_kind
from clipmill.sources.readers.rows import Row, RowColumns
from clipmill.sources.sidecars import stem_of

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet", "metadata.json")
"""Tables that describe the files beside them, in order of preference."""

_ROWS_TRIED = 20
"""Rows that are looked at to see what a table is about."""

_TABLES_TRIED = 20
"""A folder with more tables than this has none that describes the whole of it."""


def list_metadata(
    path: str, root: str, columns: RowColumns, counts: SourceCounts
) -> Iterator[FoundFile]:
    """List the rows of a folder's metadata files, else of `data/*.parquet`.

    Paths in a metadata file are relative to its folder, those in `data/*.parquet` to the whole
    data set; both are found below the data set's folder, or below `root` when one is given.

    Raises:
        UsageError: There is no such table, or none of them can be read.
    """
    folder = absolute(path)
    videos = resolve_root(root, str(folder)) or str(folder)
    tables = metadata_tables(folder, columns)
    manifests = [_beside(table, folder, videos, columns) for table in tables]
    if not manifests:
        tables = sorted((folder / "data").glob("*.parquet"))
        manifests = [Manifest(str(t), "parquet", videos, columns=columns) for t in tables]
    if not manifests:
        raise UsageError(
            f"{folder} has no {METADATA_NAMES[0]} (or .jsonl, .json, .parquet) that names files, "
            "and no data/*.parquet"
        )
    used = {str(table) for table in tables}
    for table in tables:
        for name in METADATA_NAMES:
            other = table.with_name(name)
            if other != table and table.name in METADATA_NAMES and other.is_file():
                below = other.relative_to(folder).as_posix()
                counts.unused(other.suffix, f"{table.name} beside it is read", below)
                used.add(str(other))
    named: set[str] = set()
    yield from all_rows(manifests, counts, named)
    count_unnamed(Path(videos), named, used, counts)


def _beside(table: Path, folder: Path, root: str, columns: RowColumns) -> Manifest:
    base = table.parent.relative_to(folder).as_posix()
    return Manifest(str(table), _kind(table), root, "" if base == "." else base, columns)


def metadata_tables(folder: Path, columns: RowColumns) -> list[Path]:
    """Return the metadata files of a folder and of those directly below it and `data/`.

    One per folder: the first that names files.
    """
    found = []
    for place in (folder, *subfolders(folder), *subfolders(folder / "data")):
        here = (place / name for name in METADATA_NAMES)
        found += [table for table in here if table.is_file() and _first_rows(table, columns)][:1]
    return found


def list_with_table(
    path: str, root: str, columns: RowColumns, counts: SourceCounts
) -> Iterator[FoundFile]:
    """List a folder of videos and the one table in it that has captions or times for them.

    The rows come first, in their order; then the videos that no row names.

    Raises:
        UsageError: The folder cannot be listed, or the table cannot be read at all.
    """
    folder = absolute(path)
    (table,) = tables_about(folder, columns)
    lying = {
        entry.uri: entry
        for entry in list_local(folder, counts, columns.encoding, tables=frozenset([table.name]))
    }
    named = set()
    for found in Manifest(str(table), _kind(table), str(folder), columns=columns).files(counts):
        named.add(found.uri)
        yield _with_its_text(found, lying.get(found.uri))
    yield from (entry for uri, entry in lying.items() if uri not in named)


def _with_its_text(found: FoundFile, beside: FoundFile | None) -> FoundFile:
    """Return a row without a caption with the text file that lies beside its video."""
    if beside is None or found.text is not None or found.remark or found.problem:
        return found
    return found._replace(
        text=beside.text, origin=beside.origin, remark=beside.remark, text_uri=beside.text_uri
    )


def tables_about(folder: Path, columns: RowColumns) -> list[Path]:
    """Return the tables in a folder that have captions or times for files in it."""
    try:
        names = sorted(entry.name for entry in folder.iterdir() if entry.is_file())
    except OSError:
        return []
    stems = {stem_of(name) for name in names if is_video(name)}
    tables = [
        folder / name
        for name in names
        if table_kind(name) and not is_leftover(name) and stem_of(name) not in stems
    ]
    if len(tables) > _TABLES_TRIED:
        return []
    return [table for table in tables if _is_about(table, folder, columns)]


def _is_about(table: Path, folder: Path, columns: RowColumns) -> bool:
    """Whether one of the first rows tells something of a file below the folder."""
    places = LocalPlaces()
    for row in _first_rows(table, columns):
        tells = row.columns is not None and (row.columns.caption or row.columns.times)
        path = row.path.replace("\\", "/")
        inside = not path.startswith(("/", "../")) and "://" not in path
        if tells and inside and not places.find(f"{folder}/{path}").problem:
            return True
    return False


def _first_rows(table: Path, columns: RowColumns) -> list[Row]:
    """Return those of the first rows that name a file which may be a video."""
    try:
        rows = list(islice(read_rows(str(table), _kind(table), columns), _ROWS_TRIED))
    except UsageError:
        return []
    return [row for row in rows if row.path and not row.path.lower().endswith(PICTURE_SUFFIXES)]


def _kind(table: Path) -> str:
    kind = table_kind(table.name)
    assert kind is not None, reason_for(table.name)
    return kind
