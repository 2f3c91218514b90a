"""Frozen dataclasses as Arrow rows: one class is the schema, the writer and the reader.

Supported field types: int (int64), float (float64), str, bytes, bool, `X | None`,
`tuple[X, ...]` and nested dataclasses. NaN and infinity survive.
"""

import dataclasses
import operator
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any, TypeVar

import numpy as np
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
    """Return a record as the nested dict that pyarrow reads.

    Raises:
        TypeError: A value is not of its field's type; pyarrow itself would cut 1.5 down to 1.
    """
    values = {}
    for name, write in _writers(typing.cast(type, type(record))).items():
        try:
            values[name] = write(getattr(record, name))
        except TypeError as error:
            raise TypeError(f"{name}: {error}") from error
    return values


def from_dict(record_type: type[RecordT], values: Mapping[str, Any]) -> RecordT:
    """Build a record from the nested dict that pyarrow gives back.

    A field that rows of an earlier version do not have gets its default.
    """
    readers = _readers(typing.cast(type, record_type))
    missing = _defaulted(typing.cast(type, record_type)) - values.keys()
    given = {name: read(values[name]) for name, read in readers.items() if name not in missing}
    return record_type(**given)


def later_fields(record_type: type) -> frozenset[str]:
    """Return the fields that rows of an earlier version may lack, where None says so."""
    return frozenset(f.name for f in dataclasses.fields(record_type) if f.default is None)


@cache
def _defaulted(record_type: type) -> frozenset[str]:
    found = dataclasses.fields(record_type)
    return frozenset(f.name for f in found if f.default is not dataclasses.MISSING)


@cache
def _writers(record_type: type) -> dict[str, Callable[[Any], Any]]:
    return {name: _writer(hint) for name, hint in _hints(record_type).items()}


@cache
def _readers(record_type: type) -> dict[str, Callable[[Any], Any]]:
    return {name: _reader(hint) for name, hint in _hints(record_type).items()}


def _writer(hint: Any) -> Callable[[Any], Any]:
    inner = _strip_optional(hint)
    if inner is not hint:
        write = _writer(inner)
        return lambda value: None if value is None else write(value)
    if typing.get_origin(hint) is tuple:
        write_item = _writer(typing.get_args(hint)[0])
        return lambda value: [write_item(entry) for entry in value]
    if dataclasses.is_dataclass(hint):
        return partial(_write_nested, typing.cast(type, hint))
    return _SCALAR_WRITERS[hint]


def _reader(hint: Any) -> Callable[[Any], Any]:
    inner = _strip_optional(hint)
    if typing.get_origin(inner) is tuple:
        read_item = _reader(typing.get_args(inner)[0])
        return lambda value: None if value is None else tuple(map(read_item, value))
    if dataclasses.is_dataclass(inner):
        read = partial(from_dict, typing.cast(type, inner))
        return lambda value: None if value is None else read(value)
    return lambda value: value


def _write_nested(record_type: type, value: Any) -> dict[str, Any]:
    return to_dict(_of(record_type, value))


def _of(kind: Any, value: Any) -> Any:
    if not isinstance(value, kind):
        raise TypeError(f"{value!r:.60} is a {type(value).__name__}")
    return value


def _write_float(value: Any) -> float:
    if isinstance(value, str | bytes):
        raise TypeError(f"{value!r:.60} is no number")
    return float(value)


_SCALAR_WRITERS: dict[type, Callable[[Any], Any]] = {
    int: operator.index,
    float: _write_float,
    str: partial(_of, str),
    bytes: partial(_of, bytes),
    bool: partial(_of, (bool, np.bool_)),
}
