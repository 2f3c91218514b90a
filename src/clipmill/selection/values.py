"""Columns of a population as numbers, and which of them are none."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.errors import UsageError

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Values:
    """A column as numbers.

    Attributes:
        name: The column.
        numbers: float64 [n]; NaN where there is no number.
        valid: bool [n]; whether a rule can judge the value. False for null, NaN and infinity.
        missing: bool [n]; null.
        empty: bool [n]; nothing to show as a number: null, or a text.
    """

    name: str
    numbers: npt.NDArray[np.float64]
    valid: Flags
    missing: Flags
    empty: Flags

    def faults(self) -> Iterator[tuple[str, Flags]]:
        """Yield a text and the items it is true of, for values that cannot be judged."""
        yield f"{self.name} is missing", self.missing
        yield f"{self.name} is NaN", ~self.valid & ~self.missing & np.isnan(self.numbers)
        yield f"{self.name} is infinite", ~self.valid & np.isinf(self.numbers)


def column_of(population: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column; raises UsageError when there is none."""
    if name not in population.column_names:
        known = ", ".join(population.column_names)
        raise UsageError(f"there is no column '{name}' to select by; there are: {known}")
    return population[name]


def numbers_of(population: pa.Table, name: str) -> Values:
    """Return a column as numbers; bools become 0 and 1.

    Raises:
        UsageError: No such column, or it holds no numbers.
    """
    column = column_of(population, name)
    kind = column.type
    countable = (pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean, pa.types.is_null)
    if not any(test(kind) for test in countable):
        raise UsageError(f"column '{name}' holds no numbers ({kind}), so it has no range")
    missing = np.asarray(column.is_null())
    if pa.types.is_boolean(kind):
        column = pc.cast(column, pa.uint8())
    numbers = np.asarray(pc.cast(column, pa.float64(), safe=False).to_numpy(), np.float64)
    return Values(name, numbers, np.isfinite(numbers), missing, missing)


def texts_of(population: pa.Table, name: str) -> Values:
    """Return a text column as `Values` without numbers; every text can be judged."""
    missing = np.asarray(column_of(population, name).is_null())
    numbers = np.full(len(missing), np.nan)
    return Values(name, numbers, ~missing, missing, np.ones(len(missing), bool))
