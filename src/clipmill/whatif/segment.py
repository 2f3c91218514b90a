"""All clips that can ever be between two splits, and what is known of them, read once."""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.pipeline.context import Context
from clipmill.pipeline.population import Flags, Ints, Population
from clipmill.pipeline.steps.columns import clip_columns, object_table
from clipmill.pipeline.steps.selecting.select import anchor_names
from clipmill.selection.quantiles import ascending_order
from clipmill.selection.values import numbers_of

MadeT = TypeVar("MadeT")


@dataclass(frozen=True, eq=False)
class Origin:
    """What the clips of a segment were cut from.

    Attributes:
        segment: Where their parents are.
        parent: int64 [m]: row of a parent.
        child: int64 [m]: row of a child of it; one that parents have in common comes again.
    """

    segment: "ClipSegment"
    parent: Ints
    child: Ints

    def first_parents(self, rows: Ints) -> Ints:
        """Return the row of a parent of each child."""
        known = np.full(int(self.child.max(initial=-1)) + 1, -1)
        known[self.child[::-1]] = self.parent[::-1]
        return known[rows]


class ClipSegment:
    """Clips that only selections and annotations part: a question flags those that are in.

    Args:
        population: All that can be here, whatever the rules.
        origin: What they were cut from; None for the files.
    """

    def __init__(self, population: Population, origin: Origin | None = None) -> None:
        self.population, self.origin = population, origin
        self._made: dict[Hashable, Any] = {}

    def __len__(self) -> int:
        return len(self.population.clips)

    @cached_property
    def keys(self) -> pa.Array:
        """Ids of the clips, string [n]."""
        return self.population.keys

    def once(self, key: Hashable, make: Callable[[], MadeT]) -> MadeT:
        """Return what was made under a key, or make it."""
        if key not in self._made:
            self._made[key] = make()
        made: MadeT = self._made[key]
        return made

    def rows_of(self, keys: pa.Array | pa.ChunkedArray) -> Ints:
        """Return the rows of those of some clips that are here, ascending."""
        return np.flatnonzero(np.asarray(pc.is_in(self.keys, value_set=_whole(keys))))

    def columns(self, context: Context, names: Sequence[str]) -> pa.Table:
        """Return columns that rules read, of every clip; see `clip_columns`."""
        wanted = {name: (name, _table_of(context, name)) for name in names}
        lacking = [name for name, key in wanted.items() if key not in self._made]
        if lacking:
            read = clip_columns(context, self.population, lacking)
            self._made |= {wanted[name]: _whole(read[name]) for name in lacking}
        return pa.table({name: self._made[key] for name, key in wanted.items()})

    def ascending(self, context: Context, names: Sequence[str], some: Flags) -> dict[str, Ints]:
        """Return the places of some clips by ascending number, for each of some columns.

        Args:
            context: Has the columns.
            names: Columns of numbers.
            some: bool [n].
        """
        table = self.columns(context, names)
        return {
            name: _places_among(
                self.once(
                    ("ascending", name, _table_of(context, name)), partial(_sorted, table, name)
                ),
                some,
            )
            for name in names
        }

    def objects(self, context: Context, names: Sequence[str]) -> "SegmentObjects":
        """Return the objects of every clip, with columns that rules read; see `object_table`."""
        names = sorted(set(names))
        key = ("objects", *((name, _table_of(context, name)) for name in names))
        return self.once(
            key, lambda: SegmentObjects(self, object_table(context, self.population, names))
        )


class SegmentObjects:
    """Objects of the clips of a segment, by id.

    Args:
        segment: Has the clips.
        table: See `object_table`.

    Attributes:
        keys: Their ids, string [n].
        clip: int64 [n]: row of the clip of each.
        table: Columns that rules read, and `weight`.
    """

    def __init__(self, segment: ClipSegment, table: pa.Table) -> None:
        self.keys = _whole(table["key"])
        clips = pc.index_in(_whole(table["clip_id"]), value_set=segment.keys)
        self.clip: Ints = clips.to_numpy().astype(np.int64)
        self.table = table.drop_columns(["key", "clip_id"])
        self._flags: dict[Hashable, Flags] = {}
        self._ascending: dict[str, Ints] = {}
        self._places: list[tuple[SegmentObjects, Ints]] = []

    def __len__(self) -> int:
        return len(self.keys)

    def ascending(self, names: Sequence[str], some: Flags) -> dict[str, Ints]:
        """Return the places of some objects by ascending number; see `ClipSegment.ascending`."""
        for name in names:
            if name not in self._ascending:
                self._ascending[name] = _sorted(self.table, name)
        return {name: _places_among(self._ascending[name], some) for name in names}

    @cached_property
    def anchors(self) -> pa.Array:
        """Number of the anchor of every object, int32 [n]."""
        return _whole(anchor_names(self.keys)).dictionary_encode().indices

    def once(self, key: Hashable, make: Callable[[], Flags]) -> Flags:
        """Return flags that were made under a key, or make them."""
        if key not in self._flags:
            self._flags[key] = make()
        return self._flags[key]

    def places_in(self, other: "SegmentObjects") -> Ints:
        """Return the row in other objects of each of these; -1 where it is not there."""
        for known, places in self._places:
            if known is other:
                return places
        found = pc.fill_null(pc.index_in(self.keys, value_set=other.keys), -1)
        places = found.to_numpy().astype(np.int64)
        self._places.append((other, places))
        return places


@dataclass(frozen=True, eq=False)
class KeptObjects:
    """Objects that the selections so far have kept.

    Attributes:
        objects: All there are.
        flags: bool [n].
    """

    objects: SegmentObjects
    flags: Flags

    @property
    def ids(self) -> pa.Array:
        """Ids of the kept ones, string."""
        return self.objects.keys.filter(pa.array(self.flags))

    def among(self, others: SegmentObjects) -> Flags:
        """Tell which of some objects are kept ones, bool [n]."""
        if others is self.objects:
            return self.flags
        if not len(self.flags):
            return np.zeros(len(others), bool)
        places = others.places_in(self.objects)
        return (places >= 0) & self.flags[places]


def _sorted(table: pa.Table, name: str) -> Ints:
    """Return the rows of all finite numbers of a column, ascending, equal ones by row."""
    values = numbers_of(table, name)
    rows = np.flatnonzero(values.valid)
    return rows[ascending_order(values.numbers[rows])]


def _places_among(rows: Ints, some: Flags) -> Ints:
    """Return those rows that are flagged, in their order, counted among the flagged ones."""
    return (np.cumsum(some) - 1)[rows[some[rows]]]


def _whole(column: pa.Array | pa.ChunkedArray) -> pa.Array:
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def _table_of(context: Context, column: str) -> str:
    """Return the fingerprint of the table that a column is in; empty for those of clips."""
    stage = context.stages.get(column.partition(".")[0])
    return stage.fingerprint if stage else ""
