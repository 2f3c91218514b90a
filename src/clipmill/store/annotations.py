"""The rows of one annotation: appended unit by unit, one row per key."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.errors import UsageError
from clipmill.store.lookup import lookup
from clipmill.store.merge import FAN_IN, merge_all, merge_level
from clipmill.store.parts import FAILED, OK, PartName, Parts, winners
from clipmill.store.records import from_dict, schema_of, to_dict
from clipmill.store.storage import Storage

STATUS_FIELDS = (
    pa.field("status", pa.string()),
    pa.field("error_kind", pa.string()),
    pa.field("error", pa.string()),
    pa.field("seconds", pa.float64()),
)
"""Columns of every annotation between its key and its record."""

_UNSTORABLE = (pa.ArrowException, TypeError, ValueError, OverflowError)


@dataclass(frozen=True)
class Outcome:
    """What became of one clip.

    Attributes:
        key: The clip (or whatever the table is keyed by).
        record: The annotation's row; None when it failed.
        error_kind: Kind of a `ClipError`; empty when ok.
        error: Text for the user; empty when ok.
        seconds: Time it took.
    """

    key: str
    record: Any | None
    error_kind: str = ""
    error: str = ""
    seconds: float = 0.0


class AnnotationTable:
    """All rows of one annotation with one fingerprint.

    A part file is the only commit: `append` writes one, and what it acknowledged survives
    anything but the loss of the disk. One process appends at a time; any number may read,
    also while parts are merged.

    Attributes:
        path: `annotations/<name>/<fingerprint>`, relative to the workspace.
        key: Name of the key column on disk; tables given back call it `key`.
        schema: Key, status, error_kind, error, seconds, then the record's fields.
    """

    def __init__(self, storage: Storage, path: str, record_type: type, *, key: str) -> None:
        self.path, self.key = path, key
        self._storage, self._record_type = storage, record_type
        record = schema_of(record_type)
        fields = [pa.field(key, pa.string()), *STATUS_FIELDS, *record]
        if len({field.name for field in fields}) < len(fields):
            taken = ", ".join(field.name for field in fields[:5])
            raise TypeError(f"{record_type.__name__} may not have a field named one of: {taken}")
        self.schema = pa.schema(fields)
        self._parts = Parts(storage, path, self.schema, key)
        self._sequence: int | None = None
        self._small = 0

    def __reduce__(self) -> Any:
        return _reopen, (self._storage, self.path, self._record_type, self.key)

    def write_manifest(self, manifest: Mapping[str, Any]) -> None:
        """Note how the rows came about (config, model, licence, versions); the first one stays."""
        path = f"{self.path}/manifest.json"
        if self._storage.read(path) is None:
            text = json.dumps(manifest, indent=2, sort_keys=True, ensure_ascii=False)
            self._storage.write(path, text.encode() + b"\n")

    def read_manifest(self) -> dict[str, Any] | None:
        """Return the manifest; None when there is none."""
        data = self._storage.read(f"{self.path}/manifest.json")
        return None if data is None else json.loads(data)

    def append(self, outcomes: Sequence[Outcome]) -> None:
        """Commit outcomes: when this returns, they are on disk.

        A record that cannot be stored (a wrong type in a field) becomes a failed row; the
        others are not touched by it.

        Raises:
            StorageError: The storage refused; none of the outcomes is committed.
        """
        if not outcomes:
            return
        table = self._to_table(outcomes)
        table = table.take(winners(table[self.key], table["status"]))
        if self._sequence is None:
            names = self._parts.list()
            self._sequence = max((name.sequence for name in names), default=0)
            self._small = sum(name.level == 0 for name in names)
        name = PartName.new(self._sequence + 1, 0)
        self._parts.write(
            name, rows=table.num_rows, fetch=lambda start, stop: table.slice(start, stop - start)
        )
        self._sequence += 1
        self._small += 1
        self._keep_parts_few()

    def _keep_parts_few(self) -> None:
        if self._small < FAN_IN:
            return
        for level in range(8):
            merge_level(self._parts, level)
        self._small = 0

    def _to_table(self, outcomes: Sequence[Outcome]) -> pa.Table:
        rows = [self._to_row(outcome) for outcome in outcomes]
        try:
            return pa.Table.from_pylist(rows, self.schema)
        except _UNSTORABLE:
            return pa.concat_tables(
                self._row_table(row, outcome) for row, outcome in zip(rows, outcomes, strict=True)
            )

    def _to_row(self, outcome: Outcome) -> dict[str, Any]:
        ok = outcome.record is not None
        return {
            self.key: outcome.key,
            "status": OK if ok else FAILED,
            "error_kind": outcome.error_kind,
            "error": _storable(outcome.error),
            "seconds": outcome.seconds,
        } | (to_dict(outcome.record) if ok else {})

    def _row_table(self, row: dict[str, Any], outcome: Outcome) -> pa.Table:
        try:
            return pa.Table.from_pylist([row], self.schema)
        except _UNSTORABLE as error:
            text = f"the result cannot be stored: {error}"
            failed = Outcome(outcome.key, None, "model", text, outcome.seconds)
            return pa.Table.from_pylist([self._to_row(failed)], self.schema)

    def status(self) -> pa.Table:
        """Return key, status, error_kind, error, seconds: one row per key, by ascending key."""
        return self._one_per_key([field.name for field in STATUS_FIELDS])

    def columns(self, names: Sequence[str]) -> pa.Table:
        """Return key, status and fields of the record: one row per key, by ascending key.

        Args:
            names: Fields of the record; null where the row failed.

        Raises:
            UsageError: No such field.
        """
        self._check_fields(names)
        return self._one_per_key(list(dict.fromkeys(["status", *names])))

    def _check_fields(self, names: Sequence[str]) -> None:
        for name in names:
            if name not in self.schema.names:
                known = ", ".join(schema_of(self._record_type).names)
                raise UsageError(
                    f"{self.path.split('/')[1]} has no column '{name}'; it has: {known}"
                )

    def _one_per_key(self, columns: list[str]) -> pa.Table:
        """Return `key` (under that name) and columns, one row per key, by ascending key."""
        wanted = [self.key, *columns]
        table = self._parts.consistent(lambda names: self._parts.load(names, wanted))
        rows = winners(table[self.key], table["status"])
        return table.take(rows).combine_chunks().rename_columns({self.key: "key"})

    def pending(self, keys: pa.Array, *, retry_failed: bool = False) -> pa.Array:
        """Return the keys that still need work.

        Args:
            keys: string [n].
            retry_failed: Whether keys that failed and never succeeded are work again.

        Returns:
            Distinct keys without a committed row, in the given order.
        """
        heads = self._parts.consistent(lambda names: self._parts.load(names, [self.key, "status"]))
        if retry_failed:
            heads = heads.filter(pc.equal(heads["status"], OK))
        done = heads[self.key].combine_chunks()
        keys = pc.unique(keys)
        return keys.filter(pc.invert(pc.is_in(keys, value_set=done)))

    def read(self, keys: Sequence[str]) -> dict[str, Any]:
        """Return the records of keys that are ok; other keys are left out.

        Reads only the row groups that hold one of the keys; cheapest for many keys at once, or
        for keys that lie close in sorted order.
        """
        fields = schema_of(self._record_type).names
        found = self._parts.consistent(
            lambda names: lookup(self._parts, names, keys=keys, columns=fields)
        )
        return {key: from_dict(self._record_type, found[key]) for key in keys if key in found}

    def exploded(self, list_column: str, names: Sequence[str]) -> pa.Table:
        """Return one row per entry of a list of structs, of rows that are ok.

        Args:
            list_column: A list field of the record, or a dotted path of nested ones:
                `objects`, `anchors.objects`.
            names: Fields of the innermost struct.

        Returns:
            Key and the named fields, by ascending key, entries in their order.

        Raises:
            UsageError: No such field.
        """
        steps = list_column.split(".")
        self._check_leaves(steps, names)
        leaves = [".".join(f"{step}.list.element" for step in steps) + f".{n}" for n in names]
        table = self._one_per_key(["status", *leaves])
        table = table.filter(pc.equal(table["status"], OK)).combine_chunks()
        keys, values = _one_array(table["key"]), _one_array(table[steps[0]])
        for depth, _ in enumerate(steps):
            if depth:
                values = pc.struct_field(values, steps[depth])
            keys = keys.take(pc.list_parent_indices(values))
            values = pc.list_flatten(values)
        fields = {name: pc.struct_field(values, name) for name in names}
        return pa.table({"key": keys} | fields)

    def _check_leaves(self, steps: Sequence[str], names: Sequence[str]) -> None:
        self._check_fields(steps[:1])
        kind = self.schema.field(steps[0]).type
        for step in [*steps[1:], ""]:
            if not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type)):
                raise UsageError(f"'{'.'.join(steps)}' is no list of records in {self.path}")
            kind = kind.value_type
            for name in [step] if step else names:
                if kind.get_field_index(name) < 0:
                    known = ", ".join(field.name for field in kind)
                    raise UsageError(f"'{'.'.join(steps)}' has no field '{name}'; it has: {known}")
            kind = kind.field(step).type if step else kind

    def compact(self) -> None:
        """Merge all parts into one, sorted by key.

        Equal rows give equal bytes, however they were split into parts. Crash-safe: readers see
        the old parts, or the new one, or both, and the rows are the same.
        """
        merge_all(self._parts)
        self._small = 0


def _reopen(storage: Storage, path: str, record_type: type, key: str) -> AnnotationTable:
    return AnnotationTable(storage, path, record_type, key=key)


def _storable(text: str) -> str:
    """Return text with undecodable bytes of file names made visible."""
    return text.encode("utf-8", "backslashreplace").decode()


def _one_array(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks else pa.array([], column.type)
