"""Workspaces that hold samples and nothing else."""

from pathlib import Path

import pyarrow as pa

from clipmill.samples.schema import SampleRow
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace


def workspace_with(
    folder: Path, *samples: SampleRow, part: int = 256, rows_per_group: int | None = None
) -> Workspace:
    """A workspace that holds samples and nothing else, `part` in each file."""
    workspace = Workspace.open(folder, create=True)
    for number in range(0, len(samples), part):
        rows = [to_dict(sample) for sample in samples[number : number + part]]
        table = pa.Table.from_pylist(rows, schema=schema_of(SampleRow))
        workspace.write_table(
            f"samples/training/part-{number // part:05d}.parquet",
            table,
            rows_per_group=rows_per_group,
        )
    return workspace
