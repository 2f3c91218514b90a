"""Sample sets of a workspace: where their parts are, and reading them."""

from collections.abc import Iterator

from clipmill.samples.schema import SampleRow
from clipmill.store.records import from_dict
from clipmill.store.workspace import Workspace


def samples_folder(name: str) -> str:
    """Return the folder of a sample set, relative to the workspace."""
    return f"samples/{name}"


def sample_parts(workspace: Workspace, name: str) -> list[str]:
    """Return the parquet parts of a sample set, in order."""
    folder = samples_folder(name)
    return [f"{folder}/{part}" for part in workspace.names(folder) if part.endswith(".parquet")]


def read_samples(workspace: Workspace, name: str = "training") -> Iterator[SampleRow]:
    """Yield the samples of the last run, ordered by video listing, clip and anchor.

    One part is held in memory at a time. Yields nothing when there are none.
    """
    for path in sample_parts(workspace, name):
        table = workspace.read_table(path)
        assert table is not None
        for batch in table.to_batches(max_chunksize=16):
            for row in batch.to_pylist():
                yield from_dict(SampleRow, row)
