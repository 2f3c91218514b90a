"""Reports of steps as plain values beside files with their verdicts."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.verdicts import REASONS, StepReport, StoredVerdicts
from clipmill.selection.cuts import Cut
from clipmill.store.tables import open_parquet
from clipmill.store.workspace import Workspace

_PLAIN = [field.name for field in fields(StepReport) if field.name not in ("decided", "cuts")]


def write_report(
    workspace: Workspace, path: str, ids: pa.Array, report: StepReport
) -> dict[str, Any]:
    """Return a report as plain values, its verdicts in a file.

    Args:
        workspace: Where to.
        path: Of the file, where they are in none yet.
        ids: Of all that was listed.
        report: What a step did.
    """
    if isinstance(report.decided, StoredVerdicts):
        path = report.decided.path
    else:
        workspace.write_table(path, report.verdicts)
    counts = {name: getattr(report, name) for name in _PLAIN}
    return {
        **counts,
        "cuts": [asdict(cut) for cut in report.cuts],
        "verdicts": path,
        "places": _places(workspace, path, ids),
    }


def _places(workspace: Workspace, path: str, ids: pa.Array) -> list[list[int]]:
    """Return the first and last place in the listing of the videos of every row group of a file.

    Verdicts come in the order of the listing: of a million, a handful are read to find one.
    """
    with workspace.opened(path) as source, open_parquet(source) as file:
        videos = file.read(columns=["video_id"])["video_id"].combine_chunks()
        sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    places = pc.index_in(videos, value_set=ids)
    ends = np.cumsum([0, *sizes]).tolist()
    spans = [places.slice(start, size) for start, size in zip(ends[:-1], sizes, strict=True)]
    # A video that is not in the listing may be anywhere.
    return [
        [-1, len(ids)] if some.null_count else list(pc.min_max(some).as_py().values())
        for some in spans
    ]


def read_report(
    workspace: Workspace, entry: dict[str, Any], reasons: pa.Table, place_of: Callable[[str], int]
) -> StepReport:
    """Return a report that `write_report` made plain.

    Args:
        workspace: Where its verdicts are.
        entry: Its values.
        reasons: Of its verdicts.
        place_of: Gives the place of a video in the listing; -1 where it is not in it.
    """

    def groups_of(video_id: str) -> list[int]:
        place = place_of(video_id)
        spans = enumerate(entry["places"])
        return [group for group, (first, last) in spans if first <= place <= last]

    decided = StoredVerdicts(
        workspace,
        entry["verdicts"],
        reasons=reasons.select([*REASONS, "count"]),
        groups_of=groups_of,
    )
    cuts = tuple(Cut(**cut) for cut in entry["cuts"])
    return StepReport(**{name: entry[name] for name in _PLAIN}, decided=decided, cuts=cuts)


def reasons_table(reports: Sequence[StepReport]) -> pa.Table:
    """Return how often each reason is given, by the number of the report."""
    return pa.concat_tables(
        report.decided.reasons.add_column(
            0, "report", pa.repeat(number, report.decided.reasons.num_rows)
        )
        for number, report in enumerate(reports)
    )
