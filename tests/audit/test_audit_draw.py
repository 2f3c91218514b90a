"""What is drawn, and in which order."""

from collections import Counter

import numpy as np
import pytest
from audit_rows import drawn, population

from clipmill.audit.draw import allocate

GROUPS = {
    ("kept", "", "web"): 300,
    ("kept", "", "own"): 20,
    ("dropped", "quality", "web"): 900,
    ("dropped", "motion", "web"): 80,
    ("dropped", "motion", "own"): 3,
}


@pytest.fixture(scope="module")
def clips():
    return population(GROUPS)


@pytest.mark.parametrize("by", ["state", "step", "source", "none"])
def test_every_clip_is_drawn_once_with_its_verdict(clips, by):
    audit = drawn(clips, 200, by)
    assert len(set(audit.blind.clips)) == 200
    assert set(audit.verdicts) == set(audit.blind.clips)
    known = {row["clip_id"]: row for row in clips.to_pylist()}
    for clip_id, verdict in audit.verdicts.items():
        assert verdict.state == known[clip_id]["status"]
        assert verdict.step == (known[clip_id]["step"] or "")
        assert verdict.source == known[clip_id]["source"]
    assert sum(stratum.clips for stratum in audit.strata) == clips.num_rows
    counts = Counter(verdict.stratum for verdict in audit.verdicts.values())
    assert {s.name: s.drawn for s in audit.strata} == {s.name: counts[s.name] for s in audit.strata}


def test_half_is_kept_and_half_dropped(clips):
    for by in ("state", "step", "source"):
        states = Counter(v.state for v in drawn(clips, 200, by).verdicts.values())
        assert states == {"kept": 100, "dropped": 100}


def test_small_strata_are_drawn_too(clips):
    steps = Counter(v.step for v in drawn(clips, 40, "step").verdicts.values())
    assert steps["motion"] >= 2
    names = {s.name: s.drawn for s in drawn(clips, 40, "source").strata}
    assert names["dropped, source own"] == 2


def test_what_one_state_lacks_the_other_gives():
    audit = drawn(population({("kept", "", ""): 10, ("dropped", "q", ""): 500}), 200)
    assert {s.state: s.drawn for s in audit.strata} == {"kept": 10, "dropped": 190}
    every = drawn(population({("kept", "", ""): 10, ("dropped", "q", ""): 5}), 200)
    assert len(every.blind.clips) == 15


def test_the_id_is_the_seed(clips):
    first, second = (drawn(clips, 50, audit_id=name).blind.clips for name in ("a", "b"))
    assert first != second
    assert drawn(clips, 50, audit_id="a").blind.clips == first
    reversed_ = clips.take(list(range(clips.num_rows))[::-1])
    assert drawn(reversed_, 50, audit_id="a").blind.clips == first


def test_every_clip_of_a_stratum_is_as_likely(clips):
    counts = Counter()
    for number in range(400):
        audit = drawn(clips, 100, audit_id=f"a{number}")
        counts.update(clip for clip, v in audit.verdicts.items() if v.state == "kept")
    expected = 400 * 50 / 320
    chi2 = sum((counts[name] - expected) ** 2 / expected for name in _kept(clips))
    assert chi2 < 320 + 4 * np.sqrt(2 * 320)


def _kept(clips):
    return [row["clip_id"] for row in clips.to_pylist() if row["status"] == "kept"]


def test_the_order_gives_no_verdict_away(clips):
    """Places of kept clips are those of a random shuffle, and clips are not sorted in any way."""
    places = []
    for number in range(200):
        audit = drawn(clips, 100, audit_id=f"a{number}")
        kept = [audit.verdicts[clip].state == "kept" for clip in audit.blind.clips]
        places.append(np.flatnonzero(kept).mean())
        assert list(audit.blind.clips) != sorted(audit.blind.clips)
    # The mean of 50 of the places 0..99 without replacement has a deviation of 2.9.
    assert abs(np.mean(places) - 49.5) < 4 * 2.9 / np.sqrt(200)
    assert 2.2 < np.std(places) < 3.6


def test_what_a_judge_gets_has_no_verdict(clips):
    blind = drawn(clips, 200, "step").blind.model_dump_json()
    for word in ("kept", "dropped", "quality", "motion", "rule of", ".mp4"):
        assert word not in blind.replace('"by":"step"', "")


def test_allocation_is_whole():
    assert sum(allocate([1000, 3, 1], 100)) == 100
    assert allocate([1000, 3, 1], 100)[1:] == [2, 1]
    assert allocate([5, 5], 10) == [5, 5]
    assert allocate([50, 50, 50], 2) == [1, 1, 0]
