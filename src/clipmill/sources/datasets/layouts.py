"""Layouts of published data sets: folders that hold both the tables and the videos."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from clipmill.errors import UsageError
from clipmill.sources.folder import FoundFile
from clipmill.sources.manifest import Manifest, resolve_root
from clipmill.sources.readers.rows import Columns

OPENVID_TABLES = "data/train"
"""Where OpenVid keeps its CSV files."""

OPENVID_MAIN = "OpenVid-1M.csv"
"""The table of all videos; `OpenVidHD.csv` lists some of them again."""

OPENVID_VIDEOS = ("videos", "video")
"""Where the videos of the flattened zips are; the folder itself when there is none of these."""

METADATA_NAMES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
"""Tables that Hugging Face reads beside the files they describe, in order of preference."""


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
    tables = metadata_tables(folder)
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


def metadata_tables(folder: Path) -> list[Path]:
    """Metadata files of a folder and of those directly below it and `data/`, one per folder."""
    found = []
    for place in (folder, *subfolders(folder), *subfolders(folder / "data")):
        here = (place / name for name in METADATA_NAMES)
        found += [table for table in here if table.is_file()][:1]
    return found


def subfolders(folder: Path) -> list[Path]:
    """Return the folders directly below one, in order; none when it cannot be listed."""
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
