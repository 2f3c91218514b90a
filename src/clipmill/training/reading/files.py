"""Files of an export by name: in its folder, or inside its tar shards."""

import zipfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from clipmill.errors import ClipError
from clipmill.manifest.entries import FileEntry
from clipmill.store.errors import CorruptFileError

REMEDY = "Restore it, or run the export again: it makes what is missing or damaged."


class MissingFileError(ClipError):
    """A file of an export is gone, or is another one than was exported."""

    kind = "missing"


class ExportFiles(ABC):
    """Where the files of an export are."""

    def __init__(self, root: Path) -> None:
        self.root = root

    @abstractmethod
    def uri(self, file: FileEntry) -> str:
        """Return what the video package opens.

        Raises:
            MissingFileError: There is no such file.
        """

    @abstractmethod
    def read(self, file: FileEntry) -> bytes:
        """Return the bytes of a small file.

        Raises:
            MissingFileError: It is gone, or of another size than was exported.
        """

    def name(self, file: FileEntry) -> str:
        """Return the place of a file, for people."""
        return "/".join(filter(None, (str(self.root), file.shard, file.path)))

    def check_size(self, file: FileEntry, size: int) -> None:
        """Refuse a file of another size than the manifest says."""
        if size != file.bytes:
            raise MissingFileError(
                f"{self.name(file)} has {size} bytes, but had {file.bytes} when it was "
                f"exported. {REMEDY}"
            )


class FolderFiles(ExportFiles):
    """Files that lie in the folder of the export."""

    def uri(self, file: FileEntry) -> str:
        """Return the path; whether there is such a file is seen when it is opened."""
        return str(self.root / file.path)

    def read(self, file: FileEntry) -> bytes:
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
