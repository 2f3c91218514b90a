"""Layouts of published data sets: folders that hold both the tables and the videos."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipmill.config.models import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources.folder import FoundFile, is_video
from clipmill.sources.manifest import Manifest, kind_of, read_rows, resolve_root
from clipmill.sources.rows import Columns
from clipmill.sources.webdataset import is_shard

OPENVID_TABLES = "data/train"
"""Where OpenVid keeps its CSV files."""

OPENVID_MAIN = "OpenVid-1M.csv"
"""The table of all videos; `OpenVidHD.csv` lists some of them again."""

OPENVID_VIDEOS = ("videos", "video")
"""Where the videos of the flattened zips are; the folder itself when there is none of these."""

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that Hugging Face reads beside the files they describe, in order of preference."""


def find_kind(source: SourceConfig) -> str:
    """Return what a source is: its `kind`, or what its suffix or layout shows.

    A folder counts as a Hugging Face data set when it has a metadata file with the column
    `file_name`, as OpenVid when it has OpenVid's own tables, and as WebDataset when it and the
    folders directly below it hold tar archives but no video. Anything else is a plain folder.
    """
    if source.kind != "auto":
        return source.kind
    path = source.path
    if "://" in path or not Path(path).is_dir():
        return "webdataset" if is_shard(path) else kind_of(path) or "folder"
    tables = Path(path, OPENVID_TABLES)
    if tables.is_dir() and any(tables.glob("OpenVid*.csv")):
        return "openvid"
    if any(_names_files(table) for table in _tables(Path(path))):
        return "huggingface"
    return "webdataset" if _holds_shards(Path(path)) else "folder"


def list_openvid(path: str, root: str, columns: Columns) -> Iterator[FoundFile]:
    """List the rows of an OpenVid folder: `data/train/*.csv`, the videos in one folder.

    Only `OpenVid-1M.csv` is read where it exists, since the HD table repeats its rows.

    Raises:
        UsageError: There is no such table, or none of them can be read.
    """
    folder = Path(os.path.normpath(Path(path).absolute()))
    tables = sorted((folder / OPENVID_TABLES).glob("*.csv"))
    tables = [table for table in tables if table.name == OPENVID_MAIN] or tables
    if not tables:
        raise UsageError(f"{folder} has no {OPENVID_TABLES}/*.csv, so it is no OpenVid folder")
    videos = resolve_root(root, str(folder))
    if not videos:
        found = (folder / name for name in OPENVID_VIDEOS if (folder / name).is_dir())
        videos = str(next(found, folder))
    return _all(Manifest(str(t), "csv", videos, columns=columns) for t in tables)


def list_hugging_face(path: str, root: str, columns: Columns) -> Iterator[FoundFile]:
    """List a Hugging Face data set folder: metadata files, else `data/*.parquet`.

    Paths in a metadata file are relative to its folder, those in `data/*.parquet` to the whole
    data set; both are found below the data set's folder, or below `root` when one is given.

    Raises:
        UsageError: There is no such table, or none of them can be read.
    """
    folder = Path(os.path.normpath(Path(path).absolute()))
    videos = resolve_root(root, str(folder)) or str(folder)
    tables = _tables(folder)
    if tables:
        return _all(_beside(table, folder, videos, columns) for table in tables)
    tables = sorted((folder / "data").glob("*.parquet"))
    if not tables:
        raise UsageError(f"{folder} has no {METADATA_NAMES[0]} (or .jsonl, .parquet) and no data/*")
    return _all(Manifest(str(t), "parquet", videos, columns=columns) for t in tables)


def _beside(table: Path, folder: Path, root: str, columns: Columns) -> Manifest:
    base = table.parent.relative_to(folder).as_posix()
    kind = table.suffix.lower().removeprefix(".")
    return Manifest(str(table), kind, root, "" if base == "." else base, columns)


def _tables(folder: Path) -> list[Path]:
    """Metadata files of a folder and of those directly below it and `data/`, one per folder."""
    found = []
    for place in (folder, *_subfolders(folder), *_subfolders(folder / "data")):
        here = (place / name for name in METADATA_NAMES)
        found += [table for table in here if table.is_file()][:1]
    return found


def _names_files(table: Path) -> bool:
    """Whether the first row of a metadata file has a `file_name`."""
    try:
        row = next(read_rows(str(table), kind_of(table.name) or "", Columns("file_name")), None)
    except UsageError:
        return False
    return row is not None and not row.problem


def _holds_shards(folder: Path) -> bool:
    """Whether there are tar archives and no videos in a folder and those directly below it."""
    shards = False
    for place in (folder, *_subfolders(folder)):
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_video(entry.name):
                        return False
                    shards = shards or is_shard(entry.name)
        except OSError:
            continue
    return shards


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(e.path) for e in entries if e.is_dir())
    except OSError:
        return []


def _all(manifests: Iterable[Manifest]) -> Iterator[FoundFile]:
    """Chain tables. One that cannot be read is a problem, unless none can."""
    readable = 0
    errors: list[UsageError] = []
    for manifest in manifests:
        try:
            yield from manifest.files()
            readable += 1
        except UsageError as error:
            errors.append(error)
            yield FoundFile(manifest.path, manifest.path, manifest.path, 0, problem=str(error))
    if errors and not readable:
        raise errors[0]
