"""No control character leaves in a caption, in any format and any of its files."""

import json
import unicodedata
from dataclasses import replace
from fractions import Fraction

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clipmill.export.containers.registry import find_container
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.sample_filter import SampleFilter
from clipmill.export.content.text import exported_text
from clipmill.export.formats.frameino.source_videos import export_frameino
from clipmill.export.formats.registry import FORMATS, find_format
from clipmill.export.job.plan import ExportPlan
from clipmill.export.job.run import run_export
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.records import schema_of, to_dict
from clipmill.store.workspace import Workspace

CONTROLS = "".join(chr(n) for n in (*range(32), *range(0x7F, 0xA0)) if chr(n) not in "\t\n\r")
CAPTION = f"a red{CONTROLS} disc,\n\tmoving"
LEFT = f"a red{' ' * len(CONTROLS)} disc,\n\tmoving"


def test_each_control_character_becomes_a_space():
    assert exported_text(CAPTION) == LEFT
    assert not [
        c for c in exported_text(CAPTION) if unicodedata.category(c) == "Cc" and c not in "\n\t"
    ]
    assert (
        exported_text("\ud83d and \U0001f98a 雪\r\n")
        == "\N{REPLACEMENT CHARACTER} and \U0001f98a 雪\r\n"
    )


@pytest.fixture(scope="module")
def hostile(workspace, tmp_path_factory) -> Workspace:
    made = Workspace.open(tmp_path_factory.mktemp("controls") / "workspace", create=True)
    rows = [
        to_dict(replace(row, caption=CAPTION, caption_origin="provided"))
        for row in read_samples(workspace)
        if row.stage2
    ][:1]
    table = pa.Table.from_pylist(rows, schema=schema_of(SampleRow))
    made.write_table("samples/training/part-00000.parquet", table)
    return made


def no_control_in(text: str) -> None:
    found = {c for c in text if c in CONTROLS}
    assert not found, found


@pytest.mark.parametrize("container", ["folder", "webdataset", "huggingface"])
@pytest.mark.parametrize("name", [name for name in FORMATS if name != "re10k"])
def test_no_file_of_any_format_holds_one(hostile, tmp_path, name, container):
    format_ = find_format(name)
    profile = FrameProfile(long_side=160, fps=Fraction(8))
    plan = ExportPlan(
        format_(format_.Options()), find_container(container), profile, SampleFilter()
    )
    report = run_export(hostile, tmp_path, plan)
    assert report.samples == 1
    for path in tmp_path.rglob("*"):
        if path.suffix in {".json", ".jsonl", ".txt", ".csv", ".md"}:
            text = path.read_bytes().decode("utf-8")
            no_control_in(text)
            # JSON spells them out
            assert "\\u0000" not in text and "\\u001b" not in text and "\\u0085" not in text
        elif path.suffix == ".parquet":
            for row in pq.read_table(path).to_pylist():
                no_control_in("".join(v for v in row.values() if isinstance(v, str)))
    (entry,) = map(json.loads, (tmp_path / "manifest.jsonl").open())
    words = json.dumps(entry["pieces"][0]["row"])
    assert "moving" in words and "\\u0000" not in words


def test_rows_over_whole_videos_hold_none(hostile, tmp_path):
    summary = export_frameino(hostile, tmp_path / "out", videos="none")
    assert summary.stage1_rows == 1
    text = (tmp_path / "out/stage1/csv/shard-00000.csv").read_text("utf-8")
    no_control_in(text)
    assert "\\u0000" not in text and "moving" in text
