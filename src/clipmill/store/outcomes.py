"""What became of clips, as rows: the key, how it went, then the record's columns."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.failures import as_of_now
from clipmill.store.parts import FAILED, OK
from clipmill.store.records import schema_of, to_dict

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
        error_kind: One of `clipmill.failures`, with the number of runs; empty when ok.
        error: Text for the user; empty when ok.
        seconds: Time it took.
    """

    key: str
    record: Any | None
    error_kind: str = ""
    error: str = ""
    seconds: float = 0.0


def kinds_of_now(status: pa.Table) -> pa.Table:
    """Return rows with STATUS_FIELDS with the kinds that their failures have today."""
    failed = pc.indices_nonzero(pc.equal(status["status"], FAILED))
    if not len(failed):
        return status
    some = status.take(failed)
    pairs = zip(some["error_kind"].to_pylist(), some["error"].to_pylist(), strict=True)
    kinds = pa.array([as_of_now(kind, error) for kind, error in pairs], pa.string())
    mask = pc.equal(status["status"], FAILED).combine_chunks()
    whole = pc.replace_with_mask(status["error_kind"].combine_chunks(), mask, kinds)
    return status.set_column(status.schema.get_field_index("error_kind"), "error_kind", whole)


def outcome_schema(record_type: type, *, key: str) -> pa.Schema:
    """Return the columns of an annotation: key, status, error_kind, error, seconds, record.

    Raises:
        TypeError: A field of the record has the name of one of the others.
    """
    fields = [pa.field(key, pa.string()), *STATUS_FIELDS, *schema_of(record_type)]
    if len({field.name for field in fields}) < len(fields):
        taken = ", ".join([key, *(field.name for field in STATUS_FIELDS)])
        raise TypeError(f"{record_type.__name__} may not have a field named one of: {taken}")
    return pa.schema(fields)


def outcome_table(outcomes: Sequence[Outcome], record_type: type, *, key: str) -> pa.Table:
    """Return outcomes as rows, in order.

    A record that is no `record_type`, or holds a value that does not fit its field, becomes a
    failed row of its own; the others are not touched by it.
    """
    schema = outcome_schema(record_type, key=key)
    try:
        rows = [_row(outcome, record_type, key) for outcome in outcomes]
        return pa.Table.from_pylist(rows, schema)
    except _UNSTORABLE as error:
        if len(outcomes) > 1:
            return pa.concat_tables(
                outcome_table([outcome], record_type, key=key) for outcome in outcomes
            )
        if outcomes[0].record is None:
            raise  # the key or the texts themselves: nothing to fall back on
        text = f"the result cannot be stored: {error}"
        failed = Outcome(outcomes[0].key, None, "model", text, outcomes[0].seconds)
        return outcome_table([failed], record_type, key=key)


def _row(outcome: Outcome, record_type: type, key: str) -> dict[str, Any]:
    ok = outcome.record is not None
    if ok and not isinstance(outcome.record, record_type):
        raise TypeError(f"it is a {type(outcome.record).__name__}, not a {record_type.__name__}")
    return {
        key: outcome.key,
        "status": OK if ok else FAILED,
        "error_kind": outcome.error_kind,
        # undecodable bytes of file names become visible escapes
        "error": outcome.error.encode("utf-8", "backslashreplace").decode(),
        "seconds": outcome.seconds,
    } | (to_dict(outcome.record) if ok else {})
