"""The list of videos of a run, kept in the workspace so that looking needs no source."""

from dataclasses import asdict, dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Clip, Span, Video
from clipmill.pipeline.population import Population
from clipmill.pipeline.report import StepReport, verdict_table
from clipmill.sources import Listing, SourceProblem
from clipmill.store.workspace import Workspace

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
        ("spans", pa.list_(_SPAN)),
        ("state", pa.string()),
        ("reason", pa.string()),
    ]
)

_VIDEO = ("video_id", "source", "relative_path", "uri", "size_bytes", "text")
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
    def of(cls, listing: Listing) -> "VideoList":
        """Take over a listing of sources."""
        return cls(listing.videos, listing.problems)

    def save(self, workspace: Workspace) -> None:
        """Write the list into the workspace."""
        entries = (*self.videos, *self.problems)
        # Column by column: a dict per video would take a gigabyte for a million of them.
        columns = [
            pa.array((_cell(entry, field.name) for entry in entries), field.type)
            for field in _SCHEMA
        ]
        workspace.write_table(PATH, pa.Table.from_arrays(columns, schema=_SCHEMA))

    @classmethod
    def load(cls, workspace: Workspace) -> "VideoList | None":
        """Read the list of the last run; None when there was none."""
        table = workspace.read_table(PATH)
        if table is None:
            return None
        listed = pc.is_null(table["state"])
        videos, problems = table.filter(listed), table.filter(pc.invert(listed))
        facts = [_column(videos, name) for name in _VIDEO]
        return cls(
            tuple(map(Video, *facts, map(_spans, _column(videos, "spans")))),
            tuple(SourceProblem(**row) for row in problems.select(_PROBLEM).to_pylist()),
        )

    def population(self) -> Population:
        """Return the population before the first step."""
        videos = {video.video_id: video for video in self.videos}
        return Population(videos=videos, clips=tuple(Clip(v, 0, 1) for v in videos))

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
