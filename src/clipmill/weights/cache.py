"""The local cache: one folder a model, beside it a record of what was verified, and a lock.

CACHE/autoshot/ckpt_0_200_0.pth    the files, named as published
CACHE/autoshot.json                what was verified: revision, sizes, SHA-256
CACHE/autoshot.lock                held while a process fetches
CACHE/partial/autoshot/...         unfinished downloads, resumed by the next pull
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from clipmill.disk import hold, write_text
from clipmill.weights.errors import WeightsError

CACHE_VARIABLE = "CLIPMILL_WEIGHTS_DIR"


class FileRecord(BaseModel):
    """A verified file.

    Attributes:
        size_bytes: Size in bytes (of an unpacked folder: of all its files).
        mtime_ns: Modification time when it was hashed; another one means hash again.
        sha256: Checksum of the content.
        checked: What it was compared with: `registry`, `hub`, or `first use` (nothing).
        entries: Files of an unpacked folder; empty for a plain file.
    """

    model_config = ConfigDict(frozen=True)

    size_bytes: int
    mtime_ns: int
    sha256: str
    checked: str
    entries: tuple[str, ...] = ()


class CacheRecord(BaseModel):
    """What the cache holds of a model; plays the part of a lock file of dependencies.

    Attributes:
        name: The model.
        source: Where it came from.
        revision: Commit of the source, if it has one.
        complete: Whether every wanted file is there; False while a pull goes on.
        files: The verified files by name.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    source: str
    revision: str | None = None
    complete: bool = False
    files: dict[str, FileRecord] = Field(default_factory=dict)


def default_root() -> Path:
    """Return the cache folder: `CLIPMILL_WEIGHTS_DIR`, or clipmill/weights in the user's cache."""
    if chosen := os.environ.get(CACHE_VARIABLE):
        return Path(chosen).expanduser().absolute()
    base = os.environ.get("XDG_CACHE_HOME", "")
    # The XDG specification says that relative paths are invalid and to be ignored.
    home = Path(base) if base and Path(base).is_absolute() else Path.home() / ".cache"
    return home / "clipmill" / "weights"


@dataclass(frozen=True)
class Cache:
    """A cache folder.

    Attributes:
        root: The folder; made when something is written.
    """

    root: Path

    def folder(self, name: str) -> Path:
        """Return the folder of a model's files."""
        return self.root / name

    def partial(self, name: str) -> Path:
        """Return the folder of a model's unfinished downloads."""
        return self.root / "partial" / name

    def _record_path(self, name: str) -> Path:
        return self.root / f"{name}.json"

    def read(self, name: str) -> CacheRecord | None:
        """Return what is known of a model, None if nothing.

        Raises:
            WeightsError: The record cannot be understood.
        """
        path = self._record_path(name)
        try:
            return CacheRecord.model_validate_json(path.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (ValidationError, OSError) as error:
            raise WeightsError(
                f"the record of the weights '{name}' is damaged or cannot be read: {path} "
                f"({error.__class__.__name__}). Remove it and run: clipmill models pull {name}"
            ) from error

    def write(self, record: CacheRecord) -> None:
        """Store a record; readers see the old or the new one, never half of it."""
        write_text(self._record_path(record.name), record.model_dump_json(indent=2))

    def unusable(self, error: Exception) -> WeightsError:
        """Return the error that tells that the folder cannot be written to."""
        return WeightsError(
            f"the weights cache {self.root} cannot be written: {error}. "
            f"Set {CACHE_VARIABLE} to a folder on a local disk that you may write to"
        )

    @contextmanager
    def lock(self, name: str, *, on_wait: Callable[[], None] | None = None) -> Iterator[None]:
        """Hold a model's lock, waiting for another process that fetches it.

        Args:
            name: The model.
            on_wait: Called once when another process holds the lock.

        Raises:
            WeightsError: The folder cannot be written, or its file system has no locks.
        """
        with ExitStack() as held:
            try:
                held.enter_context(hold(self.root / f"{name}.lock", wait=True, on_wait=on_wait))
            except OSError as error:
                raise self.unusable(error) from error
            yield


def open_cache(root: Path | None = None) -> Cache:
    """Return the cache at a folder, or the user's."""
    return Cache(root or default_root())
