"""Full disks, killed processes, damaged files."""

import os
import secrets
import signal
import subprocess
import sys
from dataclasses import make_dataclass
from pathlib import Path

import pytest
from store_rows import Row, failed, key, ok, wide

from clipmill.store import CorruptFileError, Outcome, StorageError, Workspace

SUPPORT = Path(__file__).parents[1] / "support"

APPEND = """
import sys
from store_rows import Row, failed, ok
from clipmill.store import Workspace
workspace = Workspace.open(sys.argv[1], create=True)
workspace.clean_temporaries()
table = workspace.annotation("things", "f", Row)
number = int(sys.argv[2])
with workspace.lock():
    while True:
        unit = [failed(n) if n % 11 == 0 else ok(n) for n in range(number, number + 5)]
        table.append(unit)
        number += 5
        print(number, flush=True)
        if number % 200 == 0:
            table.compact()
"""


def spawn(script, *args, **options):
    environment = os.environ | {"PYTHONPATH": str(SUPPORT)}
    command = [sys.executable, "-c", script, *map(str, args)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, **options)


def test_whatever_was_acknowledged_survives_sigkill(tmp_path):
    acknowledged = 0
    for stop_after in (1, 40, 41, 57, 100):
        process = spawn(APPEND, tmp_path / "ws", acknowledged)
        for _ in range(stop_after):
            acknowledged = int(process.stdout.readline())
        process.send_signal(signal.SIGKILL)
        rest = process.stdout.read().split()
        process.wait()
        acknowledged = int(rest[-1]) if rest else acknowledged
        table = Workspace.open(tmp_path / "ws").annotation("things", "f", Row)
        status = {entry["key"]: entry["status"] for entry in table.status().to_pylist()}
        # a commit may have landed right before it could be acknowledged, in whole
        assert len(status) in (acknowledged, acknowledged + 5)
        for n in range(acknowledged):
            assert status[key(n)] == ("failed" if n % 11 == 0 else "ok")
    good = [n for n in range(acknowledged) if n % 11]
    records = table.read([key(n) for n in good])
    assert [records[key(n)].number for n in good] == good
    workspace = Workspace.open(tmp_path / "ws")
    workspace.clean_temporaries()
    table.compact()
    assert len(workspace.names(table.path)) == 1


def test_a_full_disk_stops_cleanly_and_goes_on_when_there_is_room(tiny_disk):
    ballast = tiny_disk / "ballast"
    ballast.write_bytes(secrets.token_bytes(650_000))
    workspace = Workspace.open(tiny_disk / "ws", create=True)
    table = workspace.annotation("things", "f", Row)
    table.append([ok(0)])
    committed = 0
    with pytest.raises(StorageError) as caught:
        for committed in range(1, 1000):
            table.append([wide(committed)])
    text = str(caught.value)
    assert "No space left on device" in text
    assert str(tiny_disk / "ws" / table.path) in text
    assert committed > 2
    for write in (
        lambda: workspace.write_bytes("media/x.png", bytes(100_000)),
        lambda: table.append([wide(committed)]),
        lambda: table.append([wide(committed)]),
    ):
        with pytest.raises(StorageError, match="No space left"):
            write()
    left = [path.name for path in (tiny_disk / "ws").rglob("*") if path.is_file()]
    assert not any("tmp" in name for name in left)
    assert "x.png" not in left
    assert table.status()["key"].to_pylist() == sorted(key(n) for n in range(committed))
    ballast.unlink()
    table.append([wide(committed)])
    table.compact()
    assert table.status().num_rows == committed + 1


def test_a_compaction_without_room_keeps_every_part(tiny_disk):
    workspace = Workspace.open(tiny_disk / "ws", create=True)
    table = workspace.annotation("things", "f", Row)
    for number in range(20):  # 600 kB: no room for as much again
        table.append([wide(number)])
    with pytest.raises(StorageError, match="No space left"):
        table.compact()
    assert len(table.read([key(n) for n in range(20)])) == 20
    assert len(workspace.names(table.path)) == 20


LIMITED = """
import sys, resource
from store_rows import Row, wide
from clipmill.store import StorageError, Workspace
table = Workspace.open(sys.argv[1]).annotation("things", "f", Row)
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    table.append([wide(n) for n in range(10, 20)])
except StorageError as error:
    print(error)
"""


def test_a_file_that_grows_over_a_limit_leaves_nothing_behind(local):
    table = local.annotation("things", "f", Row)
    table.append([ok(1)])
    process = spawn(LIMITED, local.root)
    text = process.stdout.read()
    assert process.wait() == 0
    assert "cannot write" in text
    assert "File too large" in text
    assert len(local.names(table.path)) == 1
    assert table.status().num_rows == 1


def test_an_unwritable_workspace_is_a_clear_error(local):
    table = local.annotation("things", "f", Row)
    Path(local.root, "annotations").write_text("a file where a folder should be")
    with pytest.raises(StorageError, match="cannot write"):
        table.append([ok(1)])


def damage(data, how):
    if how == "empty":
        return b""
    if how == "truncated":
        return data[: len(data) // 2]
    if how == "no footer":
        return data[:-8]
    changed = bytearray(data)
    changed[len(data) // 5] ^= 0x40
    return bytes(changed)


@pytest.mark.parametrize("how", ["empty", "truncated", "no footer", "bit flip"])
@pytest.mark.parametrize(
    "use",
    [
        lambda t: t.columns(["number", "score", "label", "blob", "parts", "groups"]),
        lambda t: t.read([key(n) for n in range(40)]),
        lambda t: t.compact(),
    ],
    ids=["columns", "read", "compact"],
)
def test_a_damaged_part_is_named_with_the_remedy(local, how, use):
    table = local.annotation("things", "f", Row)
    table.append([ok(n, blob_size=2000) for n in range(20)])
    table.append([failed(n) for n in range(20, 30)])
    first = local.names(table.path)[0]
    path = local.local_path(f"{table.path}/{first}")
    path.write_bytes(damage(path.read_bytes(), how))
    fresh = Workspace.open(local.root).annotation("things", "f", Row)
    with pytest.raises(CorruptFileError) as caught:
        use(fresh)
    assert caught.value.path == str(path)
    assert "clipmill check --repair" in str(caught.value)
    assert len(local.names(table.path)) == 2
    path.unlink()  # the remedy
    assert fresh.status().num_rows == 10
    assert len(fresh.pending(fresh.status()["key"])) == 0


def test_a_part_with_other_columns_says_so(local):
    old = make_dataclass("Row", [("number", int), ("score", float)], frozen=True)
    table = local.annotation("things", "f", old)
    table.append([Outcome(key(1), old(1, 0.5))])
    with pytest.raises(CorruptFileError, match="another version of clipmill"):
        local.annotation("things", "f", Row).status()
