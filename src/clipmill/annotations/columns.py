"""Columns of an annotation that rules may name, as the schema of its rows tells."""

from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from clipmill.store.records import schema_of


@dataclass(frozen=True)
class Columns:
    """Columns that a step gives to later rules; none where they cannot be known.

    Attributes:
        numbers: Of clips and of their objects.
        texts: For rules with `one_of`.
    """

    numbers: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()


def columns_of(row: type) -> Columns:
    """Return all columns of an annotation that rules may name."""
    numbers = scalar_columns(row) | object_columns(row)
    return Columns(frozenset(numbers), frozenset(text_columns(row)))


def scalar_columns(row: type) -> set[str]:
    """Return the columns of an annotation that clip-level rules may name."""
    return {field.name for field in schema_of(row) if _is_number(field.type)}


def text_columns(row: type) -> set[str]:
    """Return the columns of an annotation that only rules with `one_of` may name."""
    return {field.name for field in schema_of(row) if pa.types.is_string(field.type)}


def object_columns(row: type) -> set[str]:
    """Return the columns of its objects that object-level rules may name."""
    return {
        field.name for _, fields in _object_lists(row) for field in fields if _is_number(field.type)
    }


def object_list(row: type) -> str:
    """Return the list column with one entry per object, dotted where lists are nested.

    An entry is of an object when it has an `object_id`; empty where no entry has.
    """
    return next((path for path, _ in _object_lists(row)), "")


def object_ids(row: Any) -> list[str]:
    """Return the ids of the objects of one row, in the order of their entries."""
    entries = [row]
    for name in object_list(type(row)).split("."):
        entries = [inner for entry in entries for inner in getattr(entry, name)]
    return [entry.object_id for entry in entries]


def _object_lists(row: type) -> list[tuple[str, list[pa.Field]]]:
    """Return path and fields of every list whose entries have an `object_id`."""
    return [found for field in schema_of(row) for found in _lists_in(field.name, field.type)]


def _lists_in(path: str, kind: pa.DataType) -> list[tuple[str, list[pa.Field]]]:
    if not pa.types.is_list(kind) or not pa.types.is_struct(kind.value_type):
        return []
    fields = [kind.value_type.field(i) for i in range(kind.value_type.num_fields)]
    if any(field.name == "object_id" for field in fields):
        return [(path, fields)]
    return [found for field in fields for found in _lists_in(f"{path}.{field.name}", field.type)]


def _is_number(kind: pa.DataType) -> bool:
    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind)
