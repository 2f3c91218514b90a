"""The page of near-duplicates says what went for what, and escapes names of files."""

import http.client
import shutil
from pathlib import Path

import pytest
from copied_clips import copied, original
from pipelines import pipeline_on, run

from clipmill.browse.site import Site

TEXT = """
name: dedup
steps:
  - annotate: probe
  - annotate: hashes
  - select: dedup
    keep_best_by: probe.height
"""


def page_of(site: Site, path: str) -> str:
    """Return the text of a page, asked for with the token's cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=60)
    connection.request("GET", path, headers={"Cookie": f"clipmill-{site.port}={site.token}"})
    answer = connection.getresponse()
    text = answer.read().decode()
    assert answer.status == 200, text
    return text


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
        text = page_of(site, "/duplicates")
        assert "1 group, 1\nclip dropped" in text
        assert "highest probe.height, then resolution, then length" in text
        assert text.index("probe.height 180<") < text.index("probe.height 90<")
        assert text.count("/thumb/") == 2
        assert "&lt;b&gt;small.mp4" in text and "<b>small" not in text
        assert "same content as pattern.mp4" in text
        assert page_of(site, "/duplicates?page=7&x=1") == page_of(site, "/duplicates")
        assert page_of(site, "/duplicates?page=<script>") == text


def test_a_run_without_the_step_says_how_to_ask_for_it(site):
    text = page_of(site, "/duplicates")
    assert "- annotate: hashes" in text and "- select: dedup" in text
