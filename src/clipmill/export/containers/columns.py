"""Typed columns for rows that are known only as JSON values."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import pyarrow as pa

_BATCH = 4096
_MOST_FIELDS = 32
"""Objects with more fields are taken for mappings from names of the data."""


@dataclass(frozen=True)
class TableColumns:
    """The columns of a table.

    Attributes:
        schema: Arrow types by name.
        as_json: Columns of text that hold JSON: their values have no type in common.
    """

    schema: pa.Schema
    as_json: frozenset[str]

    @classmethod
    def of(cls, rows: Iterable[Mapping[str, Any]]) -> "TableColumns":
        """Find columns that hold every row, in the order in which rows name them.

        Whole and other numbers become numbers, what is always missing becomes text.
        """
        types: dict[str, pa.DataType | None] = {}
        for batch in _batches(rows):
            for name in dict.fromkeys(name for row in batch for name in row):
                found = _type_of([row.get(name) for row in batch])
                types[name] = _joined(types.get(name, pa.null()), found)
        settled = {name: _settled(kind) for name, kind in types.items()}
        fields = [pa.field(name, kind or pa.string()) for name, kind in settled.items()]
        unsettled = frozenset(name for name, kind in settled.items() if kind is None)
        return cls(pa.schema(fields), unsettled)

    def tables(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[pa.Table]:
        """Yield rows as tables of a few thousand rows each."""
        for batch in _batches(rows):
            yield pa.Table.from_pylist([self._row(row) for row in batch], schema=self.schema)

    def _row(self, row: Mapping[str, Any]) -> dict[str, Any]:
        values = dict(row)
        for name in self.as_json & values.keys():
            if values[name] is not None:
                values[name] = json.dumps(values[name], ensure_ascii=False, allow_nan=False)
        return values


def _batches(rows: Iterable[Mapping[str, Any]]) -> Iterator[list[Mapping[str, Any]]]:
    left = iter(rows)
    while batch := list(islice(left, _BATCH)):
        yield batch


def _type_of(values: list[Any]) -> pa.DataType | None:
    """Return the Arrow type that holds values, None when there is none."""
    try:
        return pa.array(values).type
    except (pa.ArrowException, OverflowError):
        return None


def _joined(one: pa.DataType | None, other: pa.DataType | None) -> pa.DataType | None:
    if one is None or other is None:
        return None
    schemas = [pa.schema([("value", kind)]) for kind in (one, other)]
    try:
        return pa.unify_schemas(schemas, promote_options="permissive").field("value").type
    except pa.ArrowException:
        return None


def _settled(kind: pa.DataType | None) -> pa.DataType | None:
    """Return a type that Parquet can hold; None when it is better kept as JSON."""
    if kind is None:
        return None
    if pa.types.is_null(kind):
        return pa.string()
    if pa.types.is_list(kind):
        value = _settled(kind.value_type)
        return None if value is None else pa.list_(value)
    if pa.types.is_struct(kind):
        fields = [(field.name, _settled(field.type)) for field in kind]
        if not 0 < len(fields) <= _MOST_FIELDS or any(value is None for _, value in fields):
            return None
        return pa.struct(fields)
    return kind
