"""What the machine could not do is tried again unasked; a fault of the clip stays a verdict."""

import shutil
import subprocess
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pipelines import look, pipeline_on, run, states
from small_disks import _mount

from clipmill.engine.local import LocalEngine
from clipmill.errors import UsageError
from clipmill.failures import EVERY_KIND
from clipmill.pipeline import run_pipeline
from clipmill.pipeline.inputs.videos import VideoList
from clipmill.pipeline.run import Observer
from clipmill.pipeline.steps.same_failure import StageStopped
from clipmill.store.workspace import Workspace
from media import make_clip

PIPELINE = """
name: failures
steps:
  - annotate: probe
  - annotate: quality
    backend: failing_backends:Failing
    config: {bad_day: BAD, read: READ, log: LOG}
"""


class Place:
    """Videos by name, a switch for the machine's bad day, and runs over them."""

    def __init__(self, root: Path, *names: str, read: bool = False) -> None:
        self.root, self.videos, self.bad_day = root, root / "videos", root / "bad"
        for number, name in enumerate(names):
            extra = ("-metadata", f"comment={name}")
            made = {"size": (32, 32), "frames": 3 + number % 3, "extra": extra}
            make_clip(self.videos / f"{name}.mp4", **made)
        self.bad_day.touch()
        self.log = root / "log"
        text = PIPELINE.replace("BAD", str(self.bad_day)).replace("LOG", str(self.log))
        self.pipeline = pipeline_on(self.videos, text.replace("READ", str(read).lower()))

    def run(self, **options):
        return run(self.pipeline, self.root / "ws", **options)

    def run_apart(self, workers: int = 1):
        engine = LocalEngine(workers)
        try:
            opened = Workspace.open(self.root / "ws", create=True)
            return run_pipeline(self.pipeline, opened, engine=engine)
        finally:
            engine.close()

    def kinds(self) -> dict[str, str]:
        """Kind of every clip's failure as `quality` has it; empty where it is fine."""
        listing = VideoList.load(Workspace.open(self.root / "ws"))
        found = states([look(self.pipeline, self.root / "ws")["quality"]], listing)
        return {Path(n).stem: rule.partition(":")[0] for n, (_, rule) in found.items()}

    def rows(self) -> list[dict]:
        files = (self.root / "ws").glob("annotations/quality/*/part-*.parquet")
        return [row for file in files for row in pq.read_table(file).to_pylist()]


def test_a_bad_day_is_over_with_the_next_run(tmp_path):
    place = Place(tmp_path, "a", "memory-1", "gpu-1", "eio-1", "full-1", "poison", "b")
    first = place.run()
    assert first.postponed_kinds == {"memory": 2, "disk": 2}
    assert first.failed_kinds == {"model": 1}
    quality = first.reports[-1]
    assert (quality.entering, quality.leaving, quality.failed, quality.postponed) == (7, 2, 1, 4)
    # Looking tells the same, and goes on past what was postponed.
    seen = look(place.pipeline, tmp_path / "ws")["quality"]
    assert (seen.postponed, seen.pending) == (4, 0)
    assert seen.verdicts.equals(quality.verdicts)
    again = place.run()
    assert again.computed == {"probe": 0, "quality": 4} and again.postponed == 4
    place.bad_day.unlink()
    last = place.run()
    assert last.computed == {"probe": 0, "quality": 4}
    assert (last.postponed, last.failed) == (0, 1)
    assert len(place.rows()) == 7


def test_failures_of_clips_are_computed_again_by_kind(tmp_path):
    place = Place(tmp_path, "a", "poison", "b")
    (place.videos / "broken.mp4").write_text("no video")
    assert place.run().failed_kinds == {"decode": 1, "model": 1}
    assert place.run().computed == {"probe": 0, "quality": 0}
    assert place.run(retry_failed={"decode"}).computed == {"probe": 1, "quality": 0}
    assert place.run(retry_failed={"model"}).computed == {"probe": 0, "quality": 1}
    assert place.run(retry_failed=EVERY_KIND).computed == {"probe": 1, "quality": 1}
    with pytest.raises(ValueError, match=r"modell; there are: all, decode, model, timeout"):
        place.run(retry_failed={"modell"})


def test_a_clip_that_kills_its_worker_is_failed_after_three_runs(tmp_path):
    place = Place(tmp_path, "a", "killed-1", "b")
    for kind in ("killed", "killed", "crash", "crash"):
        place.run_apart()
        assert place.kinds() == {"a": "", "b": "", "killed-1": kind}
    texts = [row["error"] for row in place.rows() if row["status"] == "failed"]
    assert len(texts) == 1 and "in 3 runs: taken for the clip's fault" in texts[0]
    begun = [line for line in place.log.read_text().splitlines() if line.startswith("killed-1")]
    assert len(begun) == 6  # twice a run, and not at all in the last


def test_a_stage_whose_first_clips_fail_alike_stops(tmp_path):
    place = Place(tmp_path, *(f"memory-{number}" for number in range(12)))
    with pytest.raises(StageStopped, match=r"quality: 8 clips .*memory: .*--workers 1"):
        place.run()
    assert place.rows() == []
    assert look(place.pipeline, tmp_path / "ws")["quality"].pending == 12
    place.bad_day.unlink()
    assert place.run().reports[-1].leaving == 12


def test_a_wrong_model_fails_no_data_set(tmp_path):
    place = Place(tmp_path, *(f"poison-{number}" for number in range(9)), "z")
    # One good clip among the first, which stand for all: the others are at fault.
    assert place.run().failed_kinds == {"model": 9}
    shutil.rmtree(tmp_path / "ws")
    (place.videos / "z.mp4").unlink()
    with pytest.raises(StageStopped, match=r"model: RuntimeError: the model does not like"):
        place.run()
    assert place.rows() == []
    assert place.run(keep_going=True).failed_kinds == {"model": 9}


def test_a_folder_of_damaged_files_at_the_front_stops_nothing(tmp_path):
    place = Place(tmp_path, *(f"v{number:02d}" for number in range(12)))
    for number in range(12):
        (place.videos / f"._{number:02d}.mp4").write_text("Mac OS X")
        (place.videos / f"a{number:02d}.mp4").write_text("cut off")
    summary = place.run()
    assert summary.reports[1].leaving == 12
    # Once a stage has worked, failures alone are no sign of a wrong setting.
    assert place.run(retry_failed=EVERY_KIND).reports[1].leaving == 12


def test_what_the_machine_left_nothing_of_replaces_no_samples(tmp_path):
    place = Place(tmp_path, "memory-1", "memory-2")
    with pytest.raises(StageStopped, match=r"quality: no clips are left.*memory 2"):
        place.run()
    assert place.kinds() == {"memory-1": "memory", "memory-2": "memory"}
    place.bad_day.unlink()
    assert place.run().reports[-1].leaving == 2


class Unmount(Observer):
    """Takes the videos away between two stages."""

    def __init__(self, take_away) -> None:
        self.take_away = take_away

    def step_done(self, report):
        if report.title == "probe":
            self.take_away()


@pytest.mark.parametrize("how", ["renamed", "unmounted"])
def test_a_disk_that_goes_away_is_no_verdict_on_its_videos(tmp_path, how):
    place = Place(tmp_path, "a", "b", "c", read=True)
    away = tmp_path / "away"
    place.videos.rename(away)
    if how == "renamed":
        away.rename(place.videos)
        observer = Unmount(lambda: place.videos.rename(away))
    else:
        place.videos.mkdir()
        _mount("--bind", away, place.videos)
        observer = Unmount(lambda: subprocess.run(["umount", place.videos], check=True))
    with pytest.raises(StageStopped, match=r"no clips are left.*mount 3"):
        place.run(observer=observer)
    assert set(place.kinds().values()) == {"mount"}
    if how == "renamed":
        away.rename(place.videos)
    else:
        # An empty mount point: refused before anything is said of the videos.
        with pytest.raises(UsageError, match="no video found"):
            place.run()
        _mount("--bind", away, place.videos)
    try:
        last = place.run()
        assert (last.computed, last.postponed) == ({"probe": 0, "quality": 3}, 0)
    finally:
        if how == "unmounted":
            subprocess.run(["umount", place.videos], check=True)


SLOW = "took longer than its limit of 600 s"
KILLED = "the worker process was killed by "


@pytest.mark.parametrize(
    ("kind", "error", "now"),
    [
        ("model", "MemoryError: Unable to allocate 2 GiB (a.py:3)", "memory"),
        ("model", "OutOfMemoryError: CUDA out of memory. Tried ... (a.py:3)", "memory"),
        ("model", "RuntimeError: CUDA error: out of memory (a.py:3)", "memory"),
        ("model", "OSError: [Errno 5] Input/output error (a.py:3)", "disk"),
        ("model", "the caption server http://h cannot be reached (refused); start it", "server"),
        ("model", "ValueError: a caption on people out of memory (a.py:3)", "model"),
        ("model", "RuntimeError: shapes differ (a.py:3)", "model"),
        ("timeout", f"{SLOW}; raise `time_limit` of the step", "stalled"),
        ("timeout", f"{SLOW} and was stopped", "stalled"),
        ("crash", f"{KILLED}SIGKILL; was the machine out of memory?", "killed"),
        ("crash", f"{KILLED}SIGSEGV", "crash"),
        ("decode", "'v.mp4' cannot be read as a video: Cannot allocate memory; it is", "memory"),
        ("decode", "'v.mp4' cannot be read as a video: Invalid data found; it is", "decode"),
        ("missing", "'v.mp4' cannot be read: [Errno 116] Stale file handle", "mount"),
    ],
)  # fmt: skip
def test_rows_of_an_earlier_clipmill_are_told_apart(tmp_path, kind, error, now):
    """They blamed the clip for everything: kinds are read from what they say."""
    place = Place(tmp_path, "a", "poison")
    place.run()
    (part,) = (tmp_path / "ws").glob("annotations/quality/*/part-*.parquet")
    rows = pq.read_table(part)
    failed = rows["status"].to_pylist().index("failed")
    for column, text in (("error_kind", kind), ("error", error)):
        cells = rows[column].to_pylist()
        cells[failed] = text
        at = rows.schema.get_field_index(column)
        rows = rows.set_column(at, rows.schema.field(at), pa.array(cells, pa.string()))
    pq.write_table(rows, part)
    assert place.kinds()["poison"] == now
    retried = place.run().computed["quality"]
    assert retried == (now not in {"model", "decode", "crash"})
