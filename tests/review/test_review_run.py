"""What judgements do to a pipeline: real runs over a workspace whose rows are there."""

import shutil
from collections import Counter
from pathlib import Path

import pytest

from clipmill.clips import Clip
from clipmill.errors import UsageError
from clipmill.pipeline.recorded.look import LastRun
from clipmill.pipeline.recorded.remembered import judged_since, recall
from clipmill.pipeline.recorded.repair import find_all_damage, repair
from clipmill.review import ReviewStore, judge_clip, judge_object
from clipmill.samples.schema import SampleRow
from clipmill.samples.table import read_samples
from clipmill.store.workspace import Workspace


def samples(workspace: Workspace) -> dict[str, list[SampleRow]]:
    """Samples by clip."""
    found: dict[str, list[SampleRow]] = {}
    for row in read_samples(workspace):
        found.setdefault(row.clip_id, []).append(row)
    return found


def report(summary, title: str):
    return next(report for report in summary.reports if report.title == title)


def verdict(summary, title: str, key: str) -> dict[str, object]:
    rows = report(summary, title).verdicts.to_pylist()
    return next(row for row in rows if row["key"] == key)


def test_judgements_reach_samples_and_no_model_runs(judged, rerun):
    first = rerun()
    assert sum(first.computed.values()) == 0
    before = samples(judged)
    dropped, starred = list(before)
    captioned = starred
    store = ReviewStore.open(judged)
    store.add(judge_clip(dropped, "drop", "shaky", who="Ann"))
    store.add(judge_clip(captioned, "caption", "A flower drifts.", who="Ann"))
    store.add(judge_clip(starred, "star", who="Bob"))
    store.add(judge_clip(starred, "tag", "night", who="Bob"))
    assert judged_since(judged)
    assert recall(judged) is None

    second = rerun()
    assert sum(second.computed.values()) == 0
    after = samples(judged)
    assert set(before) - set(after) == {dropped}
    assert {(r.caption, r.caption_origin) for r in after[captioned]} == {
        ("A flower drifts.", "review")
    }
    said = after[starred][0].review
    assert (said.star, said.tags, said.who) == (True, ("night",), ("Ann", "Bob"))
    row = verdict(second, "review", dropped)
    assert row["state"] == "dropped"
    assert row["rule"].startswith("dropped by Ann, 20") and row["rule"].endswith(" UTC (shaky)")

    # Without new judgements a run is idle, and its samples are the files that were there.
    assert not judged_since(judged)
    stamps = judged.stamps("samples/training")
    rerun()
    assert judged.stamps("samples/training") == stamps
    # Judgements outlive another threshold and files that moved.
    store.undo(next(iter(store.state().rows)), who="Ann")
    rerun()
    assert set(samples(judged)) == set(before)


def test_other_thresholds_and_moved_videos_lose_nothing(judged, rerun, finished, tmp_path):
    rerun()
    clip, other = list(samples(judged))[:2]
    store = ReviewStore.open(judged)
    store.add(judge_clip(clip, "drop", who="Ann"))
    store.add(judge_clip(other, "caption", "Two words.", who="Bob"))
    moved = tmp_path / "elsewhere"
    shutil.copytree(finished / "videos", moved / "deeper")
    summary = rerun(("max: 0.5", "max: 0.6"), videos=moved)
    assert sum(summary.computed.values()) <= len(list(moved.rglob("*.mp4")))  # probed again only
    assert {name for name, count in summary.computed.items() if count} <= {"probe"}
    found = samples(judged)
    assert clip not in found
    assert found[other][0].caption == "Two words."
    assert "elsewhere" in found[other][0].uri


def test_keep_overrules_the_selections_that_the_step_names(judged, rerun):
    summary = rerun()
    out = report(summary, "basic selection").verdicts.to_pylist()
    (short,) = (row for row in out if row["rule"] == "too_few_frames")
    key = short["key"]
    ReviewStore.open(judged).add(judge_clip(key, "keep", "fine", who="Ann"))
    assert verdict(rerun(), "basic selection", key)["state"] == "dropped"
    again = rerun(options="overrides: [basic]")
    row = verdict(again, "basic selection", key)
    assert (row["state"], row["value"]) == ("kept", 90)
    assert row["rule"].startswith("kept by Ann")
    assert row["rule"].endswith("(fine), overruling: too_few_frames")
    # It goes on to the annotations that it never reached.
    assert again.computed["objects"] == 1
    assert key in samples(judged)


def test_conflicts_are_dropped_kept_or_refused_as_the_step_says(judged, rerun):
    rerun()
    clip = next(iter(samples(judged)))
    store = ReviewStore.open(judged)
    store.add(judge_clip(clip, "keep", who="Ann"))
    store.add(judge_clip(clip, "drop", who="Bob"))
    row = verdict(rerun(), "review", clip)
    assert row["state"] == "dropped"
    assert "people disagree: kept by Ann" in row["rule"] and "dropped by Bob" in row["rule"]
    assert verdict(rerun(options="on_conflict: keep"), "review", clip)["state"] == "kept"
    with pytest.raises(UsageError, match=rf"disagree about 1 clips, the first {clip}: kept by Ann"):
        rerun(options="on_conflict: error")


def test_only_what_people_kept_and_starred(judged, rerun):
    rerun()
    kept, starred = list(samples(judged))[:2]
    store = ReviewStore.open(judged)
    store.add(judge_clip(kept, "keep", who="Ann"))
    store.add(judge_clip(starred, "star", who="Ann"))
    assert set(samples_after(judged, rerun, "need: keep")) == {kept}
    assert set(samples_after(judged, rerun, "only_starred: true")) == {starred}


def samples_after(workspace: Workspace, rerun, options: str) -> dict[str, list[SampleRow]]:
    rerun(options=options)
    return samples(workspace)


def test_a_dropped_object_leaves_its_sample_and_the_last_one_its_clip(judged, rerun):
    rerun()
    found = samples(judged)
    clip, rows = next((c, r) for c, r in found.items() if r[0].num_objects == 2)
    first, second = rows[0].objects
    assert len(rows) == 2  # and the same two at another anchor
    store = ReviewStore.open(judged)
    # The id is of another numbering: the box counts.
    store.add(judge_object(f"{first.object_id[:-2]}77", "wrong", who="Ann", box=first.box))
    summary = rerun()
    assert [o.object_id for o in samples(judged)[clip][0].objects] == [second.object_id]
    row = verdict(summary, "review", first.object_id)
    assert (row["level"], row["state"]) == ("object", "dropped")
    assert row["rule"].endswith("(wrong)")
    for other in (second, *rows[1].objects):
        store.add(judge_object(other.object_id, who="Ann"))
    summary = rerun()
    assert clip not in samples(judged)
    assert verdict(summary, "review", clip)["rule"].startswith("no object left: dropped by Ann")


def test_an_object_is_known_by_its_tracks_where_the_clip_is_cut_otherwise(judged, rerun):
    windows = "  - split: windows\n    max_frames: 45\n    min_frames: 42\n"
    rerun(("  - annotate: objects\n", f"{windows}  - annotate: objects\n"))
    found = samples(judged)
    window = next(name for name in found if name.endswith("-000045-000090"))
    gone, stays = found[window][0].objects
    ReviewStore.open(judged).add(judge_object(gone.object_id, who="Ann", box=gone.box))
    rerun()
    # The whole clip has its anchors at frames 0 and 40, none at 45.
    (whole,) = (rows for name, rows in samples(judged).items() if name[:16] == window[:16])
    assert [row.anchor for row in whole] == [0, 40]
    assert [o.class_name for row in whole for o in row.objects] == [stays.class_name] * 2


def test_a_damaged_file_of_judgements_is_found_and_its_good_lines_kept(judged):
    store = ReviewStore.open(judged)
    clip = "00112233445566aa-000000-000100"
    for tag in ("one", "two"):
        store.add(judge_clip(clip, "tag", tag, who="Ann"))
    (path,) = Path(judged.root, "review").iterdir()
    path.write_bytes(path.read_bytes()[:-30])
    (damage,) = find_all_damage(judged)
    assert damage.path == f"review/{path.name}"
    done = repair(judged, damage)
    assert "the 1 judgements that can be read" in done.then
    assert find_all_damage(judged) == []
    assert ReviewStore.open(judged).state().of_clip(Clip.parse(clip)).tags == ("one",)


def test_a_look_at_the_run_sees_new_judgements(judged, rerun):
    rerun()
    clip = next(iter(samples(judged)))
    ReviewStore.open(judged).add(judge_clip(clip, "drop", who="Ann"))
    seen = next(r for r in LastRun(judged.root).reports if r.title == "review")
    assert Counter(row["state"] for row in seen.verdicts.to_pylist())["dropped"] == 1
