"""What one step did to the population; the material of `status`, `why` and the report."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clipmill.clips import Clip
from clipmill.pipeline.population import Population
from clipmill.selection.cuts import Cut
from clipmill.store.errors import StorageError
from clipmill.store.tables import open_parquet, rows_with
from clipmill.store.workspace import Workspace

VERDICTS = pa.schema(
    [
        ("key", pa.string()),  # video_id, clip_id or object_id
        ("level", pa.string()),  # video, clip, object
        ("clip_id", pa.string()),
        ("video_id", pa.string()),
        ("state", pa.string()),  # kept, dropped, failed, postponed, split
        ("rule", pa.string()),  # the rule that decided, or the error
        ("column", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
        ("rank", pa.int64()),  # ascending, from 1, among the population of the rule
        ("population", pa.int64()),
    ]
)
"""One row per video, clip or object that a step decided about."""


POSTPONED = "postponed"
"""State of what the machine could not do: no verdict, every run tries it again."""

_INTO = "into "

OUT = ("dropped", "failed", POSTPONED)
"""States of what does not go on."""


class Verdicts:
    """What a step decided.

    Args:
        table: Rows of `VERDICTS`.
    """

    def __init__(self, table: pa.Table) -> None:
        self._table = table

    @property
    def table(self) -> pa.Table:
        """All rows."""
        return self._table

    def of_video(self, video_id: str) -> pa.Table:
        """Return the rows about a video, its clips and objects."""
        return self.table.filter(pc.equal(self.table["video_id"], video_id))

    @cached_property
    def reasons(self) -> pa.Table:
        """How often each reason is given: `level`, `state`, `rule`, `count`; as they come.

        Only of what does not go on.
        """
        return reasons_of(self.table)


class StoredVerdicts(Verdicts):
    """Verdicts in a file of the workspace, read when they are asked for.

    Args:
        workspace: Where they are.
        path: Their Parquet file.
        reasons: See `Verdicts.reasons`, where they are known.
        groups_of: Gives the row groups of the file that may hold rows about a video; all when None.
    """

    def __init__(
        self,
        workspace: Workspace,
        path: str,
        *,
        reasons: pa.Table | None = None,
        groups_of: Callable[[str], Sequence[int]] | None = None,
    ) -> None:
        self._workspace, self.path = workspace, path
        self._groups_of = groups_of
        self._asked: tuple[str, pa.Table] | None = None
        if reasons is not None:
            self.__dict__["reasons"] = reasons

    @property
    def table(self) -> pa.Table:
        """All rows."""
        return self._read(lambda file: file.read())

    def of_video(self, video_id: str) -> pa.Table:
        """Return the rows about a video, its clips and objects."""
        if self._asked is None or self._asked[0] != video_id:
            groups = self._groups_of(video_id) if self._groups_of else None
            found = self._read(lambda file: rows_with(file, "video_id", video_id, groups=groups))
            self._asked = video_id, found
        return self._asked[1]

    @cached_property
    def reasons(self) -> pa.Table:
        """See `Verdicts.reasons`."""
        return reasons_of(self._read(lambda file: file.read(columns=REASONS)))

    def _read(self, read: Callable[[pq.ParquetFile], pa.Table]) -> pa.Table:
        try:
            with self._workspace.opened(self.path) as source, open_parquet(source) as file:
                return read(file)
        except FileNotFoundError as error:
            raise StorageError(
                f"{self._workspace.root}/{self.path} is gone: a run goes on, or it was deleted; "
                "look again, or run again"
            ) from error


REASONS = ["level", "state", "rule"]


def reasons_of(table: pa.Table) -> pa.Table:
    """Return how often each reason is given; see `Verdicts.reasons`."""
    out = pc.is_in(table["state"], value_set=pa.array(OUT))
    told = table.select(REASONS).filter(out)
    counts = told.group_by(REASONS, use_threads=False).aggregate([([], "count_all")])
    return counts.rename_columns({"count_all": "count"}).select([*REASONS, "count"])


@dataclass(frozen=True)
class StepReport:
    """The outcome of one step.

    Attributes:
        title: Name shown to users, unique in the pipeline.
        kind: `source`, `annotate`, `select`, `split` or `samples`.
        unit: What enters and leaves: `videos` or `clips`.
        entering: Videos or clips that reached the step.
        leaving: Those that go on; children of a split, clips with samples.
        dropped: Those dropped by a rule.
        failed: Those with a failed row or a value that is no number.
        postponed: Those that the machine could not do; the next run tries them again.
        pending: Those without a row yet; steps behind a pending one are not evaluated.
        objects_dropped: Objects dropped by an object-level selection.
        samples: Samples written, of the last step.
        stage2_samples: Those of them that are ready for stage 2.
        fingerprint: Of the annotation table or the selection; empty otherwise.
        backend: Of an annotation; empty otherwise.
        decided: What it decided about each.
        cuts: Of a selection: where each rule cut.
    """

    title: str
    kind: str
    unit: str
    entering: int
    leaving: int
    dropped: int = 0
    failed: int = 0
    postponed: int = 0
    pending: int = 0
    objects_dropped: int = 0
    samples: int = 0
    stage2_samples: int = 0
    fingerprint: str = ""
    backend: str = ""
    decided: Verdicts = field(default_factory=lambda: Verdicts(VERDICTS.empty_table()))
    cuts: tuple[Cut, ...] = ()

    @property
    def verdicts(self) -> pa.Table:
        """All verdicts as rows of `VERDICTS`."""
        return self.decided.table


def kinds_of(reports: Iterable[StepReport], *states: str) -> dict[str, int]:
    """Return how many failures of annotations there are of each kind, most first.

    Args:
        reports: Of any steps.
        states: Those that count, of `failed` and `postponed`.
    """
    counts: Counter[str] = Counter()
    for report in reports:
        if report.kind == "annotate":
            for row in report.decided.reasons.to_pylist():
                if row["state"] in states:
                    counts[row["rule"].partition(":")[0]] += row["count"]
    return dict(counts.most_common())


def with_parts(offsets: npt.NDArray[np.int64], parts: pa.Array) -> pa.Array:
    """Return the rules of verdicts on many clips that their parts have replaced, string [n].

    Args:
        offsets: int64 [n + 1]: where the parts of each begin.
        parts: Ids of all parts, string [m].
    """
    lists = pa.LargeListArray.from_arrays(pa.array(offsets), parts)
    return pc.binary_join_element_wise(_INTO, pc.binary_join(lists, ", "), "")


def into(parts: Iterable[Clip]) -> str:
    """Return the rule of a verdict on a clip that its parts have replaced."""
    return _INTO + ", ".join(part.clip_id for part in parts)


def parts_of(rule: str) -> list[str]:
    """Return the ids of the parts that a rule by `into` names."""
    return rule.removeprefix(_INTO).split(", ")


def part_lists(rules: pa.Array) -> pa.Array:
    """Return the ids of the parts that rules by `into` name, list<string> [n]."""
    return pc.split_pattern(pc.utf8_slice_codeunits(rules, len(_INTO)), ", ")


def verdict_columns(count: int, **columns: Any) -> Verdicts:
    """Return verdicts of columns.

    Args:
        count: Rows.
        columns: Of `VERDICTS`: an array each, or one value for all rows; null where not given.
    """
    data = [_column(columns.get(field.name), count, field.type) for field in VERDICTS]
    return Verdicts(pa.Table.from_arrays(data, schema=VERDICTS))


def clip_verdicts(population: Population, **columns: Any) -> Verdicts:
    """Return a verdict on every clip of a population.

    Args:
        population: The clips.
        columns: Further ones; see `verdict_columns`.
    """
    keys = population.keys
    owners = {"clip_id": keys, "video_id": population.video_ids}
    return verdict_columns(len(keys), key=keys, level="clip", **owners, **columns)


def _column(values: Any, count: int, kind: pa.DataType) -> pa.Array | pa.ChunkedArray:
    if values is None:
        return pa.nulls(count, kind)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values.cast(kind)
    return pa.repeat(pa.scalar(values, kind), count)


def count_of(states: pa.Array | pa.ChunkedArray, state: str) -> int:
    """Return how many of some states are one."""
    return int(pc.sum(pc.equal(states, state)).as_py() or 0)


def joined_verdicts(some: Iterable[Verdicts]) -> Verdicts:
    """Return several verdicts as one, in their order."""
    return Verdicts(pa.concat_tables(verdicts.table for verdicts in some))
