"""What an export writes for a trainer can be a source again, with its captions."""

import json
from pathlib import Path

import pytest
from truthful_run import shared_workspace

from clipmill.config import SourceConfig
from clipmill.sources import list_sources


@pytest.fixture(scope="session")
def workspace(tmp_path_factory):
    return str(shared_workspace(tmp_path_factory).root)


INDICES = {
    "diffsynth": ("metadata.jsonl", "video", "prompt"),
    "videox-fun": ("metadata.json", "file_path", "text"),
    "plain": ("metadata.jsonl", "file_name", "caption"),
}


def rows_of(path: Path) -> list[dict]:
    text = path.read_text("utf-8")
    return json.loads(text) if path.suffix == ".json" else list(map(json.loads, text.splitlines()))


@pytest.mark.parametrize("name", INDICES)
def test_the_index_of_a_trainer_is_read_back_in(clipmill, workspace, tmp_path, name):
    out = tmp_path / "out"
    code, text, error = clipmill(
        "export", name, out, "-w", workspace, "--limit", 3, "--long-side", 192, "-j", 0
    )
    assert code == 0, text + error
    index, path, caption = INDICES[name]
    rows = rows_of(out / index)
    assert rows
    found = list_sources([SourceConfig(path=str(out))])
    assert found.problems == ()
    assert found.account.sources[0].kind == "huggingface"
    assert [(v.relative_path, v.text) for v in found.videos] == [
        (row[path], row[caption]) for row in rows
    ]


def test_the_lines_of_musubi_are_read_back_in(clipmill, workspace, tmp_path):
    out = tmp_path / "out"
    options = ("-w", workspace, "--limit", 3, "--long-side", 192, "-j", 0)
    assert clipmill("export", "plain", out, *options)[0] == 0
    for table in sorted((out / "musubi").glob("*fps.jsonl")):
        found = list_sources([SourceConfig(path=str(table), root="..")])
        assert found.problems == ()
        assert [(v.relative_path, v.text) for v in found.videos] == [
            (row["video_path"], row["caption"]) for row in rows_of(table)
        ]
