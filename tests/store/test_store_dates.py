"""Rows keep the time of their commit through merges, runs that were killed, and failures."""

import os
from datetime import UTC, datetime, timedelta

import pytest
from store_rows import Row, failed, key, ok

from clipmill.store import Workspace, merge
from clipmill.store.integrity import find_damage

DAYS = [datetime(2026, 3, day, 9, tzinfo=UTC) for day in range(1, 10)]


def parts_of(workspace, table):
    return [workspace.local_path(f"{table.path}/{name}") for name in workspace.names(table.path)]


def commit(workspace, day, outcomes, *, name="a"):
    """Commit rows as a run of that day does, which was killed before it merged them."""
    table = workspace.annotation(name, "f", Row)
    before = set(parts_of(workspace, table))
    table.append(outcomes)
    for path in set(parts_of(workspace, table)) - before:
        os.utime(path, (day.timestamp(), day.timestamp()))
    return workspace.annotation(name, "f", Row)


def dates(table):
    found = table.dates()
    return dict(zip(found["key"].to_pylist(), found["written"].to_pylist(), strict=True))


def test_a_row_has_the_time_of_its_commit_before_and_after_merges(local):
    table = commit(local, DAYS[0], [ok(1), ok(2)])
    assert dates(table) == {key(1): DAYS[0], key(2): DAYS[0]}
    table.compact()
    table = commit(local, DAYS[1], [ok(3)])
    assert dates(table) == {key(1): DAYS[0], key(2): DAYS[0], key(3): DAYS[1]}
    table.compact()
    assert dates(table) == {key(1): DAYS[0], key(2): DAYS[0], key(3): DAYS[1]}


def test_a_row_that_was_computed_again_has_the_later_time(local):
    commit(local, DAYS[0], [failed(1), ok(2)]).compact()
    table = commit(local, DAYS[3], [ok(1)])
    table.compact()
    assert dates(table) == {key(1): DAYS[3], key(2): DAYS[0]}


def test_a_run_that_was_killed_keeps_its_day_when_the_next_one_merges(local):
    for number in range(merge.FAN_IN - 1):
        commit(local, DAYS[0], [ok(number)])
    table = local.annotation("a", "f", Row)
    table.append([ok(99)])  # the one that makes it merge
    table.compact()
    assert dates(table) | {key(99): None} == {key(n): DAYS[0] for n in range(31)} | {key(99): None}
    assert datetime.now(UTC) - dates(table)[key(99)] < timedelta(minutes=5)


def test_a_long_run_dates_what_it_computes_again(local):
    commit(local, DAYS[0], [failed(0), ok(99)]).compact()
    table = local.annotation("a", "f", Row)
    for number in range(merge.FAN_IN + 1):
        table.append([ok(number)])
    table.compact()
    found = dates(table)
    assert found.pop(key(99)) == DAYS[0]
    assert len(found) == merge.FAN_IN + 1 and min(found.values()) > DAYS[8]


def test_a_table_of_an_earlier_clipmill_has_the_time_of_its_parts(local):
    table = commit(local, DAYS[0], [ok(1)])
    table.compact()
    (part,) = parts_of(local, table)
    os.utime(part, (DAYS[2].timestamp(), DAYS[2].timestamp()))
    local.remove("dates/a/f.parquet")
    commit(local, DAYS[4], [ok(2)]).compact()
    assert dates(table) == {key(1): DAYS[2], key(2): DAYS[4]}


def test_dates_do_not_change_the_bytes_of_rows(local):
    written = []
    for name, day in (("a", DAYS[0]), ("b", DAYS[5])):
        table = commit(local, day, [ok(1), ok(2)], name=name)
        table.compact()
        (part,) = parts_of(local, table)
        written.append(part.read_bytes())
    assert written[0] == written[1]


def test_damaged_dates_cost_the_days_and_no_row(local):
    table = commit(local, DAYS[0], [ok(1)])
    table.compact()
    place = local.local_path("dates/a/f.parquet")
    place.write_bytes(place.read_bytes()[:-20])
    assert [damage.path for damage in find_damage(local)] == ["dates/a/f.parquet"]
    commit(local, DAYS[1], [ok(2)]).compact()
    found = dates(table)
    assert found[key(2)] == DAYS[1]
    assert datetime.now(UTC) - found[key(1)] < timedelta(minutes=5)


def test_nothing_is_written_where_nothing_is_merged(local):
    table = commit(local, DAYS[0], [ok(1)])
    table.compact()
    before = local.stamp("dates/a/f.parquet")
    table.compact()
    assert local.stamp("dates/a/f.parquet") == before != ""


@pytest.mark.parametrize("uri", ["memory://dates-of-rows"])
def test_a_workspace_behind_a_url_tells_times(uri):
    began = datetime.now(UTC) - timedelta(seconds=2)
    table = Workspace.open(uri, create=True).annotation("a", "f", Row)
    table.append([ok(1)])
    table.compact()
    assert began < dates(table)[key(1)] <= datetime.now(UTC)
