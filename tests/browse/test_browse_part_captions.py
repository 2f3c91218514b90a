"""Captions of parts of videos are found, however early a clip was dropped."""

from pathlib import Path
from urllib.parse import parse_qsl

import pyarrow as pa
import pytest
from pipelines import pipeline_on, run

from clipmill.browse.catalogue import Catalogue, Query
from clipmill.browse.catalogue.captions import captions_of
from clipmill.browse.site import Site
from clipmill.pipeline.recorded.last_run import require_last_run
from clipmill.results.stored import StoredSamples
from media import make_clip

PIPELINE = """
name: dropped early
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.width, min: 1000, reason: resolution}
"""
ROWS = (
    ("a.mp4", 0, 20, "A heron lands"),
    ("a.mp4", 20, 40, "A heron leaves"),
    ("b.mp4", 0, 10, "A tram stops"),
    ("b.mp4", 90, 95, "beyond the end"),
    ("b.mp4", 10, 30, "A tram departs"),
    ("c.mp4", 0, 30, "A whole lighthouse"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("parts")
    for number, name in enumerate(("a.mp4", "b.mp4", "c.mp4")):
        make_clip(folder / name, size=(64, 48), frames=40 - 10 * (number > 0), gop=9 + number)
    lines = [",".join(map(str, row)) for row in ROWS]
    text = "\n".join(("video,start_frame,end_frame,caption", *lines))
    (folder / "times.csv").write_text(text + "\n")
    run(pipeline_on(folder / "times.csv", PIPELINE), folder / "ws")
    return folder


@pytest.fixture(scope="module")
def catalogue(folder) -> Catalogue:
    return Site(str(folder / "ws"), 1).catalogue


def found(catalogue: Catalogue, text: str) -> set[tuple[str, int, int]]:
    page = catalogue.query(Query.parse(parse_qsl(text)))
    return {(clip.path, clip.start, clip.end) for clip in page.clips}


@pytest.mark.parametrize(
    ("text", "clips"),
    [
        ("caption=heron", {("a.mp4", 0, 20), ("a.mp4", 20, 40)}),
        ("q=LEAVES", {("a.mp4", 20, 40)}),
        ("caption=tram stops", {("b.mp4", 0, 10)}),
        ("caption=departs", {("b.mp4", 10, 30)}),
        ("caption=beyond", set()),
        ("caption=lighthouse", {("c.mp4", 0, 30)}),
    ],
)
def test_each_part_is_found_by_its_own_words(catalogue, text, clips):
    assert found(catalogue, text) == clips


def test_each_part_shows_its_own_words(catalogue):
    page = catalogue.query(Query.parse([("size", "100")]))
    clips = [clip for clip in page.clips if clip.clip_id]  # a part of b.mp4 holds no frame
    shown = {(clip.path, clip.start): clip.caption for clip in clips}
    assert shown == {(path, start): text for path, start, _, text in ROWS if start < 90}
    assert {clip.state for clip in page.clips} == {"dropped"}


def test_every_caption_row_of_a_clip_is_searched(workspace):
    """Also that of an anchor which no sample has, and what came with the data set."""
    context, listing = require_last_run(workspace)
    rows = context.stages["caption"].table.exploded("captions", ["text"]).to_pylist()
    key = rows[0]["key"]
    ids = pa.array([key])

    class Samples(StoredSamples):
        def table(self, columns: list[str]) -> pa.Table:
            return pa.table({"clip_id": [key], "caption": ["As a person has it"]})

    texts = captions_of(
        context,
        listing,
        Samples(context.workspace, []),
        video_ids=pa.array([key[:16]]),
        lineage=[ids],
        parents=pa.table(
            {"clip_id": pa.array([], pa.string()), "parent": pa.array([], pa.string())}
        ),
    )
    assert texts.shown.to_pylist() == ["As a person has it"]
    lines = texts.searched[0].as_py().split("\n")
    assert lines[0] == "As a person has it"
    assert {row["text"] for row in rows if row["key"] == key} <= set(lines)
