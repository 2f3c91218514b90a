"""The list of videos of a run, kept in the workspace so that looking needs no source."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Video, file_id_for
from clipmill.pipeline.inputs.identity import identify
from clipmill.pipeline.population import ClipColumns, Population
from clipmill.pipeline.verdicts import StepReport, verdict_columns
from clipmill.sources.columns import ProblemRows, VideoRows
from clipmill.store.workspace import Workspace

if TYPE_CHECKING:
    from clipmill.sources.listing import Listing

PATH = "videos.parquet"

_SCHEMA = pa.schema([*VideoRows.schema, ("state", pa.string()), ("reason", pa.string())])

_NAMES = ["video_id", "relative_path", "uri"]

_HASHED = 65_536
"""Files whose names are hashed at a time."""


def _with_all_columns(table: pa.Table) -> pa.Table:
    """Return rows with nulls where an older clipmill, or one kind of entry, has no such column."""
    for field in _SCHEMA:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(_SCHEMA.names).cast(_SCHEMA)


@dataclass(frozen=True)
class VideoList:
    """Videos of a run and the entries of the sources that are none."""

    videos: VideoRows
    problems: ProblemRows

    @classmethod
    def of(cls, listing: "Listing") -> "VideoList":
        """Take over a listing of sources."""
        return cls(listing.videos, listing.problems)

    @cached_property
    def file_ids(self) -> pa.Array:
        """`file_id` of every video, string [n]."""
        facts = self.videos.table.select(["uri", "size_bytes", "stamp"])
        chunks = [
            pa.array(map(file_id_for, *(column.to_pylist() for column in batch)), pa.string())
            for batch in facts.to_batches(max_chunksize=_HASHED)
        ]
        return pa.concat_arrays([pa.array([], pa.string()), *chunks])

    @cached_property
    def files(self) -> Mapping[str, Video]:
        """Videos by `file_id`, in order: an object each, so for a few of them."""
        return dict(zip(self.file_ids.to_pylist(), self.videos, strict=True))

    def find(self, video_id: str) -> Video | None:
        """Return the video of an id."""
        row = self.row_of(video_id)
        return None if row is None else self.videos[row]

    def file_of(self, video_id: str) -> str:
        """Return the `file_id` of a video; empty where the run has no such video."""
        video = self.find(video_id)
        return "" if video is None else video.file_id

    def row_of(self, video_id: str) -> int | None:
        """Return the row of a video."""
        row = pc.index(self.videos.table["video_id"], video_id).as_py()
        return None if row < 0 else row

    def names(self) -> pa.Table:
        """Return `video_id`, `relative_path` and `uri` of all that was listed, problems last."""
        tables = self.videos.table, self.problems.table
        return pa.concat_tables(table.select(_NAMES) for table in tables)

    def with_paths(self, verdicts: pa.Table) -> list[tuple[dict[str, Any], str]]:
        """Return verdicts, each with the path of its video; an empty one where that is unknown."""
        names = pa.concat_tables(
            rows.table.select(["video_id", "relative_path"])
            # Of a name that both have, the problem's path counts.
            for rows in (self.problems, self.videos)
        ).combine_chunks()
        known = names["video_id"].combine_chunks()
        places = pc.index_in(verdicts["video_id"].combine_chunks(), value_set=known)
        paths = pc.fill_null(names["relative_path"].combine_chunks().take(places), "")
        return list(zip(verdicts.to_pylist(), paths.to_pylist(), strict=True))

    def save(self, workspace: Workspace, *, before: pa.Table | None = None) -> pa.Table:
        """Write the list into the workspace, unless that is what it holds; return it as rows.

        Args:
            workspace: Where to.
            before: Rows that it holds.
        """
        entries = self.videos.table, self.problems.table
        table = pa.concat_tables(map(_with_all_columns, entries))
        if before is None or not table.equals(before):
            workspace.write_table(PATH, table)
        return table

    @classmethod
    def load(cls, workspace: Workspace) -> "VideoList | None":
        """Read the list of the last run; None when there was none."""
        table = workspace.read_table(PATH)
        return None if table is None else cls.from_rows(table)

    @classmethod
    def load_names(cls, workspace: Workspace) -> pa.Table | None:
        """Read no more than `names` of the list of the last run; None where that cannot be."""
        table = workspace.read_table(PATH, columns=[*_NAMES, "state"])
        if table is None or "state" not in table.column_names:  # of an older clipmill
            return None
        listed = pc.is_null(table["state"])
        parts = [table.filter(rows) for rows in (listed, pc.invert(listed))]
        return pa.concat_tables(parts).select(_NAMES)

    @classmethod
    def from_rows(cls, table: pa.Table) -> "VideoList":
        """Return the list of some rows."""
        table = _with_all_columns(table)
        listed = pc.is_null(table["state"])
        if pc.all(listed).as_py():
            return cls(VideoRows(table), ProblemRows(table.slice(0, 0)))
        return cls(VideoRows(table.filter(listed)), ProblemRows(table.filter(pc.invert(listed))))

    def identified(self, contents: pa.Table) -> "VideoList":
        """Return the list with every video named by its content, where that is known.

        Args:
            contents: See `contents_of`.
        """
        named = replace(self, videos=identify(self.videos, self.file_ids, contents).videos)
        # Names of files do not change; hashing a million of them again takes seconds.
        named.__dict__["file_ids"] = self.file_ids
        return named

    def population(self) -> Population:
        """Return the population before the first step, which knows files, not videos."""
        clips = ClipColumns.whole(len(self.videos))
        return Population(videos=self.videos, file_ids=self.file_ids, clips=clips)

    def report(self) -> StepReport:
        """Return what listing the sources gave."""
        problems = self.problems.table
        states = {
            pair["values"]: pair["counts"]
            for pair in pc.value_counts(problems["state"]).to_pylist()
        }
        return StepReport(
            title="source",
            kind="source",
            unit="videos",
            entering=len(self.videos) + len(self.problems) - states.get("noted", 0),
            leaving=len(self.videos),
            dropped=states.get("dropped", 0),
            failed=states.get("failed", 0),
            decided=verdict_columns(
                len(problems),
                key=problems["video_id"],
                level="video",
                video_id=problems["video_id"],
                state=problems["state"],
                rule=problems["reason"],
            ),
        )
