import os
import signal
import subprocess
import sys

import pytest

from clipmill.disk import create, replacing, write_bytes, write_text
from clipmill.disk.atomic import is_temporary, temporary_name


def test_a_file_appears_whole_with_its_folders_and_replaces_an_older_one(tmp_path):
    path = tmp_path / "a" / "b" / "c.txt"
    write_text(path, "one\r\nzwölf\n")
    assert path.read_bytes() == "one\r\nzwölf\n".encode()
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [p.name for p in path.parent.iterdir()] == ["c.txt"]


def test_a_block_that_raises_leaves_the_older_file_and_nothing_else(tmp_path):
    path = tmp_path / "c.txt"
    write_bytes(path, b"old")
    with pytest.raises(RuntimeError), create(path) as file:
        file.write(b"half of the n")
        file.flush()
        raise RuntimeError
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["c.txt"]


KILLED = """
import sys
from pathlib import Path
from clipmill.disk import create
with create(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    print("writing", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_leaves_the_older_file_and_a_temporary_one_that_is_known(tmp_path):
    path = tmp_path / "c.txt"
    write_bytes(path, b"old")
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout.readline() == b"writing\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert path.read_bytes() == b"old"
    (left,) = [p.name for p in tmp_path.iterdir() if p != path]
    assert is_temporary(left)
    assert not is_temporary("c.txt")


def test_the_temporary_file_may_lie_elsewhere(tmp_path):
    within = tmp_path / "unfinished"
    within.mkdir()
    with replacing(tmp_path / "data" / "a.mp4", within=within) as temporary:
        assert temporary.parent == within
        temporary.write_bytes(b"x")
    assert (tmp_path / "data" / "a.mp4").read_bytes() == b"x"
    assert not list(within.iterdir())


@pytest.mark.parametrize("name", ["n" * 255, "ü" * 127, os.fsdecode(b"\xff" * 255)])
def test_the_longest_names_of_a_file_system_work(tmp_path, name):
    write_bytes(tmp_path / name, b"x")
    assert (tmp_path / name).read_bytes() == b"x"
    assert is_temporary(temporary_name(name))


def test_a_full_disk_names_the_file(tiny_disk):
    path = tiny_disk / "large.bin"
    with pytest.raises(OSError, match="No space left") as caught:
        write_bytes(path, bytes(4 << 20))
    assert caught.value.filename == str(path)
    assert list(tiny_disk.iterdir()) == []
