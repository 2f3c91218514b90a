"""What whole runs decided about every clip and object: of the last one, and of the one before.

A run overwrites what the last one left (pipeline, selections, samples). What is kept here is whole
in itself, one table a run, so that the two can be compared afterwards.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.errors import UsageError
from clipmill.pipeline.population import Population
from clipmill.pipeline.verdicts import OUT, StepReport
from clipmill.store.workspace import Workspace

FOLDER: Final = "decided"
LAST: Final = f"{FOLDER}/last.parquet"
PREVIOUS: Final = f"{FOLDER}/previous.parquet"

DECIDED = pa.schema(
    [
        ("id", pa.string()),  # clip, object, or video that never became a clip
        ("object", pa.bool_()),
        ("kept", pa.bool_()),
        ("step", pa.string()),  # null where it was kept
        ("rule", pa.string()),
        ("column", pa.string()),
        ("value", pa.float64()),
        ("threshold", pa.float64()),
    ]
)
"""One row per clip or object that a run kept, and per verdict by which one went."""

_OF_OBJECT = r"-a\d+-o\d+$"
"""What follows the id of its clip in the id of an object."""


def note_decided(
    workspace: Workspace, population: Population, reports: Sequence[StepReport]
) -> None:
    """Write what a whole run decided.

    Args:
        workspace: Where to.
        population: Who is in behind the last step.
        reports: Outcomes of all steps.

    Raises:
        StorageError: The storage refused.
    """
    gone = [_gone(report) for report in reports]
    out = pa.concat_tables([DECIDED.empty_table(), *gone])
    left = out.filter(pc.invert(out["object"]))["id"].combine_chunks()
    # Clips without samples are still in the population.
    clips = population.keys.filter(pc.invert(pc.is_in(population.keys, value_set=left)))
    kept = [_kept(clips, is_object=False)]
    if population.kept_objects is not None:
        ids = population.kept_objects.ids
        owners = pc.replace_substring_regex(ids, _OF_OBJECT, "")
        kept.append(_kept(ids.filter(pc.is_in(owners, value_set=clips)), is_object=True))
    workspace.write_table(LAST, pa.concat_tables([*kept, out]))


def make_previous(workspace: Workspace) -> None:
    """Let what the last whole run decided be that of the one before: another run begins.

    Where that is done already, by a run that was stopped since, nothing happens.

    Raises:
        StorageError: The storage refused.
    """
    if workspace.stamp(LAST):
        workspace.move(LAST, PREVIOUS)


def decided_before(workspace: Workspace) -> pa.Table:
    """Return what the whole run before the last one decided: rows of `DECIDED`.

    Raises:
        UsageError: It is not known.
        CorruptFileError: The file is damaged.
    """
    table = workspace.read_table(PREVIOUS)
    if table is None:
        raise UsageError(
            f"{workspace.root} knows of no run before its last one: it is the first, or the ones "
            "before were stopped, or of an earlier version of clipmill"
        )
    return table


def _gone(report: StepReport) -> pa.Table:
    verdicts = report.verdicts
    rows = verdicts.filter(pc.is_in(verdicts["state"], value_set=pa.array(OUT)))
    # Of a video that was cut a part may hold no frame; the others go on.
    cut = verdicts.filter(pc.equal(verdicts["state"], "split"))["key"].combine_chunks()
    rows = rows.filter(pc.invert(pc.is_in(rows["key"], value_set=cut)))
    columns = {name: rows[name] for name in ("rule", "column", "value", "threshold")}
    columns |= {"id": rows["key"], "object": pc.equal(rows["level"], "object")}
    return _rows(rows.num_rows, kept=False, step=report.title, **columns)


def _kept(ids: pa.Array, *, is_object: bool) -> pa.Table:
    return _rows(len(ids), id=ids, object=is_object, kept=True)


def _rows(count: int, **columns: Any) -> pa.Table:
    return pa.table(list(_columns(count, columns)), schema=DECIDED)


def _columns(count: int, columns: dict[str, Any]) -> Iterator[Any]:
    for field in DECIDED:
        value = columns.get(field.name)
        if isinstance(value, pa.Array | pa.ChunkedArray):
            yield value
        else:
            yield pa.repeat(pa.scalar(value, field.type), count)
