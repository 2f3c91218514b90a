"""OpenVid-1M: tables of captions, and videos in the folders that people unpack them to."""

import os
from collections.abc import Iterator
from pathlib import Path

from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.datasets.tables import absolute, all_rows, count_unnamed
from clipmill.sources.found import FoundFile
from clipmill.sources.lookup.tree import TreePlaces
from clipmill.sources.manifest import Manifest, resolve_root
from clipmill.sources.readers.rows import RowColumns

OPENVID_TABLES = ("data/train", "", "data", "train")
"""Where the tables are: as published, or where people put them; the first that has any counts."""

OPENVID_MAIN = ("OpenVid-1M.csv", "OpenVid.csv")
"""Tables of all videos, as published and as `clipmill download` writes it; others repeat them."""

OPENVID_VIDEOS = ("videos", "video")
"""Folders that videos are looked for in first, before the part folders and everywhere else."""


def openvid_tables(folder: Path) -> list[Path]:
    """Return the tables of an OpenVid folder, in order; none when it is no such folder."""
    for name in OPENVID_TABLES:
        if found := sorted((folder / name).glob("OpenVid*.csv")):
            return found
    return []


def list_openvid(
    path: str, root: str, columns: RowColumns, counts: SourceCounts
) -> Iterator[FoundFile]:
    """List the rows of an OpenVid folder; its videos may lie anywhere below it.

    Only the table of all videos is read where it exists, since the HD table repeats its rows.

    Raises:
        UsageError: There is no such table, none of them can be read, or the videos are still
            in their archives.
    """
    folder = absolute(path)
    tables = openvid_tables(folder)
    if not tables:
        raise UsageError(
            f"{folder} has no {OPENVID_TABLES[0]}/OpenVid*.csv nor one beside the videos, so it "
            "is no OpenVid folder; give the table itself as `--input`, and the videos as `root`"
        )
    main = next((t for name in OPENVID_MAIN for t in tables if t.name == name), None)
    used = tables if main is None else [main]
    for table in tables:
        if main is not None and table != main:
            counts.unused(".csv", f"it repeats rows of {main.name}", os.path.relpath(table, folder))
    videos = resolve_root(root, str(folder)) or str(folder)
    tree = TreePlaces(videos)
    if tree.is_empty and any(Path(videos).glob("**/OpenVid*part*.zip")):
        raise UsageError(
            f"the videos of {videos} are still in OpenVid_part*.zip; unpack them "
            "(`unzip -n 'OpenVid_part*.zip' -d videos`)"
        )
    manifests = (
        Manifest(str(t), "csv", videos, columns=columns, tree=tree, near=OPENVID_VIDEOS)
        for t in used
    )
    named: set[str] = set()
    yield from all_rows(manifests, counts, named)
    count_unnamed(Path(videos), named, {str(table) for table in tables}, counts)
