"""Rows of a few keys out of many parts."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from clipmill.store.parts import OK, PartName, Parts, holds_any


def lookup(
    parts: Parts, names: Sequence[PartName], *, keys: Sequence[str], columns: Sequence[str]
) -> dict[str, dict[str, Any]]:
    """Return the rows of keys that are ok.

    Args:
        parts: The table.
        names: Its parts, in commit order.
        keys: Wanted keys.
        columns: Wanted columns.

    Returns:
        Key to row as a dict of columns, for keys that are ok.
    """
    wanted = pa.array(sought := sorted(set(keys)), pa.string())
    found: dict[str, dict[str, Any]] = {}
    for name in reversed(names):  # the latest commit first: its rows win
        if not len(wanted):
            break
        if not parts.may_hold(name, sought):
            continue
        with parts.open(name) as file:
            for group in _groups_with(file, parts.key, wanted):
                found |= _rows(file, group, parts.key, wanted=wanted, columns=columns)
        wanted = wanted.filter(pc.invert(pc.is_in(wanted, pa.array(list(found), pa.string()))))
        sought = wanted.to_pylist()
    return found


def _groups_with(file: pq.ParquetFile, key: str, wanted: pa.Array) -> list[int]:
    """Return the row groups whose range of keys holds a wanted one."""
    column = file.schema_arrow.get_field_index(key)
    sought = wanted.to_pylist()
    groups = []
    for group in range(file.num_row_groups):
        if holds_any(file.metadata.row_group(group).column(column).statistics, sought):
            groups.append(group)
    return groups


def _rows(
    file: pq.ParquetFile, group: int, key: str, *, wanted: pa.Array, columns: Sequence[str]
) -> dict[str, dict[str, Any]]:
    heads = file.read_row_group(group, columns=[key, "status"])
    hits = pc.and_(pc.is_in(heads[key], value_set=wanted), pc.equal(heads["status"], OK))
    rows = pc.indices_nonzero(hits)
    if not len(rows):
        return {}
    table = file.read_row_group(group, columns=list(columns)).take(rows)
    return dict(zip(heads[key].take(rows).to_pylist(), table.to_pylist(), strict=True))
