"""Groups of clips that show the same, as the selection `dedup` has judged them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.steps.selecting.dedup import NEAR_DUPLICATE
from clipmill.pipeline.verdicts import StepReport

TITLE: Final = "dedup selection"

_KEPT: Final = rf"^{NEAR_DUPLICATE}: of (?P<kept>[^ ,]+)(?P<how>.*)$"


@dataclass(frozen=True)
class Copy:
    """A clip that went because another one shows the same.

    Attributes:
        clip_id: The clip.
        distance: Mean bits in which its pictures differ from those of the one that is kept; None
            where it is alike by way of others.
        how: `mirrored`, `cropped`, both, or nothing.
    """

    clip_id: str
    distance: float | None
    how: str


@dataclass(frozen=True)
class DuplicateGroup:
    """Clips that show the same.

    Attributes:
        kept: The one that is kept.
        copies: The others, closest first.
    """

    kept: str
    copies: tuple[Copy, ...]


class DuplicateGroups:
    """All groups of a run, largest first; a page of them is made when it is asked for.

    Args:
        reports: Outcomes of all steps.
    """

    def __init__(self, reports: Sequence[StepReport]) -> None:
        report = next((report for report in reports if report.title == TITLE), None)
        self.judged = report is not None
        table = _dropped(report) if report else pa.table({"kept": pa.array([], pa.string())})
        self._table = table
        sizes = table.group_by("kept").aggregate([([], "count_all")])
        self._sizes = sizes.sort_by([("count_all", "descending"), ("kept", "ascending")])
        self.dropped = int(table.num_rows)

    def __len__(self) -> int:
        return int(self._sizes.num_rows)

    def page(self, first: int, count: int) -> list[DuplicateGroup]:
        """Return some groups, in order."""
        kept = self._sizes["kept"].slice(first, count)
        rows = self._table.filter(pc.is_in(self._table["kept"], value_set=kept.combine_chunks()))
        found: dict[str, list[Copy]] = {name: [] for name in kept.to_pylist()}
        for row in rows.to_pylist():
            how = row["how"].removesuffix(", bits that differ").removeprefix(", ")
            how = "" if how.startswith("by way of") else how
            found[row["kept"]].append(Copy(row["key"], row["value"], how))
        return [
            DuplicateGroup(name, tuple(sorted(copies, key=_closest)))
            for name, copies in found.items()
        ]


def _closest(copy: Copy) -> tuple[float, str]:
    return (np.inf if copy.distance is None else copy.distance), copy.clip_id


def _dropped(report: StepReport) -> pa.Table:
    """Return `key`, `value`, `kept` and `how` of the clips that went."""
    table = report.decided.table.select(["key", "value", "rule"])
    table = table.filter(pc.fill_null(pc.starts_with(table["rule"], f"{NEAR_DUPLICATE}:"), False))
    parts = pc.extract_regex(table["rule"].combine_chunks(), _KEPT)
    if isinstance(parts, pa.ChunkedArray):
        parts = parts.combine_chunks()
    return pa.table(
        {
            "key": table["key"],
            "value": table["value"],
            "kept": pc.struct_field(parts, "kept"),
            "how": pc.struct_field(parts, "how"),
        }
    )
