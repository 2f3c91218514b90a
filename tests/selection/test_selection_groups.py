import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clipmill.selection import drop_thin_groups, share_kept


def objects(*rows):
    groups, weights, kept = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {
            "group": pa.array(groups, pa.string()),
            "weight": pa.array(weights, pa.int64()),
            "kept": pa.array(kept, pa.bool_()),
        }
    )


@pytest.mark.parametrize(
    ("kept", "lost", "drops"), [(1, 1, False), (49, 51, True), (0, 3, True), (3, 0, False)]
)
def test_a_group_goes_below_the_share_and_stays_at_it(kept, lost, drops):
    table = objects(("a", kept, True), ("a", lost, False))
    assert drop_thin_groups(table, min_share=0.5).to_pylist() == (["a"] if drops else [])


def test_groups_are_judged_apart_and_come_sorted():
    table = objects(
        ("b", 5, True), ("c", 1, False), ("a", 9, False), ("b", 6, False), ("d", 1, True)
    )  # fmt: skip
    assert drop_thin_groups(table, min_share=0.5).to_pylist() == ["a", "b", "c"]
    assert share_kept(table).to_pydict() == {"group": list("abcd"), "share": [0, 5 / 11, 0, 1]}


def test_a_group_without_weight_has_nothing_kept():
    table = objects(("a", 0, True))
    assert share_kept(table)["share"].to_pylist() == [0.0]
    assert drop_thin_groups(table, min_share=0.5).to_pylist() == ["a"]
    assert drop_thin_groups(table, min_share=0.0).to_pylist() == []


def test_no_groups_at_all():
    assert drop_thin_groups(objects(), min_share=0.5).to_pylist() == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9), st.booleans()), min_size=1))
def test_shares_are_those_of_a_plain_sum(rows):
    def weigh(group, only_kept):
        return sum(w for g, w, kept in rows if g == group and (kept or not only_kept))

    expected = {
        group: weigh(group, True) / weigh(group, False) if weigh(group, False) else 0.0
        for group in sorted({g for g, _, _ in rows})
    }
    found = share_kept(objects(*rows)).to_pydict()
    assert dict(zip(found["group"], found["share"], strict=True)) == pytest.approx(expected)
