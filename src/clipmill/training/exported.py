"""Samples of a canonical export, as docs/exports.md describes its files."""

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
from clipmill.training.archives import ShardFiles
from clipmill.training.files import (
    REMEDY,
    ExportedFile,
    ExportFiles,
    FolderFiles,
    MissingFileError,
    explained,
)
from clipmill.training.stored import (
    SampleIndex,
    SampleSource,
    StoredObject,
    StoredRegion,
    StoredSample,
)

MANIFEST = "manifest.jsonl"
FILES: dict[str, type[ExportFiles]] = {
    "canonical/folder": FolderFiles,
    "canonical/huggingface": FolderFiles,
    "canonical/webdataset": ShardFiles,
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
                    for place, piece in enumerate(json.loads(line)["pieces"]):
                        yield _head(piece, offset, place)
                offset += len(line)

    def read(self, number: int) -> StoredSample:
        """Read a sample; see `SampleSource`."""
        piece = self._piece(number)
        files = _by_extension(piece)
        described = self._described(files)
        tracks = self._tracks(files)
        video = _member(files, "mp4", self._manifest)
        row = piece["row"]
        with explained(self._files.name(_member(files, "json", self._manifest))):
            return StoredSample(
                sample_id=row["sample_id"],
                uri=self._files.uri(video),
                size_bytes=video.num_bytes,
                frame_index=None,
                first=0,
                num_frames=row["num_frames"],
                width=row["width"],
                height=row["height"],
                fps=row["fps"],
                caption=described["caption"],
                caption_origin=described["caption_origin"],
                objects=tuple(self._object(entry, tracks, files) for entry in described["objects"]),
            )

    def _piece(self, number: int) -> Mapping[str, Any]:
        """Read a sample's line of the manifest."""
        offset, place = self.index.place[number].tolist()
        try:
            with self._manifest.open("rb") as file:
                file.seek(offset)
                piece: Mapping[str, Any] = json.loads(file.readline())["pieces"][place]
                if piece["row"]["sample_id"].encode() == self.index.sample_id[number]:
                    return piece
        except (ValueError, LookupError, TypeError, OSError):
            pass  # another line now begins there
        raise UsageError(
            f"{self._manifest} was written anew since this dataset was opened; open it again"
        )

    def _described(self, files: Mapping[str, ExportedFile]) -> Any:
        file = _member(files, "json", self._manifest)
        with explained(self._files.name(file)):
            return json.loads(self._files.read(file))

    def _tracks(self, files: Mapping[str, ExportedFile]) -> dict[str, npt.NDArray[Any]]:
        """Return `tracks`, `visibility` and `object_id`, of shapes that agree."""
        file = _member(files, "npz", self._manifest)
        with explained(self._files.name(file)):
            with np.load(io.BytesIO(self._files.read(file)), allow_pickle=False) as arrays:
                found = {name: arrays[name] for name in ("tracks", "visibility", "object_id")}
            shape = found["visibility"].shape
            if found["tracks"].shape != (*shape, 2) or found["object_id"].shape != shape[1:]:
                raise ValueError("the shapes of tracks, visibility and object_id do not agree")
        return found

    def _object(
        self,
        entry: Mapping[str, Any],
        tracks: Mapping[str, npt.NDArray[Any]],
        files: Mapping[str, ExportedFile],
    ) -> StoredObject:
        mine = tracks["object_id"] == entry["object_id"]
        tracked = entry.get("tracked_frames", len(tracks["visibility"]))
        pictures = entry["identity"] if self._identity else ()
        short = entry["object_id"].rsplit("-", 1)[-1]
        return StoredObject(
            object_id=entry["object_id"],
            class_name=entry["class_name"],
            points=tracks["tracks"][:tracked, mine].astype(np.float32),
            seen=tracks["visibility"][:tracked, mine].astype(bool),
            stage2=bool(entry["stage2"]),
            regions=tuple(
                StoredRegion(tuple(region["box"]), region["area"]) for region in entry["regions"]
            ),
            picture=partial(self._picture, files, f"{short}.0.png") if pictures else None,
        )

    def _picture(self, files: Mapping[str, ExportedFile], extension: str) -> bytes:
        return self._files.read(_member(files, extension, self._manifest))


def _head(piece: Mapping[str, Any], offset: int, place: int) -> tuple[Any, ...]:
    row = piece["row"]
    return (
        row["sample_id"].encode(),
        row["num_frames"],
        row["width"],
        row["height"],
        (row["stage1"], row["stage2"]),
        # Files of a folder are read one by one: every sample is a shard of its own.
        piece["files"][0]["shard"] or row["sample_id"],
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


def _by_extension(piece: Mapping[str, Any]) -> dict[str, ExportedFile]:
    """Return the files of a piece by what they would be called behind its key in a shard."""
    found = {}
    for file in piece["files"]:
        path = file["path"]
        if file["shard"]:
            extension = path.rsplit("/", 1)[-1].removeprefix(f"{piece['key']}.")
        elif path.startswith("identity/"):
            *_, folder, name = path.split("/")
            extension = f"{folder.rsplit('-', 1)[-1]}.{name}"
        elif path.startswith("masks/"):
            extension = "masks.json"
        else:
            extension = path.rsplit(".", 1)[-1]
        found[extension] = ExportedFile(path, file["bytes"], file["shard"])
    return found


def _member(files: Mapping[str, ExportedFile], extension: str, manifest: Path) -> ExportedFile:
    if extension not in files:
        raise MissingFileError(f"{manifest} names no .{extension} of this sample. {REMEDY}")
    return files[extension]
