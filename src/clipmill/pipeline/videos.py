"""The list of videos of a run, kept in the workspace so that looking needs no source."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.clips import Clip, Video
from clipmill.pipeline.population import Population
from clipmill.pipeline.report import StepReport, verdict_table
from clipmill.sources import Listing, SourceProblem
from clipmill.store.workspace import Workspace

PATH = "videos.parquet"

_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("source", pa.string()),
        ("relative_path", pa.string()),
        ("uri", pa.string()),
        ("size_bytes", pa.int64()),
        ("text", pa.string()),
        ("state", pa.string()),
        ("reason", pa.string()),
    ]
)

_VIDEO = ("video_id", "source", "relative_path", "uri", "size_bytes", "text")
"""Fields of `Video`, in order."""

_PROBLEM = ["video_id", "relative_path", "uri", "state", "reason"]


def _column(table: pa.Table, name: str) -> list[Any]:
    values: list[Any] = table[name].to_pylist()
    return values


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
            pa.array((getattr(entry, field.name, None) for entry in entries), field.type)
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
        return cls(
            tuple(map(Video, *(_column(videos, name) for name in _VIDEO))),
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
            entering=len(self.videos) + len(self.problems),
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
