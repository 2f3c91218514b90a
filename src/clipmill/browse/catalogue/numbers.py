"""The numbers of clips, objects and samples, each read when it is first asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.annotations.columns import object_columns, object_list, scalar_columns
from clipmill.browse.catalogue.dates import DATE
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.results.measures import files_of, first_places, lineage_of
from clipmill.results.outcomes import Outcomes
from clipmill.results.stored import PLAIN, SCHEMA, StoredSamples
from clipmill.store.parts import OK

Floats = npt.NDArray[np.float64]

_OWN: Final = ("num_frames", "start", "end", "num_samples")
"""Numbers of the clips themselves: `clip.num_frames`."""
_VERDICT: Final = ("value", "threshold", "rank", "population")
"""Numbers of what decided: `verdict.rank`."""


@dataclass(frozen=True, eq=False)
class NumberColumn:
    """One number of clips, or of their objects or samples.

    Attributes:
        name: `annotation.column`.
        level: `clip`, `object` or `sample`.
        count: Rows of the catalogue, n.
        rows: int64 [m], ascending: row of the catalogue that each value is of.
        values: float64 [m]; none is NaN.
    """

    name: str
    level: str
    count: int
    rows: npt.NDArray[np.int64]
    values: Floats

    def within(self, low: float | None, high: float | None) -> npt.NDArray[np.bool_]:
        """Tell which clips have a value in [low, high], themselves or any of their objects."""
        holds = np.ones(len(self.values), bool)
        if low is not None:
            holds &= self.values >= low
        if high is not None:
            holds &= self.values <= high
        return holds if self._whole else self._flagged(self.rows[holds])

    @property
    def _whole(self) -> bool:
        """Whether it is one value per row of the catalogue."""
        return self.level == "clip" and len(self.values) == self.count

    @cached_property
    def missing(self) -> npt.NDArray[np.bool_]:
        """Which clips have no value, bool [n]."""
        return ~self._flagged(self.rows)

    @cached_property
    def smallest(self) -> Floats:
        """Smallest value of each clip, float64 [n]; NaN where there is none."""
        return self.values if self._whole else self._reduced(np.minimum)

    @cached_property
    def largest(self) -> Floats:
        """Largest value of each clip, float64 [n]; NaN where there is none."""
        return self._reduced(np.maximum) if self.level != "clip" else self.smallest

    def _flagged(self, rows: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        flags = np.zeros(self.count, bool)
        flags[rows] = True
        return flags

    def _reduced(self, how: np.ufunc) -> Floats:
        result = np.full(self.count, np.nan)
        rows, first = np.unique(self.rows, return_index=True)
        if len(rows):
            result[rows] = how.reduceat(self.values, first)
        return result


class Numbers:
    """The numbers of a run.

    Args:
        context: Has the tables.
        listing: Videos of the run.
        outcomes: Knows what each clip was cut from.
        clips: One row per clip, see `clip_table`.
        samples: Those of the run.
    """

    def __init__(
        self,
        context: Context,
        listing: VideoList,
        outcomes: Outcomes,
        clips: pa.Table,
        samples: StoredSamples,
    ) -> None:
        self._context, self._listing, self._outcomes = context, listing, outcomes
        self._clips, self._samples = clips, samples
        self.levels: Mapping[str, str] = dict(self._known())
        """Level of every number, by its name."""

    def _known(self) -> Iterator[tuple[str, str]]:
        yield from ((f"clip.{name}", "clip") for name in _OWN)
        yield from ((f"verdict.{name}", "clip") for name in _VERDICT)
        yield DATE, "clip"
        for name, stage in self._context.stages.items():
            own = scalar_columns(stage.backend.Row)
            yield from ((f"{name}.{column}", "clip") for column in sorted(own))
            others = object_columns(stage.backend.Row) - own
            yield from ((f"{name}.{column}", "object") for column in sorted(others))
        fields = [SCHEMA.field(name) for name in PLAIN]
        names = [field.name for field in fields if _is_number(field.type)]
        yield from ((f"sample.{name}", "sample") for name in names)

    def read(self, name: str) -> Iterator[NumberColumn]:
        """Read a number, with all that lie beside it: these cost little more.

        Raises:
            UsageError: There is no such number.
        """
        if name not in self.levels:
            raise UsageError(
                f"there is no number '{name[:80]}'; there are: {', '.join(self.levels)}"
            )
        if name == DATE:
            yield self._dates()
            return
        group, level = name.partition(".")[0], self.levels[name]
        columns = [
            other.partition(".")[2]
            for other, its in self.levels.items()
            if its == level and other.startswith(f"{group}.")
        ]
        if group in ("clip", "verdict"):
            yield from (self._dense(f"{group}.{c}", self._clips[c]) for c in columns)
        elif level == "sample":
            table = self._samples.table(["clip_id", *columns])
            yield from self._sparse(group, level, table["clip_id"], table.select(columns))
        elif level == "object":
            stage = self._context.stages[group]
            table = stage.table.exploded(object_list(stage.backend.Row), columns)
            yield from self._sparse(group, level, table["key"], table.select(columns))
        else:
            stage = self._context.stages[group]
            rows = stage.table.columns(columns)
            rows = rows.filter(pc.equal(rows["status"], OK))
            keys = [self._files] if stage.backend.level == "video" else self._lines
            places = first_places(keys, rows["key"])
            yield from (self._dense(f"{group}.{c}", rows[c].take(places)) for c in columns)

    def _dates(self) -> NumberColumn:
        """Return when the last row was written of each clip, or of what it was cut from."""
        latest = np.full(self._clips.num_rows, np.nan)
        for stage in self._context.stages.values():
            dates = stage.table.dates()
            known = dates["key"].combine_chunks()
            seconds = pc.cast(dates["written"].combine_chunks(), pa.int64()).to_numpy(False) / 1000
            for keys in [self._files] if stage.backend.level == "video" else self._lines:
                places = pc.index_in(keys, value_set=known, skip_nulls=True)
                mine = np.asarray(pc.is_valid(places))
                at = np.asarray(pc.fill_null(places, 0))[mine]
                latest[mine] = np.fmax(latest[mine], seconds[at])
        known_rows = np.flatnonzero(~np.isnan(latest))
        return NumberColumn(DATE, "clip", len(latest), known_rows, latest[known_rows])

    @cached_property
    def _lines(self) -> Sequence[pa.Array]:
        return self.lineage()

    def lineage(self) -> Sequence[pa.Array]:
        """Return ids of the clips, of what they were cut from, ...; string [n] each."""
        return lineage_of(self._clips["clip_id"].combine_chunks(), self._outcomes)

    @cached_property
    def _files(self) -> pa.Array:
        return files_of(self._clips["video_id"].combine_chunks(), self._listing)

    def _dense(self, name: str, column: pa.ChunkedArray) -> NumberColumn:
        values = _floats(column)
        known = ~np.isnan(values)
        if known.all():
            return NumberColumn(name, "clip", len(values), self._every_row, values)
        return NumberColumn(name, "clip", len(values), np.flatnonzero(known), values[known])

    @cached_property
    def _every_row(self) -> npt.NDArray[np.int64]:
        return np.arange(self._clips.num_rows)

    def _sparse(
        self, group: str, level: str, keys: pa.ChunkedArray, table: pa.Table
    ) -> Iterator[NumberColumn]:
        """Yield the columns of what lies in clips, by the row of their clip."""
        clip_ids = self._clips["clip_id"].combine_chunks()
        places = pc.fill_null(pc.index_in(keys, value_set=clip_ids, skip_nulls=True), -1)
        rows = np.asarray(places.to_numpy(), np.int64)
        order = np.argsort(rows, kind="stable")
        order = order[rows[order] >= 0]
        for name in table.column_names:
            values = _floats(table[name])[order]
            known = ~np.isnan(values)
            yield NumberColumn(
                f"{group}.{name}", level, len(clip_ids), rows[order][known], values[known]
            )


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(), np.float64)


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
