"""Files of an export by name: in its folder, or inside its tar shards."""

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from clipmill.errors import ClipError
from clipmill.store.errors import CorruptFileError

REMEDY = "Restore it, or run the export again: it makes what is missing or damaged."


class MissingFileError(ClipError):
    """A file of an export is gone, or is another one than was exported."""

    kind = "missing"


@dataclass(frozen=True)
class ExportedFile:
    """One file of a sample.

    Attributes:
        path: Relative to the export; in a shard, the name of the member.
        num_bytes: Its size.
        shard: Path of its shard, relative to the export; empty for a file of its own.
    """

    path: str
    num_bytes: int
    shard: str = ""


class ExportFiles(ABC):
    """Where the files of an export are."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @abstractmethod
    def uri(self, file: ExportedFile) -> str:
        """Return what the video package opens.

        Raises:
            MissingFileError: There is no such file.
        """

    @abstractmethod
    def read(self, file: ExportedFile) -> bytes:
        """Return the bytes of a small file.

        Raises:
            MissingFileError: It is gone, or of another size than was exported.
        """

    def name(self, file: ExportedFile) -> str:
        """Return the place of a file, for people."""
        return "/".join(filter(None, (str(self.root), file.shard, file.path)))

    def check_size(self, file: ExportedFile, size: int) -> None:
        """Refuse a file of another size than the manifest says."""
        if size != file.num_bytes:
            raise MissingFileError(
                f"{self.name(file)} has {size} bytes, but had {file.num_bytes} when it was "
                f"exported. {REMEDY}"
            )


class FolderFiles(ExportFiles):
    """Files that lie in the folder of the export."""

    def uri(self, file: ExportedFile) -> str:
        """Return the path; whether there is such a file is seen when it is opened."""
        return str(self.root / file.path)

    def read(self, file: ExportedFile) -> bytes:
        """Return the bytes of a small file."""
        try:
            data = (self.root / file.path).read_bytes()
        except OSError as error:
            raise MissingFileError(
                f"{self.name(file)} cannot be read ({error.strerror}). {REMEDY}"
            ) from error
        self.check_size(file, len(data))
        return data


@contextmanager
def explained(name: str) -> Iterator[None]:
    """Turn what goes wrong while a file is taken apart into a CorruptFileError."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, LookupError, TypeError) as error:
        raise CorruptFileError(name, repr(error), REMEDY) from error
    except (ValueError, OSError) as error:
        raise CorruptFileError(name, str(error).rstrip("."), REMEDY) from error
