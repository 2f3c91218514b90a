"""Samples of a workspace: a small index in memory, rows read when asked for."""

import io
import os
import warnings
from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clipmill.clips import Video
from clipmill.errors import ClipmillError, UsageError
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.samples.table import sample_parts
from clipmill.store.codecs import decode_bits, decode_tracks
from clipmill.store.tables import explained_reads, open_parquet
from clipmill.store.workspace import Workspace
from clipmill.training.reading.stored import (
    SampleIndex,
    SampleSource,
    StoredObject,
    StoredRegion,
    StoredSample,
)
from clipmill.video import FrameIndex

_REMEDY = "Run the pipeline again; its last step writes the samples again."
_HEADS = ("sample_id", "video_id", "num_frames", "width", "height", "stage1", "stage2")
_ROW = (
    "sample_id",
    "video_id",
    "uri",
    "start",
    "anchor",
    "num_frames",
    "width",
    "height",
    "fps",
    "caption",
    "caption_origin",
)
_OBJECT = ("object_id", "class_name", "points", "visibility")
_IDENTITY = ("stage2", "reference", "regions")


class WorkspaceSamples(SampleSource):
    """Samples of a workspace; holds one open part and the wanted columns of one row group.

    Every process opens files of its own.

    Args:
        workspace: The workspace.
        name: Of the sample set.
        identity: Whether identity images and regions are wanted.

    Raises:
        UsageError: There is no such sample set.
        CorruptFileError: A part is damaged.
    """

    def __init__(self, workspace: Workspace, name: str, *, identity: bool) -> None:
        self._workspace = workspace
        nested: Sequence[str] = (*_OBJECT, *_IDENTITY) if identity else _OBJECT
        self._columns = [*_ROW, *(f"objects.list.element.{name}" for name in nested)]
        self._parts = tuple(sample_parts(workspace, name))
        if not self._parts:
            raise UsageError(
                f"{workspace.root} has no samples called '{name}'; `clipmill run` writes them in "
                "its last step"
            )
        heads = self._heads()
        if not heads:
            raise UsageError(f"the samples '{name}' of {workspace.root} are empty")
        self._probe, self._videos = _known_videos(workspace)
        sizes = {video_id.encode(): video.size_bytes for video_id, video in self._videos.items()}
        of_samples = heads["video_id"].tolist()
        if sizes and (lost := sum(video not in sizes for video in of_samples)):
            raise UsageError(
                f"{lost} of the {len(of_samples)} samples '{name}' in {workspace.root} are of "
                "videos that the last run did not have: they were replaced, or are gone. Run the "
                "pipeline again; its last step writes the samples again"
            )
        wanted = (sizes.get(video, -1) for video in of_samples)
        size_bytes = np.fromiter(wanted, np.int64, len(of_samples))
        place = np.stack([heads["part"], heads["group"], heads["row"], size_bytes], axis=1)
        self.index = SampleIndex(
            sample_id=heads["sample_id"],
            num_frames=heads["num_frames"].astype(np.int32),
            width=heads["width"].astype(np.int32),
            height=heads["height"].astype(np.int32),
            stage=np.stack([heads["stage1"], heads["stage2"]], axis=1),
            shard=_shards(place),
            place=place,
        )
        self._forget()

    def _heads(self) -> dict[str, npt.NDArray[Any]]:
        """Read the heads of all samples, one row group at a time."""
        columns: dict[str, list[np.ndarray]] = {}
        for number, path in enumerate(self._parts):
            with explained_reads(self._name(path), _REMEDY), self._open(path) as file:
                for group in range(file.num_row_groups):
                    heads = file.read_row_group(group, columns=list(_HEADS), use_threads=False)
                    found = {name: _plain(heads[name]) for name in _HEADS}
                    found["part"] = np.full(len(heads), number, np.int64)
                    found["group"] = np.full(len(heads), group, np.int64)
                    found["row"] = np.arange(len(heads), dtype=np.int64)
                    for name, values in found.items():
                        columns.setdefault(name, []).append(values)
        return {name: np.concatenate(found) for name, found in columns.items()}

    def _name(self, path: str) -> str:
        return f"{self._workspace.root}/{path}"

    def _open(self, path: str) -> Any:
        local = self._workspace.local_path(path)
        if local is not None:
            return open_parquet(local)
        return open_parquet(io.BytesIO(self._workspace.read_bytes(path) or b""))

    def _forget(self) -> None:
        self._process = os.getpid()
        self._part, self._file = -1, None
        self._group, self._table = (-1, -1), None

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        return state | {"_process": -1, "_file": None, "_table": None}

    def read(self, number: int) -> StoredSample:
        """Read a sample; see `SampleSource`."""
        if self._process != os.getpid():
            self._forget()
        part, group, place, size_bytes = self.index.place[number].tolist()
        path = self._parts[part]
        try:
            with explained_reads(self._name(path), _REMEDY):
                row = self._row(part, group, place)
                objects = tuple(map(_stored_object, row["objects"])) if row else ()
        except FileNotFoundError:
            row = None
        if row is None or row["sample_id"].encode() != self.index.sample_id[number]:
            raise UsageError(
                f"{self._name(path)} was written again since this dataset was opened; open it again"
            )
        return self._stored(row, objects, size_bytes)

    def _row(self, part: int, group: int, place: int) -> dict[str, Any] | None:
        if self._group != (part, group) or self._table is None:
            if self._part != part or self._file is None:
                self._file, self._part = self._open(self._parts[part]), part
            self._table = self._file.read_row_group(  # type: ignore[attr-defined]
                group, columns=self._columns, use_threads=False
            )
            self._group = (part, group)
        rows = self._table.slice(place, 1).to_pylist()  # type: ignore[attr-defined]
        return rows[0] if rows else None

    def _stored(
        self, row: dict[str, Any], objects: tuple[StoredObject, ...], size_bytes: int
    ) -> StoredSample:
        return StoredSample(
            sample_id=row["sample_id"],
            uri=row["uri"],
            size_bytes=None if size_bytes < 0 else size_bytes,
            frame_index=self._frame_index(row["video_id"]),
            first=row["start"] + row["anchor"],
            num_frames=row["num_frames"],
            width=row["width"],
            height=row["height"],
            fps=row["fps"],
            caption=row["caption"],
            caption_origin=row["caption_origin"],
            objects=objects,
        )

    def _frame_index(self, video_id: str) -> FrameIndex | None:
        if self._probe is None or video_id not in self._videos:
            return None
        file_id = self._videos[video_id].file_id
        row = self._probe.read([file_id]).get(file_id)
        return None if row is None else FrameIndex.from_bytes(row.index)


def _stored_object(entry: dict[str, Any]) -> StoredObject:
    reference = entry.get("reference")
    return StoredObject(
        object_id=entry["object_id"],
        class_name=entry["class_name"],
        points=decode_tracks(entry["points"]),
        seen=decode_bits(entry["visibility"]),
        stage2=entry.get("stage2", False),
        regions=tuple(
            StoredRegion(tuple(region["box"]), region["area"])
            for region in entry.get("regions") or ()
        ),
        picture=partial(bytes, reference["png"]) if reference else None,
    )


def _plain(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_string(column.type):
        return np.array([text.encode() for text in column.to_pylist()], np.bytes_)
    return column.to_numpy()


def _shards(place: npt.NDArray[np.int64]) -> npt.NDArray[np.int32]:
    """Number the row groups, counted over all parts; rows of a group lie together."""
    changes = (np.diff(place[:, :2], axis=0) != 0).any(axis=1)
    return np.concatenate([[0], np.cumsum(changes)]).astype(np.int32)


def _known_videos(workspace: Workspace) -> tuple[Any, dict[str, Video]]:
    """Return the table of frame indices (None when there is none), and videos by id."""
    try:
        run = last_run(workspace)
    except ClipmillError as error:
        warnings.warn(
            f"frame indices of {workspace.root} cannot be used, so every video is indexed "
            f"again whenever it is read: {error}",
            stacklevel=5,
        )
        return None, {}
    if run is None:
        return None, {}
    context, listing = run
    probe = context.stages["probe"].table if "probe" in context.stages else None
    return probe, {video.video_id: video for video in listing.videos}
