"""What the documents show works: the example backend runs, links lead somewhere."""

import re
import sys
from pathlib import Path

import pytest
from pipelines import pipeline_on, run

import clipmill
from clipmill.annotations.registry import BACKENDS
from media import make_clip

ROOT = Path(clipmill.__file__).parents[2]
pytestmark = pytest.mark.skipif(
    not (ROOT / "docs").exists(), reason="not a checkout: no documents here"
)


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", path.read_text("utf-8"), re.DOTALL)


def test_the_example_backend_finds_a_cut(tmp_path, monkeypatch):
    code = next(b for b in blocks(ROOT / "docs" / "backends.md", "python") if "mybackends" in b)
    (tmp_path / "mybackends.py").write_text(code)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "mybackends", raising=False)
    make_clip(
        tmp_path / "videos" / "v.mp4",
        frames=40,
        filters="lutrgb=r=val/4:g=val/4:b=val/4,negate=enable='gte(n,25)'",
    )
    text = """
name: docs
steps:
  - annotate: probe
  - annotate: shots
    backend: mybackends:FrameDifference
    config: {threshold: 25}
  - split: shots
    min_frames: 5
"""
    summary = run(pipeline_on(tmp_path / "videos", text), tmp_path / "ws")
    (row,) = summary.reports[-1].verdicts.to_pylist()
    assert [part[-13:] for part in row["rule"].split(", ")] == ["000000-000025", "000025-000040"]


def test_links_lead_somewhere():
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text("utf-8")):
            if "://" not in target:
                assert (path.parent / target).exists(), f"{path.name}: {target}"


def test_the_readme_lists_every_backend():
    text = (ROOT / "README.md").read_text("utf-8")
    for annotation, backend in BACKENDS:
        assert f"| {annotation} |" in text
        assert f"`{backend}`" in text


def test_the_reference_page_names_tests_that_exist():
    text = (ROOT / "docs" / "reference.md").read_text("utf-8")
    named = set(re.findall(r"`(test_\w+)`", text))
    sources = "\n".join(p.read_text("utf-8") for p in (ROOT / "tests").rglob("test_*.py"))
    missing = {name for name in named if f"def {name}(" not in sources}
    assert not missing
    faults = {int(number) for number in re.findall(r"\bB(\d+)\b", text)}
    assert faults == set(range(1, 38))
