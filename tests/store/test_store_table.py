import json
import pickle
from dataclasses import dataclass, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from store_rows import Part, Row, batches, failed, key, ok, row

from clipmill.errors import UsageError
from clipmill.store import Outcome, Workspace


@pytest.fixture
def table(workspace):
    return workspace.annotation("things", "f00d", Row)


def test_an_empty_table_answers_everything(table):
    keys = pa.array(["b", "a"])
    assert table.status().num_rows == 0
    assert table.columns(["number", "parts"]).num_rows == 0
    assert table.exploded("groups.parts", ["name"]).column_names == ["key", "name"]
    assert table.read(["a"]) == {}
    assert table.pending(keys).to_pylist() == ["b", "a"]
    table.compact()
    table.append([])
    assert table.status().num_rows == 0


def test_rows_come_back_from_any_part(table):
    outcomes = [ok(n) if n % 5 else failed(n) for n in range(60)]
    for unit in batches(outcomes, 7):
        table.append(unit)
    wanted = [key(n) for n in (1, 33, 5, 59, 1)]
    expected = {key(n): row(n) for n in (1, 33, 59)}  # 5 failed
    assert repr(table.read([*wanted, "nobody"])) == repr(expected)
    assert list(table.read(wanted)) == list(expected)


def test_status_has_one_sorted_row_per_key(table):
    table.append([ok(3), failed(4, "bad \udcff name"), ok(5)])
    status = table.status()
    assert status.column_names == ["key", "status", "error_kind", "error", "seconds"]
    assert status["key"].to_pylist() == sorted([key(3), key(4), key(5)])
    rows = {entry["key"]: entry for entry in status.to_pylist()}
    assert rows[key(3)]["status"] == "ok"
    assert rows[key(3)]["error"] == ""
    assert rows[key(4)]["status"] == "failed"
    assert rows[key(4)]["error"] == "bad \\udcff name"
    assert rows[key(4)]["error_kind"] == "decode"


def test_ok_wins_over_failed_and_later_over_earlier(table):
    other = replace(row(1), label="later")
    table.append([ok(1), failed(2), failed(3, "first")])
    table.append([Outcome(key(1), other), ok(2), failed(3, "second")])
    table.append([failed(1), failed(2)])
    for _ in range(2):  # the same before and after compaction
        status = {entry["key"]: entry for entry in table.status().to_pylist()}
        assert [status[key(n)]["status"] for n in (1, 2, 3)] == ["ok", "ok", "failed"]
        assert status[key(3)]["error"] == "second"
        assert table.read([key(1)])[key(1)].label == "later"
        assert table.read([key(2)])[key(2)].number == 2
        table.compact()


def test_one_key_twice_in_one_commit_obeys_the_same_rule(table):
    table.append([failed(1), ok(1), failed(1), failed(2, "first"), failed(2, "second")])
    assert table.status()["status"].to_pylist() == ["ok", "failed"]
    assert table.status()["error"].to_pylist()[1] == "second"


def test_pending_keeps_the_order_and_counts_failed_rows_as_done(table):
    table.append([ok(1), failed(2)])
    table.append([ok(3), failed(4)])
    table.append([ok(4)])
    keys = pa.array([key(n) for n in (9, 4, 3, 2, 1, 0, 9)])
    assert table.pending(keys).to_pylist() == [key(9), key(0)]
    assert table.pending(keys, retry={"decode", "model"}).to_pylist() == [key(9), key(2), key(0)]
    assert table.pending(pa.array([], pa.string())).to_pylist() == []


def test_columns_are_null_where_a_row_failed(table):
    table.append([ok(1), failed(2)])
    columns = table.columns(["number", "maybe"])
    assert columns.column_names == ["key", "status", "number", "maybe"]
    by_key = {entry["key"]: entry for entry in columns.to_pylist()}
    assert by_key[key(1)]["number"] == 1
    assert by_key[key(2)]["number"] is None
    assert table.columns(["status"]).column_names == ["key", "status"]


def test_lists_explode_to_one_row_per_entry(table):
    table.append([ok(n) if n % 5 else failed(n) for n in range(12)])
    table.append([ok(n) for n in range(12, 20)])
    good = sorted((n for n in range(20) if n >= 12 or n % 5), key=key)
    parts = [(key(n), p.name, p.area) for n in good for p in row(n).parts]
    exploded = table.exploded("parts", ["name", "area"])
    assert [tuple(entry.values()) for entry in exploded.to_pylist()] == parts
    nested = [(key(n), p.name) for n in good for g in row(n).groups for p in g.parts]
    exploded = table.exploded("groups.parts", ["name"])
    assert [tuple(entry.values()) for entry in exploded.to_pylist()] == nested
    # a field that is a list itself comes as it is
    groups = [(key(n), g.index, len(g.parts)) for n in good for g in row(n).groups]
    exploded = table.exploded("groups", ["index", "parts"]).to_pylist()
    assert [(e["key"], e["index"], len(e["parts"])) for e in exploded] == groups


@pytest.mark.parametrize(
    ("ask", "text"),
    [
        (lambda t: t.columns(["labl"]), "no column 'labl'; it has: number, score, label"),
        (lambda t: t.exploded("part", ["name"]), "has no field 'part'"),
        (lambda t: t.exploded("number", ["name"]), "'number' is no list of records"),
        (lambda t: t.exploded("parts", ["nam"]), "'parts' has no field 'nam'; it has: name, area"),
        (lambda t: t.exploded("parts.tags", ["x"]), "'parts.tags' is no list of records"),
    ],
)
def test_a_wrong_field_is_named_with_those_there_are(table, ask, text):
    table.append([ok(1)])
    with pytest.raises(UsageError) as caught:
        ask(table)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    "bad",
    [
        replace(row(1), number=1.5),
        replace(row(1), number=2**63),
        replace(row(1), label=7),
        replace(row(1), label="\udcff"),
        replace(row(1), parts=(Part("p", "not a number", b""),)),
        Part("another type", 0.5, b""),
    ],
)
def test_a_record_that_cannot_be_stored_fails_alone(table, bad):
    table.append([ok(0), Outcome(key(1), bad, seconds=3.0), ok(2)])
    status = {entry["key"]: entry for entry in table.status().to_pylist()}
    assert [status[key(n)]["status"] for n in range(3)] == ["ok", "failed", "ok"]
    assert status[key(1)]["error_kind"] == "model"
    assert "cannot be stored" in status[key(1)]["error"]
    assert status[key(1)]["seconds"] == 3.0
    assert set(table.read([key(n) for n in range(3)])) == {key(0), key(2)}


def test_another_table_object_and_another_process_see_every_commit(table):
    other = pickle.loads(pickle.dumps(table))
    table.append([ok(1)])
    assert set(other.read([key(1)])) == {key(1)}
    other.append([ok(2)])
    table.append([ok(3)])
    assert table.status().num_rows == other.status().num_rows == 3


def test_the_key_column_carries_its_own_name_on_disk(workspace, tmp_path):
    table = workspace.annotation("probe", "f", Row, key="video_id")
    table.append([ok(1)])
    assert table.schema.names[:5] == ["video_id", "status", "error_kind", "error", "seconds"]
    assert table.columns([]).column_names == ["key", "status"]
    (name,) = workspace.names(table.path)
    part = pq.read_table(pa.BufferReader(workspace.read_bytes(f"{table.path}/{name}")))
    assert part.schema.names == table.schema.names


def test_a_field_named_like_a_status_column_is_refused(workspace):
    @dataclass(frozen=True)
    class Clash:
        seconds: float

    with pytest.raises(TypeError, match="seconds"):
        workspace.annotation("clash", "f", Clash)


def test_the_first_manifest_stays(table):
    assert table.read_manifest() is None
    table.write_manifest({"backend": "embedded", "config": {"b": 1, "a": "ü"}})
    table.write_manifest({"backend": "another"})
    assert table.read_manifest() == {"backend": "embedded", "config": {"a": "ü", "b": 1}}


def test_many_commits_make_few_parts(workspace):
    table = workspace.annotation("things", "f", Row)
    for unit in batches(map(ok, range(400)), 2):
        table.append(unit)
    table = workspace.annotation("things", "f", Row)  # counts what is there already
    for unit in batches(map(ok, range(400, 500)), 2):
        table.append(unit)
    assert len(workspace.names(table.path)) < 50
    assert table.columns(["number"])["number"].to_pylist() == sorted(range(500), key=key)


def test_files_that_are_no_parts_are_not_read(local):
    table = local.annotation("things", "f", Row)
    table.append([ok(1)])
    folder = local.local_path(table.path)
    (folder / ".part-0-0000000002-00000000.parquet.0123456789abcdef.clipmill-tmp").write_bytes(b"x")
    (folder / "part-0-0000000003-zzzzzzzz.parquet").write_bytes(b"somebody's copy")
    (folder / "notes.txt").write_text("mine")
    assert table.status().num_rows == 1
    table.compact()
    assert (folder / "notes.txt").exists()
    assert len(table.read([key(1)])) == 1


def test_a_lookup_reads_only_the_groups_it_needs(local):
    table = local.annotation("things", "f", Row)
    table.append([ok(n, blob_size=4096) for n in range(4000)])
    table.compact()
    (name,) = [n for n in local.names(table.path) if n.endswith("parquet")]
    file = pq.ParquetFile(local.local_path(f"{table.path}/{name}"))
    assert file.num_row_groups >= 4
    sizes = [file.metadata.row_group(g).num_rows for g in range(file.num_row_groups)]
    keys = sorted(key(n) for n in range(4000))
    # damage the last group: keys of the first one can be read, those of the last cannot
    where = file.metadata.row_group(file.num_row_groups - 1)
    offset = where.column(file.schema_arrow.get_field_index("blob")).data_page_offset
    path = local.local_path(f"{table.path}/{name}")
    data = bytearray(path.read_bytes())
    data[offset + 60] ^= 0xFF
    path.write_bytes(bytes(data))
    fresh = Workspace.open(local.root).annotation("things", "f", Row)
    first = keys[: sizes[0]]
    assert len(fresh.read(first)) == sizes[0]
    with pytest.raises(Exception, match=name):
        fresh.read(keys[-1:])


def test_the_manifest_and_rows_are_plain_files_others_can_read(local):
    import duckdb

    table = local.annotation("things", "f", Row)
    table.write_manifest({"backend": "embedded"})
    table.append([ok(1), failed(2)])
    folder = local.local_path(table.path)
    assert json.loads((folder / "manifest.json").read_text()) == {"backend": "embedded"}
    query = f"select clip_id, number from '{folder}/*.parquet' where status = 'ok'"
    assert duckdb.sql(query).fetchall() == [(key(1), 1)]


@dataclass(frozen=True)
class Earlier:
    """What an earlier version kept of a thing."""

    number: int
    score: float


@dataclass(frozen=True)
class Now(Earlier):
    """The same with a field that was added since."""

    parts: tuple[Part, ...] | None = None


def test_rows_that_an_earlier_version_wrote_are_read_beside_new_ones(workspace):
    earlier = workspace.annotation("things", "f", Earlier)
    earlier.append([Outcome(key(n), Earlier(n, n / 2)) for n in range(4)])
    table = workspace.annotation("things", "f", Now)
    known = {key(n): Now(n, n / 2) for n in range(4)}
    assert table.read(list(known)) == known
    assert table.columns(["parts"])["parts"].null_count == 4
    assert table.exploded("parts", ["name"]).num_rows == 0
    known[key(2)] = Now(2, 7.0, (Part("a", 0.5, b"x"),))
    known[key(9)] = Now(9, 1.0, ())
    table.append([Outcome(name, known[name]) for name in (key(2), key(9))])
    for compacted in (False, True):
        if compacted:
            table.compact()
        fresh = workspace.annotation("things", "f", Now)
        assert fresh.read(list(known)) == known
        assert fresh.columns(["parts", "score"])["parts"].null_count == 3
        assert fresh.exploded("parts", ["name"]).to_pylist() == [{"key": key(2), "name": "a"}]
        scanned = [entry for part in fresh.scan(["parts"]) for entry in part.to_pylist()]
        unknown = {entry["key"] for entry in scanned if entry["parts"] is None}
        assert (len(scanned), unknown) == (5, {key(n) for n in (0, 1, 3)})
