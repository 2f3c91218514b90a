"""Quantile rules against a plain transcription of the published percentile filter."""

import math
import random

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clipmill.selection import QuantileRule, RangeRule, select

PUBLISHED = {
    "text_area": ((0.9, 1.0),),
    "quality": ((0.0, 0.1),),
    "aesthetic": ((0.0, 0.05),),
    "complexity": ((0.0, 0.03), (0.99, 1.0)),
    "clarity": ((0.0, 0.075),),
    "rotation": ((0.6, 1.0),),
    "focal": ((0.85, 1.0),),
}


def transcription(scores, ranges):
    """Keys to delete: sort ascending, take positions int(lo * n) up to int(hi * n)."""
    ordered = sorted(scores, key=lambda name: (scores[name], name))
    n = len(ordered)
    return {name for lo, hi in ranges for name in ordered[int(lo * n) : int(hi * n)]}


def run(scores, ranges, **options):
    names = list(scores)
    population = pa.table(
        {"key": pa.array(names, pa.string()), "s": pa.array(list(scores.values()), pa.float64())}
    )
    rule = QuantileRule(column="s", drop=ranges)
    return select(population, [rule], key="key", **options)


def dropped(result):
    return {row["key"]: row for row in result.verdicts.to_pylist() if row["state"] == "dropped"}


@pytest.mark.parametrize("ranges", PUBLISHED.values(), ids=PUBLISHED)
@pytest.mark.parametrize("count", [1, 2, 9, 10, 33, 100, 1001])
def test_distinct_scores_give_the_published_result(ranges, count):
    values = random.Random(count).sample(range(10 * count), count)
    scores = {f"clip{n:05d}": value / 7 for n, value in enumerate(values)}
    assert set(dropped(run(scores, ranges))) == transcription(scores, ranges)


SHARES = st.tuples(st.integers(0, 100), st.integers(0, 100)).filter(lambda s: s[0] < s[1])
RANGES = st.lists(SHARES.map(lambda s: (s[0] / 100, s[1] / 100)), min_size=1, max_size=3)


@settings(max_examples=200)
@given(st.sets(st.floats(-1e9, 1e9), max_size=40), RANGES.map(tuple))
def test_any_distinct_scores_and_shares_give_the_published_result(values, ranges):
    values = sorted({value + 0.0 for value in values}, key=math.sin)
    scores = {f"clip{n:05d}": value for n, value in enumerate(values)}
    assert set(dropped(run(scores, ranges))) == transcription(scores, ranges)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 5), max_size=40), RANGES.map(tuple))
def test_equal_scores_share_their_fate(values, ranges):
    scores = {f"clip{n:05d}": float(value) for n, value in enumerate(values)}
    rows = dropped(run(scores, ranges))
    ordered = sorted(scores, key=lambda name: (scores[name], name))
    assert {name: row["rank"] for name, row in rows.items()} == {
        name: ordered.index(name) + 1 for name in rows
    }
    gone = set(rows)
    published = transcription(scores, ranges)
    for value in set(values):
        tied = {name for name, score in scores.items() if score == value}
        # all go exactly when the published rule takes all of them, whatever their names
        assert tied & gone == (tied if tied <= published else set())


@pytest.mark.parametrize("ranges", PUBLISHED.values(), ids=PUBLISHED)
def test_constant_scores_drop_nothing(ranges):
    result = run({f"clip{n}": 0.5 for n in range(100)}, ranges)
    assert not dropped(result)
    assert {cut.drops for cut in result.cuts} == {"nothing"}


def test_ties_across_neighbouring_shares_go_together():
    scores = {"a": 1.0, "b": 1.0, "c": 1.0, "d": 1.0}
    assert len(dropped(run(scores, ((0.0, 0.5), (0.5, 1.0))))) == 4
    assert not dropped(run(scores, ((0.0, 0.5), (0.75, 1.0))))


def test_minus_zero_equals_zero():
    assert not dropped(run({"a": -0.0, "b": 0.0}, ((0.0, 0.5),)))


def test_a_verdict_can_be_checked_by_its_own_numbers():
    values = random.Random(0).sample(range(1000), 200)
    scores = {f"clip{n:03d}": float(value) for n, value in enumerate(values)}
    result = run(scores, ((0.0, 0.1), (0.95, 1.0)))
    ordered = sorted(scores, key=scores.__getitem__)
    rows = dropped(result)
    assert len(rows) == 30
    for name, row in rows.items():
        assert row["value"] == scores[name]
        assert ordered[row["rank"] - 1] == name
        assert row["population"] == 200
        if row["rule"] == "s in bottom 10 %":
            assert row["value"] <= row["threshold"]
        else:
            assert row["rule"] == "s in top 5 %"
            assert row["value"] >= row["threshold"]
    low, high = result.cuts
    kept = [scores[name] for name in scores if name not in rows]
    assert low.high < min(kept)
    assert max(kept) < high.low
    assert low.high in scores.values()
    assert (low.dropped, high.dropped) == (20, 10)


def test_the_threshold_is_the_first_dropped_value_behind_a_kept_tie():
    values = [1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0, 4.0, 5.0, 6.0]
    result = run({f"k{n}": value for n, value in enumerate(values)}, ((0.5, 1.0),))
    rows = dropped(result)
    assert set(rows) == {"k7", "k8", "k9"}
    assert {row["threshold"] for row in rows.values()} == {4.0}
    assert [row["rank"] for row in rows.values()] == [8, 9, 10]


def test_one_clip_alone():
    assert set(dropped(run({"a": 1.0}, ((0.9, 1.0),)))) == {"a"}  # as published
    assert not dropped(run({"a": 1.0}, ((0.9, 1.0),), min_population=2))
    assert not dropped(run({"a": 1.0}, ((0.0, 0.1),)))


@pytest.mark.parametrize(
    ("share", "text"),
    [
        ((0.9, 1.0), "s in top 10 %"),
        ((0.0, 0.075), "s in bottom 7.5 %"),
        ((0.42, 1.0), "s in top 58 %"),
        ((0.29, 0.57), "s in 29 % to 57 %"),
        ((0.0, 1.0), "s in top 100 %"),
    ],
)
def test_shares_read_well(share, text):
    (cut,) = run({"a": 1.0}, (share,)).cuts
    assert cut.rule == text


@given(st.lists(st.none() | st.integers(0, 6) | st.just(math.nan), max_size=40), RANGES.map(tuple))
def test_a_known_order_gives_the_same(values, ranges):
    keys = pa.array(range(len(values)), pa.int64())
    population = pa.table({"key": keys, "s": pa.array(values, pa.float64())})
    rules = [RangeRule(column="s", min=1), QuantileRule(column="s", drop=ranges)]
    numbers = [n for n, v in enumerate(values) if v is not None and math.isfinite(v)]
    order = np.array(sorted(numbers, key=lambda n: values[n]), np.int64)
    plain = select(population, rules, key="key")
    known = select(population, rules, key="key", ascending={"s": order})
    assert str(known.verdicts.to_pylist()) == str(plain.verdicts.to_pylist())  # NaN is NaN
    assert known.cuts == plain.cuts
