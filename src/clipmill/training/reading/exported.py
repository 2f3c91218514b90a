"""Samples of a canonical export, by the schema that its exporter writes."""

import io
import json
from collections.abc import Iterator, Mapping
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from clipmill.errors import UsageError
from clipmill.manifest.canonical import (
    CANONICAL,
    OBJECT_ID,
    TRACKS,
    VISIBILITY,
    DescribedObject,
    DescribedSample,
    arrays_name,
    description_name,
    image_name,
    video_name,
)
from clipmill.manifest.entries import FileEntry, PieceEntry, pieces_of_line
from clipmill.manifest.journal import MANIFEST
from clipmill.manifest.marker import FOLDER, HUGGINGFACE, WEBDATASET, export_kind
from clipmill.manifest.names import FileName
from clipmill.training.reading.archives import ShardFiles
from clipmill.training.reading.files import (
    REMEDY,
    ExportFiles,
    FolderFiles,
    MissingFileError,
    explained,
)
from clipmill.training.reading.stored import (
    SampleIndex,
    SampleSource,
    StoredObject,
    StoredRegion,
    StoredSample,
)

FILES: dict[str, type[ExportFiles]] = {
    export_kind(CANONICAL, FOLDER): FolderFiles,
    export_kind(CANONICAL, HUGGINGFACE): FolderFiles,
    export_kind(CANONICAL, WEBDATASET): ShardFiles,
}
"""Kinds of exports that can be read, and how their files are found."""

_CHUNK = 4096


class ExportedSamples(SampleSource):
    """Samples of a canonical export; only its manifest is read when it is opened.

    Args:
        root: Folder of the export.
        kind: One of `FILES`.
        identity: Whether identity images and regions are wanted.

    Raises:
        UsageError: The manifest is missing, or there is no sample in it.
        CorruptFileError: The manifest is damaged.
    """

    def __init__(self, root: Path, *, kind: str, identity: bool) -> None:
        self._manifest = root / MANIFEST
        self._identity = identity
        self._files = FILES[kind](root)
        try:
            index = _index(self._heads())
        except FileNotFoundError as error:
            raise UsageError(f"{self._manifest} is missing. {REMEDY}") from error
        if index is None:
            raise UsageError(
                f"the export {root} holds no sample; {MANIFEST} says why each was left out"
            )
        self.index = index

    def _heads(self) -> Iterator[tuple[Any, ...]]:
        """Yield what the index holds of each sample."""
        with self._manifest.open("rb") as file:
            offset = 0
            for number, line in enumerate(file, start=1):
                with explained(f"{self._manifest}, line {number},"):
                    for place, piece in enumerate(pieces_of_line(line)):
                        yield _head(piece, offset, place)
                offset += len(line)

    def read(self, number: int) -> StoredSample:
        """Read a sample; see `SampleSource`."""
        piece = self._piece(number)
        video = self._file(piece, video_name(piece.key))
        description = self._file(piece, description_name(piece.key))
        with explained(self._files.name(description)):
            described: DescribedSample = json.loads(self._files.read(description))
        tracks = self._tracks(self._file(piece, arrays_name(piece.key)))
        row = piece.row
        with explained(self._files.name(description)):
            return StoredSample(
                sample_id=row["sample_id"],
                uri=self._files.uri(video),
                size_bytes=video.bytes,
                frame_index=None,
                first=0,
                num_frames=row["num_frames"],
                width=row["width"],
                height=row["height"],
                fps=row["fps"],
                caption=described["caption"],
                caption_origin=described["caption_origin"],
                objects=tuple(self._object(entry, tracks, piece) for entry in described["objects"]),
            )

    def _file(self, piece: PieceEntry, name: FileName) -> FileEntry:
        found = piece.find(name)
        if found is None:
            raise MissingFileError(
                f"{self._manifest} names no .{name.extension} of sample {piece.key}. {REMEDY}"
            )
        return found

    def _piece(self, number: int) -> PieceEntry:
        """Read a sample's line of the manifest."""
        offset, place = self.index.place[number].tolist()
        try:
            with self._manifest.open("rb") as file:
                file.seek(offset)
                piece = pieces_of_line(file.readline())[place]
                if piece.row["sample_id"].encode() == self.index.sample_id[number]:
                    return piece
        except (ValueError, LookupError, TypeError, OSError):
            pass  # another line now begins there
        raise UsageError(
            f"{self._manifest} was written again since this dataset was opened; open it again"
        )

    def _tracks(self, file: FileEntry) -> dict[str, npt.NDArray[Any]]:
        """Return tracks, visibility and object ids, of shapes that agree."""
        with explained(self._files.name(file)):
            with np.load(io.BytesIO(self._files.read(file)), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in (TRACKS, VISIBILITY, OBJECT_ID)}
            shape = found[VISIBILITY].shape
            if found[TRACKS].shape != (*shape, 2) or found[OBJECT_ID].shape != shape[1:]:
                raise ValueError("the shapes of tracks, visibility and object_id do not agree")
        return found

    def _object(
        self,
        entry: DescribedObject,
        tracks: Mapping[str, npt.NDArray[Any]],
        piece: PieceEntry,
    ) -> StoredObject:
        mine = tracks[OBJECT_ID] == entry["object_id"]
        tracked = entry.get("tracked_frames", len(tracks[VISIBILITY]))
        pictures = entry["identity"] if self._identity else ()
        image = image_name(entry["object_id"], 0)
        return StoredObject(
            object_id=entry["object_id"],
            class_name=entry["class_name"],
            points=tracks[TRACKS][:tracked, mine].astype(np.float32),
            seen=tracks[VISIBILITY][:tracked, mine].astype(bool),
            stage2=bool(entry["stage2"]),
            regions=tuple(
                StoredRegion(tuple(region["box"]), region["area"]) for region in entry["regions"]
            ),
            picture=partial(self._picture, piece, image) if pictures else None,
        )

    def _picture(self, piece: PieceEntry, name: FileName) -> bytes:
        return self._files.read(self._file(piece, name))


def _head(piece: PieceEntry, offset: int, place: int) -> tuple[Any, ...]:
    row = piece.row
    return (
        row["sample_id"].encode(),
        row["num_frames"],
        row["width"],
        row["height"],
        (row["stage1"], row["stage2"]),
        # Files of a folder are read one by one: every sample is a shard of its own.
        piece.files[0].shard or row["sample_id"],
        (offset, place),
    )


def _index(heads: Iterator[tuple[Any, ...]]) -> SampleIndex | None:
    """Build the index in small steps; None without a sample."""
    numbers: dict[str, int] = {}
    chunks = []
    while some := list(islice(heads, _CHUNK)):
        chunks.append(_chunk(some, numbers))
    if not chunks:
        return None
    return SampleIndex.joined(chunks)


def _chunk(heads: list[tuple[Any, ...]], numbers: dict[str, int]) -> SampleIndex:
    """Return the index of some samples; `numbers` counts the shards met so far."""
    ids, counts, widths, heights, stages, shards, places = zip(*heads, strict=True)
    return SampleIndex(
        sample_id=np.array(ids, np.bytes_),
        num_frames=np.array(counts, np.int32),
        width=np.array(widths, np.int32),
        height=np.array(heights, np.int32),
        stage=np.array(stages, bool).reshape(-1, 2),
        shard=np.array([numbers.setdefault(shard, len(numbers)) for shard in shards], np.int32),
        place=np.array(places, np.int64).reshape(-1, 2),
    )
