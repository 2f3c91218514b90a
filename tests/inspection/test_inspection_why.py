"""The story of a clip is true at every moment of a run."""

import os

import pytest
from pipelines import pipeline_on, run

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.inspection.lineage import Lineage
from clipmill.inspection.subjects import find_subjects
from clipmill.inspection.why import outcome, trace
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.recorded.last_run import last_run
from clipmill.pipeline.walk import walk
from clipmill.sources import list_sources
from clipmill.store.workspace import Workspace
from media import make_clip

PIPELINE = """
name: waiting
steps:
  - annotate: probe
  - select: basic
    rules:
      - {column: probe.num_frames, min: 30, reason: too_few_frames}
  - split: windows
    max_frames: 40
    min_frames: 10
  - annotate: quality
    backend: "pipelines:Scores"
  - select: quality
    rules:
      - {column: quality.clarity, min: 0.0, reason: blurred}
"""


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    make_clip(folder / "long.mp4", size=(160, 120), frames=80)
    make_clip(folder / "short.mp4", size=(160, 120), frames=20)
    (folder / "broken.mp4").write_text("no video")
    return folder


@pytest.fixture
def stories(videos, tmp_path):
    """Return a function: the outcome of a name, or of the n-th clip of a video."""

    def outcome_of(name, clip=None):
        context, listing = last_run(Workspace.open(tmp_path / "ws"))
        reports = list(walk(context, listing))
        (subject,) = find_subjects(listing.names(), name)
        if clip is not None:
            target = Clip(subject.video_id, *clip).clip_id
            (subject,) = find_subjects(listing.names(), target)
        lacks = context.stages["quality"].table
        verdicts = list(
            trace(
                subject,
                reports,
                lacks_row=lambda report, keys: {k for k in keys if k not in lacks.read(keys)},
            )
        )
        return outcome(verdicts, [])

    return outcome_of


def test_what_was_dropped_says_so_while_others_are_pending(videos, tmp_path, stories):
    run(pipeline_on(videos, PIPELINE), tmp_path / "ws", until="windows")
    assert stories("short.mp4") == "dropped at basic selection: too_few_frames: 20 (cut 30)"
    assert stories("broken.mp4").startswith("failed at probe: decode")
    assert stories("long.mp4") == "pending at quality: no quality row yet; run again"
    assert stories("long.mp4", (40, 80)).startswith("pending at quality: no quality row yet")


def test_a_clip_with_its_row_waits_for_others(videos, tmp_path, stories):
    run(pipeline_on(videos, PIPELINE), tmp_path / "ws")
    assert stories("long.mp4") == "kept so far"
    table = last_run(Workspace.open(tmp_path / "ws"))[0].stages["quality"].table
    (part,) = [n for n in Workspace.open(tmp_path / "ws").names(table.path) if "part" in n]
    rows = table.read(table.status()["key"].to_pylist())
    Workspace.open(tmp_path / "ws").remove(f"{table.path}/{part}")
    from clipmill.store import Outcome

    first = min(rows)
    table.append([Outcome(first, rows[first])])
    assert stories("long.mp4", (0, 40)) == (
        "pending at quality: it has its quality row; 1 clips have no quality row yet; run again"
    )
    assert stories("long.mp4", (40, 80)) == "pending at quality: no quality row yet; run again"
    assert stories("short.mp4").startswith("dropped at basic selection")


def test_lineage_follows_splits(videos, tmp_path):
    run(pipeline_on(videos, PIPELINE), tmp_path / "ws")
    context, listing = last_run(Workspace.open(tmp_path / "ws"))
    (subject,) = find_subjects(listing.names(), "long.mp4")
    lineage = Lineage.of(subject.video_id, walk(context, listing))
    video = subject.video_id
    assert lineage.still_in == [f"{video}-000000-000040", f"{video}-000040-000080"]
    assert lineage.known == {f"{video}-000000-000080", *lineage.still_in}


def test_near_names_are_suggested(videos):
    listing = VideoList.of(list_sources(pipeline_on(videos).sources))
    with pytest.raises(UsageError, match=r"did you mean long\.mp4"):
        find_subjects(listing.names(), "lnog.mp4")
    with pytest.raises(UsageError, match=r"did you mean long\.mp4"):
        find_subjects(listing.names(), "some/where/LONG.mp4")
    with pytest.raises(UsageError, match="is no video"):
        find_subjects(listing.names(), "something else entirely")


def test_names_that_are_no_utf8_and_other_forms_of_accents_can_be_asked_for(tmp_path):
    os.makedirs(tmp_path / "videos")  # noqa: PTH103
    for raw in (b"caf\xe9.mp4", "Zoe\u0308.mp4".encode()):
        make_clip(tmp_path / "x.mp4", size=(160, 120), frames=5)
        os.rename(tmp_path / "x.mp4", os.fsencode(tmp_path / "videos") + b"/" + raw)  # noqa: PTH104
    listing = VideoList.of(list_sources(pipeline_on(tmp_path / "videos").sources))
    as_typed = os.fsdecode(b"caf\xe9.mp4")
    assert len(find_subjects(listing.names(), as_typed)) == 1
    assert len(find_subjects(listing.names(), "caf\\xe9.mp4")) == 1
    assert len(find_subjects(listing.names(), "Zo\u00eb.mp4")) == 1
    assert len(find_subjects(listing.names(), "Zoe\u0308.mp4")) == 1
