"""Damage is found, in workspaces of every kind, and told apart from a machine's bad moment."""

import pytest
from store_rows import Row, key, ok

from clipmill.store import CorruptFileError, StorageError, Workspace
from clipmill.store.integrity import find_damage, move_aside
from clipmill.store.tables import explained_reads


@pytest.fixture
def damaged(workspace):
    """A table of three parts, the second of them cut off; and the path of that."""
    table = workspace.annotation("things", "f", Row)
    for number in range(3):
        table.append([ok(2 * number), ok(2 * number + 1)])
    table.write_manifest({"backend": "x"})
    path = f"{table.path}/{sorted(n for n in workspace.names(table.path) if 'part' in n)[1]}"
    workspace.write_bytes(path, workspace.read_bytes(path)[:-40])
    workspace.write_bytes("selections/basic/f.parquet", b"")
    return table, path


def test_damaged_files_are_found_and_moved_aside(workspace, damaged):
    table, path = damaged
    seen = []
    found = list(find_damage(workspace, on_file=seen.append))
    assert [damage.path for damage in found] == [path, "selections/basic/f.parquet"]
    assert all(damage.reason for damage in found)
    assert f"{table.path}/manifest.json" in seen
    content = workspace.read_bytes(path)
    assert move_aside(workspace, path) == f"damaged/{path}"
    assert workspace.read_bytes(path) is None
    assert workspace.read_bytes(f"damaged/{path}") == content
    assert table.status()["key"].to_pylist() == [key(n) for n in (0, 1, 4, 5)]
    assert [damage.path for damage in find_damage(workspace)] == ["selections/basic/f.parquet"]


def test_a_second_damage_of_one_name_replaces_nothing(workspace, damaged):
    _, path = damaged
    move_aside(workspace, path)
    workspace.write_bytes(path, b"other")
    assert move_aside(workspace, path) == f"damaged/{path}.2"
    assert workspace.read_bytes(f"damaged/{path}.2") == b"other"


def test_a_damaged_part_can_be_looked_past(workspace, damaged):
    table, path = damaged
    with pytest.raises(CorruptFileError) as caught:
        table.status()
    assert workspace.look_past(caught.value)
    assert not workspace.look_past(caught.value)
    assert table.status()["key"].to_pylist() == [key(n) for n in (0, 1, 4, 5)]
    assert set(table.read([key(n) for n in range(6)])) == {key(n) for n in (0, 1, 4, 5)}
    assert path.rpartition("/")[2] not in workspace.names(table.path)
    assert [damage.path for damage in workspace.damages] == [f"{workspace.root}/{path}"]


def test_copies_are_kept_and_renewed(workspace):
    workspace.write_text("a.txt", "one")
    workspace.back_up("a.txt")
    workspace.write_text("a.txt", "two")
    assert workspace.copies.read_text("a.txt") == "one"
    workspace.back_up("a.txt")
    assert workspace.copies.read_text("a.txt") == "two"
    workspace.back_up("missing.txt")
    assert workspace.copies.read_text("missing.txt") is None


def test_an_error_of_the_system_is_no_damage(local):
    place = local.local_path("selections/basic/x.json")
    place.parent.mkdir(parents=True)
    place.symlink_to("/proc/self/mem")  # opens, and cannot be read at its start
    with pytest.raises(OSError, match="Input/output error") as caught:
        list(find_damage(local))
    assert caught.value.filename == str(place)
    said = "cannot read x: Input/output error; the disk or"
    with pytest.raises(StorageError, match=said), explained_reads("x", ""):
        raise caught.value


def test_no_memory_is_no_damage():
    import pyarrow as pa

    with pytest.raises(StorageError, match="no memory left"), explained_reads("x", ""):
        pa.allocate_buffer(1 << 62)


def test_a_workspace_opens_again_without_a_note_of_the_damage(local):
    local.write_bytes("workspace.json", b"")
    seen = Workspace.open(local.root, look=True)
    assert [damage.reason for damage in seen.damages] == ["it is empty"]
