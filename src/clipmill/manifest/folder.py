"""The folder of an export: files whole or absent, nothing foreign touched.

Unfinished files lie in a folder of their own on the same file system, because trainers take
every file of a data folder for data. Files of an earlier export that the new one does not write
are removed at the end; they are known by their places and names alone, so an export that was
killed half-way leaves nothing behind that a later one would not recognise.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from clipmill.disk import create, sha256_of
from clipmill.errors import UsageError
from clipmill.manifest.marker import MARKER, ListedFile, Marker, read_marker

UNFINISHED = ".clipmill-unfinished"


class ExportFolder:
    """An output folder that belongs to one kind of export.

    Args:
        root: The folder; made when it is missing.
        kind: Name of the export, written into the marker.
        owned: For every folder below `root` that the export fills, a pattern of the relative
            paths (within that folder) it writes.
        data: Those of them where a foreign file would be read as data.

    Raises:
        UsageError: The folder holds something else, or a foreign file lies among the data.
    """

    def __init__(
        self, root: Path, *, kind: str, owned: Mapping[str, str], data: tuple[str, ...]
    ) -> None:
        self.root = root.absolute()
        self._kind = kind
        self._owned = {name: re.compile(pattern) for name, pattern in owned.items()}
        self._written: dict[str, ListedFile] = {}
        self._before: Mapping[str, ListedFile] = {}
        self._claim()
        for folder in data:
            self._refuse_foreign(folder)

    def _claim(self) -> None:
        if self.root.exists() and not self.root.is_dir():
            raise UsageError(f"{self.root} is a file; an export is a folder")
        marker = self.root / MARKER
        if marker.exists():
            self._before = self._earlier().files
        elif self.root.is_dir() and any(p.name != UNFINISHED for p in self.root.iterdir()):
            raise UsageError(
                f"{self.root} is not empty and is no earlier export (there is no {MARKER} in "
                "it); choose a new folder. Nothing was changed."
            )
        self.root.mkdir(parents=True, exist_ok=True)
        if not marker.exists():
            self.write(MARKER, Marker(self._kind).to_bytes())
            self._written.clear()

    def _earlier(self) -> Marker:
        """Return the marker of an earlier export of this kind."""
        try:
            earlier = read_marker(self.root)
        except UsageError:
            earlier = Marker("unreadable marker")
        if earlier.kind != self._kind:
            raise UsageError(
                f"{self.root} holds another export ({earlier.kind}); choose a folder of its own "
                "for this one"
            )
        return earlier

    def _refuse_foreign(self, folder: str) -> None:
        pattern = self._owned[folder]
        base = self.root / folder
        foreign = [name for name in _files_below(base) if not pattern.fullmatch(name)]
        if foreign:
            raise UsageError(
                f"{base / foreign[0]} was not written by clipmill, and trainers would read it as "
                "data; move it elsewhere and export again"
            )

    @contextmanager
    def create(self, path: str, mode: str = "wb") -> Iterator[IO[Any]]:
        """Open a file for writing; it appears under its name when the block ends.

        Args:
            path: Relative to the folder, `/` as separator.
            mode: `wb`, or `w` for UTF-8 text whose line ends are kept.
        """
        place = self.root / path
        with create(place, mode, within=self.unfinished) as file:
            yield file
        self._written[path] = ListedFile(place.stat().st_size, sha256=sha256_of(place))

    def write(self, path: str, data: bytes) -> None:
        """Write a whole file; one of the same content that is there already stays."""
        place = self.root / path
        if place.is_file() and not place.is_symlink() and place.read_bytes() == data:
            digest = hashlib.sha256(data).hexdigest()
            self._written[path] = ListedFile(len(data), sha256=digest)
            return
        with self.create(path) as file:
            file.write(data)

    def link(self, path: str, target: Path) -> None:
        """Make `path` another name of an existing file.

        A symbolic link; where the file system has none, a hard link; across devices, a copy.
        """
        target = target.absolute()
        scratch = self._scratch(path)
        try:
            for how, make in (("symlink", os.symlink), ("hardlink", os.link)):
                with suppress(OSError, NotImplementedError):
                    make(target, scratch)
                    size = target.stat().st_size
                    self._place(scratch, path, ListedFile(size, **{how: str(target)}))
                    return
        finally:
            scratch.unlink(missing_ok=True)
        self.copy(path, target)

    def copy(self, path: str, source: Path) -> None:
        """Copy a file; a copy of the same size and time that is there already stays."""
        facts = source.stat()
        entry = ListedFile(facts.st_size, copy=str(source))
        place = self.root / path
        if place.is_file() and not place.is_symlink():
            there = place.stat()
            same = there.st_size == facts.st_size and there.st_mtime_ns == facts.st_mtime_ns
            if same and not place.samefile(source):
                self._written[path] = entry
                return
        scratch = self._scratch(path)
        try:
            shutil.copyfile(source, scratch)
            os.utime(scratch, ns=(facts.st_atime_ns, facts.st_mtime_ns))
            self._place(scratch, path, entry)
        finally:
            scratch.unlink(missing_ok=True)

    def adopt(self, path: str, file: Path) -> None:
        """Move a finished file of this file system into its place; it is on disk afterwards."""
        with file.open("rb") as opened:
            os.fsync(opened.fileno())
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        file.replace(place)

    @property
    def unfinished(self) -> Path:
        """The folder of unfinished files; made when it is missing, gone after `finish`."""
        folder = self.root / UNFINISHED
        folder.mkdir(exist_ok=True)
        return folder

    def finish(self, facts: Mapping[str, Any], *, adopted: Collection[str] = frozenset()) -> None:
        """Remove what earlier exports wrote and this one did not, then write the marker.

        Args:
            facts: What the marker says besides the files.
            adopted: Paths of the files that came through `adopt` and stay; the marker does not
                list them.
        """
        for folder, pattern in self._owned.items():
            for name in _files_below(self.root / folder):
                path = f"{folder}/{name}"
                if path in adopted:
                    continue
                if pattern.fullmatch(name) and path not in self._written:
                    (self.root / folder / name).unlink()
                    _remove_empty(self.root / folder / name, stop=self.root / folder)
        kept = {path: entry for path, entry in self._before.items() if self._is_there(path)}
        known = kept | self._written
        self.write(MARKER, Marker(self._kind, complete=True, facts=facts, files=known).to_bytes())
        self._sweep()

    def _is_there(self, path: str) -> bool:
        return path != MARKER and os.path.lexists(self.root / path)

    def _sweep(self) -> None:
        """Remove unfinished files, also those of killed exports."""
        folder = self.root / UNFINISHED
        if folder.is_dir() and not folder.is_symlink():
            shutil.rmtree(folder)

    def _scratch(self, path: str) -> Path:
        """Return a free place for the unfinished form of a file."""
        folder = self.unfinished
        name = hashlib.blake2b(f"{os.getpid()}/{path}".encode(), digest_size=16).hexdigest()
        (folder / name).unlink(missing_ok=True)
        return folder / name

    def _place(self, scratch: Path, path: str, entry: ListedFile) -> None:
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        # os.replace does nothing when both names are the same file already
        scratch.replace(place)
        self._written[path] = entry


def _files_below(folder: Path) -> list[str]:
    """Relative paths of the files and links below a folder, links to folders not entered."""
    found = []
    for base, folders, files in os.walk(folder, followlinks=False):
        links = [name for name in folders if Path(base, name).is_symlink()]
        found += [Path(base, name).relative_to(folder).as_posix() for name in files + links]
    return sorted(found)


def _remove_empty(path: Path, *, stop: Path) -> None:
    for folder in path.parents:
        if folder == stop or any(folder.iterdir()):
            return
        folder.rmdir()
