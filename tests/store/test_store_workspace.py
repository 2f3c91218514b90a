import pickle
from pathlib import Path

import pyarrow as pa
import pytest
from store_rows import Row, ok

from clipmill.disk.atomic import temporary_name
from clipmill.errors import UsageError
from clipmill.store import CorruptFileError, Workspace
from clipmill.store.storage.remote import RemoteStorage


def test_files_come_back(workspace):
    assert workspace.read_text("clipmill.yaml") is None
    workspace.write_text("clipmill.yaml", "name: ü\n")
    workspace.write_bytes("media/a b/ü.bin", b"\x00\xff")
    assert workspace.read_text("clipmill.yaml") == "name: ü\n"
    assert workspace.read_bytes("media/a b/ü.bin") == b"\x00\xff"
    assert workspace.names("media") == ["a b"]
    assert workspace.names("media/a b") == ["ü.bin"]
    assert workspace.names("nothing/here") == []
    workspace.write_text("clipmill.yaml", "shorter")
    assert workspace.read_text("clipmill.yaml") == "shorter"


def test_tables_come_back_and_equal_rows_give_equal_bytes(workspace):
    table = pa.table({"key": ["a", None, "ü"], "value": [1.0, float("nan"), None]})
    assert workspace.read_table("selections/s/f.parquet") is None
    workspace.write_table("selections/s/f.parquet", table)
    workspace.write_table("again.parquet", pa.concat_tables([table.slice(0, 1), table.slice(1)]))
    back = workspace.read_table("selections/s/f.parquet")
    assert back.schema == table.schema
    assert str(back.to_pydict()) == str(table.to_pydict())  # NaN is not equal to itself
    data = workspace.read_bytes("selections/s/f.parquet")
    assert data == workspace.read_bytes("again.parquet")
    assert workspace.read_table("again.parquet", columns=["key"]).column_names == ["key"]


@pytest.mark.parametrize("column", [pa.array([], pa.int64()), pa.array([{"b": [1]}])])
def test_odd_tables_come_back(workspace, column):
    table = pa.table({"a": column})
    workspace.write_table("t.parquet", table)
    assert workspace.read_table("t.parquet").equals(table)


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", "", "a//b", "./a", "a\\..\\b"])
def test_no_path_leads_out_of_the_workspace(workspace, path):
    for use in (
        workspace.read_bytes,
        workspace.local_path,
        workspace.read_table,
        lambda p: workspace.write_text(p, "x"),
        lambda p: workspace.annotation("a", p or "..", Row).append([ok(1)]),
    ):
        with pytest.raises(ValueError, match="not a path inside"):
            use(path)


def test_a_missing_workspace_is_a_clear_error(tmp_path):
    for uri in (tmp_path / "nowhere", str(tmp_path), "memory://nowhere/at/all"):
        with pytest.raises(UsageError, match="no clipmill workspace"):
            Workspace.open(uri)
    assert not (tmp_path / "nowhere").exists()


def test_opening_again_finds_what_was_written(tmp_path):
    for uri in (str(tmp_path / "a b"), (tmp_path / "c").as_uri(), "memory://open-again/ws"):
        Workspace.open(uri, create=True).write_text("x", "kept")
        assert Workspace.open(uri).read_text("x") == "kept"
        assert Workspace.open(uri, create=True).read_text("x") == "kept"


def test_a_file_is_no_workspace(tmp_path):
    (tmp_path / "file").write_text("x")
    for create in (False, True):
        with pytest.raises(UsageError, match="Not a directory"):
            Workspace.open(tmp_path / "file", create=create)


def test_a_folder_with_files_becomes_a_workspace_and_keeps_them(tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    workspace = Workspace.open(tmp_path, create=True)
    workspace.clean_temporaries()
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_another_layout_is_refused(tmp_path):
    Workspace.open(tmp_path, create=True)
    (tmp_path / "workspace.json").write_text('{"clipmill_workspace": 99}')
    for look in (False, True):
        with pytest.raises(UsageError, match="another version of clipmill"):
            Workspace.open(tmp_path, create=True, look=look)


@pytest.mark.parametrize("marker", ["", "garbage", "[]", '{"clipmill_'])
def test_a_damaged_marker_is_no_other_version_and_can_be_looked_past(tmp_path, marker):
    Workspace.open(tmp_path, create=True).write_text("x.txt", "mine")
    (tmp_path / "workspace.json").write_text(marker)
    with pytest.raises(CorruptFileError, match="clipmill check --repair"):
        Workspace.open(tmp_path, create=True)
    workspace = Workspace.open(tmp_path, look=True)
    assert workspace.read_text("x.txt") == "mine"
    assert [damage.path for damage in workspace.damages] == [str(tmp_path / "workspace.json")]


@pytest.mark.parametrize("uri", ["nosuchprotocol://bucket/ws"])
def test_an_unknown_protocol_is_a_clear_error(uri):
    with pytest.raises(UsageError, match=r"cannot open workspace.*nosuchprotocol"):
        Workspace.open(uri)


def test_local_paths_exist_only_in_local_workspaces(workspace):
    path = workspace.local_path("media/x.png")
    if workspace.is_local:
        assert path == Path(workspace.root) / "media/x.png"
    else:
        assert path is None


def test_a_workspace_travels_to_other_processes(workspace):
    workspace.write_text("x", "kept")
    assert pickle.loads(pickle.dumps(workspace)).read_text("x") == "kept"


def test_only_own_temporaries_are_cleaned(local, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    folder = Path(local.root) / "annotations" / "x"
    folder.mkdir(parents=True)
    (folder / "linked").symlink_to(outside)
    own = [folder / temporary_name("part.parquet"), Path(local.root) / temporary_name("y")]
    others = [
        outside / temporary_name("part.parquet"),
        folder / "x.tmp",
        folder / ".hidden",
        folder / "part.clipmill-tmp",
        folder / ".part.xyz.clipmill-tmp",
    ]
    for path in own + others:
        path.write_text("x")
    local.clean_temporaries()
    assert not any(path.exists() for path in own)
    assert all(path.exists() for path in others)


def test_an_upload_by_rename_leaves_no_temporary_and_a_sweep_finds_old_ones(tmp_path):
    storage = RemoteStorage(tmp_path.as_uri())
    storage.write("a/x", b"one")
    storage.write("a/x", b"two")
    assert storage.read("a/x") == b"two"
    assert storage.names("a") == ["x"]
    (tmp_path / "a" / temporary_name("x")).write_text("half")
    (tmp_path / "a" / "mine.tmp").write_text("mine")
    storage.sweep()
    assert storage.names("a") == ["mine.tmp", "x"]


def test_a_damaged_table_or_text_names_its_file(local):
    for name in ("t.parquet", "empty.parquet", "x.txt"):
        local.local_path(name).write_bytes(b"" if "empty" in name else b"\xff\xfe damaged")
    for path, read in (
        ("t.parquet", local.read_table),
        ("empty.parquet", local.read_table),
        ("x.txt", local.read_text),
    ):
        with pytest.raises(CorruptFileError, match=path) as caught:
            read(path)
        assert "clipmill check --repair" in str(caught.value)
        assert caught.value.path == str(local.local_path(path))
