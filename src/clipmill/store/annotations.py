"""The rows of one annotation: appended unit by unit, one row per key."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from clipmill.errors import UsageError
from clipmill.store.dates import RowDates
from clipmill.store.errors import CHECK, StorageError
from clipmill.store.explode import explode, leaf_columns
from clipmill.store.lookup import lookup
from clipmill.store.merge import FAN_IN, merge_all, merge_level
from clipmill.store.outcomes import (
    STATUS_FIELDS,
    Outcome,
    kinds_of_now,
    outcome_schema,
    outcome_table,
)
from clipmill.store.parts import OK, WHOLE_LEVEL, PartName, Parts, by_part, winners
from clipmill.store.records import from_dict, later_fields, schema_of
from clipmill.store.storage.base import Storage
from clipmill.store.tables import explained_reads


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
        self.schema = outcome_schema(record_type, key=key)
        later = later_fields(record_type)
        self._parts = Parts(storage, path, self.schema, key, later=later)
        self._dates = RowDates(storage, path, self._parts)
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
        path = f"{self.path}/manifest.json"
        data = self._storage.read(path)
        with explained_reads(self._storage.full(path), CHECK):
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
        table = outcome_table(outcomes, self._record_type, key=self.key)
        table = table.take(winners(table[self.key], table["status"]))
        if self._sequence is None:
            names = self._parts.list()
            self._sequence = max((name.sequence for name in names), default=0)
            self._small = sum(name.level == 0 for name in names)
            if names:
                self._note_dates()  # of what a killed run has left
        name = PartName.new(self._sequence + 1, 0)
        self._parts.write(
            name, rows=table.num_rows, fetch=lambda start, stop: table.slice(start, stop - start)
        )
        self._dates.committed(table[self.key])
        self._sequence += 1
        self._small += 1
        if self._small >= FAN_IN:
            self._keep_parts_few()

    def _keep_parts_few(self) -> None:
        self._small = 0
        # housekeeping only: the commit stands, and the next merge takes these parts as well
        with suppress(StorageError, FileNotFoundError):
            for level in range(WHOLE_LEVEL - 1):
                merge_level(self._parts, level)

    def _note_dates(self) -> None:
        # housekeeping as well: a row that nobody has dated takes the date of its merge
        with suppress(StorageError, FileNotFoundError):
            self._dates.note()

    def dates(self) -> pa.Table:
        """Return `key` and `written` (UTC) of all rows, by ascending key; see `RowDates.read`."""
        return self._dates.read()

    def status(self) -> pa.Table:
        """Return key, status, error_kind, error, seconds: one row per key, by ascending key.

        Kinds are those of `clipmill.failures`, also in rows that an earlier clipmill wrote.
        """
        return kinds_of_now(self._one_per_key([field.name for field in STATUS_FIELDS]))

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
        ordered = by_part(table, self.key)
        if ordered is None:
            ordered = table.take(winners(table[self.key], table["status"]))
        return ordered.combine_chunks().rename_columns({self.key: "key"})

    def scan(self, names: Sequence[str]) -> Iterator[pa.Table]:
        """Yield `key` and fields of the record of the rows that are ok, a row group at a time.

        Every key comes once, in no order that says anything. For columns that do not fit into
        memory for all rows.

        Args:
            names: Fields of the record.

        Raises:
            UsageError: No such field.
        """
        self._check_fields(names)
        done: list[pa.Array] = []
        while True:
            try:
                for table in self._parts.consistent(lambda parts: self._rows(parts, names, done)):
                    done.append(table["key"].combine_chunks())
                    yield table
                return
            except FileNotFoundError:
                continue  # a part was merged into another: the rows that are left lie there

    def _rows(
        self, parts: Sequence[PartName], names: Sequence[str], done: Sequence[pa.Array]
    ) -> Iterator[pa.Table]:
        """Return an iterator over the rows that count and whose keys were not there before."""
        heads = self._parts.load(parts, [self.key, "status"])
        rows = winners(heads[self.key], heads["status"])
        counts = np.zeros(heads.num_rows, bool)
        counts[rows.to_numpy()] = True
        counts &= np.asarray(pc.equal(heads["status"], OK))
        if done:
            seen = pc.is_in(heads[self.key], value_set=pa.concat_arrays(done))
            counts &= ~np.asarray(seen)
        return self._groups(parts, list(dict.fromkeys([self.key, *names])), counts)

    def _groups(
        self, parts: Sequence[PartName], columns: list[str], counts: npt.NDArray[np.bool_]
    ) -> Iterator[pa.Table]:
        at = 0
        for name in parts:
            with self._parts.open(name) as file:
                for group in range(file.num_row_groups):
                    size = file.metadata.row_group(group).num_rows
                    mine = counts[at : at + size]
                    at += size
                    if mine.any():
                        table = file.read_row_group(group, columns=columns)
                        table = self._parts.filled(table, columns)
                        yield table.filter(pa.array(mine)).rename_columns({self.key: "key"})

    def pending(self, keys: pa.Array, *, retry: Collection[str] = ()) -> pa.Array:
        """Return the keys that still need work.

        Args:
            keys: string [n].
            retry: Kinds of failures that are work again, where nothing succeeded since.

        Returns:
            Distinct keys without a committed row, in the given order.
        """
        wanted = [self.key, "status"] if retry else [self.key]
        heads = self._parts.consistent(lambda names: self._parts.load(names, wanted))
        done = heads[self.key].combine_chunks()
        if retry and pc.any(pc.not_equal(heads["status"], OK)).as_py():
            heads = self.status()
            kinds = pc.replace_substring_regex(heads["error_kind"], ":.*", "")
            again = pc.is_in(kinds, value_set=pa.array(sorted(retry), pa.string()))
            heads = heads.filter(pc.or_(pc.equal(heads["status"], OK), pc.invert(again)))
            done = heads["key"].combine_chunks()
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
        path = list_column.split(".")
        table = self._one_per_key(["status", *leaf_columns(self.schema, path, names)])
        return explode(table.filter(pc.equal(table["status"], OK)), path, names)

    def compact(self) -> None:
        """Merge all parts, sorted by key, into few of at most `merge.PART_ROWS` rows.

        Equal rows give equal bytes, however they were split into parts. Crash-safe: readers see
        the old parts, or the new ones, or both, and the rows are the same.
        """
        self._note_dates()
        merge_all(self._parts)
        self._small = 0


def _reopen(storage: Storage, path: str, record_type: type, key: str) -> AnnotationTable:
    return AnnotationTable(storage, path, record_type, key=key)
