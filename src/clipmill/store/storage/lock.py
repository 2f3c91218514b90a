"""One run at a time on a workspace.

On a local disk the lock is an flock: it vanishes with its process, however that dies. In an
object store it is a small object whose owner renews it; one that was not renewed for minutes,
or whose process on this very machine is gone, is taken over.
"""

import json
import logging
import os
import secrets
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

import psutil

from clipmill.disk import HeldError, LocksUnsupportedError, hold
from clipmill.disk.faults import FULL
from clipmill.store.errors import StorageError, WorkspaceLockedError
from clipmill.store.storage.base import Storage

LOCK_NAME = "clipmill.lock"
RENEW_SECONDS = 30.0
STALE_SECONDS = 300.0

_log = logging.getLogger(__name__)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _process_space() -> str:
    """Return where a process id means something: this boot of this machine, this container.

    Empty where that cannot be told. A host name is not enough: containers may share it.
    """
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""


def _owner() -> dict[str, str]:
    return {
        "pid": str(os.getpid()),
        "host": socket.gethostname(),
        "since": _now(),
        "space": _process_space(),
    }


def _parse(text: bytes | None) -> dict[str, str]:
    try:
        owner = json.loads(text or b"{}")
    except ValueError:
        return {}
    return owner if isinstance(owner, dict) else {}


def _locked_error(root: str, owner: dict[str, str]) -> WorkspaceLockedError:
    who = "another run"
    if owner:
        who = (
            f"another run (process {owner.get('pid', '?')} on {owner.get('host', '?')}, "
            f"since {owner.get('since', '?')})"
        )
    return WorkspaceLockedError(
        f"workspace {root} is in use by {who}. Wait for it to end, stop it, or use another "
        "workspace.",
        owner,
    )


@contextmanager
def workspace_lock(storage: Storage) -> Iterator[None]:
    """Hold the lock of a workspace, by the best means its storage has.

    Raises:
        WorkspaceLockedError: Another run holds it.
        StorageError: The lock cannot be written.
    """
    with ExitStack() as held:
        try:
            if not storage.is_local:
                raise LocksUnsupportedError
            held.enter_context(local_lock(Path(storage.root)))
        except LocksUnsupportedError:
            held.enter_context(object_lock(storage))
        yield


@contextmanager
def local_lock(root: Path) -> Iterator[None]:
    """Hold the lock of a workspace on a local disk.

    Raises:
        WorkspaceLockedError: Another run, in this process or another, holds it.
        LocksUnsupportedError: The file system has no locks; `object_lock` works on any.
        StorageError: The lock file cannot be written.
    """
    with ExitStack() as held:
        try:
            file = held.enter_context(hold(root / LOCK_NAME))
            _note_owner(file)
        except HeldError as error:
            raise _locked_error(str(root), _parse(error.content)) from None
        except LocksUnsupportedError:
            raise
        except OSError as error:
            raise StorageError(
                f"cannot lock {root}: {error.strerror}. Nothing was changed; make it writable, "
                "or use another workspace."
            ) from error
        try:
            yield
        finally:
            os.ftruncate(file.fileno(), 0)


def _note_owner(file: IO[bytes]) -> None:
    """Say who holds the lock; a full disk is no reason not to hold it."""
    os.ftruncate(file.fileno(), 0)
    try:
        os.write(file.fileno(), json.dumps(_owner()).encode())
    except OSError as error:
        if error.errno not in FULL:
            raise


class _Renewal(threading.Thread):
    """Writes the lock object again from time to time, until stopped or overtaken."""

    def __init__(self, storage: Storage, owner: dict[str, str], seconds: float) -> None:
        super().__init__(name="clipmill-lock", daemon=True)
        self._storage, self._owner, self._seconds = storage, owner, seconds
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(self._seconds):
            try:
                if _parse(self._storage.read(LOCK_NAME)).get("token") != self._owner["token"]:
                    _log.warning("another run took over the lock of %s", self._storage.root)
                    return
                _write_beat(self._storage, self._owner)
            except (OSError, StorageError) as error:
                _log.warning("cannot renew the lock of %s: %s", self._storage.root, error)

    def stop(self) -> None:
        self._stopped.set()
        self.join()


def _write_beat(storage: Storage, owner: dict[str, str]) -> None:
    storage.write(LOCK_NAME, json.dumps(owner | {"beat": _now()}).encode())


def _is_stale(owner: dict[str, str]) -> bool:
    pid, space = owner.get("pid", ""), _process_space()
    if space and owner.get("space") == space and pid.isdigit() and not psutil.pid_exists(int(pid)):
        return True
    try:
        beat = datetime.fromisoformat(owner["beat"])
        return (datetime.now(UTC) - beat).total_seconds() > STALE_SECONDS
    except (KeyError, ValueError, TypeError):
        return True  # not a lock anyone renews


@contextmanager
def object_lock(
    storage: Storage,
    *,
    renew_seconds: float = RENEW_SECONDS,
) -> Iterator[None]:
    """Hold the lock of a workspace behind a URL.

    Two runs that take over the same stale lock in the same instant can both believe they hold
    it where the store has no exclusive create; parts have unique names, so even then no row is
    lost.

    Raises:
        WorkspaceLockedError: Another run holds it and was seen lately.
    """
    owner: dict[str, Any] = _owner() | {"token": secrets.token_hex(8)}
    mine = json.dumps(owner | {"beat": _now()}).encode()
    if not storage.create_exclusively(LOCK_NAME, mine):
        other = _parse(storage.read(LOCK_NAME))
        if other and not _is_stale(other):
            raise _locked_error(storage.root, other)
        storage.remove(LOCK_NAME)
        if not storage.create_exclusively(LOCK_NAME, mine):
            raise _locked_error(storage.root, _parse(storage.read(LOCK_NAME)))
    renewal = _Renewal(storage, owner, renew_seconds)
    renewal.start()
    try:
        yield
    finally:
        renewal.stop()
        if _parse(storage.read(LOCK_NAME)).get("token") == owner["token"]:
            storage.remove(LOCK_NAME)
