"""Frozen dataclasses as Arrow rows: one class is the schema, the writer and the reader.

Supported field types: int (int64), float (float64), str, bytes, bool, `X | None`,
`tuple[X, ...]` and nested dataclasses. NaN and infinity survive.
"""

import dataclasses
import types
import typing
from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

import pyarrow as pa

RecordT = TypeVar("RecordT")

_SCALARS: dict[type, pa.DataType] = {
    int: pa.int64(),
    float: pa.float64(),
    str: pa.string(),
    bytes: pa.binary(),
    bool: pa.bool_(),
}


def _strip_optional(hint: Any) -> Any:
    if typing.get_origin(hint) in (types.UnionType, typing.Union):
        inner = [part for part in typing.get_args(hint) if part is not type(None)]
        if len(inner) != 1:
            raise TypeError(f"only `X | None` unions can be stored, not {hint}")
        return inner[0]
    return hint


def _arrow_type(hint: Any) -> pa.DataType:
    hint = _strip_optional(hint)
    if hint in _SCALARS:
        return _SCALARS[hint]
    if typing.get_origin(hint) is tuple:
        item, *rest = typing.get_args(hint)
        if rest != [Ellipsis]:
            raise TypeError(f"only homogeneous `tuple[X, ...]` can be stored, not {hint}")
        return pa.list_(_arrow_type(item))
    if dataclasses.is_dataclass(hint):
        return pa.struct(list(schema_of(typing.cast(type, hint))))
    raise TypeError(f"no Arrow type for {hint}")


@cache
def _hints(record_type: type) -> Mapping[str, Any]:
    hints = typing.get_type_hints(record_type)
    return {field.name: hints[field.name] for field in dataclasses.fields(record_type)}


@cache
def schema_of(record_type: type) -> pa.Schema:
    """Return the Arrow schema of a dataclass, one column per field, in field order."""
    return pa.schema([pa.field(n, _arrow_type(h)) for n, h in _hints(record_type).items()])


def to_dict(record: Any) -> dict[str, Any]:
    """Return a record as the nested dict that pyarrow reads."""
    return {name: _plain(getattr(record, name)) for name in _hints(typing.cast(type, type(record)))}


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(entry) for entry in value]
    return to_dict(value) if dataclasses.is_dataclass(value) else value


def from_dict(record_type: type[RecordT], values: Mapping[str, Any]) -> RecordT:
    """Build a record from the nested dict that pyarrow gives back."""
    hints = _hints(typing.cast(type, record_type))
    return record_type(**{name: _revive(hint, values[name]) for name, hint in hints.items()})


def _revive(hint: Any, value: Any) -> Any:
    if value is None:
        return None
    hint = _strip_optional(hint)
    if typing.get_origin(hint) is tuple:
        item = typing.get_args(hint)[0]
        return tuple(_revive(item, entry) for entry in value)
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value)
    return value
