"""Columns of few values, coded, and how often each of them is there."""

from collections.abc import Mapping, Sequence
from typing import Any, get_args

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc

from clipmill.browse.catalogue.page import Facet, FacetValue
from clipmill.results.outcomes import Status

Mask = npt.NDArray[np.bool_]


class Coded:
    """A column of few values.

    Args:
        name: Of the facet.
        column: string [n]; nulls and empty texts are no value.
        order: In which values are listed; by their count when empty.
    """

    def __init__(self, name: str, column: Any, *, order: Sequence[str] = ()) -> None:
        self.name = name
        coded = column.combine_chunks().dictionary_encode()
        self._values: list[str] = coded.dictionary.to_pylist()
        codes = np.array(pc.fill_null(coded.indices, -1), np.int32)
        if "" in self._values:
            codes[codes == self._values.index("")] = -1
        self._codes = codes
        self._order = list(get_args(Status) if name == "state" else order)

    def counts(self, mask: Mask | None) -> Mapping[str, int]:
        """Return how often each value is there, among the rows of a mask."""
        codes = self._codes if mask is None else self._codes[mask]
        counts = np.bincount(codes + 1, minlength=len(self._values) + 1)[1:]
        return dict(zip(self._values, counts.tolist(), strict=True))

    def among(self, values: Sequence[str]) -> Mask | None:
        """Tell which rows have one of some values, bool [n]; None where all will do."""
        if not values:
            return None
        known = {value: code for code, value in enumerate(self._values)}
        wanted = [known[value] for value in values if value in known]
        return np.isin(self._codes, np.array(wanted, np.int32))

    def facet(self, mask: Mask, chosen: Sequence[str]) -> Facet:
        """Return the values that there are among some rows, and those that are chosen."""
        counts = {**dict.fromkeys(chosen, 0), **self.counts(mask)}
        found = [
            FacetValue(value, count, value in chosen)
            for value, count in counts.items()
            if count or value in chosen
        ]
        place = {value: at for at, value in enumerate(self._order)}
        return Facet(
            self.name,
            sorted(found, key=lambda v: (place.get(v.value, len(place)), -v.count, v.value)),
        )

    def texts(self, rows: npt.NDArray[np.int64]) -> list[str]:
        """Return the values of some rows; empty ones for none."""
        codes = self._codes[rows].tolist()
        return [self._values[code] if code >= 0 else "" for code in codes]

    def alphabetic(self) -> npt.NDArray[np.int64]:
        """Return where the value of every row stands among all, from 0; -1 for none."""
        ranks = np.full(len(self._values) + 1, -1, np.int64)
        order = sorted(range(len(self._values)), key=self._values.__getitem__)
        for place, code in enumerate(order):
            ranks[code] = place
        return ranks[self._codes]
