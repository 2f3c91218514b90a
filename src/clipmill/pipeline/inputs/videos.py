"""The list of videos of a run, kept in the workspace so that looking needs no source."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Clip, Span, Video
from clipmill.pipeline.inputs.identity import identify
from clipmill.pipeline.population import Population
from clipmill.pipeline.verdicts import StepReport, verdict_table
from clipmill.sources.collect import SourceProblem
from clipmill.store.workspace import Workspace

if TYPE_CHECKING:
    from clipmill.sources.listing import Listing

PATH = "videos.parquet"
_SPAN = pa.struct(
    [
        ("start", pa.float64()),
        ("end", pa.float64()),
        ("unit", pa.string()),
        ("text", pa.string()),
        ("where", pa.string()),
    ]
)

_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("source", pa.string()),
        ("relative_path", pa.string()),
        ("uri", pa.string()),
        ("size_bytes", pa.int64()),
        ("text", pa.string()),
        ("stamp", pa.string()),
        ("spans", pa.list_(_SPAN)),
        ("state", pa.string()),
        ("reason", pa.string()),
    ]
)

_VIDEO = ("video_id", "source", "relative_path", "uri", "size_bytes", "text", "stamp")
"""Fields of `Video`, in order."""

_PROBLEM = ["video_id", "relative_path", "uri", "state", "reason"]


def _column(table: pa.Table, name: str) -> list[Any]:
    """Return a column; nulls where an older clipmill wrote none."""
    if name not in table.column_names:
        return [None] * table.num_rows
    values: list[Any] = table[name].to_pylist()
    return values


def _cell(entry: object, name: str) -> Any:
    value = getattr(entry, name, None)
    if name == "spans":
        return [asdict(span) for span in value or ()] or None
    return value


def _spans(cells: list[dict[str, Any]] | None) -> tuple[Span, ...]:
    return tuple(Span(**cell) for cell in cells or ())


@dataclass(frozen=True)
class VideoList:
    """Videos of a run and the entries of the sources that are none."""

    videos: tuple[Video, ...]
    problems: tuple[SourceProblem, ...]

    @classmethod
    def of(cls, listing: "Listing") -> "VideoList":
        """Take over a listing of sources."""
        return cls(listing.videos, listing.problems)

    @cached_property
    def files(self) -> dict[str, Video]:
        """Videos by `file_id`, in order."""
        return {video.file_id: video for video in self.videos}

    def save(self, workspace: Workspace, *, before: pa.Table | None = None) -> pa.Table:
        """Write the list into the workspace, unless that is what it holds; return it as rows.

        Args:
            workspace: Where to.
            before: Rows that it holds.
        """
        table = self._rows()
        if before is None or not table.equals(before):
            workspace.write_table(PATH, table)
        return table

    def _rows(self) -> pa.Table:
        entries = (*self.videos, *self.problems)
        # Column by column: a dict per video would take a gigabyte for a million of them.
        columns = [
            pa.array((_cell(entry, field.name) for entry in entries), field.type)
            for field in _SCHEMA
        ]
        return pa.Table.from_arrays(columns, schema=_SCHEMA)

    @classmethod
    def load(cls, workspace: Workspace) -> "VideoList | None":
        """Read the list of the last run; None when there was none."""
        table = workspace.read_table(PATH)
        return None if table is None else cls.from_rows(table)

    @classmethod
    def from_rows(cls, table: pa.Table) -> "VideoList":
        """Return the list of some rows."""
        listed = pc.is_null(table["state"])
        videos, problems = table.filter(listed), table.filter(pc.invert(listed))
        facts = [_column(videos, name) for name in _VIDEO]
        return cls(
            tuple(map(Video, *facts, map(_spans, _column(videos, "spans")))),
            tuple(SourceProblem(**row) for row in problems.select(_PROBLEM).to_pylist()),
        )

    def identified(self, contents: Mapping[str, str]) -> "VideoList":
        """Return the list with every video named by its content, where that is known.

        Args:
            contents: Content digests by `file_id`.
        """
        named = replace(self, videos=identify(self.files, contents).videos)
        # Names of files do not change; hashing a million of them again takes a second.
        named.__dict__["files"] = dict(zip(self.files, named.videos, strict=True))
        return named

    def population(self) -> Population:
        """Return the population before the first step, which knows files, not videos."""
        return Population(videos=self.files, clips=tuple(Clip(v, 0, 1) for v in self.files))

    def report(self) -> StepReport:
        """Return what listing the sources gave."""
        return StepReport(
            title="source",
            kind="source",
            unit="videos",
            entering=len(self.videos) + sum(p.state != "noted" for p in self.problems),
            leaving=len(self.videos),
            dropped=sum(problem.state == "dropped" for problem in self.problems),
            failed=sum(problem.state == "failed" for problem in self.problems),
            verdicts=verdict_table(
                {
                    "key": problem.video_id,
                    "level": "video",
                    "video_id": problem.video_id,
                    "state": problem.state,
                    "rule": problem.reason,
                }
                for problem in self.problems
            ),
        )
