"""The samples of a workspace as they are stored: a table without arrays, and single rows."""

from collections.abc import Sequence
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from clipmill.config import SamplesStep
from clipmill.errors import UsageError
from clipmill.pipeline.context import Context
from clipmill.pipeline.verdicts import StepReport
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import sample_parts
from clipmill.store.records import from_dict, schema_of
from clipmill.store.tables import open_parquet
from clipmill.store.workspace import Workspace

SCHEMA = schema_of(SampleRow)


def _is_plain(kind: pa.DataType) -> bool:
    return not (pa.types.is_list(kind) and pa.types.is_struct(kind.value_type))


PLAIN = [field.name for field in SCHEMA if _is_plain(field.type)]
"""Columns of a sample without those of its objects."""


class StoredSamples:
    """The sample sets of a run.

    Args:
        workspace: Where they are.
        names: Of the sets.
    """

    def __init__(self, workspace: Workspace, names: Sequence[str]) -> None:
        self._workspace = workspace
        self._parts = [path for name in names for path in sample_parts(workspace, name)]

    @classmethod
    def of_run(cls, context: Context, reports: Sequence[StepReport]) -> "StoredSamples":
        """Return the samples of a run; none while it is unfinished: there are only older ones."""
        steps = () if reports[-1].pending else context.pipeline.steps_of(SamplesStep)
        return cls(context.workspace, [step.samples for step in steps])

    def table(self, columns: Sequence[str]) -> pa.Table:
        """Return the named columns of all samples, in the order of the run.

        Raises:
            UsageError: No such column.
            CorruptFileError: A part is damaged.
        """
        unknown = [name for name in columns if name not in SCHEMA.names]
        if unknown:
            raise UsageError(
                f"samples have no column '{unknown[0]}'; they have: {', '.join(SCHEMA.names)}"
            )
        schema = pa.schema([SCHEMA.field(name) for name in columns])
        parts = [self._workspace.read_table(path, columns=list(columns)) for path in self._parts]
        return pa.concat_tables(
            [schema.empty_table(), *(part.select(columns) for part in parts if part is not None)]
        )

    @cached_property
    def _places(self) -> dict[str, str]:
        """The part that each sample is in."""
        places: dict[str, str] = {}
        for path in self._parts:
            table = self._workspace.read_table(path, columns=["sample_id"])
            places |= dict.fromkeys(table["sample_id"].to_pylist() if table else (), path)
        return places

    def row(self, sample_id: str) -> SampleRow:
        """Return one sample; of its part, one row group at a time is in memory.

        Raises:
            UsageError: No such sample.
            CorruptFileError: Its part is damaged.
        """
        path = self._places.get(sample_id)
        if path is not None:
            with self._workspace.opened(path) as source, open_parquet(source) as file:
                for group in range(file.num_row_groups):
                    ids = file.read_row_group(group, columns=["sample_id"])["sample_id"]
                    place = pc.index(ids, sample_id).as_py()
                    if place >= 0:
                        row = file.read_row_group(group).slice(place, 1).to_pylist()[0]
                        return from_dict(SampleRow, row)
        raise UsageError(
            f"'{sample_id}' is no sample of {self._workspace.root}; the column `sample_id` of "
            "`samples()` lists those there are"
        )
