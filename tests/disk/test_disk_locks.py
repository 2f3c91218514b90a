import errno
import fcntl
import subprocess
import sys
import threading

import pytest

from clipmill.disk import HeldError, LocksUnsupportedError, hold

HOLD = """
import sys
from pathlib import Path
from clipmill.disk import hold
with hold(Path(sys.argv[1])) as file:
    file.write(b"me")
    file.flush()
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, tmp_path / "new" / "lock"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()


def test_a_held_lock_is_refused_with_what_the_holder_wrote(holder, tmp_path):
    with pytest.raises(HeldError) as caught, hold(tmp_path / "new" / "lock"):
        pass
    assert caught.value.content == b"me"
    holder.kill()
    holder.wait()
    with hold(tmp_path / "new" / "lock"):
        pass


def test_one_who_waits_gets_it_when_the_holder_is_gone(holder, tmp_path):
    waiting, got = threading.Event(), threading.Event()

    def wait():
        with hold(tmp_path / "new" / "lock", wait=True, on_wait=waiting.set):
            got.set()

    thread = threading.Thread(target=wait)
    thread.start()
    assert waiting.wait(60)
    assert not got.is_set()
    holder.kill()
    thread.join(60)
    assert got.is_set()


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def no_flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_flock)
    with pytest.raises(LocksUnsupportedError), hold(tmp_path / "lock"):
        pass
