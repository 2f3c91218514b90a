"""Samples whose captions break careless writers and readers."""

from dataclasses import replace
from pathlib import Path

import pyarrow as pa

from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace

CAPTIONS = (
    'Two\nlines, a "quote", a tab\tand a \\ backslash\r\n---\nlicense: mit\n',
    "'; drop table samples; -- <img src=x onerror=alert(1)> | a | b |",
    "Ein Fuchs läuft über 雪, \U0001f98a, \u2028 and a zero \x00 byte",
    "word " * 2_000,
)


def awkward_workspace(workspace: Workspace, folder: Path) -> tuple[Workspace, list[SampleRow]]:
    """Return a workspace with the samples of another under awkward captions, and those samples.

    The samples returned have the captions that may leave: a space in place of a control character.
    """
    rows = [
        replace(row, caption=CAPTIONS[number % len(CAPTIONS)])
        for number, row in enumerate(read_samples(workspace))
    ]
    made = Workspace.open(folder, create=True)
    table = pa.Table.from_pylist([to_dict(row) for row in rows], schema=schema_of(SampleRow))
    made.write_table("samples/training/part-00000.parquet", table)
    return made, [
        replace(row, caption=row.caption.replace("\x00", " ")) for row in rows if row.stage1
    ]
