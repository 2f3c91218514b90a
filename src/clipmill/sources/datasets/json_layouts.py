"""VidGen-1M and OpenS2V-5M: JSON documents that describe videos lying somewhere beside them.

VidGen-1M: `VidGen_1M_video_caption.json`, a list of `{"vid": ..., "caption": ...}`, and
`VidGen_video_0.zip` to `VidGen_video_2047.zip`, which hold `{vid}.mp4`.

OpenS2V-5M: `Jsons/mask_and_bbox/total_part1.json` to `total_part13.json`, objects of clips by
key, of which `metadata` names `path`, the frames `face_cut` and the caption `face_cap_qwen`; and
`Videos/total_part1/total_part1.tar.split.000` and so on, an archive per part.
"""

import os
import posixpath
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from clipmill.errors import UsageError
from clipmill.sources.folder import FoundFile, is_video
from clipmill.sources.readers.json_items import JsonDamageError, json_items
from clipmill.sources.manifest import printable, resolve_root, unusable
from clipmill.sources.readers.rows import Columns, Row
from clipmill.sources.lookup.tree import TreePlaces

VIDGEN_TABLE = "VidGen_1M_video_caption.json"
"""The captions of VidGen-1M."""

OPENS2V_TABLES = ("Jsons/mask_and_bbox", "Jsons", "Jsons/mask_and_bbox_High-Quality", "")
"""Where the parts of OpenS2V-5M are; the first folder that has any counts."""

OPENS2V_PARTS = "total_part*.json"

OPENS2V_CAPTIONS = ("face_cap_qwen", "face_cap_glm", "face_cap_Aria", "cap")
"""Captions in the metadata of a clip, the preferred one first."""


def list_vidgen(path: str, root: str, columns: Columns) -> Iterator[FoundFile]:
    """List VidGen-1M: a folder, or its JSON file.

    Args:
        path: Either of them.
        root: Folder that holds the videos at any depth; the folder of the JSON file when empty.
        columns: Names other keys than `vid` and `caption`.

    Raises:
        UsageError: There is no JSON file, or no video at all below the root.
    """
    table = _absolute(path)
    table = table / VIDGEN_TABLE if table.is_dir() else table
    places = TreePlaces(resolve_root(root, str(table.parent)) or str(table.parent))
    if places.is_empty and any(table.parent.glob("VidGen_video_*.zip")):
        raise UsageError(
            f"the videos of {table.parent} are still in VidGen_video_*.zip; unpack them "
            "(`unzip -n 'VidGen_video_*.zip' -d videos`)"
        )

    def read(item: dict[str, Any]) -> tuple[Any, Any]:
        vid = item.get(columns.path or "vid")
        if isinstance(vid, str) and vid and not is_video(vid):
            vid += ".mp4"
        return vid, item.get(columns.caption or "caption")

    yield from _files(table, places, "", read)
    yield from _archives(places)


def list_opens2v(path: str, root: str, columns: Columns) -> Iterator[FoundFile]:
    """List OpenS2V-5M: its folder, a folder of its JSON files, or one of these.

    Videos are taken as they are: the frames and the crop that an entry asks for are not applied.
    Of several entries for one video the first stands, with its caption.

    Args:
        path: One of these.
        root: Folder that holds the videos at any depth, extracted or in plain tar archives;
            when empty, the nearest `Videos` beside or above the JSON files.
        columns: Names other keys of `metadata` than `path` and `OPENS2V_CAPTIONS`.

    Raises:
        UsageError: There is no JSON file, or none can be read.
    """
    start = _absolute(path)
    tables = [start] if start.is_file() else _parts(start)
    if not tables:
        raise UsageError(f"{start} has no {OPENS2V_TABLES[0]}/{OPENS2V_PARTS}")
    videos = resolve_root(root, str(start)) or _videos_beside(tables[0])
    places = TreePlaces(videos)
    if places.is_empty and any(Path(videos).glob("**/*.tar.split.*")):
        raise UsageError(
            f"the archives in {videos} are still split; join them, one per part "
            "(`cat total_part1.tar.split.* > total_part1.tar`): they need not be unpacked"
        )
    names = (columns.caption,) if columns.caption else OPENS2V_CAPTIONS

    def read(item: dict[str, Any]) -> tuple[Any, Any]:
        metadata = item.get("metadata")
        if not isinstance(metadata, dict):
            return None, None
        texts = (_first(metadata.get(name)) for name in names)
        return metadata.get(columns.path or "path"), next((text for text in texts if text), None)

    for table in tables:
        yield from _files(table, places, table.stem, read)
    yield from _archives(places)


def _parts(folder: Path) -> list[Path]:
    for name in OPENS2V_TABLES:
        if found := list((folder / name).glob(OPENS2V_PARTS)):
            return sorted(found, key=lambda one: (len(one.name), one.name))
    return []


def _videos_beside(table: Path) -> str:
    beside = (folder / "Videos" for folder in table.parents)
    return str(next((folder for folder in beside if folder.is_dir()), table.parent))


def _first(text: Any) -> Any:
    return text[0] if isinstance(text, list) and text else text


def _absolute(path: str) -> Path:
    return Path(os.path.normpath(Path(path).absolute()))


_Reader = Callable[[dict[str, Any]], tuple[Any, Any]]


def _archives(places: TreePlaces) -> Iterator[FoundFile]:
    for path, reason in places.problems:
        yield FoundFile(path, path, path, 0, problem=reason)


def _files(table: Path, places: TreePlaces, near: str, read: _Reader) -> Iterator[FoundFile]:
    for row in _rows(str(table), read):
        problem = row.problem or unusable(row) or _leaving(row.path)
        if problem:
            shown = printable(row.path) if row.path.strip() else f"{table.name}, {row.where}"
            yield FoundFile(shown, shown, shown, 0, problem=problem, where=row.where)
            continue
        path = posixpath.normpath(row.path) if "/" in row.path else row.path
        found = places.find(path, near=near)
        place, text = found.place, row.text if row.text and not row.text.isspace() else None
        yield FoundFile(
            found.relative_path,
            place.uri,
            place.real_path,
            place.size_bytes,
            text,
            place.problem,
            row.where,
        )


def _leaving(path: str) -> str:
    if "/" not in path and path not in {".", ".."}:
        return ""
    path = posixpath.normpath(path)
    outside = path.startswith(("/", "../")) or path in {".", ".."} or "://" in path
    return "the path is not one below the folder of videos" if outside else ""


def _rows(table: str, read: _Reader) -> Iterator[Row]:
    number = 0
    try:
        for number, item in enumerate(json_items(table), 1):
            where = f"item {number}"
            path, text = read(item) if isinstance(item, dict) else (None, None)
            if not isinstance(path, str):
                yield Row(where, problem="has no path of a video")
            elif text is not None and not isinstance(text, str):
                yield Row(where, path, problem="its caption is not a string")
            else:
                yield Row(where, path, text)
    except JsonDamageError as error:
        where = f"item {number + 1}"
        yield Row(where, problem=f"is not valid JSON ({error}); items after it cannot be read")
