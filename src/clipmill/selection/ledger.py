"""Verdicts while they are made: the first rule to decide an item names it."""

from collections.abc import Collection

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clipmill.selection.values import Values

Rows = npt.NDArray[np.int64]
KEPT, DROPPED, FAILED = "kept", "dropped", "failed"
_STATES = (KEPT, DROPPED, FAILED)


class Ledger:
    """What is known of each of n items; every item starts as kept.

    Attributes:
        undecided: bool [n]: items no rule has dropped or failed so far.
    """

    def __init__(self, size: int, *, unmeasured: Collection[str] = ()) -> None:
        """Begin.

        Args:
            size: n.
            unmeasured: Columns in which null is no failure.
        """
        self._unmeasured = frozenset(unmeasured)
        self.undecided = np.ones(size, bool)
        self._state = np.zeros(size, np.int32)
        self._rule = np.full(size, -1, np.int32)
        self._column = np.full(size, -1, np.int32)
        self._value = np.full(size, np.nan)
        self._no_value = np.ones(size, bool)
        self._threshold = np.full(size, np.nan)
        self._rank = np.zeros(size, np.int64)
        self._population = np.zeros(size, np.int64)
        self._texts: dict[str, int] = {}

    def drop(
        self,
        rows: Rows,
        text: str,
        values: Values,
        *,
        threshold: float | None = None,
        ranks: Rows | None = None,
        population: int = 0,
    ) -> None:
        """Note a drop for those of `rows` that are undecided.

        Args:
            rows: Row numbers [m].
            text: The rule.
            values: The column it read.
            threshold: Cut value.
            ranks: 1-based ranks [m].
            population: Size the ranks refer to.
        """
        fresh = self.undecided[rows]
        rows = rows[fresh]
        self._decide(rows, 1, text, values)
        if threshold is not None:
            self._threshold[rows] = threshold
        if ranks is not None:
            self._rank[rows] = ranks[fresh]
            self._population[rows] = population

    def fail(self, among: npt.NDArray[np.bool_], values: Values) -> None:
        """Note a failure for undecided items whose value is no number, but for null that is none.

        Args:
            among: bool [n]: the items the rule looks at.
            values: The column it read.
        """
        if values.name in self._unmeasured:
            among = among & ~values.missing
        for text, flags in values.faults():
            rows = np.flatnonzero(among & flags & self.undecided)
            self._decide(rows, 2, text, values)

    def _decide(self, rows: Rows, state: int, text: str, values: Values) -> None:
        self.undecided[rows] = False
        self._state[rows] = state
        self._rule[rows] = self._texts.setdefault(text, len(self._texts))
        self._column[rows] = self._texts.setdefault(values.name, len(self._texts))
        self._value[rows] = values.numbers[rows]
        self._no_value[rows] = values.empty[rows]

    def verdicts(self, keys: pa.ChunkedArray, *, key: str) -> pa.Table:
        """Return the verdict rows; see `Selection`."""
        return pa.table(
            {
                key: keys,
                "kept": pa.array(self.undecided),
                "state": pa.array(_STATES, pa.string()).take(pa.array(self._state)),
                "rule": self._text(self._rule),
                "column": self._text(self._column),
                "value": pa.array(self._value, mask=self._no_value),
                "threshold": pa.array(self._threshold, mask=np.isnan(self._threshold)),
                "rank": pa.array(self._rank, mask=self._rank == 0),
                "population": pa.array(self._population, mask=self._rank == 0),
            }
        )

    def _text(self, codes: npt.NDArray[np.int32]) -> pa.Array:
        texts = pa.array(list(self._texts), pa.string())
        return texts.take(pa.array(codes, mask=codes < 0))
