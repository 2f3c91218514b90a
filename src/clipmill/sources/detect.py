"""Telling what a source is by the suffix of a file or the layout of a folder."""

import os
from collections.abc import Callable
from pathlib import Path

from clipmill.config.models import SourceConfig
from clipmill.errors import UsageError
from clipmill.sources.folder import is_video
from clipmill.sources.datasets.json_layouts import OPENS2V_PARTS, VIDGEN_TABLE
from clipmill.sources.datasets.layouts import OPENVID_TABLES, metadata_tables, subfolders
from clipmill.sources.manifest import kind_of, read_rows
from clipmill.sources.readers.rows import Columns
from clipmill.sources.webdataset import is_shard


def find_kind(source: SourceConfig) -> str:
    """Return what a source is: its `kind`, or what its suffix or layout shows.

    A folder counts as OpenVid, VidGen or OpenS2V when it has their own tables, as a Hugging Face
    data set when it has a metadata file with the column `file_name`, and as WebDataset when it
    and the folders directly below it hold tar archives but no video. Anything else is a plain
    folder.
    """
    path = source.path
    if source.kind != "auto":
        return source.kind
    if "://" not in path and Path(path).is_dir():
        return next((kind for kind, is_one in _LAYOUTS.items() if is_one(Path(path))), "folder")
    if path.endswith(VIDGEN_TABLE):
        return "vidgen"
    return "webdataset" if is_shard(path) else kind_of(path) or "folder"


def _is_openvid(folder: Path) -> bool:
    return any((folder / OPENVID_TABLES).glob("OpenVid*.csv"))


def _is_vidgen(folder: Path) -> bool:
    return (folder / VIDGEN_TABLE).is_file()


def _is_opens2v(folder: Path) -> bool:
    jsons = folder / "Jsons"
    return any(any(one.glob(OPENS2V_PARTS)) for one in (jsons, *subfolders(jsons)))


def _is_hugging_face(folder: Path) -> bool:
    return any(_names_files(table) for table in metadata_tables(folder))


def _names_files(table: Path) -> bool:
    """Whether the first row of a metadata file has a `file_name`."""
    try:
        row = next(read_rows(str(table), kind_of(table.name) or "", Columns("file_name")), None)
    except UsageError:
        return False
    return row is not None and not row.problem


def _is_webdataset(folder: Path) -> bool:
    shards = False
    for place in (folder, *subfolders(folder)):
        try:
            with os.scandir(place) as entries:
                for entry in entries:
                    if is_video(entry.name):
                        return False
                    shards = shards or is_shard(entry.name)
        except OSError:
            continue
    return shards


_LAYOUTS: dict[str, Callable[[Path], bool]] = {
    "openvid": _is_openvid,
    "vidgen": _is_vidgen,
    "opens2v": _is_opens2v,
    "huggingface": _is_hugging_face,
    "webdataset": _is_webdataset,
}
