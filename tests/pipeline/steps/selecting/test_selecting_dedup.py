"""`select: dedup` keeps the best of each group and says which, in whole runs over real copies."""

import pytest
from copied_clips import COPIES, copied, original, still
from pipelines import look, pipeline_on, run

from clipmill.config.load import parse_pipeline
from clipmill.errors import UsageError
from clipmill.inspection.funnel import funnel
from clipmill.pipeline.check import check_pipeline
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.store.workspace import Workspace

TEXT = """
name: dedup
steps:
  - annotate: probe
  - annotate: hashes
  - select: dedup
"""


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    for name in ("pattern", "fractal", "colours", "cells"):
        original(folder / f"{name}.mp4", name)
    for kind in COPIES:
        copied(folder / "fractal.mp4", folder / f"fractal-{kind}.mp4", kind)
    return folder


def verdicts(reports, pipeline_videos):
    """Return state and rule by name of the file."""
    names = {video.video_id: video.relative_path for video in pipeline_videos}
    rows = reports["dedup selection"].verdicts.to_pylist()
    return {names[row["video_id"]]: row for row in rows}


def judged(folder, workspace, text=TEXT):
    pipeline = pipeline_on(folder, text)
    summary = run(pipeline, workspace)
    listing = VideoList.load(Workspace.open(workspace))
    assert listing is not None
    return summary, verdicts({r.title: r for r in summary.reports}, listing.videos)


def test_copies_go_and_name_the_one_that_stays(videos, tmp_path):
    summary, rows = judged(videos, tmp_path)
    report = summary.reports[-1]
    assert report.leaving == 4
    kept = {name for name, row in rows.items() if row["state"] == "kept"}
    copies = {name for name in rows if name.startswith("fractal")}
    assert {"pattern.mp4", "colours.mp4", "cells.mp4"} < kept
    (best,) = kept & copies
    assert rows[best]["rule"] == f"best of its near-duplicates: {len(COPIES)} of them dropped"
    for name in copies - {best}:
        assert rows[name]["rule"].startswith(f"near-duplicate: of {rows[best]['key']}")
        assert rows[name]["value"] is None or rows[name]["value"] <= rows[name]["threshold"]
    assert "mirrored" in rows["fractal-mirrored.mp4"]["rule"] + rows[best]["rule"]
    (reason,) = funnel(summary.reports)[-1].reasons
    assert (reason.text, reason.count) == ("near-duplicate", len(COPIES))


def test_the_best_is_that_of_a_score_and_a_look_says_the_same(videos, tmp_path):
    text = TEXT + "    keep_best_by: probe.height\n"
    _, rows = judged(videos, tmp_path, text)
    assert rows["fractal-letterboxed.mp4"]["state"] == "kept"
    lowest = text.replace("probe.height", "probe.height\n    best: lowest")
    again, rows = judged(videos, tmp_path, lowest)
    assert again.computed == {"probe": 0, "hashes": 0}
    assert rows["fractal-scaled.mp4"]["state"] == "kept"
    looked = look(pipeline_on(videos, lowest), tmp_path)["dedup selection"]
    assert looked.verdicts.to_pylist() == again.reports[-1].verdicts.to_pylist()


def test_windows_of_a_still_scene_do_not_eat_each_other(tmp_path):
    still(tmp_path / "videos" / "still.mp4", seconds=6)
    windows = "  - split: windows\n    max_frames: 50\n    min_frames: 50\n  - annotate: hashes"
    text = TEXT.replace("  - annotate: hashes", windows)
    assert judged(tmp_path / "videos", tmp_path / "ws", text)[0].reports[-1].leaving == 3
    asked = text + "    within_video: true\n"
    assert judged(tmp_path / "videos", tmp_path / "ws", asked)[0].reports[-1].leaving == 1


def test_a_missing_annotation_or_column_is_told_before_the_run(videos):
    with pytest.raises(UsageError, match="needs `annotate: hashes` before it"):
        check_pipeline(pipeline_on(videos, TEXT.replace("  - annotate: hashes\n", "")))
    with pytest.raises(UsageError, match="no earlier step computes 'quality'"):
        check_pipeline(pipeline_on(videos, TEXT + "    keep_best_by: quality.clarity\n"))
    with pytest.raises(UsageError, match="'probe' has no number 'size'"):
        check_pipeline(pipeline_on(videos, TEXT + "    keep_best_by: probe.size\n"))
    with pytest.raises(UsageError, match="must be written annotation"):
        parse_pipeline(TEXT + "    keep_best_by: clarity\n", name="test")
    with pytest.raises(UsageError, match="unknown field 'rules'"):
        parse_pipeline(TEXT + "    rules: []\n", name="test")
