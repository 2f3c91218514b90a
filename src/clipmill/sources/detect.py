"""Telling what a source is by the suffix of a file or the layout of a folder."""

import fnmatch
import os
import posixpath
from collections.abc import Callable
from pathlib import Path

from clipmill.config.models import SourceConfig
from clipmill.sources.datasets.json_layouts import OPENS2V_PARTS, VIDGEN_TABLE
from clipmill.sources.datasets.metadata import metadata_tables, tables_about
from clipmill.sources.datasets.openvid import openvid_tables
from clipmill.sources.datasets.tables import subfolders
from clipmill.sources.found import is_leftover, is_video
from clipmill.sources.manifest import table_kind
from clipmill.sources.readers.rows import RowColumns
from clipmill.sources.webdataset import is_shard

WITH_TABLE = "folder with a table"
"""A folder of videos in which one table has captions or times for them."""


def find_kind(source: SourceConfig, columns: RowColumns) -> str:
    """Return what a source is: its `kind`, or what its suffix or layout shows.

    A folder counts as OpenVid, VidGen or OpenS2V when it has their own tables, as a Hugging Face
    data set when it has a metadata file that names files, and as WebDataset when it and the
    folders directly below it hold tar archives but no video. A folder with one other table that
    describes files in it is `WITH_TABLE`, anything else a plain folder.

    Args:
        source: The source.
        columns: Which columns of tables are asked for.
    """
    path = source.path
    if source.kind != "auto":
        return source.kind
    if "://" not in path and Path(path).is_dir():
        return _kind_of_folder(Path(path), columns)
    name = posixpath.basename(path)
    if name == VIDGEN_TABLE:
        return "vidgen"
    if fnmatch.fnmatchcase(name, OPENS2V_PARTS):
        return "opens2v"
    return "webdataset" if is_shard(path) else table_kind(path) or "folder"


def _kind_of_folder(folder: Path, columns: RowColumns) -> str:
    for kind, is_one in _LAYOUTS.items():
        if is_one(folder):
            return kind
    if metadata_tables(folder, columns):
        return "huggingface"
    if _is_webdataset(folder):
        return "webdataset"
    return WITH_TABLE if len(tables_about(folder, columns)) == 1 else "folder"


def _is_vidgen(folder: Path) -> bool:
    return (folder / VIDGEN_TABLE).is_file()


def _is_opens2v(folder: Path) -> bool:
    jsons = folder / "Jsons"
    return any(any(one.glob(OPENS2V_PARTS)) for one in (jsons, *subfolders(jsons)))


def _is_webdataset(folder: Path) -> bool:
    shards = False
    for place in (folder, *subfolders(folder)):
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_video(entry.name):
                        return False
                    shards = shards or (is_shard(entry.name) and not is_leftover(entry.name))
        except OSError:
            continue
    return shards


_LAYOUTS: dict[str, Callable[[Path], bool]] = {
    "openvid": lambda folder: bool(openvid_tables(folder)),
    "vidgen": _is_vidgen,
    "opens2v": _is_opens2v,
}
