"""What people said goes into the row of every piece, and from there into indices."""

import json
from dataclasses import replace

import pytest
from export_samples import Disc, disc_sample
from moving_camera import camera_row

from clipmill.disk import create
from clipmill.export.content.facts.run_facts import RunFacts
from clipmill.export.content.profile import FrameProfile
from clipmill.export.content.reviews import dropped_notices, review_section
from clipmill.export.formats.re10k import Re10k
from clipmill.export.job.worker import Task, make
from clipmill.review import judge_clip
from clipmill.review.state import ReviewState
from clipmill.samples.schema import SampleReview

DISC = Disc(width=64, height=48, num_frames=12)
REVIEW = SampleReview(
    verdict="keep",
    star=False,
    tags=("a, b",),
    notes=2,
    who=("Ann",),
    when="2026-11-28T08:00:00.000000Z",
)
CLIP = "00112233445566aa-000000-000100"


@pytest.mark.parametrize("review", [REVIEW, None])
def test_poses_have_it_in_their_index(tmp_path, review):
    row, facts = disc_sample(DISC, tmp_path / "disc.mp4")
    task = Task(
        replace(row, review=review),
        replace(facts, camera=camera_row(DISC.num_frames)),
        "token",
        tmp_path / "scratch",
    )
    format_ = Re10k(Re10k.Options())
    (piece,) = make(task, format_=format_, profile=FrameProfile()).pieces
    format_.write_indices(
        lambda: iter([piece.row]), lambda name: create(tmp_path / name, "w", within=tmp_path)
    )
    (found,) = json.loads((tmp_path / "re10k.json").read_text())
    assert found.get("review") == (
        None
        if review is None
        else {
            "verdict": "keep",
            "star": False,
            "tags": ["a, b"],
            "notes": 2,
            "who": ["Ann"],
            "when": "2026-11-28T08:00:00.000000Z",
        }
    )
    assert ("review" in found) is (review is not None)


def test_conventions_say_nothing_without_judgements():
    assert review_section(0, "there") == ""
    assert "People said something of 3 samples. there\n" in review_section(3, "there")


def test_only_samples_that_are_exported_are_told_as_dropped():
    rows = [replace_when(judge_clip(CLIP, "drop", who="Ann"))]
    facts = RunFacts(review=ReviewState(rows))
    (notice,) = dropped_notices(facts, [f"{CLIP}-a00000", f"{CLIP}-a00040"])
    assert notice.startswith("people dropped 1 of the clips")
    assert list(dropped_notices(facts, [f"ff{CLIP[2:]}-a00000"])) == []


def replace_when(row):
    """Return a judgement as if it was given at some time."""
    return row.model_copy(update={"when": "2026-11-28T08:00:00.000000Z"})
