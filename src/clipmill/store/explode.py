"""Lists of structs as rows of their own, read without the columns beside them."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.errors import UsageError


def leaf_columns(schema: pa.Schema, path: Sequence[str], names: Sequence[str]) -> list[str]:
    """Return the Parquet paths of fields inside nested lists of structs.

    Args:
        schema: Of the table.
        path: A list column, then lists inside its structs: `("anchors", "objects")`.
        names: Fields of the innermost struct.

    Raises:
        UsageError: No such column or field, or it is no list of structs.
    """
    fields = {field.name: field.type for field in schema}
    for depth, step in enumerate(path):
        _check(step, fields, path[:depth])
        kind = fields[step]
        if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
            raise UsageError(f"'{'.'.join(path[: depth + 1])}' is no list of records")
        fields = {field.name: field.type for field in kind.value_type}
    for name in names:
        _check(name, fields, path)
    return [".".join(f"{step}.list.element" for step in path) + f".{name}" for name in names]


def _check(name: str, fields: dict[str, pa.DataType], path: Sequence[str]) -> None:
    if name not in fields:
        where = f"'{'.'.join(path)}'" if path else "the table"
        raise UsageError(f"{where} has no field '{name}'; it has: {', '.join(fields)}")


def explode(table: pa.Table, path: Sequence[str], names: Sequence[str]) -> pa.Table:
    """Return one row per entry of a nested list.

    Args:
        table: Columns `key` and `path[0]`.
        path: See `leaf_columns`.
        names: Fields of the innermost struct.

    Returns:
        `key` and the named fields, in the table's order.
    """
    table = table.combine_chunks()
    keys, values = _one_array(table["key"]), _one_array(table[path[0]])
    for depth, step in enumerate(path):
        values = pc.struct_field(values, step) if depth else values
        keys = keys.take(pc.list_parent_indices(values))
        values = pc.list_flatten(values)
    return pa.table({"key": keys} | {name: pc.struct_field(values, name) for name in names})


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
