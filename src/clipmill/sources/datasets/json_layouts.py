"""VidGen-1M and OpenS2V-5M: JSON documents that describe videos lying somewhere beside them.

VidGen-1M: `VidGen_1M_video_caption.json`, a list of `{"vid": ..., "caption": ...}`, and
`VidGen_video_0.zip` to `VidGen_video_2047.zip`, which hold `{vid}.mp4`.

OpenS2V-5M: `Jsons/mask_and_bbox/total_part1.json` to `total_part13.json`, objects of clips by
key, of which `metadata` names `path`, the frames `face_cut` and the caption `face_cap_qwen`; and
`Videos/total_part1/total_part1.tar.split.000` and so on, an archive per part.
"""

import posixpath
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clipmill.errors import UsageError
from clipmill.sources.accounting.counts import SourceCounts
from clipmill.sources.datasets.tables import absolute
from clipmill.sources.found import FoundFile, is_video
from clipmill.sources.lookup.tree import TreePlaces
from clipmill.sources.manifest import resolve_root
from clipmill.sources.readers.json_items import JsonDamageError, json_items
from clipmill.sources.readers.rows import Chosen, Row, RowColumns
from clipmill.sources.row_reader import RowReader, unusable

VIDGEN_TABLE = "VidGen_1M_video_caption.json"
"""The captions of VidGen-1M."""

OPENS2V_TABLES = ("Jsons/mask_and_bbox", "Jsons", "Jsons/mask_and_bbox_High-Quality", "")
"""Where the parts of OpenS2V-5M are; the first folder that has any counts."""

OPENS2V_PARTS = "total_part*.json"

OPENS2V_CAPTIONS = ("face_cap_qwen", "face_cap_glm", "face_cap_Aria", "cap")
"""Captions in the metadata of a clip, the preferred one first."""


def list_vidgen(
    path: str, root: str, columns: RowColumns, counts: SourceCounts
) -> Iterator[FoundFile]:
    """List VidGen-1M: a folder, or its JSON file.

    Args:
        path: Either of them.
        root: Folder that holds the videos at any depth; the folder of the JSON file when empty.
        columns: Names other keys than `vid` and `caption`.
        counts: Counts rows.

    Raises:
        UsageError: There is no JSON file, or no video at all below the root.
    """
    table = absolute(path)
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

    chosen = Chosen(columns.path or "vid", columns.caption or "caption")
    yield from _Table(table, places, (), read, chosen).files(counts)
    yield from _archives(places)


def list_opens2v(
    path: str, root: str, columns: RowColumns, counts: SourceCounts
) -> Iterator[FoundFile]:
    """List OpenS2V-5M: its folder, a folder of its JSON files, or one of these.

    Videos are taken as they are: the frames and the crop that an entry asks for are not applied.
    Of several entries for one video the first stands, with its caption.

    Args:
        path: One of these.
        root: Folder that holds the videos at any depth, extracted or in plain tar archives;
            when empty, the nearest `Videos` beside or above the JSON files.
        columns: Names other keys of `metadata` than `path` and `OPENS2V_CAPTIONS`.
        counts: Counts rows.

    Raises:
        UsageError: There is no JSON file, or none can be read.
    """
    start = absolute(path)
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

    chosen = Chosen(columns.path or "path", names[0])
    for table in tables:
        yield from _Table(table, places, (table.stem,), read, chosen).files(counts)
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


_Reader = Callable[[dict[str, Any]], tuple[Any, Any]]


def _archives(places: TreePlaces) -> Iterator[FoundFile]:
    for path, reason in places.problems:
        yield FoundFile(path, path, path, 0, problem=reason)


@dataclass(frozen=True)
class _Table:
    """One JSON document of items that describe videos.

    Attributes:
        path: The document.
        places: Where the videos are.
        near: Folders that its videos are looked for in first.
        read: Returns path and caption of an item.
        chosen: The keys these come from.
    """

    path: Path
    places: TreePlaces
    near: tuple[str, ...]
    read: _Reader
    chosen: Chosen

    def files(self, counts: SourceCounts) -> Iterator[FoundFile]:
        """Look up every item, in order."""
        reading = RowReader(self.path.name, counts.table(str(self.path)), counts)
        for row in self._rows():
            problem = row.problem or unusable(row.path) or _leaving(row.path)
            if problem:
                yield reading.refused(row, problem)
                continue
            path = posixpath.normpath(row.path) if "/" in row.path else row.path
            found = self.places.find(path, near=self.near)
            yield reading.video(row, found.relative_path, found.place)

    def _rows(self) -> Iterator[Row]:
        number = 0
        try:
            for number, item in enumerate(json_items(str(self.path)), 1):
                where = f"item {number}"
                path, text = self.read(item) if isinstance(item, dict) else (None, None)
                if isinstance(path, str):
                    yield Row(where, path, text, columns=self.chosen)
                else:
                    yield Row(where, problem="has no path of a video")
        except JsonDamageError as error:
            where = f"item {number + 1}"
            yield Row(where, problem=f"is not valid JSON ({error}); items after it cannot be read")


def _leaving(path: str) -> str:
    if "/" not in path and path not in {".", ".."}:
        return ""
    path = posixpath.normpath(path)
    outside = path.startswith(("/", "../")) or path in {".", ".."} or "://" in path
    return "the path is not one below the folder of videos" if outside else ""
