import itertools
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from store_rows import Row, batches, failed, key, ok

from clipmill.store import Workspace, merge
from clipmill.store.tables import GROUP_BYTES, GROUP_ROWS


def parts_of(workspace, table):
    names = [name for name in workspace.names(table.path) if name.endswith(".parquet")]
    return {name: workspace.read_bytes(f"{table.path}/{name}") for name in names}


def compacted(workspace, name, units):
    table = workspace.annotation(name, "f", Row)
    for unit in units:
        table.append(unit)
    table.compact()
    (data,) = parts_of(workspace, table).values()
    return data


def rows_with_failures(count):
    return [failed(n) if n % 7 == 0 else ok(n) for n in range(count)]


@pytest.mark.parametrize("size", [1, 3, 50, 150])
def test_the_result_does_not_depend_on_how_rows_were_split(workspace, size):
    outcomes = rows_with_failures(150)
    expected = compacted(workspace, "whole", [outcomes])
    random.Random(size).shuffle(outcomes)
    assert compacted(workspace, f"split{size}", batches(outcomes, size)) == expected


def test_the_result_does_not_depend_on_superseded_rows_or_earlier_compactions(workspace):
    outcomes = rows_with_failures(120)
    expected = compacted(workspace, "whole", [outcomes])
    table = workspace.annotation("retried", "f", Row)
    table.append([failed(n, "an earlier attempt") for n in range(60)])
    table.compact()
    for unit in batches(outcomes, 11):
        table.append(unit)
    table.append([failed(n, "a late failure") for n in range(120) if n % 7])
    table.compact()
    (data,) = parts_of(workspace, table).values()
    assert data == expected


def test_wide_rows_are_split_into_groups_the_same_way_each_time(local):
    outcomes = [ok(n, blob_size=64_000 if n % 9 else 8) for n in range(400)]
    expected = compacted(local, "whole", [outcomes])
    random.Random(0).shuffle(outcomes)
    assert compacted(local, "split", batches(outcomes, 23)) == expected
    metadata = pq.ParquetFile(pa.BufferReader(expected)).metadata
    sizes = [metadata.row_group(g).total_byte_size for g in range(metadata.num_row_groups)]
    assert len(sizes) >= 4
    assert max(sizes) < 2 * GROUP_BYTES


def test_narrow_rows_fill_groups_up(local):
    data = compacted(local, "narrow", batches([failed(n) for n in range(2 * GROUP_ROWS)], 5000))
    metadata = pq.ParquetFile(pa.BufferReader(data)).metadata
    sizes = [metadata.row_group(g).num_rows for g in range(metadata.num_row_groups)]
    assert sizes == [GROUP_ROWS] * 2


def sizes_of(workspace, table):
    """Rows of every part, by name."""
    found = parts_of(workspace, table)
    return {name: pq.read_metadata(pa.BufferReader(data)).num_rows for name, data in found.items()}


def test_no_part_holds_so_much_that_its_damage_costs_a_table(workspace):
    outcomes = [failed(n) for n in range(2 * merge.PART_ROWS + 500)]
    table = workspace.annotation("large", "f", Row)
    random.Random(1).shuffle(outcomes)
    for unit in batches(outcomes, 300):  # more commits than are merged at once
        table.append(unit)
        assert max(sizes_of(workspace, table).values()) <= merge.PART_ROWS
    table.compact()
    assert sorted(sizes_of(workspace, table).values()) == [500, merge.PART_ROWS, merge.PART_ROWS]
    tables = [pq.read_table(pa.BufferReader(d)) for d in parts_of(workspace, table).values()]
    keys = [one["clip_id"].to_pylist() for one in tables]
    assert sorted(itertools.chain(*keys)) == sorted(key(n) for n in range(len(outcomes)))
    ranges = sorted((min(some), max(some)) for some in keys)
    assert all(end < begin for (_, end), (begin, _) in itertools.pairwise(ranges))


def test_a_table_of_many_parts_is_merged_to_the_same_bytes_from_any_history(local, monkeypatch):
    monkeypatch.setattr(merge, "PART_ROWS", 16)
    monkeypatch.setattr(merge, "FAN_IN", 3)
    outcomes = rows_with_failures(100)
    table = local.annotation("whole", "f", Row)
    table.append(outcomes)
    table.compact()
    expected = sorted(parts_of(local, table).values())
    assert len(expected) == 7
    again = local.annotation("again", "f", Row)
    for number, unit in enumerate(batches(outcomes, 7)):
        again.append([failed(n, "an earlier attempt") for n in range(0, 100, 9)])
        again.append(unit)
        if number % 4 == 0:
            again.compact()
    again.append([failed(n) for n in range(0, 100, 7)])
    again.compact()
    assert sorted(parts_of(local, again).values()) == expected
    before = parts_of(local, again)
    again.compact()
    assert parts_of(local, again) == before
    assert set(again.read([key(n) for n in range(100)])) == {key(n) for n in range(100) if n % 7}


def test_rows_are_sorted_by_key(local):
    data = compacted(local, "sorted", batches(rows_with_failures(300), 13))
    keys = pq.read_table(pa.BufferReader(data))["clip_id"].to_pylist()
    assert keys == sorted(key(n) for n in range(300))


def test_compacting_twice_changes_nothing(workspace):
    table = workspace.annotation("things", "f", Row)
    table.append([ok(1), ok(2)])
    table.compact()
    before = parts_of(workspace, table)
    table.compact()
    assert parts_of(workspace, table) == before


def test_commits_after_a_compaction_count(workspace):
    table = workspace.annotation("things", "f", Row)
    table.append([failed(1), ok(2)])
    table.compact()
    table.append([ok(1)])
    fresh = workspace.annotation("things", "f", Row)
    fresh.append([failed(3)])
    fresh.append([failed(2), ok(3)])
    table.compact()
    assert table.status()["status"].to_pylist() == ["ok"] * 3
    assert len(parts_of(workspace, table)) == 1


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 12), st.booleans()), min_size=1, max_size=6),
        max_size=80,
    ),
    st.sets(st.integers(0, 80)),
)
def test_any_history_gives_the_rows_of_a_plain_dict(tmp_path_factory, history, compactions):
    workspace = Workspace.open(tmp_path_factory.mktemp("ws"), create=True)
    table = workspace.annotation("things", "f", Row)
    truth = {}
    for at, unit in enumerate(history):
        outcomes = []
        for number, good in unit:
            outcome = ok(number) if good else failed(number, f"attempt {at}")
            outcomes.append(outcome)
            if good or truth.get(key(number), "") != "":
                truth[key(number)] = outcome.error
            truth.setdefault(key(number), outcome.error)
        table.append(outcomes)
        if at in compactions:
            table.compact()
    found = {entry["key"]: entry["error"] for entry in table.status().to_pylist()}
    assert found == truth
    good = [name for name, error in truth.items() if error == ""]
    assert set(table.read(list(truth))) == set(good)


def _stop_at(monkeypatch, step):
    """Let the n-th file operation of a merge raise, as if the process died there."""

    class Died(BaseException):
        pass

    left = [step]

    def fragile(function):
        def call(*args, **kwargs):
            left[0] -= 1
            if left[0] < 0:
                raise Died
            return function(*args, **kwargs)

        return call

    from clipmill.store.storage.local import LocalStorage

    monkeypatch.setattr(LocalStorage, "create", fragile(LocalStorage.create))
    monkeypatch.setattr(LocalStorage, "remove", fragile(LocalStorage.remove))
    return Died


@pytest.mark.parametrize("rows", [10_000, 20])
def test_a_compaction_that_dies_anywhere_loses_and_doubles_nothing(local, monkeypatch, rows):
    monkeypatch.setattr(merge, "PART_ROWS", rows)
    outcomes = rows_with_failures(70)
    whole = local.annotation("whole", "f", Row)
    whole.append(outcomes)
    whole.compact()
    expected = sorted(parts_of(local, whole).values())
    assert len(expected) == (1 if rows > 70 else 4)
    completed = False
    for step in range(40):
        table = local.annotation(f"step{step}", "f", Row)
        for unit in batches(outcomes, 10):
            table.append(unit)
        table.append([failed(n) for n in range(70)])
        with monkeypatch.context() as patch:
            died = _stop_at(patch, step)
            try:
                table.compact()
                completed = True
            except died:
                pass
        fresh = Workspace.open(local.root).annotation(f"step{step}", "f", Row)
        status = fresh.columns(["number"])
        assert status["key"].to_pylist() == sorted(key(n) for n in range(70))
        assert status["status"].to_pylist().count("ok") == 60 - 1 + 1
        fresh.compact()
        assert sorted(parts_of(local, fresh).values()) == expected
        if completed:
            break
    assert completed


def test_more_parts_than_can_be_open_at_once_are_merged_in_passes(local, monkeypatch):
    monkeypatch.setattr(merge, "FAN_IN", 3)
    outcomes = rows_with_failures(100)
    expected = compacted(local, "whole", [outcomes])
    assert compacted(local, "many", batches(outcomes, 4)) == expected


def test_a_reader_goes_on_while_parts_are_merged_under_it(workspace):
    table = workspace.annotation("things", "f", Row)
    for unit in batches(map(ok, range(30)), 3):
        table.append(unit)
    reader = workspace.annotation("things", "f", Row)
    listed = reader._parts.list
    calls = []

    def list_then_lose():
        names = listed()
        calls.append(len(names))
        if len(calls) == 1:
            table.compact()  # between the reader's listing and its reading
        return names

    reader._parts.list = list_then_lose
    assert reader.status().num_rows == 30
    assert calls == [10, 1]
