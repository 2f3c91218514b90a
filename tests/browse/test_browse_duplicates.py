"""The page of near-duplicates says what went for what, and escapes names of files."""

import shutil
from pathlib import Path

import pytest
from browser_asks import text_of
from copied_clips import copied, original
from pipelines import pipeline_on, run

TEXT = """
name: dedup
steps:
  - annotate: probe
  - annotate: hashes
  - select: dedup
    keep_best_by: probe.height
"""


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("copies")
    first = original(folder / "videos" / "pattern.mp4", "pattern", seconds=2)
    copied(first, folder / "videos" / "<b>small.mp4", "scaled")
    shutil.copy(first, folder / "videos" / "the same.mp4")
    run(pipeline_on(folder / "videos", TEXT), folder / "ws")
    return folder / "ws"


def test_a_group_shows_what_is_kept_and_why(copies, serving):
    with serving(str(copies)) as site:
        text = text_of(site, "/duplicates")
        assert "1 group, 1\nclip dropped" in text
        assert "highest probe.height, then resolution, then length" in text
        assert text.index("probe.height 180<") < text.index("probe.height 90<")
        assert text.count("/thumb/") == 2
        assert "&lt;b&gt;small.mp4" in text and "<b>small" not in text
        assert "same content as pattern.mp4" in text
        assert text_of(site, "/duplicates?page=7&x=1") == text_of(site, "/duplicates")
        assert text_of(site, "/duplicates?page=<script>") == text


def test_a_run_without_the_step_says_how_to_ask_for_it(site):
    text = text_of(site, "/duplicates")
    assert "- annotate: hashes" in text and "- select: dedup" in text
