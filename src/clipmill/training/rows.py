"""Samples of a workspace by number: a small index in memory, rows read when asked for."""

import io
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clipmill.errors import UsageError
from clipmill.pipeline.samples import sample_parts
from clipmill.store.tables import explained_reads, open_parquet
from clipmill.store.workspace import Workspace

_REMEDY = "Run the pipeline again; its last step writes the samples anew."
_HEADS = ("sample_id", "video_id", "num_frames", "stage1", "stage2")
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
)
_OBJECT = ("object_id", "class_name", "points", "visibility")
_IDENTITY = ("stage2", "reference", "regions")


@dataclass(frozen=True, eq=False)
class SampleIndex:
    """Where the n samples of a set are; about 70 bytes a sample.

    Attributes:
        parts: Paths of the parquet parts, relative to the workspace.
        part: int32 [n], number of the part.
        group: int32 [n], row group in the part.
        row: int32 [n], row in the row group.
        sample_id: bytes [n].
        video_id: bytes [n].
        num_frames: int32 [n], frames from the anchor to the clip's end.
        stage: bool [n, 2], ready for stage 1, ready for stage 2.
    """

    parts: tuple[str, ...]
    part: npt.NDArray[np.int32]
    group: npt.NDArray[np.int32]
    row: npt.NDArray[np.int32]
    sample_id: npt.NDArray[np.bytes_]
    video_id: npt.NDArray[np.bytes_]
    num_frames: npt.NDArray[np.int32]
    stage: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.part)

    def take(self, numbers: npt.NDArray[Any]) -> "SampleIndex":
        """Return the index of the samples with these numbers (or where a mask is True)."""
        names = ("part", "group", "row", "sample_id", "video_id", "num_frames", "stage")
        return SampleIndex(self.parts, *(getattr(self, name)[numbers] for name in names))

    @property
    def shard(self) -> npt.NDArray[np.int64]:
        """int64 [n], number of the row group a sample is in, counted over all parts."""
        pairs = np.stack([self.part, self.group], axis=1)
        return np.unique(pairs, axis=0, return_inverse=True)[1].reshape(-1)


def read_index(workspace: Workspace, samples: str) -> SampleIndex:
    """Read the heads of all samples, one row group at a time.

    Raises:
        UsageError: There is no such sample set.
        CorruptFileError: A part is damaged.
    """
    parts = sample_parts(workspace, samples)
    if not parts:
        raise UsageError(
            f"{workspace.root} has no samples called '{samples}'; `clipmill run` writes them in "
            "its last step"
        )
    columns: dict[str, list[np.ndarray]] = {name: [] for name in ("part", "group", "row", *_HEADS)}
    for number, path in enumerate(parts):
        with explained_reads(path, _REMEDY), _open(workspace, path) as file:
            for group in range(file.num_row_groups):
                heads = file.read_row_group(group, columns=list(_HEADS), use_threads=False)
                columns["part"].append(np.full(len(heads), number, np.int32))
                columns["group"].append(np.full(len(heads), group, np.int32))
                columns["row"].append(np.arange(len(heads), dtype=np.int32))
                for name in _HEADS:
                    columns[name].append(_plain(heads[name]))
    joined = {name: np.concatenate(found) for name, found in columns.items() if found}
    if not joined:
        raise UsageError(f"the samples '{samples}' of {workspace.root} are empty")
    return SampleIndex(
        parts=tuple(parts),
        part=joined["part"],
        group=joined["group"],
        row=joined["row"],
        sample_id=joined["sample_id"],
        video_id=joined["video_id"],
        num_frames=joined["num_frames"].astype(np.int32),
        stage=np.stack([joined["stage1"], joined["stage2"]], axis=1),
    )


def _plain(column: pa.ChunkedArray) -> np.ndarray:
    if pa.types.is_string(column.type):
        return np.array([text.encode() for text in column.to_pylist()], np.bytes_)
    return column.to_numpy()


def _open(workspace: Workspace, path: str) -> Any:
    local = workspace.local_path(path)
    if local is not None:
        return open_parquet(local)
    return open_parquet(io.BytesIO(workspace.read_bytes(path) or b""))


class RowReader:
    """Reads single samples; holds one open part and the wanted columns of one row group.

    May be pickled, and carried over a fork: every process opens files of its own.

    Args:
        workspace: Where the parts are.
        index: Of the samples.
        identity: Whether identity images and regions are wanted.
    """

    def __init__(self, workspace: Workspace, index: SampleIndex, *, identity: bool) -> None:
        self._workspace, self._index = workspace, index
        nested: Sequence[str] = (*_OBJECT, *_IDENTITY) if identity else _OBJECT
        self._columns = [*_ROW, *(f"objects.list.element.{name}" for name in nested)]
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._part, self._file = -1, None
        self._group, self._table = (-1, -1), None

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        return state | {"_process": -1, "_file": None, "_table": None}

    def row(self, number: int) -> dict[str, Any]:
        """Return the wanted columns of a sample as nested dicts and lists.

        Raises:
            CorruptFileError: The part is damaged.
        """
        if self._process != os.getpid():
            self._forget()
        index = self._index
        part, group = int(index.part[number]), int(index.group[number])
        path = index.parts[part]
        with explained_reads(path, _REMEDY):
            if self._group != (part, group) or self._table is None:
                if self._part != part or self._file is None:
                    self._file, self._part = _open(self._workspace, path), part
                self._table = self._file.read_row_group(  # type: ignore[attr-defined]
                    group, columns=self._columns, use_threads=False
                )
                self._group = (part, group)
            (row,) = self._table.slice(int(index.row[number]), 1).to_pylist()  # type: ignore[attr-defined]
        if row["sample_id"].encode() != bytes(index.sample_id[number]):
            raise UsageError(
                f"{path} was written anew since this dataset was opened; open it again"
            )
        return row
