"""All clips of a run as columns: asked by queries, answered in pages."""

import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from threading import Lock
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.browse.catalogue.captions import ClipCaptions, captions_of
from clipmill.browse.catalogue.counting import Coded
from clipmill.browse.catalogue.numbers import NumberColumn, Numbers
from clipmill.browse.catalogue.page import CatalogueClip, CataloguePage, Facet, RankedClip
from clipmill.browse.catalogue.query import FACETS, Query, words_of
from clipmill.errors import UsageError
from clipmill.inspection.reasons import shared_reasons
from clipmill.pipeline.context import Context
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.verdicts import StepReport
from clipmill.results.clips import clip_table
from clipmill.results.outcomes import follow_run
from clipmill.results.stored import StoredSamples

Rows = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
ValueT = TypeVar("ValueT")

TEXTS: Final = ("path", "caption", "key", *FACETS)
"""Columns of texts that clips can be sorted by."""

MAX_WARM: Final = 2_000_000

_PART_OF_ID = re.compile(r"[0-9a-f-]{4,}")
_KEPT_MASKS = 16
_KEPT_ANSWERS = 8
_PLAIN = ("video_id", "path", "start", "end", "value", "threshold", "rank", "population")


class Catalogue:
    """The clips of the last run. Any number of threads may ask.

    Clips stand in the order of the run; what never became a clip (a file that cannot be read, a
    copy) has a row, too. Numbers and captions are read from the workspace when they are first asked
    for, and kept.

    Args:
        context: Workspace and pipeline.
        listing: Its videos.
        reports: Outcomes of all steps.
    """

    def __init__(self, context: Context, listing: VideoList, reports: Sequence[StepReport]) -> None:
        # Who asks for a page waits for no number that it does not show.
        self._answering, self._reading, self._captioning = Lock(), Lock(), Lock()
        self._context, self._listing = context, listing
        outcomes = follow_run(context, listing, reports)
        self._samples = StoredSamples.of_run(context, reports)
        table = clip_table(listing, outcomes, self._samples)
        self._numbers = Numbers(context, listing, outcomes, table, self._samples)
        self._parents = outcomes.parents
        self._coded = _coded(table, reports)
        self._details = table["reason"].combine_chunks().dictionary_encode()
        self._table = table.drop_columns(["uri", "source", "status", "step", "reason"])
        self._columns: dict[str, NumberColumn] = {}
        self._ranks: dict[str, Rows] = {}
        self._masks: OrderedDict[Any, Mask] = OrderedDict()
        self._answers: OrderedDict[Any, tuple[Rows, Sequence[Facet]]] = OrderedDict()

    def __len__(self) -> int:
        return int(self._table.num_rows)

    @property
    def levels(self) -> Mapping[str, str]:
        """Level of every number (`clip`, `object`, `sample`), by its name."""
        return self._numbers.levels

    @cached_property
    def clip_ids(self) -> pa.Array:
        """Clip of every row, string [n]; null for what never became a clip."""
        return self._table["clip_id"].combine_chunks()

    @cached_property
    def keys(self) -> pa.Array:
        """`clip_id` of every row, else its `video_id`; string [n]."""
        return pc.coalesce(self.clip_ids, self._table["video_id"].combine_chunks())

    @property
    def captions(self) -> pa.Array:
        """Caption of every row, string [n]; null where there is none."""
        return self._texts().shown

    def _texts(self) -> ClipCaptions:
        with self._captioning:
            return self._captions

    @cached_property
    def _captions(self) -> ClipCaptions:
        return captions_of(
            self._context,
            self._listing,
            self._samples,
            video_ids=self._table["video_id"].combine_chunks(),
            lineage=self._numbers.lineage(),
            parents=self._parents,
        )

    def column(self, name: str) -> NumberColumn:
        """Return a number of all clips.

        Raises:
            UsageError: There is no such number.
        """
        with self._reading:
            if name not in self._columns:
                self._columns |= {column.name: column for column in self._numbers.read(name)}
            return self._columns[name]

    def warm(self) -> None:
        """Read captions and numbers ahead of their first use.

        Captions alone where so many numbers would not fit into memory.
        """
        _ = self.captions
        if len(self) <= MAX_WARM:
            for name in self.levels:
                self.column(name)

    def facet_counts(self, facet: str) -> Mapping[str, int]:
        """Return how many clips have each value of a facet, e.g. of `state`."""
        return self._coded[facet].counts(None)

    def row_of(self, key: str) -> int | None:
        """Return the row of a clip, or of a video that never became one."""
        row = pc.index(self.keys, key).as_py()
        return None if row < 0 else row

    def clip(self, key: str) -> CatalogueClip | None:
        """Return a clip by its id, or what never became one by its video's."""
        row = self.row_of(key)
        return None if row is None else self.clips(np.array([row]))[0]

    def query(self, query: Query) -> CataloguePage:
        """Answer a query; a page beyond the last one is the last one.

        Raises:
            UsageError: The query names a number or column that there is not.
        """
        rows, facets = self._answer(query)
        pages = max(1, -(-len(rows) // query.size))
        page = min(query.page, pages)
        shown = rows[(page - 1) * query.size : page * query.size]
        names = [one.column for one in query.ranges]
        if query.sort in self.levels:
            names.append(query.sort)
        return CataloguePage(
            query=query.having(page=page),
            clips=self.clips(shown, numbers=list(dict.fromkeys(names))),
            total=len(rows),
            pages=pages,
            of=len(self),
            facets=facets,
        )

    def rows(self, query: Query) -> Rows:
        """Return all rows that a query asks for, in its order; see `query`."""
        return self._answer(query)[0]

    def rank(self, key: str, column: str, *, count: int = 4) -> RankedClip | None:
        """Return where a clip stands among all that have a number, with its neighbours.

        Objects and samples count by their largest value.

        Args:
            key: The clip.
            column: The number.
            count: Neighbours on each side at most.

        Returns:
            None where the clip has no such number.

        Raises:
            UsageError: There is no such number.
        """
        values, row = self.column(column).largest, self.row_of(key)
        if row is None or np.isnan(values[row]):
            return None
        known = np.flatnonzero(~np.isnan(values))
        order = known[np.argsort(values[known], kind="stable")]
        at = int(np.flatnonzero(order == row)[0])
        return RankedClip(
            column=column,
            value=float(values[row]),
            rank=at + 1,
            population=len(order),
            below=self.clips(order[max(0, at - count) : at][::-1], numbers=[column]),
            above=self.clips(order[at + 1 : at + 1 + count], numbers=[column]),
        )

    def clips(self, rows: Rows, *, numbers: Sequence[str] = ()) -> list[CatalogueClip]:
        """Return some rows as objects, with the values of some numbers."""
        if not len(rows):
            return []
        at = pa.array(rows)
        plain = {name: self._table[name].take(at).to_pylist() for name in _PLAIN}
        plain |= {"clip_id": self.clip_ids.take(at).to_pylist()}
        plain |= {"key": self.keys.take(at).to_pylist()}
        plain |= {"num_samples": self._table["num_samples"].take(at).to_pylist()}
        for name, column in (
            ("column", self._table["column"]),
            ("detail", self._details),
            ("caption", self.captions),
        ):
            plain[name] = [text or "" for text in column.take(at).to_pylist()]
        plain |= {name: self._coded[name].texts(rows) for name in FACETS}
        found = {name: self._values(name, rows) for name in numbers}
        return [
            CatalogueClip(
                row=int(row),
                **{name: values[i] for name, values in plain.items()},
                numbers={name: values[i] for name, values in found.items()},
            )
            for i, row in enumerate(rows)
        ]

    def _values(self, name: str, rows: Rows) -> list[tuple[float, float] | None]:
        column = self.column(name)
        pairs = zip(column.smallest[rows].tolist(), column.largest[rows].tolist(), strict=True)
        return [None if np.isnan(low) else (low, high) for low, high in pairs]

    def _answer(self, query: Query) -> tuple[Rows, Sequence[Facet]]:
        asked = query.having(page=1, size=1)
        with self._answering:
            return _kept(self._answers, _KEPT_ANSWERS, asked, lambda: self._compute(asked))

    def _compute(self, query: Query) -> tuple[Rows, Sequence[Facet]]:
        base = np.ones(len(self), bool)
        for one in query.ranges:
            column = self.column(one.column)
            base &= column.missing if one.missing else column.within(one.low, one.high)
        for name, columns in (
            ("q", ("caption", "path")),
            ("caption", ("caption",)),
            ("path", ("path",)),
        ):
            for word in words_of(getattr(query, name)):
                ids = ("key",) if name == "q" and _PART_OF_ID.fullmatch(word) else ()
                base &= np.logical_or.reduce([self._having(c, word) for c in (*columns, *ids)])
        chosen = {name: self._coded[name].among(getattr(query, name)) for name in FACETS}
        facets = []
        for name in FACETS:
            others = [mask for other, mask in chosen.items() if other != name and mask is not None]
            mask = np.logical_and.reduce([base, *others])
            facets.append(self._coded[name].facet(mask, getattr(query, name)))
        masks = [mask for mask in chosen.values() if mask is not None]
        rows = np.flatnonzero(np.logical_and.reduce([base, *masks]))
        return self._sorted(rows, query), tuple(facets)

    def _having(self, column: str, word: str) -> Mask:
        """Tell which clips have a word in a text."""
        texts = {"caption": lambda: self._texts().searched, "path": lambda: self._table["path"]}

        def search() -> Mask:
            text = texts.get(column, lambda: self.keys)()
            found = pc.match_substring(text, word, ignore_case=True)
            return np.asarray(pc.fill_null(found, False))

        return _kept(self._masks, _KEPT_MASKS, (column, word.lower()), search)

    def _sorted(self, rows: Rows, query: Query) -> Rows:
        name = query.sort
        if not name:
            return rows[::-1] if query.descending else rows
        if name in TEXTS:
            keys = self._rank_of_texts(name)[rows].astype(np.float64)
            keys[keys < 0] = np.nan
        elif name in self.levels:
            column = self.column(name)
            keys = (column.largest if query.descending else column.smallest)[rows]
        else:
            raise UsageError(
                f"cannot sort by '{name[:80]}'; there are: {', '.join((*TEXTS, *self.levels))}"
            )
        return rows[np.argsort(-keys if query.descending else keys, kind="stable")]

    def _rank_of_texts(self, name: str) -> Rows:
        """Return where each text stands among all, from 0; -1 for none."""
        if name in FACETS:
            return self._coded[name].alphabetic()
        if name not in self._ranks:
            column = {"path": self._table["path"], "caption": self.captions, "key": self.keys}[name]
            texts = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            ranks = np.asarray(pc.rank(texts, tiebreaker="dense"), np.int64) - 1
            ranks[np.asarray(pc.is_null(texts))] = -1
            self._ranks[name] = ranks
        return self._ranks[name]


def _kept(
    cache: "OrderedDict[Any, ValueT]", most: int, key: Any, make: Callable[[], ValueT]
) -> ValueT:
    """Return what is kept under a key, made where it is not; the latest are kept."""
    if key not in cache:
        cache[key] = make()
        while len(cache) > most:
            cache.popitem(last=False)
    cache.move_to_end(key)
    return cache[key]


def _coded(table: pa.Table, reports: Sequence[StepReport]) -> dict[str, Coded]:
    """Return the columns that have facets."""
    titles = [report.title for report in reports]
    judged = [report.title for report in reports if report.kind == "select"]
    error = pc.is_in(table["status"], value_set=pa.array(["failed", "postponed"]))
    error = pc.and_(
        error, pc.invert(pc.is_in(table["step"], value_set=pa.array(judged, pa.string())))
    )
    # As the funnel counts them, which links here.
    reasons = shared_reasons(table["reason"], table["step"], error=error)
    return {
        "state": Coded("state", table["status"]),
        "step": Coded("step", table["step"], order=titles),
        "reason": Coded("reason", reasons),
        "source": Coded("source", table["source"]),
    }
