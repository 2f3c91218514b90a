"""CONTRIBUTING.md sends newcomers to files that exist and hold what they look for."""

import re
from pathlib import Path

import pytest

import clipmill

ROOT = Path(clipmill.__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "CONTRIBUTING.md").exists(), reason="not a checkout: no documents here"
)


def section(title: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    return text.split(f"\n## {title}\n")[1].split("\n## ")[0]


def defines(path: Path, name: str) -> bool:
    text = path.read_text("utf-8") if path.is_file() else ""
    return re.search(rf"^(def|class) {name}\b", text, re.MULTILINE) is not None


def test_ten_questions_lead_to_the_code_that_answers_them():
    rows = re.findall(r"^\| (.+\?) \| `(.+)` \| `(.+)` \|$", section("Where things are"), re.M)
    assert len(rows) >= 10
    moved = []
    for question, path, name in rows:
        if not defines(ROOT / path, name):
            now = [str(p.relative_to(ROOT)) for p in ROOT.glob("src/**/*.py") if defines(p, name)]
            moved.append(f"{question} `{name}` is not in {path} but in {now or 'no file'}")
    assert not moved, "\n".join(moved)


def test_named_files_and_folders_exist():
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = set(re.findall(r"`((?:src|tests|docs|tools)/[\w/.]+)`", text))
    # ANNOTATION and NAME stand for a newcomer's own.
    paths = {path for path in named if not re.search("ANNOTATION|NAME", path)}
    assert len(paths) > 15
    assert not {path for path in paths if not (ROOT / path).exists()}


def test_the_layers_are_folders_of_the_package():
    folders = set(
        re.findall(r"`(\w+)`", section("The layers").split("| --- | --- |")[1].split("\n\n")[0])
    )
    assert len(folders) > 10
    assert not {name for name in folders if not (ROOT / "src" / "clipmill" / name).is_dir()}
