import errno
import fcntl
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from clipmill.errors import UsageError
from clipmill.store import Workspace, WorkspaceLockedError
from clipmill.store.storage.lock import LOCK_NAME, object_lock
from clipmill.store.storage.remote import RemoteStorage

HOLD = """
import sys
from clipmill.store import Workspace
with Workspace.open(sys.argv[1]).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(workspace):
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, workspace.root],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_run_is_told_who_holds_the_lock(workspace):
    with workspace.lock():
        with pytest.raises(WorkspaceLockedError) as caught, workspace.lock():
            pass
        assert isinstance(caught.value, UsageError)
        assert caught.value.owner["pid"] == str(os.getpid())
        for part in (f"process {os.getpid()}", socket.gethostname(), "since 2"):
            assert part in str(caught.value)
    with workspace.lock():
        pass


def test_the_lock_is_free_again_after_an_error(workspace):
    with pytest.raises(RuntimeError), workspace.lock():
        raise RuntimeError
    with workspace.lock():
        pass


def test_another_process_holds_the_lock_until_it_is_killed(local):
    process = hold(local)
    try:
        with pytest.raises(WorkspaceLockedError, match=f"process {process.pid} "), local.lock():
            pass
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
    with local.lock():
        pass


def test_a_lock_file_left_behind_does_not_lock(local):
    local.local_path(LOCK_NAME).write_text('{"pid": "1", "host": "elsewhere"}')
    with local.lock():
        pass
    local.local_path(LOCK_NAME).write_bytes(b"\xff garbage")
    with local.lock():
        pass


@pytest.fixture
def remote():
    return RemoteStorage(f"memory://{secrets.token_hex(6)}/ws")


def leave(remote, **owner):
    base = {"pid": "12345", "host": "elsewhere", "since": "2024-01-01T00:00:00+00:00"}
    remote.write(LOCK_NAME, json.dumps(base | {"token": "other"} | owner).encode())


def beat(seconds_ago):
    return (datetime.now(UTC) - timedelta(seconds=seconds_ago)).isoformat()


def test_a_lock_object_renewed_lately_is_respected(remote):
    leave(remote, beat=beat(100))
    with (
        pytest.raises(WorkspaceLockedError, match="process 12345 on elsewhere"),
        object_lock(remote),
    ):
        pass
    assert json.loads(remote.read(LOCK_NAME))["token"] == "other"


@pytest.mark.parametrize("owner", [{"beat": beat(400)}, {}, {"beat": "nonsense"}])
def test_a_lock_object_nobody_renews_is_taken_over(remote, owner):
    leave(remote, **owner)
    with object_lock(remote):
        assert json.loads(remote.read(LOCK_NAME))["pid"] == str(os.getpid())
    assert remote.read(LOCK_NAME) is None


@pytest.fixture
def dead():
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return str(process.pid)


def test_a_lock_object_of_a_dead_process_of_this_machine_is_taken_over_at_once(remote, dead):
    with object_lock(remote):
        space = json.loads(remote.read(LOCK_NAME))["space"]
    if not space:
        pytest.skip("this system does not tell its process spaces apart")
    leave(remote, pid=dead, space=space, beat=beat(1))
    with object_lock(remote):
        pass


def test_a_process_id_of_another_container_with_this_host_name_says_nothing(remote, dead):
    leave(remote, pid=dead, host=socket.gethostname(), space="another", beat=beat(1))
    with pytest.raises(WorkspaceLockedError), object_lock(remote):
        pass


def test_a_process_id_that_was_given_away_again_does_not_lock_for_ever(remote):
    with object_lock(remote):
        owner = json.loads(remote.read(LOCK_NAME))
    leave(remote, **owner | {"token": "other", "beat": beat(400)})  # an id that is alive: ours
    with object_lock(remote):
        pass


def test_a_lock_object_is_renewed_while_held(remote):
    with object_lock(remote, renew_seconds=0.01):
        first = json.loads(remote.read(LOCK_NAME))
        remote.write(LOCK_NAME, json.dumps(first | {"beat": beat(1000)}).encode())
        while True:  # until the owner has renewed it
            owner = json.loads(remote.read(LOCK_NAME) or b"{}")
            if owner.get("beat", "") >= first["beat"]:
                break
        assert owner["token"] == first["token"]


def test_a_lock_that_was_taken_over_is_not_removed_by_its_old_owner(remote):
    with object_lock(remote):
        leave(remote, beat=beat(0))
    assert json.loads(remote.read(LOCK_NAME))["token"] == "other"


def test_a_file_system_without_flock_gets_a_lock_object(local, monkeypatch):
    def no_flock(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_flock)
    with local.lock():
        assert json.loads(local.read_text(LOCK_NAME))["pid"] == str(os.getpid())
        with pytest.raises(WorkspaceLockedError, match=f"process {os.getpid()}"), local.lock():
            pass
    with Workspace.open(local.root).lock():
        pass
